"""What this toolkit asks of a CPU beyond torch's own settings."""

import os
import subprocess
import sys

import pytest
import torch

PROGRAM = """
import os
import torch
from seq2seq.devices import choose_device
from seq2seq.training.allocator import give_freed_memory_back

def resident():
    give_freed_memory_back()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def train(shapes):
    for n in shapes:
        rnn(torch.ones(64 - n % 8, 40 - n // 8, 64))[0].sum().backward()

choose_device("cpu")
rnn = torch.nn.LSTM(64, 128, batch_first=True)
train(range(20))
before = resident()
train(range(160))
print(resident() - before)
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or not torch.backends.mkldnn.is_available(), reason="oneDNN on Linux"
)
def test_memory_does_not_grow_with_the_shapes_that_an_lstm_reads():
    grown = {}
    for way, capacity in (("as oneDNN does", {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "1024"}), ("ours", {})):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ONEDNN_")}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment | capacity
        )
        grown[way] = int(done.stdout)
    assert grown["ours"] < 0.1 * grown["as oneDNN does"]
