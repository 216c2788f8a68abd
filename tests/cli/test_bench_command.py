"""What `seq2seq bench` measures and what it makes of another program's figures."""

import json
import sys

import pytest

from seq2seq.workflows.bench import Comparison, Speed, _Windows

RECIPE = """
data:
  source: forward
  target: backward
  corpus: {kind: toy, task: reverse, symbols: 8, max_length: 6, sizes: {train: 200, valid: 10, test: 12}}
  train: train
  valid: valid
  tests: [test]
tokenizer: {kind: char}
model: {kind: recurrent, encoder_layers: 1, decoder_layers: 1, embedding_dim: 8, hidden_dim: 8}
training: {updates: 1000, validate_every: 100, batch_tokens: 50}
"""
OTHER = 1000.0


def speed(rate):
    return Speed(rate, 2 * rate, 0.9, 100.0, 1.0, 10, 5, 1.0, 0.5, 1, "cpu")


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "lstm.yaml"
    path.write_text(RECIPE)
    return str(path)


def test_a_training_is_measured_beside_another_program(recipe, seq2seq, tmp_path):
    calls = tmp_path / "calls"
    against = f"""echo x >> {calls}; echo 'done {{"tgt_tok_s_median10": {OTHER}}}'; echo bye"""
    options = ("--recipe", recipe, "--updates", "20", "--against", against, "--rounds", "2", "--json")
    result = seq2seq("bench", "train", *options)
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["target_tokens_per_second"] > 0
    assert found["total_tokens_per_second"] > found["target_tokens_per_second"]
    assert 0.5 < found["fill"] <= 1
    assert found["peak_memory_mb"] > 50  # of a process that has torch in it
    assert found["startup_seconds"] > 0
    assert len(found["rounds"]) == 2
    assert calls.read_text().split() == ["x", "x"]
    assert found["against"]["target_tokens_per_second"] == OTHER


@pytest.mark.slow
def test_two_processes_are_measured_beside_one(recipe, seq2seq, tmp_path):
    """With their own command as the other program; its result is one JSON object over many lines."""
    training = ["bench", "train", "--recipe", recipe, "--updates", "10", "--device", "cpu", "--json"]
    torchrun = f"{sys.executable} -m torch.distributed.run --standalone --nproc-per-node=2 -m seq2seq"
    against = f"OMP_NUM_THREADS=1 {torchrun} {' '.join(training)} | tee {tmp_path / 'other.json'}"
    result = seq2seq(*training, "--against", against)
    assert result.exit_code == 0, result.stderr
    alone, shared = json.loads(result.stdout), json.loads((tmp_path / "other.json").read_text())
    assert (alone["processes"], shared["processes"]) == (1, 2)
    assert alone["against"]["target_tokens_per_second"] == shared["target_tokens_per_second"] > 0
    assert [alone[key] for key in ("parameters", "fill")] == [shared[key] for key in ("parameters", "fill")]


def test_by_turns_is_for_one_process(recipe, seq2seq, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    result = seq2seq("bench", "train", "--recipe", recipe, "--rounds", "2")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("Error: --against, --rounds: must not be given under torchrun")


def test_the_ratio_is_of_medians():
    found = Comparison(
        [speed(100.0), speed(900.0), speed(300.0)], [{"target_tokens_per_second": each} for each in (50, 200, 100)], "x"
    )
    assert found.ratio == pytest.approx(3.0)
    assert found.record["target_tokens_per_second"] == 300.0
    assert found.record["rounds"] == [100.0, 900.0, 300.0]


@pytest.mark.parametrize(("command", "message"), [("exit 3", "status 3"), ("echo '{}'; echo {broken", "must print")])
def test_a_command_without_a_speed_is_one_line(recipe, seq2seq, command, message):
    result = seq2seq("bench", "train", "--recipe", recipe, "--updates", "10", "--against", command)
    assert result.exit_code == 1
    assert message in result.stderr.splitlines()[-1]


def test_the_first_window_and_one_that_something_disturbed_do_not_count():
    windows = [(100, 300, 50.0), (100, 300, 1.0), (100, 300, 9.0), (120, 240, 1.2)]
    records = [dict(zip(("target_tokens", "source_tokens", "seconds"), each, strict=True)) for each in windows]
    assert _Windows(records).rates() == (pytest.approx(100), pytest.approx(300))
