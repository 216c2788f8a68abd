"""Which examples share a batch, and in which order batches come: little padding, and the same again.

Batches are cut, within a budget of tokens, from a row of all examples in which neighbours are alike in
length: sorted by the longer side (which is what the budget counts) and within that by how much longer the
target is than the source, in turns rising and falling, so that the row never jumps. Order is a pure
function of (seed, epoch), so "go on at batch k of epoch n" is all that a resumed training has to know.
"""

import numpy as np
from numpy.typing import NDArray

from seq2seq.errors import ConfigError

Lengths = NDArray[np.int64]


class BatchOrder:
    """The batches of each epoch as arrays of example numbers.

    Lengths are in tokens without markers. Rows x the longest row of either side, end markers among them,
    is at most `batch_tokens`. Ties are broken anew in every epoch and the cuts fall elsewhere, so batches
    differ from epoch to epoch; so does their order.
    """

    def __init__(self, source_lengths: Lengths, target_lengths: Lengths, batch_tokens: int, seed: int) -> None:
        """Raises ConfigError when a pair alone is over the budget."""
        self._longest = _longer_side(source_lengths, target_lengths)
        self._difference = np.asarray(target_lengths, np.int64) - np.asarray(source_lengths, np.int64)
        self._batch_tokens, self._seed = batch_tokens, seed
        longest = int(self._longest.max(initial=0))
        if longest > batch_tokens:
            raise ConfigError(
                f"batch_tokens must be at least {longest}, the tokens of the longest pair with its end marker, "
                f"not {batch_tokens}; or leave such pairs out by data.filters.max_length={batch_tokens}"
            )

    def epoch(self, number: int) -> list[NDArray[np.int64]]:
        """The batches of an epoch; every example is in exactly one of them."""
        if len(self._longest) == 0:
            return []
        random = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self._seed, number])))
        ties = random.random(len(self._longest))
        row = np.lexsort((ties, _winding(self._longest, self._difference), self._longest))
        share = random.uniform(0.5, 1)  # of the first batch, which moves all the cuts that follow
        batches = _cut(row, self._longest, self._batch_tokens, first=share)
        return [batches[index] for index in random.permutation(len(batches))]


def in_order(source_lengths: Lengths, target_lengths: Lengths, batch_tokens: int) -> list[NDArray[np.int64]]:
    """Batches from the shortest examples to the longest, always the same; one over the budget stands alone."""
    longest = _longer_side(source_lengths, target_lengths)
    difference = np.asarray(target_lengths, np.int64) - np.asarray(source_lengths, np.int64)
    row = np.lexsort((_winding(longest, difference), longest))
    return _cut(row, longest, batch_tokens, first=1.0)


def _longer_side(source_lengths: Lengths, target_lengths: Lengths) -> Lengths:
    return np.maximum(source_lengths, target_lengths).astype(np.int64) + 1  # the end marker


def _winding(longest: Lengths, difference: Lengths) -> Lengths:
    """Sort keys that rise where `longest` is odd and fall where it is even."""
    return np.where(longest % 2, difference, -difference)


def _cut(row: NDArray[np.int64], longest: Lengths, batch_tokens: int, *, first: float) -> list[NDArray[np.int64]]:
    """Consecutive parts of `row`, sorted by `longest`, as large as the budget allows, the first a share of that."""
    lengths = longest[row]
    batches = []
    start, budget = 0, batch_tokens * first
    while start < len(row):
        # No batch has more rows than if all were as short as its first.
        window = lengths[start : start + max(1, batch_tokens // int(lengths[start]))]
        cells = window * np.arange(1, len(window) + 1)  # sorted, so the last row is the longest
        rows = max(1, int(np.searchsorted(cells, budget, side="right")))
        batches.append(row[start : start + rows])
        start, budget = start + rows, batch_tokens
    return batches
