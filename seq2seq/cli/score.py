"""`seq2seq score`."""

from pathlib import Path

import click

from seq2seq.cli.group import Command, examples
from seq2seq.cli.options import batch_tokens_option, device_option, precision_option, run_argument
from seq2seq.cli.progress import progress

FILE = click.Path(path_type=Path)


@click.command(
    cls=Command,
    epilog=examples(
        "seq2seq score runs/demo/transformer --source test.en --target test.de",
        "seq2seq score runs/demo/lstm --source test.en --target mine.de --device cuda > scores.tsv",
    ),
)
@run_argument
@click.option("--source", type=FILE, required=True, metavar="FILE", help="Sentences, one a line.")
@click.option("--target", type=FILE, required=True, metavar="FILE", help="Their translations, line by line.")
@precision_option
@device_option
@batch_tokens_option
def score(*, run: Path, source: Path, target: Path, precision: str, device: str, batch_tokens: int) -> None:
    """Print how likely a run finds given translations.

    One line for each pair: the log-probability of the translation in nats, a tab, and how many tokens it has,
    the end marker among them.
    """
    from seq2seq.translation import Translator
    from seq2seq.workflows.score import score_files
    from seq2seq.workflows.translate import count_lines

    total = count_lines(source)
    translator = Translator.load(run, device=device, precision=precision)
    with progress("scoring", total) as advance:
        for found in score_files(translator, source, target, batch_tokens=batch_tokens):
            click.echo(f"{found.log_probability:.4f}\t{found.tokens}")
            advance(1)
