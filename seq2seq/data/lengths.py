"""What is to be known of the lengths of sentence pairs, gathered once and in little memory."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.mapped import blocks

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Lengths:
    """Of both sides of some pairs, in tokens, the end markers among them."""

    source_tokens: int
    target_tokens: int
    source_squares: int  # the sum of the squared lengths of sources
    target_squares: int
    products: int  # the sum over pairs of the one length times the other
    longest_source: int
    longest_target: int
    pairs_by_longer: Counts  # at n: how many pairs have n tokens on their longer side

    @classmethod
    def of(cls, source_lengths: NDArray[np.integer], target_lengths: NDArray[np.integer]) -> "Lengths":
        """Of pairs with such lengths, which are without markers."""
        found = cls(0, 0, 0, 0, 0, 0, 0, np.zeros(1, dtype=np.int64))
        for source, target in blocks(source_lengths, target_lengths):
            found = found._and(source.astype(np.int64) + 1, target.astype(np.int64) + 1)
        return found

    def _and(self, source: Counts, target: Counts) -> "Lengths":
        counts = np.bincount(np.maximum(source, target), minlength=len(self.pairs_by_longer))
        counts[: len(self.pairs_by_longer)] += self.pairs_by_longer
        return Lengths(
            source_tokens=self.source_tokens + int(source.sum()),
            target_tokens=self.target_tokens + int(target.sum()),
            source_squares=self.source_squares + int(source @ source),
            target_squares=self.target_squares + int(target @ target),
            products=self.products + int(source @ target),
            longest_source=max(self.longest_source, int(source.max())),
            longest_target=max(self.longest_target, int(target.max())),
            pairs_by_longer=counts,
        )

    @cached_property
    def pairs(self) -> int:
        return int(self.pairs_by_longer.sum())

    @cached_property
    def longer_tokens(self) -> int:
        """Of the longer side of each pair."""
        return int(self.pairs_by_longer @ np.arange(len(self.pairs_by_longer)))

    @property
    def longest(self) -> int:
        """Of either side."""
        return max(self.longest_source, self.longest_target)

    def longer(self, share: float) -> int:
        """What the longer side of this share of the pairs does not exceed."""
        return int(np.searchsorted(np.cumsum(self.pairs_by_longer), share * self.pairs))

    @property
    def correlation(self) -> float:
        """Of source and target lengths; 1 where either does not vary."""
        source = self.pairs * self.source_squares - self.source_tokens**2
        target = self.pairs * self.target_squares - self.target_tokens**2
        both = self.pairs * self.products - self.source_tokens * self.target_tokens
        return both / (source * target) ** 0.5 if source and target else 1.0
