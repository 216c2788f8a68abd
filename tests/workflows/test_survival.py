"""Trainings that are killed, cut and moved about end as if nothing had happened.

Run with `-m slow -s` to see the figures.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from seq2seq.files import RunFolder
from seq2seq.workflows.prove import digests
from seq2seq.workflows.train import TrainOptions, train

MODELS = {
    "transformer": "{kind: transformer, encoder_layers: 1, decoder_layers: 1, model_dim: 16, num_heads: 2,"
    " feed_forward_dim: 32, dropout: 0.2, word_dropout: 0.1}",
    "lstm": "{kind: recurrent, encoder_layers: 1, decoder_layers: 1, embedding_dim: 16, hidden_dim: 16, dropout: 0.2,"
    " input_feeding: true}",
}
RECIPE = """
data: {source: a, target: b, corpus: {kind: toy, sizes: {train: 300, valid: 20, test: 20}, max_length: 6}}
tokenizer: {kind: char}
training: {updates: 63, batch_tokens: 200, validate_every: 10, validation_bleu: 4, keep_snapshots: 3, average: 2}
model: """


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def recipe(tmp_path):
    def write(model):
        path = tmp_path / f"{model}.yaml"
        path.write_text(RECIPE + MODELS[model], encoding="utf-8")
        return path

    return write


def forked(options, number=None, after=0.0):
    """Train in a process of its own and send it a signal; its status as a shell would say it, and its seconds."""
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            outcome = train(options)
            os._exit(0 if outcome.signal is None else 128 + outcome.signal)
        finally:
            os._exit(1)
    if number is not None:
        time.sleep(after)
        os.kill(child, number)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return (128 - status if status < 0 else status), time.monotonic() - begun


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_fifty_kills_leave_nothing_that_cannot_go_on(tmp_path, recipe):
    path = recipe("transformer")
    whole = TrainOptions(path, tmp_path / "whole", (), "cpu")
    forked(TrainOptions(path, tmp_path / "warm", (), "cpu"))  # makes the cache
    status, seconds = forked(whole)
    assert status == 0
    expected = digests(RunFolder(whole.out))
    chance, kills, runs = random.Random(1), 0, 0
    while kills < 50:
        runs += 1
        options = TrainOptions(path, tmp_path / f"run-{runs}", (), "cpu")
        status = 137
        while status == 137 and kills < 50:
            status, _ = forked(options, signal.SIGKILL, chance.uniform(0, 0.7 * seconds))
            kills += status == 137
            assert status in (0, 137)
        if status == 137:
            assert forked(options)[0] == 0
        assert digests(RunFolder(options.out)) == expected
        assert not list(options.out.rglob(".*"))  # no litter, no lock
    print(f"\n{kills} kills in {runs} trainings: each ended as the one that was never stopped")  # noqa: T201


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("model", MODELS)
def test_twenty_random_cuts_change_no_bit(tmp_path, recipe, model):
    path = recipe(model)
    forked(TrainOptions(path, tmp_path / "warm", (), "cpu"))
    whole = TrainOptions(path, tmp_path / "whole", (), "cpu")
    _, seconds = forked(whole)
    expected = digests(RunFolder(whole.out))
    chance, cuts, equal, stopped_at = random.Random(2), 0, 0, []
    while cuts < 20:
        options = TrainOptions(path, tmp_path / f"cut-{cuts}", (), "cpu")
        number = chance.choice([signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
        status, _ = forked(options, number, chance.uniform(0.3, 0.9) * seconds)
        kept = RunFolder(options.out).checkpoints()
        if status != 128 + number or not kept:  # over before, or hardly begun
            shutil.rmtree(options.out, ignore_errors=True)
            continue
        cuts += 1
        stopped_at.append(int(kept[-1].stem[-8:]))
        assert forked(options)[0] == 0
        equal += digests(RunFolder(options.out)) == expected
    print(f"\n{model}: {equal} of {cuts} cuts, gone on from updates {sorted(stopped_at)}")  # noqa: T201
    assert equal == 20


def run(path, out, environment, *, umask=0o022):
    command = [sys.executable, "-m", "seq2seq", "train", str(path), "--out", str(out), "--device", "cpu"]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env=os.environ | environment, umask=umask
    )


@pytest.mark.slow
def test_where_and_for_whom_it_runs_does_not_matter(tmp_path, recipe):
    path = recipe("lstm")
    surroundings = {
        "plain": ({}, 0o022),
        "no locale": ({"LC_ALL": "C", "PYTHONUTF8": "0"}, 0o022),
        "Turkish": ({"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}, 0o022),
        "far west, private": ({"TZ": "Pacific/Marquesas"}, 0o077),
        "far east, open": ({"TZ": "Pacific/Kiritimati"}, 0o000),
        "no home": ({"HOME": "/proc/nowhere", "XDG_CACHE_HOME": ""}, 0o022),
    }
    found = {}
    for name, (environment, umask) in surroundings.items():
        if "HOME" in environment:
            environment = environment | {"SEQ2SEQ_CACHE": ""}
        out = tmp_path / name
        done = run(path, out, environment, umask=umask)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        found[name] = digests(RunFolder(out))
        for file in (RunFolder(out).model, RunFolder(out).metrics, RunFolder(out).recipe):
            assert file.stat().st_mode & 0o777 == 0o666 & ~umask, file
    assert all(digest == found["plain"] for digest in found.values())


def test_a_second_training_in_the_same_folder_is_refused(tmp_path, recipe):
    path, out = recipe("transformer"), tmp_path / "run"
    options = TrainOptions(path, out, ("training.updates=100000",), "cpu")
    child = os.fork()
    if child == 0:
        try:
            train(options)
        finally:
            os._exit(1)
    try:
        while not RunFolder(out).metrics.exists():
            time.sleep(0.01)
        with pytest.raises(Exception, match=f"process {child} on .* is training in it"):
            train(options)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert json.loads(RunFolder(out).metrics.read_text(encoding="utf-8").splitlines()[0])["update"] == 10


@pytest.mark.slow
def test_the_proof_of_resuming_holds_in_front_of_the_user(recipe):
    command = [sys.executable, "-m", "seq2seq", "train", "--prove-resume", str(recipe("lstm")), "--device", "cpu"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert len(rows) == 5
    assert all(row[-1] == "yes" for row in rows)
