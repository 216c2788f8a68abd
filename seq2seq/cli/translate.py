"""`seq2seq translate`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from seq2seq.cli.console import is_terminal
from seq2seq.cli.group import Command, examples
from seq2seq.cli.options import (
    batch_tokens_option,
    beam_option,
    device_option,
    length_penalty_option,
    precision_option,
    run_argument,
)
from seq2seq.cli.progress import progress
from seq2seq.errors import DataError

if TYPE_CHECKING:
    from seq2seq.workflows.translate import Form, TranslateOptions, Write

STANDARD = Path("-")
PROMPT = "> "


@click.command(
    cls=Command,
    epilog=examples(
        "seq2seq translate runs/demo/transformer input.txt -o output.txt",
        "echo 'the cat sleeps' | seq2seq translate runs/demo/transformer --beam 1",
        "seq2seq translate runs/demo/lstm input.txt --beam 10 --n-best 10 > candidates.txt",
        "seq2seq translate runs/demo/lstm          (a prompt: type a sentence, Ctrl-D ends)",
    ),
)
@run_argument
@click.argument("source", type=click.Path(path_type=Path), metavar="[INPUT]", required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write here, all or nothing. [default: stdout]")
@beam_option
@click.option("--n-best", type=click.IntRange(min=1), metavar="N", help="Print N candidates for each line.")
@length_penalty_option
@click.option("--scores", is_flag=True, help="Print the score and a tab before each translation.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each line.")
@precision_option
@device_option
@batch_tokens_option
def translate(  # noqa: PLR0913 - one for each option
    *,
    run: Path,
    source: Path | None,
    output: Path | None,
    beam: int | None,
    n_best: int | None,
    length_penalty: float | None,
    scores: bool,
    as_json: bool,
    precision: str,
    device: str,
    batch_tokens: int,
) -> None:
    """Translate a file or standard input with a trained run.

    One line comes out for each line that goes in, always and in order; blank lines stay blank. INPUT is UTF-8
    text, or JSON lines where its name ends in .jsonl: strings, or objects with a "source"; "-" is standard
    input. With neither INPUT nor a pipe there is a prompt.

    With --n-best every line gets up to N lines "INDEX ||| TRANSLATION ||| SCORE", where INDEX counts input
    lines from 0. A score is the log-probability in nats, divided by the length penalty.
    """
    from seq2seq.workflows.translate import TranslateOptions

    form = _form(scores=scores, as_json=as_json, n_best=n_best)
    options = TranslateOptions(
        run,
        beam_size=beam,
        length_penalty=length_penalty,
        n_best=n_best or 1,
        form=cast("Form", form),
        device=device,
        precision=precision,
        batch_tokens=batch_tokens,
    )
    if source is None and is_terminal(sys.stdin):
        _converse(options, output)
    else:
        _translate(options, source or STANDARD, output or STANDARD)


def _form(*, scores: bool, as_json: bool, n_best: int | None) -> str:
    if as_json and scores:
        raise click.UsageError("--json holds the scores already; leave --scores out.")
    if n_best and scores:
        raise click.UsageError("--n-best prints the scores already; leave --scores out.")
    if as_json:
        return "json"
    return "n-best" if n_best else "scores" if scores else "text"


def _translate(options: "TranslateOptions", source: Path, output: Path) -> None:
    from seq2seq.workflows.translate import STDIN, count_lines, load_translator, read_file, read_stream, translate_lines

    piped = source == STANDARD
    sources = read_stream(sys.stdin.buffer) if piped else read_file(source)
    total = None if piped else count_lines(source)
    seen = output == STANDARD and is_terminal(sys.stdout)
    with _writing_to(output) as write:
        translator = load_translator(options)
        with progress("translating", total, bar=not seen) as advance:
            count = translate_lines(translator, sources, write, options, progress=advance)
    if count == 0:
        click.echo(f"Warning: {STDIN}: empty; nothing was translated", err=True)


@contextmanager
def _writing_to(output: Path) -> Iterator["Write"]:
    from seq2seq.workflows.translate import output_to, writer

    if output == STANDARD:
        yield writer(sys.stdout.buffer)
    else:
        with output_to(output) as write:
            yield write


def _converse(options: "TranslateOptions", output: Path | None) -> None:
    """Translate each line as it is typed, until Ctrl-D."""
    from seq2seq.workflows.translate import load_translator, translate_lines

    with _writing_to(output or STANDARD) as write:
        translator = load_translator(options)
        click.echo(f"Translating with {options.run}: type a sentence and Enter; Ctrl-D ends.", err=True)
        for index, line in enumerate(_typed()):
            try:
                translate_lines(translator, [line], write, options, first=index)
            except DataError as error:
                click.echo(f"Error: {error}", err=True)


def _typed() -> Iterator[str]:
    """The lines that somebody types; the prompt never gets into output that goes elsewhere."""
    import readline  # noqa: F401 - gives input() its editing and history

    seen = is_terminal(sys.stdout)
    while True:
        if not seen:
            click.echo(PROMPT, nl=False, err=True)
        try:
            yield input(PROMPT if seen else "")
        except EOFError:
            click.echo(err=True)
            return
