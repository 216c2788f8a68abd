"""`seq2seq average`."""

from pathlib import Path

import click

from seq2seq.cli.group import Command, examples
from seq2seq.cli.options import run_argument


@click.command(
    cls=Command,
    epilog=examples(
        "seq2seq average runs/demo/transformer",
        "seq2seq average runs/demo/transformer --best 3 --out runs/demo/transformer-averaged",
    ),
)
@run_argument
@click.option("--last", type=click.IntRange(min=2), metavar="N", help="The weights of the last N validations.")
@click.option("--best", type=click.IntRange(min=2), metavar="N", help="Those of the N best by the recipe's metric.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), metavar="NEWRUN", help="Leave RUN as it is; make a new run folder."
)
def average(*, run: Path, last: int | None, best: int | None, out: Path | None) -> None:
    """Average weights of several validations into one model.

    They are those that RUN has kept, by default all; training.keep_snapshots in the recipe says how many it keeps.

    The model that was there is kept beside the new one, and the command says how to bring it back.
    """
    if last and best:
        raise click.UsageError("--last and --best exclude each other; give one of them.")
    from seq2seq.workflows.average import AverageOptions, average_run

    found = average_run(AverageOptions(run, last, best, out))
    click.echo(found.folder.root)
    click.echo(f"averaged the weights after updates {', '.join(map(str, found.updates))}", err=True)
    if found.earlier is not None:
        click.echo(f"the model before is kept; to bring it back: mv {found.earlier} {found.folder.model}", err=True)
    click.echo(f"to score it: seq2seq evaluate {found.folder.root}", err=True)
