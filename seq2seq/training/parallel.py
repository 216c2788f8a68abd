"""Several processes that train one model, each on its rows of every batch.

torchrun starts the processes and tells each its rank (see `torchrun.py`); each holds the whole model, and
DistributedDataParallel (Li et al. 2020, https://arxiv.org/abs/2006.15704) takes the mean of their gradients while
the backward pass still runs. All else that they have to agree on (whether to stop, what a loss sums up to, whether
their weights are still the same) are a few numbers over gloo, so that no GPU is waited for.

A process that dies or falls silent is noticed by those that wait for it, after `SEQ2SEQ_TIMEOUT` seconds at the
latest. Work that one process does for all may take longer than that: see `Processes.together`.
"""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from seq2seq.errors import PeerError, ReportedError, Seq2SeqError
from seq2seq.training import torchrun
from seq2seq.training.sharding import is_share
from seq2seq.training.weights import weights

INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}  # by the bytes of a float of the same size

Value = TypeVar("Value")

logger = logging.getLogger(__name__)


class Processes:
    """The processes that train one model. This class is the case of one alone, which has nobody to ask."""

    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes files, logs and shows progress."""
        return self.rank == 0

    def wrap(self, module: nn.Module) -> nn.Module:
        """`module` with main's weights, whose backward pass leaves the mean of all processes' gradients."""
        return module

    def sending(self, module: nn.Module, *, now: bool) -> AbstractContextManager[None]:
        """A pass through a wrapped `module`; unless it is sent `now`, its gradient is only added to what is there."""
        del module, now
        return nullcontext()

    def add_up(self, values: Tensor) -> None:
        """Put the sum over the processes into `values`; a GPU is not waited for."""

    def any(self, *flags: bool) -> list[bool]:
        """Of each flag, whether a process has it."""
        return list(flags)

    def gather(self, value: Value) -> list[Value]:
        """The `value` of every process, by rank."""
        return [value]

    def send(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Main's `tensors`, which lie on the CPU, in every process; what the others pass is ignored."""
        return tensors

    def together(self) -> AbstractContextManager[None]:
        """A block that all leave when the last has done its part, however long that takes.

        Where a process raises, all raise: the first says why, the others raise ReportedError. Inside, no process
        may wait for another.
        """
        return nullcontext()

    def in_contact(self) -> AbstractContextManager[None]:
        """A block in which a lost process raises PeerError."""
        return nullcontext()

    def agreed(self, error: Seq2SeqError) -> Seq2SeqError:
        """What to raise for an error that all processes have, so that it is told once."""
        return error if self.is_main else ReportedError()

    def check_alike(self, model: nn.Module, update: int) -> None:
        """Raises PeerError when a weight of `model` that all processes have is not bit for bit the same in all.

        Of a share there is no second to compare it with.
        """
        found = self.gather(_checksums(model)) if self.size > 1 else []
        for rank, other in enumerate(found):
            if odd := [name for name, sum_ in found[0].items() if sum_ != other[name]]:
                raise self.agreed(
                    PeerError(
                        f"update {update}: process {rank} no longer has the weights of process 0 ({odd[0]}, and"
                        f" {len(odd) - 1} more); look for faulty memory or unequal machines, and start again:"
                        " the last checkpoint was written while all were alike"
                    )
                )


ALONE = Processes()


class Torchrun(Processes):
    """The processes that torchrun has started, on one machine or several."""

    def __init__(self, seconds: float) -> None:
        """Meets the others; raises PeerError when they do not come within the timeout."""
        timeout = timedelta(seconds=seconds)
        self.seconds = seconds
        self.rank, self.size = torchrun.own_rank(), torchrun.started_together()
        if self.is_main and torchrun.may_hang_after_restart():
            logger.warning("set %s=1 before torchrun on each machine, or a restart may hang", torchrun.SHARED_STORE)
        with self.in_contact():
            store, rank, size = next(rendezvous("env://", timeout=timeout))
            # torchrun may keep its store over a restart, and gloo would then meet the addresses of the dead.
            dist.init_process_group(
                "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
                store=PrefixStore(f"attempt-{torchrun.attempt()}", store),
                rank=rank,
                world_size=size,
                timeout=timeout,
            )
            self._touch = dist.new_group(backend="gloo", timeout=timeout)  # of `together`, whose thread has its own

    def wrap(self, module: nn.Module) -> nn.Module:
        return DistributedDataParallel(module, gradient_as_bucket_view=True)

    def sending(self, module: nn.Module, *, now: bool) -> AbstractContextManager[None]:
        # One of which each has a share keeps no gradient of the rest, so that it sends at each pass.
        return nullcontext() if now or not isinstance(module, DistributedDataParallel) else module.no_sync()

    def add_up(self, values: Tensor) -> None:
        dist.all_reduce(values)

    def any(self, *flags: bool) -> list[bool]:
        found = torch.tensor(flags, dtype=torch.uint8)
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return [bool(flag) for flag in found.tolist()]

    def gather(self, value: Value) -> list[Value]:
        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, value)
        return found

    def send(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        shapes = self.gather({name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()})[0]
        if not self.is_main:
            tensors = {name: torch.empty(shape, dtype=dtype) for name, (shape, dtype) in shapes.items()}
        for tensor in tensors.values():
            dist.broadcast(tensor, src=0)
        return tensors

    @contextmanager
    def together(self) -> Iterator[None]:
        part = _Part(self.size)
        thread = threading.Thread(target=self._keep_in_touch, args=(part,), name="together", daemon=True)
        thread.start()
        try:
            yield
        except BaseException as error:
            part.fails_in = self.rank
            part.done.set()
            thread.join()
            if part.fails_in != self.rank and isinstance(error, Seq2SeqError):
                raise ReportedError from error
            raise
        part.done.set()
        thread.join()
        if part.lost is not None:
            raise self._lost(part.lost)
        if part.fails_in < self.size:
            raise ReportedError

    def _keep_in_touch(self, part: "_Part") -> None:
        """Tell the others again and again that this process lives, until all are done or one has failed."""
        try:
            while True:
                part.done.wait(min(10.0, self.seconds / 4))
                state = torch.tensor([part.done.is_set(), part.fails_in])
                dist.all_reduce(state, dist.ReduceOp.MIN, self._touch)
                all_done, fails_in = state.tolist()
                if all_done or fails_in < self.size:
                    part.fails_in = fails_in
                    return
        except RuntimeError as error:
            part.lost = error

    @contextmanager
    def in_contact(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            if not isinstance(error, dist.DistError) and "gloo" not in str(error):
                raise
            raise self._lost(error) from None

    def _lost(self, error: RuntimeError) -> PeerError:
        return PeerError(
            f"process {self.rank} of {self.size} on {socket.gethostname()}: lost the others"
            f" ({str(error).splitlines()[0]}); see what the one that ended says, and start all again:"
            " they go on from the last checkpoint"
        )


@dataclass
class _Part:
    """What a process and its thread tell each other while all do their part."""

    fails_in: int  # lowest rank that failed; the number of processes: none
    done: threading.Event = field(default_factory=threading.Event)
    lost: RuntimeError | None = None


@contextmanager
def joined() -> Iterator[Processes]:
    """The processes that torchrun started with this one, or this one alone where it was started otherwise."""
    if torchrun.started_together() == 1:
        yield Processes()
        return
    processes = Torchrun(torchrun.timeout_seconds())
    with processes.in_contact():
        yield processes
    dist.destroy_process_group()


def _checksums(model: nn.Module) -> dict[str, int]:
    """A sum of the bits of each weight that is whole here; one transfer from the device."""
    copies = {name: weight.detach() for name, weight in weights(model).items() if not is_share(weight)}
    sums = [weight.view(INTEGERS[weight.element_size()]).sum(dtype=torch.int64) for weight in copies.values()]
    return dict(zip(copies, torch.stack(sums).tolist(), strict=True)) if copies else {}
