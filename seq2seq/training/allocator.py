"""glibc's allocator told to keep what is freed.

A training step frees and asks for the same hundreds of megabytes again and again; by default glibc gives large blocks
back to the kernel each time, which then has to clear every page anew.
"""

import ctypes
import sys

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # of malloc.h
KEPT = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: 2**31 - 1, M_TOP_PAD: 64 * 2**20}
GIVEN_BACK = {M_MMAP_MAX: 2**16, M_TRIM_THRESHOLD: 2**17, M_TOP_PAD: 2**17}  # as glibc begins


def keep_freed_memory() -> bool:
    """Whether the allocator took the setting: it does on Linux with glibc, and elsewhere nothing happens."""
    return _set(KEPT)


def give_freed_memory_back() -> bool:
    """The contrary, from now on and for what is kept already."""
    return _set(GIVEN_BACK) and ctypes.CDLL(None).malloc_trim(0) >= 0


def _set(settings: dict[int, int]) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        return False
    return all(library.mallopt(option, value) for option, value in settings.items())
