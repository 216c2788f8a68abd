"""A training as the command runs it: a folder that is complete, goes on, and refuses what does not belong."""

import json
import signal
import subprocess
import sys
import time

import pytest

from seq2seq.data.tokenizer import TokenizerPair
from seq2seq.errors import CheckpointError, ConfigError, DataError
from seq2seq.files import RunFolder
from seq2seq.training.weights import read_tensors
from seq2seq.workflows.train import TrainOptions, train

RECIPE = """
data: {source: a, target: b, corpus: {kind: toy, sizes: {train: 200, valid: 20, test: 20}, max_length: 5}}
tokenizer: {kind: char}
model: {kind: recurrent, encoder_layers: 1, decoder_layers: 1, embedding_dim: 8, hidden_dim: 8}
training: {updates: 20, batch_tokens: 100, validate_every: 10, validation_bleu: 5}
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def options(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    return lambda *settings, **more: TrainOptions(recipe, tmp_path / "run", settings, **{"device": "cpu"} | more)


def events(run):
    return [json.loads(line) for line in RunFolder(run).metrics.read_text(encoding="utf-8").splitlines()]


def test_a_run_folder_is_complete(options):
    outcome = train(options())
    folder = RunFolder(outcome.run)
    assert (outcome.finished, outcome.signal) == (True, None)
    assert read_tensors(folder.model).keys()
    assert TokenizerPair.load(folder.tokenizer).joint
    found = [(event["event"], event["update"]) for event in events(outcome.run)]
    assert found == [("update", 10), ("validation", 10), ("update", 20), ("validation", 20)]
    summary = json.loads(folder.summary.read_text(encoding="utf-8"))
    assert (summary["updates"], summary["stopped"]) == (20, "updates")
    assert json.loads(folder.environment.read_text(encoding="utf-8"))["seed"] == 1


def test_the_same_command_on_a_finished_run_changes_nothing(options):
    run = train(options()).run
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert train(options()).finished
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_two_runs_of_one_recipe_are_the_same(options, tmp_path):
    first = train(options())
    again = train(TrainOptions(options().recipe, tmp_path / "again", (), "cpu"))
    assert RunFolder(first.run).model.read_bytes() == RunFolder(again.run).model.read_bytes()
    other = train(TrainOptions(options().recipe, tmp_path / "other", (), "cpu", seed=2))
    assert RunFolder(first.run).model.read_bytes() != RunFolder(other.run).model.read_bytes()


def test_another_recipe_is_refused_with_the_difference(options):
    train(options())
    with pytest.raises(CheckpointError, match=r"holds a run of another recipe(.|\n)*-  updates: 20\n\+  updates: 30"):
        train(options("training.updates=30"))


def test_a_folder_of_something_else_is_refused(options, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").touch()
    with pytest.raises(CheckpointError, match="is not empty and not a run"):
        train(options())


def test_all_embeddings_are_not_tied_over_two_vocabularies(options):
    with pytest.raises(ConfigError, match=r"tied_embeddings must be 'target' or 'none'(.|\n)*tokenizer\.joint=true"):
        train(options("tokenizer.joint=false", "model.tied_embeddings=all"))


def test_a_missing_split_is_named(options):
    with pytest.raises(DataError, match="unknown split 'vali'; did you mean 'valid'"):
        train(options("data.valid=vali"))
    assert not options().out.exists()  # so that the corrected command is not refused


def test_the_time_limit_ends_a_training(options):
    run = train(options("training.minutes=0.00001", "training.updates=1000000")).run
    summary = json.loads(RunFolder(run).summary.read_text(encoding="utf-8"))
    assert summary["stopped"] == "minutes"
    assert summary["updates"] < 1000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_the_same_command_goes_on_to_the_same_model(options, tmp_path, number):
    settings = ("training.updates=150", "training.validate_every=150")
    command = [sys.executable, "-m", "seq2seq", "train", str(options().recipe), "--device", "cpu"]
    command += [word for setting in settings for word in ("--set", setting)]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    subprocess.run([*command, "--out", whole], check=True, capture_output=True)
    with subprocess.Popen([*command, "--out", cut], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        metrics = RunFolder(cut).metrics
        while not metrics.exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
    assert process.returncode == 128 + number
    assert not RunFolder(cut).summary.exists()
    subprocess.run([*command, "--out", cut], check=True, capture_output=True)
    assert RunFolder(cut).model.read_bytes() == RunFolder(whole).model.read_bytes()
    updates = [event["update"] for event in events(cut)]
    assert updates == sorted(updates)
