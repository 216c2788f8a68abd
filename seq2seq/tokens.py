"""The ids that every tokenizer and every model of the toolkit agree on."""

from typing import NamedTuple


class SpecialTokens(NamedTuple):
    """Ids that stand for no text."""

    padding: int = 0
    start: int = 1
    end: int = 2
    unknown: int = 3


SPECIAL = SpecialTokens()
