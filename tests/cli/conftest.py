"""A run folder as training leaves it, with random weights: nothing here needs a good translation."""

import json
import shutil

import pytest
import torch
from click.testing import CliRunner

from seq2seq.cli.main import program
from seq2seq.data.corpus import read_split
from seq2seq.data.tokenizer import train_tokenizers
from seq2seq.files import RunFolder
from seq2seq.models.build import build_model
from seq2seq.training.weights import parameter_count, save_tensors, weights
from seq2seq.workflows.recipe import load_recipe, recipe_text

RECIPE = """
data:
  source: forward
  target: backward
  corpus: {kind: toy, task: reverse, symbols: 8, max_length: 6, sizes: {train: 200, valid: 10, test: 12}}
tokenizer: {kind: char}
model: {kind: transformer, encoder_layers: 1, decoder_layers: 1, model_dim: 8, feed_forward_dim: 16, num_heads: 2}
training: {updates: 6, validate_every: 2, batch_tokens: 200, validation_bleu: 4}
search: {beam_size: 3, length_penalty: 0.5}
"""
SNAPSHOTS = (2, 4, 6)  # updates


def random_model(recipe, tokenizers, seed):
    torch.manual_seed(seed)
    return build_model(recipe.model, tokenizers.source.size, tokenizers.target.size)


def make_run(root, *, seed=1):
    """A finished run whose snapshots are models of their own; the one after update 4 was the best."""
    folder = RunFolder(root)
    root.mkdir(parents=True)
    folder.recipe.write_text(RECIPE)
    recipe = load_recipe(folder.recipe)
    folder.recipe.write_text(recipe_text(recipe))
    tokenizers = train_tokenizers(recipe.tokenizer, read_split(recipe.data, "train"))
    tokenizers.save(folder.tokenizer)
    model = random_model(recipe, tokenizers, seed)
    save_tensors(folder.model, weights(model))
    folder.training.mkdir()
    events = []
    for update, loss in zip(SNAPSHOTS, (3.0, 1.0, 2.0), strict=True):
        save_tensors(folder.snapshot(update), weights(random_model(recipe, tokenizers, seed + update)))
        events.append({"event": "validation", "update": update, "epoch": 0, "loss": loss, "bleu": 10 - loss})
    folder.metrics.write_text("".join(json.dumps(event) + "\n" for event in events))
    summary = {
        "kind": recipe.model.kind,
        "parameters": parameter_count(model),
        "updates": 6,
        "seconds": 65.0,
        "target_tokens": 6500,
        "source_tokens": 6500,
        "target_tokens_per_second": 100.0,
        "best_metric": "loss",
        "best": 1.0,
        "best_update": 4,
        "longest_source": 11,
        "device": "cpu",
        "precision": "fp32",
        "stopped": "updates",
    }
    folder.summary.write_text(json.dumps(summary))
    folder.environment.write_text(json.dumps({"torch": torch.__version__, "processor": "abacus", "cores": 2}))
    return root


@pytest.fixture(scope="session")
def _finished_run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture
def run(_finished_run, tmp_path):
    """A finished run of one's own."""
    return shutil.copytree(_finished_run, tmp_path / "runs" / "tiny")


@pytest.fixture
def other_run(tmp_path):
    """Another finished run of the same recipe."""
    return make_run(tmp_path / "runs" / "other", seed=50)


@pytest.fixture
def seq2seq():
    """Runs a command line; the result has exit_code, stdout and stderr."""

    def invoke(*arguments, stdin=None):
        return CliRunner().invoke(program, [str(each) for each in arguments], input=stdin, prog_name="seq2seq")

    return invoke
