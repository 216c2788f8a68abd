"""Which examples share a batch, and in which order batches come: little padding, and the same again.

Batches are cut, within a budget of tokens, from a row of all examples in which neighbours are alike in
length: sorted by the longer side (which is what the budget counts) and within that by how much longer the
target is than the source, in turns rising and falling, so that the row never jumps. Order is a pure
function of (seed, epoch), so "go on at batch k of epoch n" is all that a resumed training has to know.

A split of more than a million pairs comes in pools of about that many, so that memory and the wait for the first
batch do not grow with it: its chunks of some thousand neighbours are shuffled and dealt out to the pools, and
each pool is sorted and cut by itself.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.mapped import blocks
from seq2seq.data.mixture import Part, epoch_ranges
from seq2seq.errors import ConfigError

Lengths = NDArray[np.integer]

POOL = 1 << 20  # pairs that are sorted together
CHUNK = 1 << 13  # neighbours that go into the same pool: what lies together on the disk is read together


class BatchOrder:
    """The batches of each epoch as arrays of example numbers.

    Lengths are in tokens without markers. Rows x the longest row of either side, end markers among them,
    is at most `batch_tokens`. Ties are broken anew in every epoch and the cuts fall elsewhere, so batches
    differ from epoch to epoch; so does their order.
    """

    def __init__(
        self,
        source_lengths: Lengths,
        target_lengths: Lengths,
        batch_tokens: int,
        seed: int,
        parts: Sequence[Part] = (),
        after_pool: Callable[[], None] = lambda: None,
    ) -> None:
        """`parts` says how often an epoch sees which examples; without them each is seen once.

        `after_pool` is called when the batches of a pool are done, because the next one has other examples.
        Raises ConfigError when a pair alone is over the budget.
        """
        self._source_lengths, self._target_lengths = source_lengths, target_lengths
        self._parts = tuple(parts) or (Part(len(source_lengths)),)
        self._batch_tokens, self._seed, self._after_pool = batch_tokens, seed, after_pool
        longest = max(
            (int(side.max()) + 1 for both in blocks(source_lengths, target_lengths) for side in both), default=0
        )
        if longest > batch_tokens:
            raise ConfigError(
                f"batch_tokens must be at least {longest}, the tokens of the longest pair with its end marker, "
                f"not {batch_tokens}; or leave such pairs out by data.filters.max_length={batch_tokens}"
            )

    def epoch(self, number: int) -> list[NDArray[np.int64]]:
        """The batches of an epoch; every example is in exactly one of them, or in as many as its part says."""
        return list(self.batches(number))

    def batches(self, number: int, skip: int = 0) -> Iterator[NDArray[np.int64]]:
        """The batches of an epoch after the first `skip`, made a pool at a time."""
        for pool, examples in enumerate(self._pools(number)):
            groups = self._batches(examples, self._random(number, *([pool] if pool else [])))
            yield from groups[skip:]
            skip = max(0, skip - len(groups))
            self._after_pool()

    def _pools(self, number: int) -> Iterator[NDArray[np.int64]]:
        """The examples of an epoch, all at once where they are few."""
        ranges = epoch_ranges(self._parts, number)
        pools = -(-sum(last - first for first, last in ranges) // POOL)
        if pools > 1:
            chunks = [
                (start, min(start + CHUNK, last)) for first, last in ranges for start in range(first, last, CHUNK)
            ]
            order = self._random(number, pools).permutation(len(chunks))
        else:
            chunks, order = ranges, np.arange(len(ranges))
        for part in np.array_split(order, min(pools, len(order))) if pools else ():
            yield np.concatenate([np.arange(*chunks[index]) for index in part])

    def _batches(self, examples: NDArray[np.int64], random: np.random.Generator) -> list[NDArray[np.int64]]:
        source, target = self._source_lengths[examples], self._target_lengths[examples]
        longest, ties = _longer_side(source, target), random.random(len(examples))
        row = np.lexsort((ties, _winding(longest, _difference(source, target)), longest))
        share = random.uniform(0.5, 1)  # of the first batch, which moves all the cuts that follow
        batches = _cut(row, longest, self._batch_tokens, first=share)
        return [examples[batches[index]] for index in random.permutation(len(batches))]

    def _random(self, *numbers: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self._seed, *numbers])))


def in_order(source_lengths: Lengths, target_lengths: Lengths, batch_tokens: int) -> list[NDArray[np.int64]]:
    """Batches from the shortest examples to the longest, always the same; one over the budget stands alone."""
    longest = _longer_side(source_lengths, target_lengths)
    row = np.lexsort((_winding(longest, _difference(source_lengths, target_lengths)), longest))
    return _cut(row, longest, batch_tokens, first=1.0)


def _longer_side(source_lengths: Lengths, target_lengths: Lengths) -> NDArray[np.int64]:
    return np.maximum(source_lengths, target_lengths).astype(np.int64) + 1  # the end marker


def _difference(source_lengths: Lengths, target_lengths: Lengths) -> NDArray[np.int64]:
    return np.asarray(target_lengths, np.int64) - np.asarray(source_lengths, np.int64)


def _winding(longest: NDArray[np.int64], difference: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort keys that rise where `longest` is odd and fall where it is even."""
    return np.where(longest % 2, difference, -difference)


def _cut(
    row: NDArray[np.int64], longest: NDArray[np.int64], batch_tokens: int, *, first: float
) -> list[NDArray[np.int64]]:
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
