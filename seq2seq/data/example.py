"""What a corpus is made of: a sentence, its translation, and what the maker of the corpus knows of them.

The embedded corpora know more than text: which word translates which, and what a pronoun stands for.
Corpora read from files leave that empty.
"""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Probe:
    """A pronoun in a target whose form depends on the noun that it stands for."""

    expected: str
    """The right pronoun, in lower case: er, sie or es."""
    position: int
    """Index of the pronoun in `target.split()`; punctuation that clings to a word is not part of it."""
    distance: int
    """Target words that stand between the noun and the pronoun."""


@dataclass(frozen=True)
class Example:
    """A source sentence and its translation."""

    source: str
    target: str
    alignment: tuple[tuple[int, int], ...] = ()
    """Gold links (source word, target word), sorted: indices into `source.split()` and `target.split()`."""
    probe: Probe | None = None


def stable_share(text: str) -> float:
    """A number in [0, 1) that depends on the text alone, the same in every process and on every machine."""
    digest = hashlib.blake2b(text.encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big") / 2**48
