"""`seq2seq train`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from seq2seq.cli.console import show, talk_more, write_json
from seq2seq.cli.group import Command, examples
from seq2seq.cli.options import device_option, settings_option

if TYPE_CHECKING:
    from seq2seq.workflows.train import TrainOptions


@click.command(
    cls=Command,
    epilog=examples(
        "seq2seq train recipes/demo/transformer.yaml",
        "seq2seq train recipes/demo/lstm.yaml --out runs/small --set model.hidden_dim=128",
        "seq2seq train recipes/demo/gru.yaml --plan",
        "seq2seq train --prove-resume recipes/demo/lstm.yaml",
        "seq2seq train recipes/multi30k-en-de/transformer.yaml --set data.corpus=~/multi30k --device cuda",
        "torchrun --standalone --nproc-per-node=2 -m seq2seq train recipes/demo/transformer.yaml",
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
@click.option("--plan", is_flag=True, help="Do not train: measure on some updates what it would take, and print that.")
@click.option(
    "--prove-resume",
    is_flag=True,
    help="Train a few updates twice, once cut by signals and gone on with, and compare all bits. Keeps nothing.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the plan as one JSON object.")
@click.pass_context
def train(  # noqa: PLR0913 - click hands over every option
    ctx: click.Context,
    *,
    recipe: Path,
    out: Path | None,
    settings: tuple[str, ...],
    device: str,
    seed: int | None,
    plan: bool,
    prove_resume: bool,
    as_json: bool,
) -> None:
    """Train the model of a recipe, in a run folder.

    The same command again goes on where an unfinished run was stopped, by Ctrl-C or otherwise. A folder that
    holds a run of another recipe is refused. Warnings at the start are explained in docs/advice.md.
    """
    if as_json and not plan:
        raise click.UsageError("--json goes with --plan")
    talk_more()
    from seq2seq.workflows.train import TrainOptions
    from seq2seq.workflows.train import train as train_run

    options = TrainOptions(recipe, out, settings, device, seed)
    if plan:
        _print_plan(options, as_json=as_json)
        return
    if prove_resume:
        ctx.exit(_prove(options))
    outcome = train_run(options)
    if outcome.signal is not None:
        ctx.exit(128 + outcome.signal)
    if outcome.is_main:
        click.echo(outcome.run)


def _prove(options: "TrainOptions") -> int:
    from seq2seq.workflows.prove import prove_resume

    proof = prove_resume(options)
    show(proof.table)
    return 0 if proof.holds else 1


def _print_plan(options: "TrainOptions", *, as_json: bool) -> None:
    from seq2seq.workflows.calibrate import plan_training

    found = plan_training(options)
    if as_json:
        write_json(found.record)
    else:
        click.echo(found.text)
