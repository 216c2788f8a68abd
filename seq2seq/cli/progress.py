"""How far long work has come: a bar on a terminal, a plain line every few seconds elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from seq2seq.cli.console import is_terminal

EVERY = 10.0  # seconds between plain lines


@contextmanager
def progress(what: str, total: int | None, *, bar: bool = True) -> Iterator[Callable[[int], None]]:
    """A function to be told of every few lines that are done; `total` None: nobody knows how many there will be.

    With `bar` false nothing is drawn on a terminal, where something else already shows how it goes.
    """
    if not is_terminal(sys.stderr):
        yield _Plain(what, total)
    elif bar:
        with _drawn(what, total) as advance:
            yield advance
    else:
        yield lambda _: None


class _Plain:
    """Says how far it is when some time has passed since it last did."""

    def __init__(self, what: str, total: int | None) -> None:
        self.what, self.total, self.done = what, total, 0
        self.began = self.said = time.monotonic()

    def __call__(self, lines: int) -> None:
        self.done += lines
        now = time.monotonic()
        if now - self.said < EVERY:
            return
        self.said = now
        speed = self.done / (now - self.began)
        known = f" of {self.total:,}" if self.total else ""
        left = f", {(self.total - self.done) / speed:.0f} s left" if self.total and speed else ""
        print(f"{self.what}: {self.done:,}{known} lines, {speed:.1f} a second{left}", file=sys.stderr)  # noqa: T201


@contextmanager
def _drawn(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False, transient=True) as bar:
        task = bar.add_task(what, total=total, speed="")

        def advance(lines: int) -> None:
            bar.advance(task, lines)
            speed = bar.tasks[task].finished_speed or bar.tasks[task].speed
            bar.update(task, speed=f"{speed:,.0f} lines/s" if speed else "")

        yield advance
