"""Arrays in files, mapped into memory: what is read of them stays there only until it is given back.

A page that was read counts as memory of the process until the system takes it back, which it does when memory runs
short and no sooner. Who reads a long array from end to end gives it back block by block; what is read again comes
from the system's cache of files, if it is still there.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 20  # numbers of an array that are looked at together


def mapped(path: Path, type: str) -> NDArray[Any]:
    """The numbers of a file, which cannot be written."""
    if path.stat().st_size == 0:  # which cannot be mapped
        return np.zeros(0, dtype=type)
    with path.open("rb") as stream:
        pages = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    return np.frombuffer(pages, dtype=type)  # a plain array, because slicing np.memmap is ten times slower


def give_back(*arrays: NDArray[Any]) -> None:
    """Keep no page of those arrays in memory that are mapped; they can be read as before."""
    for array in arrays:
        pages: Any = getattr(array.base, "obj", None)  # of the view that np.frombuffer makes
        if isinstance(pages, mmap.mmap):
            pages.madvise(mmap.MADV_DONTNEED)


def blocks(*arrays: NDArray[Any]) -> Iterator[tuple[NDArray[Any], ...]]:
    """Arrays of one length, some numbers of each at a time, with only those in memory."""
    for begin in range(0, len(arrays[0]), BLOCK):
        yield tuple(array[begin : begin + BLOCK] for array in arrays)
        give_back(*arrays)
