"""`seq2seq evaluate`."""

from pathlib import Path

import click

from seq2seq.cli.console import show, write_json
from seq2seq.cli.group import Command, examples
from seq2seq.cli.options import (
    batch_tokens_option,
    beam_option,
    device_option,
    json_option,
    length_penalty_option,
    precision_option,
    runs_argument,
    split_option,
)
from seq2seq.cli.progress import progress


@click.command(
    cls=Command,
    epilog=examples(
        "seq2seq evaluate runs/demo/transformer",
        "seq2seq evaluate runs/demo/*/ --split test --split test_long --json > scores.json",
        "seq2seq evaluate runs/multi30k-en-de/lstm --source mine.en --reference mine.de --beam 1",
    ),
)
@runs_argument
@split_option
@click.option("--source", type=click.Path(path_type=Path), metavar="FILE", help="Score this text instead of a split.")
@click.option("--reference", type=click.Path(path_type=Path), metavar="FILE", help="Its translation, line by line.")
@beam_option
@length_penalty_option
@precision_option
@device_option
@batch_tokens_option
@json_option
def evaluate(  # noqa: PLR0913 - one for each option
    *,
    runs: tuple[Path, ...],
    splits: tuple[str, ...],
    source: Path | None,
    reference: Path | None,
    beam: int | None,
    length_penalty: float | None,
    precision: str,
    device: str,
    batch_tokens: int,
    as_json: bool,
) -> None:
    """Score trained runs on test sets: BLEU, chrF, TER.

    The metrics are sacreBLEU's, with signatures, and BLEU with the interval in which it lies with 95 %; beside
    them BLEU without regard to case and, where the test set asks for them, how many pronouns are right.
    Translations of splits are kept in the run folder and used again until the model or the search changes.
    """
    if (source is None) != (reference is None):
        raise click.UsageError("--source and --reference go together; give both.")
    if source is not None and splits:
        raise click.UsageError("--split and --source exclude each other; give one of them.")
    from seq2seq.workflows.evaluate import EvaluateOptions
    from seq2seq.workflows.evaluate import evaluate as evaluate_runs
    from seq2seq.workflows.scoreboard import cut_warning, evaluation_tables, signature_lines

    options = EvaluateOptions(
        runs,
        splits,
        (source, reference) if source and reference else None,
        beam,
        length_penalty,
        device,
        precision,
        batch_tokens,
    )
    rows = [evaluation.row for evaluation in evaluate_runs(options, progress)]
    for line in cut_warning(rows):
        click.echo(f"Warning: {line}", err=True)
    if as_json:
        write_json({"runs": rows})
        return
    for table in evaluation_tables(rows):
        show(table)
        click.echo()
    click.echo("\n".join(signature_lines(rows)))
