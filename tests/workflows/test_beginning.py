"""Whatever trains a recipe's model begins alike."""

import time

import pytest
import torch

from seq2seq.errors import ConfigError
from seq2seq.files import RunFolder
from seq2seq.training.weights import weights
from seq2seq.workflows import beginning, train
from seq2seq.workflows.beginning import begin, build_trainer, shortened
from seq2seq.workflows.bench import measure_speed
from seq2seq.workflows.calibrate import measure_training
from seq2seq.workflows.recipe import load_recipe

from tiny_training import Silent

RECIPE = """
data: {source: a, target: b, corpus: {kind: toy, sizes: {train: 300, valid: 20, test: 20}, max_length: 8}}
tokenizer: {kind: char}
model: {kind: recurrent, encoder_layers: 1, decoder_layers: 1, embedding_dim: 8, hidden_dim: 8}
training: {updates: 100, batch_tokens: 200, validate_every: 3, validation_bleu: 0, deterministic: true}
"""
CPU = torch.device("cpu")


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


WORK = {
    "training": lambda file, out: train.train(train.TrainOptions(file, out, device="cuda")),
    "calibration": lambda file, out: measure_training(load_recipe(file), "cuda", out, time.time()),
    "speed": lambda file, _: measure_speed(load_recipe(file), "cuda", 10, time.time()),
}


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_a_gpu_is_deterministic_where_the_recipe_says_so(file, tmp_path, monkeypatch, work):
    """Also where it is only measured; and it is asked before it is first used, so that no GPU is needed here."""

    def asked():
        raise ConfigError("asked")

    monkeypatch.setattr(beginning, "only_deterministic_algorithms", asked)
    monkeypatch.setattr(train, "choose_device", torch.device)
    with pytest.raises(ConfigError, match="asked"):
        work(file, tmp_path / "run")


def test_a_cpu_is_not_asked(file, tmp_path, monkeypatch):
    monkeypatch.setattr(beginning, "only_deterministic_algorithms", lambda: 1 / 0)
    begin(load_recipe(file), RunFolder(tmp_path / "run"), CPU)


def test_the_seed_alone_decides_the_starting_weights(file, tmp_path):
    def start(seed):
        torch.rand(3)  # whatever was drawn before
        model = begin(load_recipe(file, [f"seed={seed}"]), RunFolder(tmp_path / "run"), CPU).model
        return torch.cat([weight.flatten() for weight in weights(model).values()])

    assert torch.equal(start(1), start(1))
    assert not torch.equal(start(1), start(2))


def test_a_short_training_has_its_updates_and_one_validation(file, tmp_path):
    """Also where the recipe has an end in time, patience, and an average at the end."""
    ends = [f"training.{setting}" for setting in ("minutes=0.000001", "patience=1", "average=3")]
    recipe, folder = load_recipe(file, ends), RunFolder(tmp_path / "run")
    trainer = build_trainer(shortened(recipe, 10), folder, *begin(recipe, folder, CPU))
    trainer.listener = Silent()
    assert trainer.run()
    assert [record["update"] for record in trainer.listener.validations] == [trainer.position.update] == [10]
