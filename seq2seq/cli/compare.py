"""`seq2seq compare`."""

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
    runs_argument,
    split_option,
)
from seq2seq.cli.progress import progress


@click.command(
    cls=Command,
    epilog=examples(
        "seq2seq compare runs/demo/transformer runs/demo/lstm runs/demo/gru",
        "seq2seq compare runs/demo/*/ --out runs/demo/compare",
        "seq2seq compare runs/multi30k-en-de/*/ --split test_2016_flickr --json",
    ),
)
@runs_argument
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="REPORT",
    help="Also write REPORT.json and REPORT.md; in a folder, compare.json and compare.md.",
)
@split_option
@beam_option
@length_penalty_option
@device_option
@batch_tokens_option
@json_option
def compare(  # noqa: PLR0913 - one for each option
    *,
    runs: tuple[Path, ...],
    out: Path | None,
    splits: tuple[str, ...],
    beam: int | None,
    length_penalty: float | None,
    device: str,
    batch_tokens: int,
    as_json: bool,
) -> None:
    """Compare trained runs in one table: sizes, scores, speeds.

    The p-values are of the difference in BLEU from the first run. What 'seq2seq evaluate' has translated before is
    not translated again.
    """
    from seq2seq.workflows.compare import compare as compare_runs
    from seq2seq.workflows.compare import write_report
    from seq2seq.workflows.evaluate import EvaluateOptions
    from seq2seq.workflows.scoreboard import (
        comparison_markdown,
        comparison_notes,
        comparison_tables,
        cut_warning,
        signature_lines,
    )

    options = EvaluateOptions(runs, splits, None, beam, length_penalty, device, batch_tokens=batch_tokens)
    found = compare_runs(options, progress)
    for line in cut_warning(found.rows):
        click.echo(f"Warning: {line}", err=True)
    if as_json:
        write_json({"runs": found.rows, "machines": found.machines})
    else:
        for table in comparison_tables(found):
            show(table)
            click.echo()
        click.echo("\n".join([*signature_lines(found.rows), *comparison_notes(found)]))
    if out is not None:
        paths = write_report(out, found, comparison_markdown(found))
        click.echo(f"written: {', '.join(map(str, paths))}", err=True)
