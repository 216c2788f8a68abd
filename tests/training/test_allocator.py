"""Memory that is freed and asked for again is not given back to the kernel in between, until that is wanted."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys, torch
from seq2seq.training.allocator import give_freed_memory_back, keep_freed_memory
if sys.argv[1].startswith("kept") and not keep_freed_memory():
    sys.exit("not taken")
def page_faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(40_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
page_faults()  # the heap grows to what is asked for
if sys.argv[1].endswith("given back"):
    give_freed_memory_back()
print(page_faults())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the allocator is glibc's")
def test_pages_are_touched_once():
    faults = {}
    for way in ("kept", "as glibc does", "kept, then given back"):
        done = subprocess.run([sys.executable, "-c", PROGRAM, way], capture_output=True, text=True, check=True)
        faults[way] = int(done.stdout)
    assert faults["kept"] < 0.3 * faults["as glibc does"]
    assert faults["kept"] < 0.3 * faults["kept, then given back"]
