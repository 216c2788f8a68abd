"""torchrun and the command together: what is trained, what happens to those that are killed, cut off or wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from seq2seq.files import RunFolder
from seq2seq.training.torchrun import TIMEOUT

pytestmark = pytest.mark.slow

RECIPE = """
data: {source: a, target: b, corpus: {kind: toy, sizes: {train: 2000, valid: 20, test: 20}, max_length: 8}}
tokenizer: {kind: char}
model: {kind: recurrent, encoder_layers: 1, decoder_layers: 1, embedding_dim: 16, hidden_dim: 16, dropout: 0.2}
training: {updates: 300, batch_tokens: 400, validate_every: 20, validation_bleu: 5}
"""
PYTHON = [sys.executable, "-m"]
TORCHRUN = [*PYTHON, "torch.distributed.run"]
TWO = [*TORCHRUN, "--standalone", "--nproc-per-node=2"]


@pytest.fixture(autouse=True)
def own_place(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv(TIMEOUT, "30")
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))


def train(tmp_path, name, *settings):
    words = [word for setting in settings for word in ("--set", setting)]
    recipe = str(tmp_path / "recipe.yaml")
    return ["-m", "seq2seq", "train", recipe, "--out", str(tmp_path / name), "--device", "cpu", *words]


def finished(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **more)
    assert done.returncode == 0, done.stderr
    return done


def events(run, kind):
    lines = RunFolder(run).metrics.read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


@contextmanager
def started(command, **more):
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, **more
    ) as process:
        try:
            yield process
        finally:
            for pid in [*workers(process.pid), process.pid]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def workers(pid):
    """The processes that torchrun, as `pid`, has started, by rank."""
    ranks = {_rank(child): child for child in _children(pid)}
    return [ranks[rank] for rank in sorted(ranks)]


def _children(pid):
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            _, _, fields = path.read_text(encoding="utf-8").rpartition(") ")
            if int(fields.split()[1]) == pid and _rank(int(path.parent.name)) is not None:
                yield int(path.parent.name)


def _rank(pid):
    words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return next((int(word[5:]) for word in words if word.startswith(b"RANK=")), None)


def wait_until(reached, process, seconds=90):
    end = time.monotonic() + seconds
    while not reached():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < end
        time.sleep(0.02)


def is_at(run, update):
    return lambda: RunFolder(run).metrics.exists() and any(e["update"] >= update for e in events_so_far(run))


def events_so_far(run):
    text = RunFolder(run).metrics.read_text(encoding="utf-8")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_is_restarted_and_the_model_is_the_same(tmp_path, rank):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    finished([*TWO, *train(tmp_path, "whole")])
    with started([*TWO, "--max-restarts=1", *train(tmp_path, "cut")]) as process:
        wait_until(is_at(cut, 90), process)
        os.kill(workers(process.pid)[rank], signal.SIGKILL)
        text, _ = process.communicate(timeout=90)
    assert process.returncode == 0, text
    assert "going on at update" in text
    assert RunFolder(cut).model.read_bytes() == RunFolder(whole).model.read_bytes()
    losses = [[event["train_loss"] for event in events(run, "update")] for run in (whole, cut)]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(("whom", "sharded"), [("torchrun", "false"), ("process 1", "false"), ("torchrun", "true")])
def test_asked_to_stop_all_stop_after_the_same_update_and_another_number_goes_on(tmp_path, whom, sharded):
    cut = tmp_path / "cut"
    settings = ("model.dropout=0.0", "training.updates=200")
    finished([*PYTHON[:1], *train(tmp_path, "whole", *settings)])
    with started([*TWO, *train(tmp_path, "cut", *settings, f"training.sharded={sharded}")]) as process:
        wait_until(is_at(cut, 50), process)
        os.kill(process.pid if whom == "torchrun" else workers(process.pid)[1], signal.SIGTERM)
        text, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert text.count("stopped at update") == 1, text
    assert not RunFolder(cut).summary.exists()
    finished([*PYTHON[:1], *train(tmp_path, "cut", *settings)])
    losses = [[event["train_loss"] for event in events(run, "update")] for run in (tmp_path / "whole", cut)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_one_process_has_nobody_to_share_with(tmp_path):
    done = subprocess.run(
        [*PYTHON[:1], *train(tmp_path, "run", "training.sharded=true")],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: training: sharded: must be false in one process")
    assert not (tmp_path / "run").exists()


def test_only_one_process_talks(tmp_path):
    done = finished([*TWO, *train(tmp_path, "run", "training.updates=20")])
    assert done.stdout.splitlines() == [str(tmp_path / "run")]
    assert done.stderr.count("done; best at update 20") == 1
    assert done.stderr.count(" parameters on cpu") == 1
    assert len(events(tmp_path / "run", "update")) == 2
    again = finished([*TWO, *train(tmp_path, "run", "training.updates=20")])
    assert again.stderr.count("is finished") == 1


@pytest.mark.parametrize(
    ("setting", "message"),
    [("model.dorpout=0.1", "unknown key 'dorpout'"), ("data.valid=vali", "unknown split 'vali'")],
)
def test_a_mistake_is_told_once(tmp_path, setting, message):
    done = subprocess.run(
        [*TWO, *train(tmp_path, "run", setting)], capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode != 0
    assert done.stderr.count(message) == 1
    assert "seq2seq/training" not in done.stderr  # no traceback of ours


# --- two hosts: network namespaces with a cable between them ----------------------------------------------


def ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, check=False).returncode == 0


@pytest.fixture
def hosts():
    """Two names of namespaces that see each other at 10.77.0.1 and 10.77.0.2."""
    names = [f"seq2seq-{os.getpid()}-{number}" for number in (1, 2)]
    try:
        if not all(ip("netns", "add", name) for name in names):
            pytest.skip("may not make network namespaces")
        assert ip(
            "link", "add", "cable1", "netns", names[0], "type", "veth", "peer", "name", "cable2", "netns", names[1]
        )
        for number, name in enumerate(names, 1):
            assert ip("-n", name, "addr", "add", f"10.77.0.{number}/24", "dev", f"cable{number}")
            assert ip("-n", name, "link", "set", "lo", "up")
            assert ip("-n", name, "link", "set", f"cable{number}", "up")
        yield names
    finally:
        for name in names:
            ip("netns", "del", name)


def on_host(names, number, command):
    node = [f"--node-rank={number - 1}", "--nnodes=2", "--nproc-per-node=1", "--master-addr=10.77.0.1"]
    inside = ["ip", "netns", "exec", names[number - 1], "env", f"GLOO_SOCKET_IFNAME=cable{number}"]
    return [*inside, *TORCHRUN, *node, "--master-port=29555", *command]


def test_two_hosts_train_the_model_of_one(tmp_path, hosts):
    finished([*TWO, *train(tmp_path, "one")])
    with started(on_host(hosts, 2, train(tmp_path, "two"))) as second:
        finished(on_host(hosts, 1, train(tmp_path, "two")))
        assert second.wait(60) == 0
    assert RunFolder(tmp_path / "two").model.read_bytes() == RunFolder(tmp_path / "one").model.read_bytes()


def test_a_host_that_is_cut_off_is_noticed_by_both(tmp_path, hosts, monkeypatch):
    monkeypatch.setenv(TIMEOUT, "5")
    command = train(tmp_path, "run", "training.updates=1000000", "training.validate_every=1000000")
    with started(on_host(hosts, 1, command)) as first, started(on_host(hosts, 2, command)) as second:
        wait_until(is_at(tmp_path / "run", 50), first)
        assert ip("-n", hosts[1], "link", "set", "cable2", "down")
        cut = time.monotonic()
        texts = [process.communicate(timeout=60)[0] for process in (first, second)]
        took = time.monotonic() - cut
    for number, (process, text) in enumerate(zip((first, second), texts, strict=True)):
        assert process.returncode != 0
        assert f"process {number} of 2 on " in text
        assert "lost the others" in text
        assert "seq2seq/training" not in text
    assert took < 40  # the timeout, and what torchrun takes to see it
