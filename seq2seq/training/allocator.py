"""glibc's allocator told to keep what is freed.

A training step frees and asks for the same hundreds of megabytes again and again; by default glibc gives large blocks
back to the kernel each time, which then has to clear every page anew.
"""

import ctypes
import sys

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # of malloc.h


def keep_freed_memory() -> bool:
    """Whether the allocator took the setting: it does on Linux with glibc, and elsewhere nothing happens."""
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        return False
    settings = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: 2**31 - 1, M_TOP_PAD: 64 * 2**20}
    return all(library.mallopt(option, value) for option, value in settings.items())
