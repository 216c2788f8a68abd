"""Batches of sentence pairs: what a batch is, and how one is made of rows of ids.

A source is tokens and the end marker; a target is the start marker, tokens and the end marker, so that a
model reads all but its last position and is asked for all but its first. Shorter rows are padded at the end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Int64
from numpy.typing import NDArray
from torch import Tensor

from seq2seq.data.order import BatchOrder, in_order
from seq2seq.data.prefetch import ahead
from seq2seq.tokens import SPECIAL

__all__ = ["Batch", "BatchOrder", "Batches", "Pairs", "collate", "collate_source", "validation_batches"]

Ids = Sequence[int] | NDArray[np.integer]


@dataclass(frozen=True)
class Batch:
    """Sentence pairs to be read at once: a batch, or the rows of one that fall to one of several processes."""

    source: Int64[Tensor, "row source"]
    source_mask: Bool[Tensor, "row source"]  # True at tokens and end markers
    target: Int64[Tensor, "row time"]
    source_tokens: int  # of the whole batch, in whichever process; end markers among them
    target_tokens: int  # positions of the loss of the whole batch: end markers among them
    indices: tuple[int, ...]  # of the examples in their split, a row each; none: the row is a stand-in without a loss

    def to(self, device: torch.device | str) -> "Batch":
        """The batch on another device; from pinned memory without waiting for it to get there."""
        return self._with_tensors(*(tensor.to(device, non_blocking=tensor.is_pinned()) for tensor in self._tensors))

    def pin(self) -> "Batch":
        """The batch in memory that a GPU can fetch from by itself."""
        return self._with_tensors(*(tensor.pin_memory() for tensor in self._tensors))

    @property
    def _tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.source, self.source_mask, self.target

    def _with_tensors(self, source: Tensor, source_mask: Tensor, target: Tensor) -> "Batch":
        return replace(self, source=source, source_mask=source_mask, target=target)


@runtime_checkable
class Pairs(Protocol):
    """Tokenised sentence pairs, by number."""

    @property
    def source_lengths(self) -> NDArray[np.integer]: ...
    @property
    def target_lengths(self) -> NDArray[np.integer]: ...
    def source(self, index: int, /) -> NDArray[np.integer]: ...
    def target(self, index: int, /) -> NDArray[np.integer]: ...


def collate(sources: Sequence[Ids], targets: Sequence[Ids], indices: Sequence[int] | NDArray[np.int64]) -> Batch:
    """A batch of at least one pair of id rows without markers."""
    source, source_lengths = _padded(sources, start=False)
    target, target_lengths = _padded(targets, start=True)
    return Batch(
        source=source,
        source_mask=_mask(source, source_lengths),
        target=target,
        source_tokens=int(source_lengths.sum()) + len(sources),
        target_tokens=int(target_lengths.sum()) + len(targets),
        indices=tuple(map(int, indices)),
    )


def collate_source(sources: Sequence[Ids]) -> tuple[Int64[Tensor, "row source"], Bool[Tensor, "row source"]]:
    """The sources of at least one row, and their mask."""
    source, lengths = _padded(sources, start=False)
    return source, _mask(source, lengths)


class Batches:
    """The batches of a split in the order of training, from any point of it on.

    Which examples share a batch does not depend on `size`, the number of processes that share the work: of each
    batch the one with `rank` has every size-th row. Rows are sorted by length, so all have about as much to do.
    """

    def __init__(
        self, split: Pairs, order: BatchOrder, *, rank: int = 0, size: int = 1, prefetch: int = 0, pinned: bool = False
    ) -> None:
        """With `prefetch`, a thread keeps so many batches ready; `pinned` ones reach a GPU without waiting."""
        self._split, self._order = split, order
        self._rank, self._size = rank, size
        self._prefetch, self._pinned = prefetch, pinned

    def epoch(self, number: int, skip: int = 0) -> Iterator[Batch]:
        """The batches of an epoch without the first `skip`, equal to what remains after taking those."""
        batches = self._made(self._order.batches(number, skip))
        return ahead(batches, self._prefetch) if self._prefetch else batches

    def _made(self, groups: Iterator[NDArray[np.int64]]) -> Iterator[Batch]:
        for indices in groups:
            batch = _share(self._split, indices, self._rank, self._size)
            yield batch.pin() if self._pinned else batch


def validation_batches(split: Pairs, batch_tokens: int) -> Iterator[Batch]:
    """Every example once, in an order that never changes; one longer than `batch_tokens` has its own batch."""
    for indices in in_order(split.source_lengths, split.target_lengths, batch_tokens):
        yield _gather(split, indices)


def _share(split: Pairs, indices: NDArray[np.int64], rank: int, size: int) -> Batch:
    """What a process reads of a batch. One that no row falls to reads a row without a target, to keep in step."""
    own = indices[rank::size]
    batch = _gather(split, own) if len(own) else _without_target(split.source(int(indices[0])))
    return replace(
        batch,
        source_tokens=int(split.source_lengths[indices].sum()) + len(indices),
        target_tokens=int(split.target_lengths[indices].sum()) + len(indices),
    )


def _without_target(source: Ids) -> Batch:
    batch = collate([source], [[]], ())
    return replace(batch, target=batch.target.new_tensor([[SPECIAL.start, SPECIAL.padding]]))


def _gather(split: Pairs, indices: NDArray[np.int64]) -> Batch:
    numbers = indices.tolist()
    return collate([split.source(number) for number in numbers], [split.target(number) for number in numbers], numbers)


def _padded(rows: Sequence[Ids], *, start: bool) -> tuple[Int64[Tensor, "row time"], NDArray[np.int64]]:
    """Rows with their markers, padded to the longest, and their lengths without markers."""
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    first = int(start)
    padded = np.full((len(rows), first + int(lengths.max()) + 1), SPECIAL.padding, dtype=np.int64)
    positions = np.arange(padded.shape[1]) - first
    tokens = (positions >= 0) & (positions < lengths[:, None])
    padded[tokens] = np.concatenate(rows, dtype=np.int64, casting="unsafe")  # an empty list counts as float
    padded[np.arange(len(rows)), first + lengths] = SPECIAL.end
    if start:
        padded[:, 0] = SPECIAL.start
    return torch.from_numpy(padded), lengths


def _mask(source: Tensor, lengths: NDArray[np.int64]) -> Bool[Tensor, "row source"]:
    return torch.arange(source.shape[1]) <= torch.from_numpy(lengths)[:, None]
