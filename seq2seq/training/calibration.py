"""A short training that measures what a long one will cost: memory by size of batch, time by update.

It is the trainer's own loop over chosen batches, so whatever a training does is measured with it: first probes, the
batches that need most memory, from small budgets to the real one, which also warm everything up; then real batches,
by the clock; at the end the validation and the writing of a checkpoint. Memory is a high-water mark, so it wants a
process of its own.

On a CPU memory goes on to rise after the largest batch, the less the longer: each new shape of batch leaves other holes
in the heap. The rise over the timed updates tells how fast.
"""

import math
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, count, cycle, islice, pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from seq2seq.data.batches import Batch, Pairs, collate
from seq2seq.devices import peak_memory
from seq2seq.models.interface import EncoderDecoder
from seq2seq.training.trainer import BatchSource, Trainer

WARM_UP, TIMED, BLOCK = 5, 20, 5  # updates over real batches, TIMED the least; the clock is read after each block
SECONDS = 3.0  # that are timed at least: what else a machine does may slow twenty short updates by a third

Rows = NDArray[np.int64]


class Probe(NamedTuple):
    """The batches of a budget that need most memory."""

    batch_tokens: int
    batches: tuple[Rows, ...]


@dataclass(frozen=True)
class Calibration:
    """What was measured; memory in bytes, times in seconds."""

    memory_before: int  # with the model, before the first update
    memory_by_budget: tuple[tuple[int, int], ...]  # batch_tokens of each probe, and the peak after it
    peak_memory: int  # of all, validation and saving included
    memory_growth: float  # bytes each time that the number of updates is multiplied by e
    updates: int
    blocks: tuple[tuple[float, int], ...]  # of timed updates: seconds, target tokens
    validation_seconds: float
    saving_seconds: float
    split: int  # times that a batch had to be split because memory ran out

    @property
    def tokens_per_second(self) -> float:
        """Target tokens; of the median block, so that what else runs for a moment does not count."""
        return statistics.median(tokens / seconds for seconds, tokens in self.blocks)


def hungriest(split: Pairs, batches: Iterable[Rows]) -> tuple[Rows, ...]:
    """Those of `batches` that need most memory, whatever it is that needs it: cells, pairs of them, rows or steps."""
    most: list[tuple[int, Rows]] = []
    for batch in batches:
        needs = _needs(
            len(batch), *(int(side[batch].max()) + 1 for side in (split.source_lengths, split.target_lengths))
        )
        most = most or [(0, batch)] * len(needs)
        most = [(need, batch) if need > before[0] else before for need, before in zip(needs, most, strict=True)]
    return tuple({id(batch): batch for _, batch in most}.values())


def _needs(rows: int, source: int, target: int) -> tuple[int, ...]:
    return rows, rows * (source**2 + source * target + target**2), target, rows * (source + target)


def calibrate(trainer: Trainer, split: Pairs, probes: Sequence[Probe]) -> Calibration:
    """What `trainer`, which has to be ready for any number of updates and no validation, needs in time and memory."""
    course = _Course(trainer, trainer.batches, split, probes)
    judge = trainer.validate

    def validate(model: EncoderDecoder[Any]) -> dict[str, float]:
        course.mark()
        found = judge(model)
        course.mark()
        return found

    trainer.batches, trainer.validate = course, validate
    trainer.run()
    course.mark()
    sizes, (*timed, validated, saved) = course.marks[: len(probes) + 1], course.marks[len(probes) + 1 :]
    return Calibration(
        memory_before=sizes[0].peak,
        memory_by_budget=tuple((probe.batch_tokens, mark.peak) for probe, mark in zip(probes, sizes[1:], strict=True)),
        peak_memory=saved.peak,
        memory_growth=(timed[-1].peak - timed[0].peak) / math.log(timed[-1].update / timed[0].update),
        updates=timed[-1].update,
        blocks=tuple((b.time - a.time, b.target_tokens - a.target_tokens) for a, b in pairwise(timed)),
        validation_seconds=validated.time - timed[-1].time,
        saving_seconds=saved.time - validated.time,
        split=trainer.position.split,
    )


class _Mark(NamedTuple):
    """How things stood at a moment."""

    time: float
    peak: int
    update: int
    target_tokens: int


@dataclass
class _Course:
    """Probes, then real batches; a mark before each probe, after the last, and before each timed block."""

    trainer: Trainer
    real: BatchSource
    split: Pairs
    probes: Sequence[Probe]
    marks: list[_Mark] = field(default_factory=list)

    def epoch(self, number: int, skip: int = 0) -> Iterator[Batch]:  # noqa: ARG002 - there is one, and no way back
        """All of it, as one epoch."""
        accumulate = self.trainer.config.accumulate
        for probe in self.probes:
            self.mark()
            batches = cycle([self._batch(rows) for rows in probe.batches])
            yield from islice(batches, _updates(probe, accumulate) * accumulate)
        self.mark()
        real = chain.from_iterable(self.real.epoch(each) for each in count())
        yield from islice(real, WARM_UP * accumulate)
        timed, begun = 0, time.perf_counter()
        while timed < TIMED or time.perf_counter() - begun < SECONDS:
            self.mark()
            yield from islice(real, BLOCK * accumulate)
            timed += BLOCK
        # These were all: the training is over now, and ends with its validation and a checkpoint.
        self.trainer.config = self.trainer.config.model_copy(update={"updates": self.trainer.position.update})

    def mark(self) -> None:
        trainer = self.trainer
        if trainer.device.type == "cuda":
            torch.cuda.synchronize(trainer.device)
        position, peak = trainer.position, peak_memory(trainer.device)
        self.marks.append(_Mark(time.perf_counter(), peak, position.update, position.target_tokens))

    def _batch(self, rows: Rows) -> Batch:
        numbers = rows.tolist()
        return collate([self.split.source(n) for n in numbers], [self.split.target(n) for n in numbers], numbers)


def _updates(probe: Probe, accumulate: int) -> int:
    """Enough for every batch of a probe to be read."""
    return -(-len(probe.batches) // accumulate)
