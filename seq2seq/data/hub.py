"""Parallel text from the Hugging Face Hub, through `datasets`, which downloads it once and keeps it."""

import sys
from collections.abc import Iterator

from seq2seq.config import unknown
from seq2seq.data.example import Example
from seq2seq.data.readers import from_row
from seq2seq.errors import DataError


def hub_examples(
    name: str, split: str, source: str, target: str, *, config: str | None, revision: str | None
) -> Iterator[Example]:
    """The rows of one split; raises DataError where the corpus cannot be had or has no such split or column."""
    import datasets  # takes more than a second to import

    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    try:
        found = datasets.load_dataset(name, config, revision=revision)
    except Exception as error:  # whatever the network, the disk and the corpus's own files can raise
        raise DataError(_unavailable(name, error)) from None
    if split not in found:
        raise DataError(f"{name}: {unknown('split', split, found)} (data.corpus.splits renames them)")
    for number, row in enumerate(found[split], 1):
        yield from_row(row, source, target, where=f"{name}: {split}: row {number:,}")


def _unavailable(name: str, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return (
        f"data.corpus: {name!r} cannot be had from the Hugging Face Hub ({reason}); "
        "where there is no network, fetch the files elsewhere and say --set data.corpus=FOLDER"
    )
