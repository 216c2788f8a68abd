"""Several processes over gloo: what they agree on, and that nobody waits for the dead."""

import os
import signal
import time

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from seq2seq.data.batches import Batches
from seq2seq.data.order import BatchOrder
from seq2seq.errors import ConfigError, DataError, PeerError, ReportedError
from seq2seq.training.objective import batch_loss
from seq2seq.training.parallel import Processes, joined
from seq2seq.training.torchrun import TIMEOUT

from architectures import TINY, tiny_model
from processes import KILLED, free_port, in_processes


class Copies:
    """Pairs of so many tokens each, the target like the source."""

    def __init__(self, lengths):
        draw = np.random.default_rng(3)
        self.rows = [draw.integers(4, 11, length) for length in lengths]
        self.source_lengths = self.target_lengths = np.array(lengths)

    def source(self, index):
        return self.rows[index]

    target = source


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def test_sums_flags_and_values_reach_everyone():
    def work(processes):
        rank, values = processes.rank, torch.tensor([processes.rank + 0.5, 1.0])
        processes.add_up(values)
        return values.tolist(), processes.any(rank == 1, False), processes.gather(f"from {rank}")

    assert in_processes(3, work) == [([4.5, 3.0], [True, False], ["from 0", "from 1", "from 2"])] * 3


def test_one_process_alone_has_nobody_to_ask(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined() as alone:
        assert type(alone) is Processes
        assert alone.is_main
        assert (alone.any(False, True), alone.gather("a")) == ([False, True], ["a"])
        with alone.together(), alone.in_contact():
            alone.check_alike(nn.Linear(2, 2), 1)


def test_the_tensors_of_main_are_sent():
    def work(processes):
        mine = {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor(7)} if processes.is_main else {}
        return {name: tensor.tolist() for name, tensor in processes.send(mine).items()}

    assert in_processes(2, work) == [{"a": [[0, 1, 2], [3, 4, 5]], "b": 7}] * 2


def test_gradients_are_the_mean_and_add_up_meanwhile():
    """Row by row over two processes and two passes, against all rows at once."""
    rows = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))

    def work(processes):
        torch.manual_seed(processes.rank)  # main's weights count
        model = nn.Linear(3, 1)
        wrapped = processes.wrap(model)
        mine = rows[processes.rank :: 2]
        for row in (0, 1):
            with processes.sending(wrapped, now=row == 1):
                wrapped(mine[row]).square().sum().backward()
        return [tensor.tolist() for tensor in (model.weight, model.bias, model.weight.grad, model.bias.grad)]

    first, second = in_processes(2, work)
    assert first == second
    weight, bias, *gradients = map(torch.tensor, first)
    weight, bias = weight.requires_grad_(), bias.requires_grad_()
    (nn.functional.linear(rows, weight, bias).square().sum() / 2).backward()
    assert_close(gradients, [weight.grad, bias.grad])


@pytest.mark.parametrize("name", TINY)
def test_a_row_that_stands_in_has_no_loss_and_no_gradient(name):
    """The share of a process to which no row of a batch falls."""
    share = next(Batches(Copies([3]), BatchOrder(*[np.array([3])] * 2, 50, 0), rank=1, size=2).epoch(0))
    assert share.indices == ()
    model = tiny_model(name).train()
    loss = batch_loss(model, share, 0.1)
    loss.smoothed.backward()
    assert [sum_.item() for sum_ in loss] == [0.0, 0.0]
    for weight_name, weight in model.named_parameters():
        assert weight.grad is not None, weight_name  # DistributedDataParallel waits for it
        assert not weight.grad.any(), weight_name


# --- one that takes long, fails, dies, or goes another way ------------------------------------------------


def test_work_of_one_process_may_take_longer_than_the_timeout():
    def work(processes):
        began = time.monotonic()
        with processes.together():
            if processes.is_main:
                time.sleep(2)
        return time.monotonic() - began

    assert all(took >= 1.9 for took in in_processes(2, work, seconds=1))


@pytest.mark.parametrize("failing", [{1}, {0, 1}])
def test_an_error_of_one_is_an_error_of_all_and_told_once(failing):
    def work(processes):
        with processes.together():
            if processes.rank in failing:
                raise DataError("train.de: is missing")
        return "went on"

    errors = in_processes(3, work)
    assert [type(error) for error in errors].count(ReportedError) == 2
    assert str(errors[min(failing)]) == "train.de: is missing"


@pytest.mark.parametrize("where", ["together", "any", "backward"])
def test_a_dead_process_is_noticed(where):
    def work(processes):
        wrapped = processes.wrap(nn.Linear(2, 1))
        for step in range(5):
            if step == 2 and processes.rank == 1:
                die()
            if where == "together":
                with processes.together():
                    pass
            elif where == "any":
                processes.any(False)
            else:
                wrapped(torch.ones(1, 2)).sum().backward()
        return "went on"

    began = time.monotonic()
    first, second = in_processes(2, work, seconds=30)
    assert second == KILLED
    assert isinstance(first, PeerError)
    assert "process 0 of 2 on " in str(first)
    assert "lost the others (" in str(first)
    assert time.monotonic() - began < 30


def test_a_silent_process_is_noticed_within_the_timeout():
    def work(processes):
        if processes.rank == 1:
            os.kill(os.getpid(), signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(PeerError, match="lost the others"), processes.in_contact():
            processes.any(False)
        return time.monotonic() - began

    assert in_processes(2, work, seconds=1, answering=1)[0] < 4


def test_weights_that_differ_are_noticed():
    def work(processes):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
        processes.check_alike(model, 100)
        if processes.rank == 2:
            bits = model[1].weight.data.view(torch.int32)
            bits[3, 2] ^= 1  # the last digit of one weight
        processes.check_alike(model, 200)

    errors = in_processes(3, work)
    assert isinstance(errors[0], PeerError)
    assert "update 200: process 2 no longer has the weights of process 0 (1.weight, and 0 more)" in str(errors[0])
    assert [type(error) for error in errors[1:]] == [ReportedError, ReportedError]


@pytest.mark.parametrize("written", ["soon", "0", "-1", "inf", "nan"])
def test_a_timeout_that_is_no_time_is_refused(monkeypatch, written):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv(TIMEOUT, written)
    with pytest.raises(ConfigError, match=TIMEOUT), joined():
        pass


@pytest.mark.parametrize(
    ("machines", "restarts", "shared", "warned"),
    [(2, 1, True, True), (1, 1, True, False), (2, 0, True, False), (2, 1, False, False)],
)
def test_restarts_that_may_hang_are_warned_of(monkeypatch, caplog, machines, restarts, shared, warned):
    monkeypatch.setenv("GROUP_WORLD_SIZE", str(machines))
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", str(restarts))
    monkeypatch.setenv("TORCHELASTIC_USE_AGENT_STORE", str(shared))
    monkeypatch.setenv(TIMEOUT, "0.1")
    for name, value in {"RANK": 0, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}.items():
        monkeypatch.setenv(name, str(value))
    with pytest.raises(PeerError), joined():
        pass
    assert ("TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 before torchrun" in caplog.text) == warned


def test_others_that_never_come_are_noticed():
    def work(processes):
        raise AssertionError

    assert "lost the others" in str(in_processes(2, work, seconds=1, starting=1)[0])
