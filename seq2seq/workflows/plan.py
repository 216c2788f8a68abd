"""What a training will take, in numbers and in words."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from seq2seq.training.calibration import SECONDS, TIMED, Calibration
from seq2seq.workflows.advice import Advice, Machine
from seq2seq.workflows.recipe import Recipe
from seq2seq.workflows.tables import seconds_as_text

SAFE = 0.9  # share of the memory that a safe batch may fill
NOTE = """\
Measured in a process of its own: speed (over {updates} updates and {seconds:g} seconds at least), validation, start,
and memory, to which is added what it seems to rise by until two epochs are read.
Counted: parameters, FLOPs (attention's products among them), fill, updates an epoch.
Estimated: the largest safe batch, by a line through the memory of batches of {sizes} tokens, up to {safe:.0%}
of what there is; the time to the end, if nothing else runs and every validation takes as long as this one.
Learning the vocabulary and tokenising are not in it: they are done by now, and kept."""


class Epoch(NamedTuple):
    """What the order of the batches says of one pass over the text."""

    updates: float
    target_tokens: int
    source_tokens: int
    fill: float  # share of the cells of its batches that are tokens


@dataclass(frozen=True)
class Plan:
    """What a training will take; memory in bytes, times in seconds."""

    name: str
    recipe: Recipe
    device: str
    machine: Machine
    parameters: int
    flops: float  # of a target token, forward and backward
    epoch: Epoch
    measured: Calibration
    startup_seconds: float
    advice: list[Advice]

    @property
    def update_seconds(self) -> float:
        """Of an update of usual size."""
        return self.epoch.target_tokens / self.epoch.updates / self.measured.tokens_per_second

    @property
    def updates(self) -> int:
        """That there will be, if patience does not end them."""
        training = self.recipe.training
        if training.minutes is None:
            return training.updates
        return min(training.updates, math.ceil(60 * training.minutes / self.update_seconds))

    @property
    def peak_memory(self) -> int:
        """What was measured, and what more shapes of batches will add, of which two epochs have most."""
        met = min(self.updates, 2 * self.epoch.updates)
        growth = self.measured.memory_growth * math.log(max(1.0, met / self.measured.updates))
        return round(self.measured.peak_memory + growth)

    @property
    def validations(self) -> int:
        """That of the averaged model among them."""
        found = math.ceil(self.updates / self.recipe.training.validate_every)
        return found + (self.recipe.training.average > 1 and found > 1)

    @property
    def seconds(self) -> float:
        """To the end, from the command on."""
        each = self.measured.validation_seconds + self.measured.saving_seconds
        return self.startup_seconds + self.updates * self.update_seconds + self.validations * each

    @property
    def safe_batch_tokens(self) -> int:
        """The largest batch_tokens that should fit, to two digits; no more than the text has."""
        return _rounded_down(min(self._fitting_tokens, self._all_tokens))

    @property
    def _fitting_tokens(self) -> float:
        """Where a straight line through the memory that was measured meets what is safe."""
        points = self.measured.memory_by_budget
        if len(points) == 1:
            points = ((0, self.measured.memory_before), *points)
        sizes, peaks = np.array(points, dtype=np.float64).T
        slope, start = map(float, np.polyfit(sizes, peaks, 1))
        return max(0.0, (SAFE * self.machine.memory - start) / slope) if slope > 0 else math.inf

    @property
    def _all_tokens(self) -> float:
        """Of a batch that is the whole text."""
        return self.recipe.training.batch_tokens * self.recipe.training.accumulate * self.epoch.updates

    @property
    def record(self) -> dict[str, Any]:
        """The same as one JSON object."""
        training, epoch, measured = self.recipe.training, self.epoch, self.measured
        return {
            "name": self.name,
            "device": self.device,
            "parameters": self.parameters,
            "flops_per_target_token": round(self.flops),
            "batch_tokens": training.batch_tokens,
            "accumulate": training.accumulate,
            "fill": round(epoch.fill, 4),
            "peak_memory_mb": round(self.peak_memory / 1e6, 1),
            "calibration_peak_memory_mb": round(measured.peak_memory / 1e6, 1),
            "machine_memory_mb": round(self.machine.memory / 1e6, 1),
            "safe_batch_tokens": self.safe_batch_tokens,
            "split": measured.split,
            "target_tokens_per_second": round(self.measured.tokens_per_second, 1),
            "total_tokens_per_second": round(
                self.measured.tokens_per_second * (1 + epoch.source_tokens / epoch.target_tokens), 1
            ),
            "flops_per_second": round(self.flops * self.measured.tokens_per_second),
            "seconds_per_update": round(self.update_seconds, 5),
            "updates": self.updates,
            "updates_per_epoch": round(epoch.updates, 1),
            "epochs": round(self.updates / epoch.updates, 2),
            "validations": self.validations,
            "seconds_per_validation": round(measured.validation_seconds, 3),
            "seconds_per_checkpoint": round(measured.saving_seconds, 3),
            "startup_seconds": round(self.startup_seconds, 2),
            "seconds": round(self.seconds, 1),
            "memory_by_batch_tokens": {str(size): memory for size, memory in measured.memory_by_budget},
            "advice": [advice._asdict() for advice in self.advice],
        }

    @property
    def text(self) -> str:
        """The same as lines for people."""
        rows = [*self._size(), *self._speed(), *self._length()]
        sizes = ", ".join(f"{size:,}" for size, _ in self.measured.memory_by_budget)
        lines = [f"  {label + ':':<24}{value}" for label, value in rows]
        note = NOTE.format(updates=TIMED, seconds=SECONDS, sizes=sizes, safe=SAFE)
        return "\n".join([f"{self.name}, on {self.device}", *lines, "", note])

    def _size(self) -> list[tuple[str, str]]:
        training = self.recipe.training
        times = f" x {training.accumulate} an update" if training.accumulate > 1 else ""
        return [
            ("parameters", f"{self.parameters:,}"),
            ("FLOPs a target token", f"{self.flops / 1e6:,.2f} million"),
            ("batch", f"{training.batch_tokens:,} tokens at most{times}, {self.epoch.fill:.1%} filled"),
            ("peak memory", f"{_memory(self.peak_memory)} of {_memory(self.machine.memory)}"),
            ("largest safe batch", self._safe_batch()),
        ]

    def _safe_batch(self) -> str:
        if self.measured.split:
            return f"less than {self.recipe.training.batch_tokens:,}: memory ran out, and batches were split"
        if self._fitting_tokens >= self._all_tokens:
            return "any; the whole text would fit at once"
        return f"training.batch_tokens of about {self.safe_batch_tokens:,}"

    def _speed(self) -> list[tuple[str, str]]:
        with_source = self.measured.tokens_per_second * (1 + self.epoch.source_tokens / self.epoch.target_tokens)
        speed = f"{self.measured.tokens_per_second:,.0f} target tokens/s ({with_source:,.0f} with the source's)"
        return [
            ("speed", f"{speed}, {self.flops * self.measured.tokens_per_second / 1e9:,.1f} GFLOP/s"),
            ("an update", seconds_as_text(self.update_seconds)),
        ]

    def _length(self) -> list[tuple[str, str]]:
        training, measured = self.recipe.training, self.measured
        cut = ""
        if self.updates < training.updates:
            cut = f", where minutes={training.minutes:g} ends {training.updates:,}"
        epochs = f"{self.updates / self.epoch.updates:,.1f} epochs of {self.epoch.updates:,.0f}"
        value = (seconds_as_text(each) for each in (measured.validation_seconds, measured.saving_seconds))
        sooner = ", or sooner if patience runs out" if (training.patience or math.inf) < self.validations else ""
        return [
            ("updates", f"{self.updates:,}{cut}: {epochs}"),
            ("validations", f"{self.validations:,}, each {' and '.join(value)} to save"),
            ("time to the end", f"about {seconds_as_text(self.seconds)}{sooner}"),
        ]


def _memory(count: int) -> str:
    return f"{count / 1e9:,.2f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"


def _rounded_down(number: float) -> int:
    """To two digits, because more are not known."""
    if number < 10:
        return int(number)
    unit = 10 ** (int(math.log10(number)) - 1)
    return int(number / unit) * unit
