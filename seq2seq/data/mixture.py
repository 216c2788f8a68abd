"""How often an epoch sees each example of the corpora that a split is made of.

A corpus of weight 1 is seen once in an epoch, one of weight 3 three times, one of weight 0.25 to a quarter: another
quarter in the next epoch, so that over many epochs no example of a corpus is seen twice more often than another.
Weights may be given, or come from a temperature T (Arivazhagan et al. 2019, section 4.2): the share of a corpus goes
by its size to the power 1/T. The largest corpus is then seen once; the smaller ones are repeated.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """Consecutive examples of a split that are seen equally often."""

    pairs: int
    weight: float = 1.0  # times an epoch


def temperature_weights(sizes: Sequence[int], temperature: float) -> list[float]:
    """Times an epoch for corpora of these sizes, such that size x times goes by size ** (1 / temperature)."""
    largest = max(sizes, default=0)
    return [(largest / size) ** (1 - 1 / temperature) if size else 1.0 for size in sizes]


def epoch_ranges(parts: Sequence[Part], epoch: int) -> list[tuple[int, int]]:
    """The examples of an epoch as ranges [first, last) of numbers; one that is seen twice is in two of them."""
    ranges = []
    begin = 0
    for part in parts:
        whole, rest = divmod(part.weight, 1)
        ranges += [(begin, begin + part.pairs)] * int(whole)
        ranges += [(begin + first, begin + last) for first, last in _window(part.pairs, rest, epoch)]
        begin += part.pairs
    return [(first, last) for first, last in ranges if first < last]


def _window(pairs: int, share: float, epoch: int) -> list[tuple[int, int]]:
    """A share of `pairs` that goes round with the epochs: what the last one ended at, this one begins with."""
    length = min(pairs, max(1, round(share * pairs))) if share else 0
    if not length:
        return []
    first = epoch * length % pairs
    last = first + length
    return [(first, last)] if last <= pairs else [(first, pairs), (0, last - pairs)]
