"""Drawing at random: the one source of chance for a stream of sentences, and how rich they become."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, TypeVar

from seq2seq.data.grammar.pairs import Pairs

T = TypeVar("T")


@dataclass(frozen=True)
class Style:
    """How rich sentences are: probabilities of what may be left out."""

    adjective: float = 0.36
    relative: float = 0.1
    time: float = 0.32
    place: float = 0.35
    negation: float = 0.13
    modal: float = 0.12
    company: float = 0.08


NORMAL = Style()
RICH = Style(adjective=0.45, relative=0.3, time=0.5, place=0.5, company=0.12)


class Weighted(Generic[T]):
    """Alternatives with weights."""

    def __init__(self, *weighted: tuple[T, int]) -> None:
        self.values = [value for value, _ in weighted]
        self.limits = list(accumulate(weight for _, weight in weighted))


class Draw:
    """A stream of chance."""

    def __init__(self, generator: random.Random, style: Style, *, wants_reserved: bool) -> None:
        self.random = generator.random
        self.style = style
        self.wants_reserved = wants_reserved

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def pick(self, values: Sequence[T]) -> T:
        return values[int(self.random() * len(values))]

    def weigh(self, choice: Weighted[T]) -> T:
        """One of the alternatives, by weight."""
        limits = choice.limits
        place = self.random() * limits[-1]
        index = 0
        while limits[index] <= place:
            index += 1
        return choice.values[index]

    def paired(self, pairs: Pairs[T]) -> T:
        """One that makes no reserved pair; or, where those are wanted, often one that does."""
        if self.wants_reserved and pairs.reserved and self.chance(0.4):
            return self.pick(pairs.reserved)
        return self.pick(pairs.free)
