"""An entry is whole or not there, built by one at a time, and its lock leaves no trace."""

import fcntl
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seq2seq.data.entries import kept
from seq2seq.errors import DataError


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("left", [False, True])
def test_another_who_is_done_while_a_lock_is_opened_leaves_no_trace_of_it(tmp_path, monkeypatch, left):
    """Between the kernel's finding of the folder and its making of the lock in it, all may happen."""
    entry = tmp_path / "entries" / "entry"
    if left:  # by one who was killed
        (entry.parent / ".building-entry").mkdir(parents=True)
    real, built = os.open, []

    def build(folder):
        built.append(folder)
        (folder / "x").touch()

    def slowly(path, flags, mode):
        found = real(Path(path).parent, os.O_RDONLY)
        monkeypatch.setattr(os, "open", real)
        assert kept(entry, build=build, load=names_in) == ["x"]
        handle = real(Path(path).name, flags, mode, dir_fd=found)
        os.close(found)
        return handle

    monkeypatch.setattr(os, "open", slowly)
    assert kept(entry, build=build, load=names_in) == ["x"]
    assert len(built) == 1
    assert names_in(entry) == ["x"]
    assert names_in(entry.parent) == ["entry"]


def test_who_waited_for_a_lock_that_is_no_more_takes_the_one_that_is(tmp_path, monkeypatch):
    """A is done while B waits; C begins to build another before B, awake at last, looks: B must not build beside C."""
    entry, building, woken = tmp_path / "entry", threading.Event(), threading.Event()
    flock, at_work, most = fcntl.flock, [], []

    def build(folder):
        at_work.append(folder)
        most.append(len(at_work))
        building.set()
        time.sleep(0.05)
        at_work.remove(folder)
        (folder / "x").touch()

    def late(handle, how):
        monkeypatch.setattr(fcntl, "flock", flock)
        (tmp_path / ".building-entry.lock").unlink()  # A's, who failed
        threads.submit(kept, entry, build=build, load=names_in)  # C
        assert building.wait(10)
        flock(handle, how)
        woken.set()

    with ThreadPoolExecutor(1) as threads:
        monkeypatch.setattr(fcntl, "flock", late)
        assert kept(entry, build=build, load=names_in) == ["x"]  # B
    assert woken.is_set()
    assert most == [1]
    assert names_in(tmp_path) == ["entry"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_lock_stays_for_as_long_as_a_building_does(tmp_path, error):
    def build(_):
        raise error

    with pytest.raises((DataError, KeyboardInterrupt)):
        kept(tmp_path / "entry", build=build, load=names_in)
    left = [".building-entry", ".building-entry.lock"]
    assert names_in(tmp_path) == (left if error is KeyboardInterrupt else [])
    assert kept(tmp_path / "entry", build=lambda folder: (folder / "x").touch(), load=names_in) == ["x"]
    assert names_in(tmp_path) == ["entry"]
