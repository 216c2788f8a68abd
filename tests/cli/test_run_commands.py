"""`seq2seq score`, `average`, `info` and `train`: what else there is to do with a run."""

import json
import signal
from pathlib import Path

import pytest
import torch

from seq2seq import Translator, load_model
from seq2seq.files import RunFolder
from seq2seq.training.weights import parameter_count, read_tensors
from seq2seq.workflows.train import Outcome

SOURCES, TARGETS = ["a b", "", "c"], ["b a", "a", ""]


def weights_after(run, *updates):
    """The mean of the weights of these updates, by the definition of a mean."""
    kept = [read_tensors(RunFolder(run).snapshot(update)) for update in updates]
    return {name: sum(tensors[name] for tensors in kept) / len(kept) for name in kept[0]}


def assert_same_weights(found, expected):
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, msg=name)


def test_scores_of_given_translations_are_the_library_s(run, seq2seq, tmp_path):
    for name, lines in (("s", SOURCES), ("t", TARGETS)):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    found = seq2seq("score", run, "--source", tmp_path / "s", "--target", tmp_path / "t")
    assert found.exit_code == 0
    printed = [line.split("\t") for line in found.stdout.splitlines()]
    for (log_probability, tokens), expected in zip(printed, Translator.load(run).score(SOURCES, TARGETS), strict=True):
        assert float(log_probability) == pytest.approx(expected.log_probability, abs=1e-4)
        assert int(tokens) == expected.tokens


@pytest.mark.parametrize(
    ("words", "updates"),
    [([], (2, 4, 6)), (["--last", "2"], (4, 6)), (["--best", "2"], (4, 6)), (["--best", "3"], (2, 4, 6))],
)
def test_the_average_is_the_mean_of_the_weights_asked_for(words, updates, run, seq2seq):
    found = seq2seq("average", run, *words)
    assert (found.exit_code, found.stdout) == (0, f"{run}\n")
    assert_same_weights(read_tensors(RunFolder(run).model), weights_after(run, *updates))
    assert f"updates {', '.join(map(str, updates))}" in found.stderr


def test_best_goes_by_the_metric_of_the_recipe(run, seq2seq):
    metrics = RunFolder(run).metrics
    losses = {2: 1.0, 4: 3.0, 6: 2.0}
    metrics.write_text(
        "".join(json.dumps({"event": "validation", "update": u, "loss": x}) + "\n" for u, x in losses.items())
        + '{"event": "update", "update": 4, "loss": 0.0}\n'
        + '{"event": "validation", "update": 6, "loss": 9.0, "averaged": 2}\n'
    )
    seq2seq("average", run, "--best", "2")
    assert_same_weights(read_tensors(RunFolder(run).model), weights_after(run, 2, 6))


def test_the_model_before_is_kept_however_often_one_averages(run, seq2seq):
    before = RunFolder(run).model.read_bytes()
    for words in ([], ["--last", "2"]):
        found = seq2seq("average", run, *words)
        undo = found.stderr.split("mv ")[1].splitlines()[0].split()
        assert Path(undo[0]).read_bytes() == before
        assert undo[1] == str(RunFolder(run).model)


def test_the_average_can_go_to_a_new_run(run, seq2seq, tmp_path):
    before = RunFolder(run).model.read_bytes()
    assert seq2seq("average", run, "-o", tmp_path / "new").exit_code == 0
    assert RunFolder(run).model.read_bytes() == before
    assert_same_weights(dict(load_model(tmp_path / "new").named_parameters()), weights_after(run, 2, 4, 6))
    assert seq2seq("translate", tmp_path / "new", stdin="a b\n").stdout.count("\n") == 1
    again = seq2seq("average", run, "-o", tmp_path / "new")
    assert again.exit_code == 1
    assert "already there" in again.stderr


def test_more_than_is_kept_cannot_be_averaged(run, seq2seq):
    before = RunFolder(run).model.read_bytes()
    found = seq2seq("average", run, "--last", "4")
    assert found.exit_code == 1
    assert "only 3 validations are kept (updates 2, 4, 6)" in found.stderr
    for path in RunFolder(run).snapshots()[1:]:
        path.unlink()
    found = seq2seq("average", run)
    assert found.exit_code == 1
    assert "keep_snapshots" in found.stderr
    assert RunFolder(run).model.read_bytes() == before


@pytest.mark.parametrize("words", [["--last", "1"], ["--last", "2", "--best", "2"]])
def test_averages_that_cannot_be_are_usage_errors(words, run, seq2seq):
    assert seq2seq("average", run, *words).exit_code == 2


def test_info_counts_every_parameter_once(run, seq2seq):
    record = json.loads(seq2seq("info", run, "--json").stdout)
    assert record["parameters"] == parameter_count(load_model(run))
    assert sum(record["parameters_by_part"].values()) == record["parameters"]
    assert record["weight_bytes"] == sum(tensor.nbytes for tensor in read_tensors(RunFolder(run).model).values())
    assert record["shared"] == {"output": "target embedding"}


def test_operations_a_token_are_six_for_each_weight_that_multiplies(run, seq2seq):
    record = json.loads(seq2seq("info", run, "--json").stdout)
    width, inner, vocabulary = 8, 16, record["vocabulary"]["target"]
    square, feed_forward = width * width, 2 * width * inner
    assert record["flops_per_token"] == {
        "source": 6 * (4 * square + feed_forward + 2 * square),  # the last: keys and values for the decoder
        "target": 6 * (4 * square + 2 * square + feed_forward + width * vocabulary),
    }


def test_info_of_a_recipe_is_that_of_its_run(run, seq2seq):
    of_run = json.loads(seq2seq("info", run, "--json").stdout)
    of_recipe = json.loads(seq2seq("info", RunFolder(run).recipe, "--json").stdout)
    for name in ("parameters", "parameters_by_part", "flops_per_token", "model"):
        assert of_recipe[name] == of_run[name], name
    assert of_recipe["trained"] == {}


def test_info_tells_the_scores_of_the_model_that_is_there(run, seq2seq):
    assert "BLEU" not in seq2seq("info", run).stdout
    seq2seq("evaluate", run)
    assert "BLEU" in seq2seq("info", run).stdout
    seq2seq("average", run)
    assert "BLEU" not in seq2seq("info", run).stdout


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ({"finished": True, "signal": None}, 0),
        ({"finished": False, "signal": signal.SIGINT}, 130),
        ({"finished": False, "signal": signal.SIGTERM}, 143),
    ],
)
def test_a_training_that_was_stopped_says_so_in_its_exit_status(outcome, status, run, seq2seq, monkeypatch):
    given = []

    def train(options):
        given.append(options)
        return Outcome(run=options.out, **outcome)

    monkeypatch.setattr("seq2seq.workflows.train.train", train)
    words = ["--out", run, "--set", "a=1", "--set", "b=2", "--device", "cpu", "--seed", "3"]
    assert seq2seq("train", RunFolder(run).recipe, *words).exit_code == status
    (options,) = given
    assert (options.out, options.settings, options.device, options.seed) == (run, ("a=1", "b=2"), "cpu", 3)


def test_a_recipe_that_is_not_there_is_one_line(seq2seq, tmp_path):
    found = seq2seq("train", tmp_path / "none.yaml")
    assert (found.exit_code, found.stdout) == (1, "")
    assert found.stderr.startswith(f"Error: {tmp_path / 'none.yaml'}: no such recipe")
