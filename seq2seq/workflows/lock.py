"""One training a run folder: a lock that the system lets go of when its holder ends, however it ends."""

import fcntl
import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from seq2seq.errors import CheckpointError

NAME = ".lock"

logger = logging.getLogger(__name__)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """The run folder `root` is this process's alone; one that was made for it and is still empty goes again.

    Raises CheckpointError with who trains in it.
    """
    made = [path for path in (root, *root.parents) if not path.exists()]
    handle = _acquire(root)
    try:
        yield
    finally:
        with suppress(OSError):
            (root / NAME).unlink()  # while it is still held: who has opened it meanwhile sees that it is gone
        os.close(handle)
        with suppress(OSError):  # not empty
            for path in made:
                path.rmdir()


def _acquire(root: Path) -> int:
    path = root / NAME
    while True:
        try:
            root.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise CheckpointError(f"{path}: cannot be written ({error.strerror}); give another --out") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 1000, 0)
            os.close(handle)
            raise CheckpointError(
                f"{root}: {_told(holder)} is training in it; wait for it, stop it, or give another folder with --out"
            ) from None
        if _is_still(path, handle):
            break
        os.close(handle)  # another held it until now, and has removed it
    if left := os.pread(handle, 1000, 0):
        logger.info("%s: the training of %s was cut off", root, _told(left))
    ours = {"process": os.getpid(), "host": socket.gethostname(), "since": _now()}
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(ours).encode(), 0)
    return handle


def _is_still(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _told(holder: bytes) -> str:
    try:
        found = json.loads(holder)
        return f"process {found['process']} on {found['host']}, since {found['since']},"
    except (ValueError, KeyError, TypeError):
        return "another process"
