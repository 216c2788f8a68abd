"""`seq2seq bench`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from seq2seq.cli.console import show, talk_more, write_json
from seq2seq.cli.group import Command, LazyGroup, examples
from seq2seq.cli.options import device_option, settings_option

if TYPE_CHECKING:
    from seq2seq.workflows.bench import Comparison
    from seq2seq.workflows.tables import Table

PLACES = {"train": "seq2seq.cli.bench:bench_train"}


@click.command(
    cls=LazyGroup,
    places=PLACES,
    epilog=examples("seq2seq bench train", "seq2seq bench train --recipe mine/lstm.yaml --json"),
)
def bench() -> None:
    """Measure speed."""


@click.command(
    cls=Command,
    name="train",
    epilog=examples(
        "seq2seq bench train",
        "seq2seq bench train --recipe recipes/demo/lstm.yaml --set training.precision=bf16 --json",
        "seq2seq bench train --recipe benchmarks/train/lstm.yaml --against './train-other' --rounds 2",
    ),
)
@click.option(
    "--recipe", type=click.Path(path_type=Path), metavar="FILE", help="What to train. [default: demo/transformer.yaml]"
)
@settings_option
@device_option
@click.option(
    "--updates",
    type=click.IntRange(min=10),
    default=50,
    show_default=True,
    metavar="N",
    help="To measure, in windows of ten, after ten to warm up.",
)
@click.option(
    "--against",
    default="",
    metavar="COMMAND",
    help="Another program to measure by turns; it must print a JSON object with target_tokens_per_second.",
)
@click.option(
    "--rounds", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Measurements of each."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bench_train(  # noqa: PLR0913 - click hands over every option
    *,
    recipe: Path | None,
    settings: tuple[str, ...],
    device: str,
    updates: int,
    against: str,
    rounds: int,
    as_json: bool,
) -> None:
    """Target tokens a second of a training, the median of windows of ten updates; padding not counted."""
    talk_more()
    from seq2seq.training.torchrun import own_rank
    from seq2seq.workflows.bench import compare_training
    from seq2seq.workflows.recipes import recipe_folder
    from seq2seq.workflows.train import TrainOptions

    file = recipe or recipe_folder("demo").path / "transformer.yaml"
    options = TrainOptions(file, settings=settings, device=device)
    found = compare_training(options, updates, against=against, rounds=rounds)
    if own_rank() > 0:
        return  # main says it
    if as_json:
        write_json(found.record)
    else:
        show(_table(found, str(file)))


def _table(found: "Comparison", name: str) -> "Table":
    from seq2seq.workflows.tables import Table

    speed = found.speed
    rows = [
        ("target tokens/s", f"{speed.target_tokens_per_second:,.0f}"),
        ("source and target tokens/s", f"{speed.total_tokens_per_second:,.0f}"),
        ("batches filled", f"{speed.fill:.1%}"),
        ("peak memory", f"{speed.peak_memory_mb:,.0f} MB"),
        ("start to first update", f"{speed.startup_seconds:.1f} s"),
        ("GFLOP/s", f"{speed.gflops:,.1f}"),
        ("share of the machine's peak", f"{speed.share_of_peak:.1%}"),
        ("parameters", f"{speed.parameters:,}"),
        (
            "device",
            f"{speed.device}, {speed.threads} threads" + f" of each of {speed.processes}" * (speed.processes > 1),
        ),
    ]
    if found.ratio is not None:
        rows += [("the other, target tokens/s", f"{found.other_rate:,.0f}"), ("ratio", f"{found.ratio:.2f}")]
    return Table((name, ""), tuple(rows))
