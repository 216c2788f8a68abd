"""Words that remember what they say, so that a sentence pair comes with its gold alignment.

Both languages are written from one tree. Each word carries links: (node of the tree, part of it). Two words,
one of each language, that share a link translate each other.
"""

from typing import NamedTuple

Link = tuple[object, str]


class Word(NamedTuple):
    """A word of either language."""

    text: str
    links: tuple[Link, ...] = ()


COMMA = Word(",")
"""A comma that is due: it clings to the word before, doubled commas count once, at either end it vanishes."""


def written(words: list[Word], end: str) -> tuple[str, list[Word]]:
    """The sentence as text, and its words without the commas, one for each of `text.split()`."""
    texts: list[str] = []
    kept: list[Word] = []
    comma = False
    for word in words:
        if word is COMMA:
            comma = bool(texts)
        else:
            if comma:
                texts[-1] += ","
                comma = False
            texts.append(word.text)
            kept.append(word)
    texts[0] = texts[0][0].upper() + texts[0][1:]
    return " ".join(texts) + end, kept


def aligned(source: list[Word], target: list[Word]) -> tuple[tuple[int, int], ...]:
    """All pairs of indices of words that share a link, sorted."""
    places: dict[Link, list[int]] = {}
    for index, word in enumerate(target):
        for link in word.links:
            places.setdefault(link, []).append(index)
    pairs = {
        (index, other) for index, word in enumerate(source) for link in word.links for other in places.get(link, ())
    }
    return tuple(sorted(pairs))
