"""What the commands say: log lines on stderr, results on stdout."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from seq2seq.workflows.tables import Table

LOGGER = logging.getLogger("seq2seq")


class _Handler(logging.Handler):
    """One line an event on what is stderr at that moment; a progress bar may stand in for it."""

    def emit(self, record: logging.LogRecord) -> None:
        sign = f"{record.levelname.capitalize()}: " if record.levelno >= logging.WARNING else ""
        print(sign + " ".join(record.getMessage().split("\n")), file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def talking(*, verbose: bool) -> Iterator[None]:
    """Warnings of the package go to stderr, and with `verbose` whatever else it has to say."""
    handler, level = _Handler(), LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO if verbose else logging.WARNING)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(level)


def talk_more() -> None:
    """For long commands: say what is done meanwhile, asked or not."""
    LOGGER.setLevel(min(LOGGER.level, logging.INFO))


def is_terminal(stream: TextIO) -> bool:
    """Whether somebody looks at `stream`."""
    return stream.isatty()


def write_json(result: Any) -> None:
    """`result` as one JSON object on stdout."""
    click.echo(json.dumps(result, indent=2, ensure_ascii=False))


def show(table: "Table") -> None:
    """A table on stdout: with lines on a terminal, plain and aligned elsewhere."""
    if not is_terminal(sys.stdout):
        click.echo(table.text())
        return
    from rich.console import Console
    from rich.table import Table as Drawn

    drawn = Drawn(title=table.title, title_justify="left")
    for number, column in enumerate(table.columns):
        drawn.add_column(column, justify="left" if number in table.left else "right", overflow="fold")
    for row in table.rows:
        drawn.add_row(*row)
    Console(markup=False, highlight=False).print(drawn)
