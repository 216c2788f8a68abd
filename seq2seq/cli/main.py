"""The program `seq2seq`: results on stdout, talk on stderr; exit 0, 1 for what is to be mended, 2 for usage."""

import signal
import sys
from types import FrameType

import click

from seq2seq import __version__
from seq2seq.cli.console import talking
from seq2seq.cli.group import Program, examples

PLACES = {
    name: f"seq2seq.cli.{name}:{name}"
    for name in ("recipes", "train", "evaluate", "compare", "translate", "score", "average", "info", "bench")
}


@click.command(
    cls=Program,
    places=PLACES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "seq2seq recipes list",
        "seq2seq train recipes/demo/transformer.yaml",
        "seq2seq translate runs/demo/transformer input.txt -o output.txt",
    ),
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.option("-v", "--verbose", is_flag=True, help="Say on stderr what is done meanwhile.")
@click.pass_context
def program(ctx: click.Context, *, verbose: bool) -> None:
    """Train and compare sequence-to-sequence models, and translate with them."""
    ctx.with_resource(talking(verbose=verbose))


def main() -> None:
    """Run the program and leave with its exit status."""
    signal.signal(signal.SIGTERM, _leave)
    program(prog_name="seq2seq")


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    # By an exception, so that files which are half written are removed on the way out.
    sys.exit(128 + number)
