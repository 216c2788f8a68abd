"""`seq2seq train`."""

from pathlib import Path

import click

from seq2seq.cli.console import talk_more
from seq2seq.cli.group import Command, examples
from seq2seq.cli.options import device_option, settings_option


@click.command(
    cls=Command,
    epilog=examples(
        "seq2seq train recipes/demo/transformer.yaml",
        "seq2seq train recipes/demo/lstm.yaml --out runs/small --set model.hidden_dim=128",
        "seq2seq train recipes/multi30k-en-de/transformer.yaml --set data.corpus=~/multi30k --device cuda",
    ),
)
@click.argument("recipe", type=click.Path(path_type=Path), metavar="RECIPE.yaml")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="The run folder. [default: runs/FOLDER/NAME, both of the recipe]",
)
@settings_option
@device_option
@click.option("--seed", type=click.IntRange(min=0), help="Of weights, dropout and order. [default: the recipe's]")
@click.pass_context
def train(
    ctx: click.Context, *, recipe: Path, out: Path | None, settings: tuple[str, ...], device: str, seed: int | None
) -> None:
    """Train the model of a recipe, in a run folder.

    The same command again goes on where an unfinished run was stopped, by Ctrl-C or otherwise. A folder that
    holds a run of another recipe is refused.
    """
    talk_more()
    from seq2seq.workflows.train import TrainOptions
    from seq2seq.workflows.train import train as train_run

    outcome = train_run(TrainOptions(recipe, out, settings, device, seed))
    if outcome.signal is not None:
        ctx.exit(128 + outcome.signal)
    click.echo(outcome.run)
