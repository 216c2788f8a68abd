"""How likely a run finds translations that are given."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from seq2seq.data.readers import two_files
from seq2seq.translation import PairScore, Translator

WINDOW = 4096  # pairs in memory at once


def score_files(translator: Translator, source: Path, target: Path, *, batch_tokens: int) -> Iterator[PairScore]:
    """The score of line N of `target` as the translation of line N of `source`, in order.

    Raises DataError when one file has more lines.
    """
    pairs = two_files(source, target)
    while held := list(islice(pairs, WINDOW)):
        yield from translator.score(
            [pair.source for pair in held], [pair.target for pair in held], batch_tokens=batch_tokens
        )
