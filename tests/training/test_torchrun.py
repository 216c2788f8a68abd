"""What the environment says of this process, and which GPU is its own."""

import logging

import pytest
import torch

from seq2seq.errors import ConfigError
from seq2seq.training.torchrun import let_main_speak, own_device, own_rank, started_together

CPU, ANY_GPU, SECOND_GPU = (torch.device(name) for name in ("cpu", "cuda", "cuda:1"))


@pytest.fixture
def second_of_four(monkeypatch):
    """On each of two machines, as the last of its two."""
    for name, value in {"RANK": 3, "WORLD_SIZE": 4, "LOCAL_RANK": 1}.items():
        monkeypatch.setenv(name, str(value))


@pytest.fixture
def taken(monkeypatch):
    """The GPUs that were taken, of two."""
    found = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", found.append)
    return found


def test_without_torchrun_a_process_is_alone_and_takes_what_it_was_told(monkeypatch, taken):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert (started_together(), own_rank()) == (1, 0)
    assert [own_device(device) for device in (CPU, ANY_GPU, SECOND_GPU)] == [CPU, ANY_GPU, SECOND_GPU]
    assert taken == []


@pytest.mark.usefixtures("second_of_four")
def test_each_process_takes_the_gpu_of_its_rank_on_its_machine(taken):
    assert (started_together(), own_rank()) == (4, 3)
    assert own_device(ANY_GPU) == SECOND_GPU
    assert taken == [1]
    assert own_device(CPU) == CPU


@pytest.mark.usefixtures("second_of_four")
def test_no_two_processes_take_one_gpu(monkeypatch, taken):
    with pytest.raises(ConfigError, match=r"device: must be cuda .* not cuda:1"):
        own_device(SECOND_GPU)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(ConfigError, match="no GPU for process 2 of this machine; torchrun --nproc-per-node=2"):
        own_device(ANY_GPU)
    assert taken == []


@pytest.mark.parametrize(("rank", "level"), [(0, logging.INFO), (3, logging.ERROR)])
@pytest.mark.usefixtures("second_of_four")
def test_main_alone_logs_what_is_no_error(monkeypatch, rank, level):
    monkeypatch.setenv("RANK", str(rank))
    logger = logging.getLogger("seq2seq")
    monkeypatch.setattr(logger, "level", logging.INFO)
    let_main_speak()
    assert logger.level == level
