"""One training a run folder."""

import fcntl
import os
import signal
import subprocess
import sys

import pytest

from seq2seq.errors import CheckpointError
from seq2seq.workflows.lock import NAME, locked

HOLD = """
import sys
from pathlib import Path
from seq2seq.workflows.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that has the folder."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_second_training_is_refused_with_who_has_the_folder(tmp_path, holder):
    words = rf"run: process {holder.pid} on \S+, since \d{{4}}-\d\d-\d\dT\S+, is training in it; wait for it"
    for _ in range(2):  # being refused does not take the lock away
        with pytest.raises(CheckpointError, match=words), locked(tmp_path / "run"):
            pass


def test_the_lock_of_a_training_that_was_killed_is_taken_over(tmp_path, holder, caplog):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "run" / NAME).exists()
    with caplog.at_level("INFO"), locked(tmp_path / "run"):
        pass
    assert f"the training of process {holder.pid} on" in caplog.text


def test_a_lock_that_ends_well_leaves_nothing(tmp_path):
    with locked(tmp_path / "runs" / "a" / "b"):
        assert (tmp_path / "runs" / "a" / "b" / NAME).read_text().startswith(f'{{"process": {os.getpid()}')
    assert not (tmp_path / "runs").exists()
    (tmp_path / "kept").mkdir()
    with locked(tmp_path / "kept"):
        (tmp_path / "kept" / "recipe.yaml").touch()
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["recipe.yaml"]


@pytest.mark.parametrize("follower", [False, True], ids=["nobody", "another"])
def test_a_lock_that_went_away_while_it_was_opened_is_made_anew(tmp_path, monkeypatch, follower):
    """Its holder ends just then; where another made the file again, that one is the lock."""
    path, flock, gone = tmp_path / NAME, fcntl.flock, []

    def just_gone(handle, operation):
        if not gone:
            gone.append(path.unlink())
            if follower:
                path.touch()
        flock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", just_gone)
    with locked(tmp_path):
        assert gone
        assert path.read_text().startswith(f'{{"process": {os.getpid()}')
        with pytest.raises(CheckpointError, match=f"process {os.getpid()} on"), locked(tmp_path):
            pass
