"""Entries of a cache: folders that are whole or not there, built once even when many ask at the same time.

An entry is built in a folder beside it and moved to its place when whole. Whoever builds holds a lock beside both,
which ends with the process, however that ends; who comes later waits and finds the entry. What a killed process has
left is handed to the next builder of the same entry, who may go on with it; nobody's after a day, it is swept away.
"""

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from seq2seq.errors import CheckpointError, DataError

BUILDING = ".building-"
LOCK = ".lock"
STALE = 24 * 3600  # seconds after which nobody is expected to go on with a building that was left

Entry = TypeVar("Entry")

logger = logging.getLogger(__name__)


def kept(entry: Path, *, build: Callable[[Path], None], load: Callable[[Path], Entry]) -> Entry:
    """What `load` finds in `entry`, which `build` fills where there is none that is whole.

    An error while building leaves nothing; being stopped or killed leaves what was built so far.
    """
    with suppress(CheckpointError):  # it is told and mended below, by one alone
        if entry.exists():
            return load(entry)
    building = entry.with_name(BUILDING + entry.name)
    with explained(entry.parent), _alone(building):
        if (found := _loaded(entry, load)) is not None:  # which another has built meanwhile
            return found
        _sweep(entry.parent)
        building.mkdir(exist_ok=True)
        try:
            build(building)
        except Exception:
            shutil.rmtree(building, ignore_errors=True)
            raise
        building.rename(entry)
    return load(entry)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Errors of the disk as what the user can do about them."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{folder}: the cache cannot be written ({error.strerror or error}); "
            "make room there, or set SEQ2SEQ_CACHE to another folder"
        ) from error


def _loaded(entry: Path, load: Callable[[Path], Entry]) -> Entry | None:
    if not entry.exists():
        return None
    try:
        return load(entry)
    except CheckpointError as error:
        logger.warning("cache: %s; it is made anew", error)
        shutil.rmtree(entry, ignore_errors=True)
        return None


@contextmanager
def _alone(building: Path) -> Iterator[None]:
    """Nobody else builds there meanwhile. The lock stays for as long as a building does."""
    lock = building.with_name(building.name + LOCK)
    lock.parent.mkdir(parents=True, exist_ok=True)
    while (handle := _taken(lock)) is None:
        pass
    try:
        yield
    finally:
        _give_back(handle, lock, building)


def _taken(lock: Path, *, wait: bool = True) -> int | None:
    """A handle that holds the lock; None where it went away, and maybe came anew, or is held by another."""
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(handle), lock.stat()):
            os.utime(handle)
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None


def _give_back(handle: int, lock: Path, building: Path) -> None:
    try:
        if not building.exists():
            lock.unlink(missing_ok=True)  # while it is held, so that who waits for it sees that it is gone
    finally:
        os.close(handle)


def _sweep(folder: Path) -> None:
    """Remove the buildings that were left a day ago."""
    for lock in folder.glob(f"{BUILDING}*{LOCK}"):
        with suppress(FileNotFoundError):  # another has swept, or is done
            if time.time() - lock.stat().st_mtime > STALE and (handle := _taken(lock, wait=False)) is not None:
                building = lock.with_name(lock.name.removesuffix(LOCK))
                shutil.rmtree(building, ignore_errors=True)
                _give_back(handle, lock, building)
