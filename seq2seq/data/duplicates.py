"""Texts that occur again: pairs within the training text, and sentences of a test set in it.

Texts are told apart by their keys (64 bits of a hash for each side), so that neither search holds any text. Memory
is bounded: repeated pairs are looked for among those keys at a time that leave the same remainder, in as many
passes over the keys as that takes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.mapped import blocks
from seq2seq.data.tokenized import TokenizedSplit

Keys = NDArray[np.uint64]

PASS = 1 << 21  # pairs whose keys are in memory together, about 100 MB
TABLE = 1 << 20  # a power of two


@dataclass(frozen=True)
class Overlap:
    """How many pairs of a split, sources of it and targets of it stand word for word in the training text."""

    pairs: int
    sources: int
    targets: int
    of: int  # pairs of the split

    @property
    def share(self) -> float:
        """Of the pairs."""
        return self.pairs / max(1, self.of)

    def __bool__(self) -> bool:
        return bool(self.sources or self.targets)

    def __str__(self) -> str:
        counts = f"{self.pairs:,} pairs, {self.sources:,} sources and {self.targets:,} targets"
        return f"{counts} of {self.of:,} stand word for word in the training text"


def overlap(train: TokenizedSplit, other: TokenizedSplit) -> Overlap:
    """What of `other` stands in `train`, among the pairs that the filters kept there."""
    known: tuple[set[int], set[int], set[tuple[int, int]]] = set(), set(), set()
    is_source, is_target = _membership(other.source_keys), _membership(other.target_keys)
    for source, target in blocks(train.source_keys, train.target_keys):
        in_source, in_target = is_source(source), is_target(target)
        known[0].update(source[in_source].tolist())
        known[1].update(target[in_target].tolist())
        both = in_source & in_target
        known[2].update(zip(source[both].tolist(), target[both].tolist(), strict=True))
    pairs = list(zip(other.source_keys.tolist(), other.target_keys.tolist(), strict=True))
    return Overlap(
        sum(pair in known[2] for pair in pairs),
        sum(source in known[0] for source, _ in pairs),
        sum(target in known[1] for _, target in pairs),
        of=len(pairs),
    )


def repeated(parts: Callable[[], Iterator[tuple[Keys, Keys]]], count: int) -> NDArray[np.bool_]:
    """Which of `count` pairs, whose keys come in parts, came before; asks for the parts once for every pass."""
    found = np.zeros(count, dtype=bool)
    passes = -(-count // PASS)
    for remainder in range(passes):
        numbers, sources, targets = [], [], []
        begin = 0
        for source, target in parts():
            mine = np.flatnonzero(source % np.uint64(passes) == remainder)
            numbers.append(begin + mine)
            sources.append(source[mine])
            targets.append(target[mine])
            begin += len(source)
        again = _again(np.concatenate(sources), np.concatenate(targets))
        found[np.concatenate(numbers)[again]] = True
    return found


def _again(sources: Keys, targets: Keys) -> NDArray[np.int64]:
    """The positions of pairs that stand at an earlier one too."""
    order = np.lexsort((targets, sources))  # stable, so the first of equal ones stays the first
    source, target = sources[order], targets[order]
    return order[1:][(source[1:] == source[:-1]) & (target[1:] == target[:-1])]


def _membership(wanted: Keys) -> Callable[[Keys], NDArray[np.bool_]]:
    """Tells which of many keys are among a few: those that a small table lets through are looked up."""
    mask = np.uint64(TABLE - 1)
    table = np.zeros(TABLE, dtype=bool)
    table[wanted & mask] = True

    def among(keys: Keys) -> NDArray[np.bool_]:
        found = table[keys & mask]
        found[found] = np.isin(keys[found], wanted)
        return found

    return among
