"""`seq2seq info`."""

from pathlib import Path

import click

from seq2seq.cli.console import write_json
from seq2seq.cli.group import Command, examples
from seq2seq.cli.options import json_option


@click.command(
    cls=Command,
    epilog=examples(
        "seq2seq info runs/demo/transformer",
        "seq2seq info recipes/multi30k-en-de/lstm.yaml --json",
    ),
)
@click.argument("path", type=click.Path(path_type=Path), metavar="RUN|RECIPE")
@json_option
def info(*, path: Path, as_json: bool) -> None:
    """Print the sizes of a run or a recipe.

    They are parameters, operations a token and memory; of a run also its training, scores and versions.
    """
    from seq2seq.workflows.info import describe

    found = describe(path)
    if as_json:
        write_json(found.record)
    else:
        click.echo(found.text)
