"""Options that several commands have, worded once."""

from pathlib import Path

import click

run_argument = click.argument("run", type=click.Path(path_type=Path))
runs_argument = click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
settings_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Lay a value over the recipe, such as training.updates=500; may be given several times.",
)
device_option = click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="auto|cpu|cuda",
    help="Where to compute; auto takes a GPU where there is one.",
)
beam_option = click.option(
    "--beam",
    type=click.IntRange(min=1),
    metavar="N",
    help="Hypotheses kept a sentence; 1 is greedy search. [default: the recipe's]",
)
length_penalty_option = click.option(
    "--length-penalty",
    type=click.FloatRange(min=0),
    metavar="ALPHA",
    help="Exponent of the length penalty; more favours length. [default: the recipe's]",
)
precision_option = click.option(
    "--precision", type=click.Choice(["fp32", "bf16"]), default="fp32", show_default=True, help="Of the arithmetic."
)
batch_tokens_option = click.option(
    "--batch-tokens",
    type=click.IntRange(min=1),
    metavar="N",
    default=4096,
    show_default=True,
    help="Source tokens times beam translated at once; less needs less memory.",
)
split_option = click.option(
    "--split",
    "splits",
    multiple=True,
    metavar="NAME",
    help="Of the corpus; may be given several times. [default: the recipe's data.tests]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
