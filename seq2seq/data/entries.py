"""Entries of a cache: folders that are whole or not there, built once even when many ask at the same time.

An entry is built in a folder beside it and moved to its place when whole. Whoever builds holds a lock, which ends
with the process, however that ends; who comes later waits and finds the entry. What a killed process has left is
handed to the next builder of the same entry, who may go on with it; nobody's after a day, it is swept away.
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
LOCK = "lock"
STALE = 24 * 3600  # seconds without a change after which nobody is expected to go on with a building

Entry = TypeVar("Entry")

logger = logging.getLogger(__name__)


def kept(entry: Path, *, build: Callable[[Path], None], load: Callable[[Path], Entry]) -> Entry:
    """What `load` finds in `entry`, which `build` fills where there is none that is whole.

    An error while building leaves nothing; being stopped or killed leaves what was built so far.
    """
    if (found := _loaded(entry, load)) is not None:
        return found
    with explained(entry.parent), _alone(entry.parent / f"{BUILDING}{entry.name}") as building:
        if (found := _loaded(entry, load)) is not None:  # which another has built meanwhile
            shutil.rmtree(building, ignore_errors=True)
            return found
        _sweep(entry.parent, building)
        try:
            build(building)
        except Exception:
            shutil.rmtree(building, ignore_errors=True)
            raise
        building.rename(entry)
        (entry / LOCK).unlink()  # only now: who opens it before waits, and who comes after finds the entry
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
def _alone(folder: Path) -> Iterator[Path]:
    """`folder`, made if need be, with nobody else in it."""
    handle = _locked(folder)
    while handle is None:
        handle = _locked(folder)
    try:
        yield folder
    finally:
        os.close(handle)


def _locked(folder: Path) -> int | None:
    """A handle that holds the folder's lock, or None where the folder went away while others held it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):  # not exist_ok, which fails when the folder goes away while it looks
        folder.mkdir()
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:  # else it was finished or given up
            return handle
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None


def _sweep(folder: Path, own: Path) -> None:
    for leftover in folder.glob(f"{BUILDING}*"):
        with suppress(FileNotFoundError):  # swept by another process, or done
            if leftover != own and time.time() - leftover.stat().st_mtime > STALE:
                shutil.rmtree(leftover, ignore_errors=True)
