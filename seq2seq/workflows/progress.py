"""How a training tells of itself: a file of measurements, and a bar on a terminal or lines where there is none."""

import json
import logging
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from seq2seq.files import write_text
from seq2seq.training.meter import Listener, Record

LINE_EVERY = 20.0  # seconds between two lines of progress where there is no terminal

logger = logging.getLogger(__name__)


class MetricsFile:
    """One JSON object a line: {"event": "update" | "validation", ...}."""

    def __init__(self, path: Path, update: int, records: int) -> None:
        """Of what a run that was cut off wrote the first `records` lines stay, or if below 0 those up to `update`."""
        self.path, self.records = path, 0
        if not path.exists():
            return
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if _update(line) <= update] if records < 0 else lines[:records]
        if len(kept) < records:
            logger.warning("%s: %d lines are missing, lost with power or by hand", path, records - len(kept))
        write_text(path, "".join(kept))
        self.records = len(kept)

    def updated(self, record: Record) -> None:
        self._write("update", record)

    def validated(self, record: Record) -> None:
        self._write("validation", record)

    def _write(self, event: str, record: Record) -> None:
        fields = {key: _rounded(value) for key, value in record.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, **fields}) + "\n")
            if event == "validation":  # a checkpoint follows, which counts on what is written
                file.flush()
                os.fsync(file.fileno())


def _rounded(value: int | float) -> int | float | None:
    """Seven digits; null for what JSON has no number for."""
    if isinstance(value, int):
        return value
    return float(f"{value:.7g}") if math.isfinite(value) else None


def _update(line: str) -> int:
    try:
        return int(json.loads(line)["update"])
    except (ValueError, KeyError):
        return sys.maxsize  # half a line: the disk was full or the power went


class Bar:
    """Progress on stderr: a bar with speed and time left on a terminal, a line now and then elsewhere."""

    def __init__(self, name: str, updates: int, done: int) -> None:
        self.updates = updates
        self.said = time.monotonic()
        console = Console(stderr=True)
        self.progress: Progress | None = None
        if console.is_terminal:
            self.progress = Progress(
                TextColumn(name),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[words]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=console,
            )
            self.task = self.progress.add_task(name, total=updates, completed=done, words="")

    def __enter__(self) -> "Bar":
        if self.progress is not None:
            self.progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.progress is not None:
            self.progress.stop()

    def updated(self, record: Record) -> None:
        speed = record["target_tokens"] / record["seconds"]
        words = f"loss {record['train_loss']:.3f}, {speed:,.0f} target tokens/s"
        if self.progress is not None:
            self.progress.update(self.task, completed=record["update"], words=words)
        elif time.monotonic() - self.said >= LINE_EVERY:
            self.said = time.monotonic()
            logger.info("update %s of %s: %s", f"{record['update']:,}", f"{self.updates:,}", words)

    def validated(self, record: Record) -> None:
        bleu = f", BLEU {record['bleu']:.1f} (greedy)" if "bleu" in record else ""
        whose = "average of the last models" if "averaged" in record else "validation"
        line = f"update {record['update']:,}, {whose}: loss {record['loss']:.3f} nats a token{bleu}"
        if self.progress is not None:
            self.progress.console.print(line, highlight=False)
        else:
            logger.info("%s", line)


class PairsBar:
    """How far the preparing of a text has come: pairs/s and time left; nothing where nothing has to be prepared."""

    def __init__(self, name: str, total: Callable[[], int | None]) -> None:
        """`total` is asked when there is something to show."""
        self.name, self.count = name, total
        self.total: int | None = None
        self.done = 0
        self.began = self.said = time.monotonic()
        self.progress: Progress | None = None

    def __enter__(self) -> "PairsBar":
        return self

    def __call__(self, pairs: int) -> None:
        """So many more pairs are done."""
        if not self.done:
            self._begin()
        self.done += pairs
        if self.progress is not None:
            self.progress.update(self.task, completed=self.done, words=f"{self._speed():,.0f} pairs/s")
        elif time.monotonic() - self.said >= LINE_EVERY:
            self.said = time.monotonic()
            known = f" of {self.total:,}" if self.total else ""
            left = f", {(self.total - self.done) / self._speed():.0f} s left" if self.total else ""
            logger.info(
                "%s: %s%s pairs, %s pairs/s%s", self.name, f"{self.done:,}", known, f"{self._speed():,.0f}", left
            )

    def _begin(self) -> None:
        self.total = self.count()
        self.began = self.said = time.monotonic()
        console = Console(stderr=True)
        if console.is_terminal:
            shown = (TextColumn(self.name), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[words]}"))
            self.progress = Progress(*shown, TextColumn("left"), TimeRemainingColumn(), console=console, transient=True)
            self.task = self.progress.add_task(self.name, total=self.total, words="")
            self.progress.start()

    def _speed(self) -> float:
        return self.done / max(1e-6, time.monotonic() - self.began)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.progress is not None:
            self.progress.stop()
        if self.done and error is None:
            seconds = time.monotonic() - self.began
            logger.info("%s: %s pairs in %.1f s", self.name, f"{self.done:,}", seconds)


class TensorBoard:
    """The same measurements for TensorBoard, which is an extra."""

    def __init__(self, folder: Path) -> None:
        """Raises ImportError when tensorboard is not installed."""
        from torch.utils.tensorboard import SummaryWriter

        self.writer: Any = SummaryWriter(folder)

    def updated(self, record: Record) -> None:
        self._write("train", record)

    def validated(self, record: Record) -> None:
        self._write("valid", record)

    def _write(self, group: str, record: Record) -> None:
        for name, value in record.items():
            if name != "update":
                self.writer.add_scalar(f"{group}/{name}", value, int(record["update"]))
        self.writer.flush()


class Listeners:
    """Several listeners as one."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self.listeners = listeners

    def updated(self, record: Record) -> None:
        for listener in self.listeners:
            listener.updated(record)

    def validated(self, record: Record) -> None:
        for listener in self.listeners:
            listener.validated(record)
