"""What to do when the memory is full: the same update in smaller parts."""

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from seq2seq.data.batches import Batch
from seq2seq.errors import Seq2SeqError
from seq2seq.tokens import SPECIAL
from seq2seq.training.allocator import give_freed_memory_back
from seq2seq.training.checkpoint import Position

# Of the CPU's allocator, of the system, and of CUDA libraries.
WORDS = ("can't allocate memory", "Cannot allocate memory", "not enough memory", "out of memory")

logger = logging.getLogger(__name__)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory ran out, of the device or of the machine."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in WORDS)


@contextmanager
def cycles_left_alone() -> Iterator[None]:
    """A block in which Python does not look for cycles of garbage.

    A recurrence walked step by step makes ten thousand objects, and looking through them again and again takes 5 % of
    its update. They die without it, as soon as nothing refers to them.
    """
    looking = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looking:
            gc.enable()


@contextmanager
def told_when_full(position: Position) -> Iterator[None]:
    """Where memory runs out and no smaller batch helps, Seq2SeqError says so."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise Seq2SeqError(
            f"update {position.update}: out of memory in the optimiser, the validation or a checkpoint; use a smaller"
            " model or a smaller training.batch_tokens"
        ) from error


def halved(parts: list[list[Batch]], update: int) -> list[list[Batch]]:
    """Each part of each batch of an update in two, by rows; raises Seq2SeqError when all are single rows."""
    smaller = [[half for part in batch for half in _halves(part)] for batch in parts]
    if smaller == parts:
        source, target = max((part.source.size(1), part.target.size(1)) for batch in parts for part in batch)
        raise Seq2SeqError(
            f"update {update}: out of memory over a single pair of {source} and {target} tokens; use a smaller model,"
            " or leave long pairs out by data.filters.max_length"
        )
    logger.warning(
        "update %d: out of memory over batches of %s (rows x source, target tokens); done anew in parts of %d rows",
        update,
        "; ".join(f"{part.source.size(0)} x {part.source.size(1)}, {part.target.size(1)}" for part in _all(parts)),
        max(part.source.size(0) for part in _all(smaller)),
    )
    return smaller


def beyond_help(update: int, rank: int) -> Seq2SeqError:
    """What to say where an update cannot be done anew."""
    return Seq2SeqError(
        f"update {update}: process {rank} ran out of memory, and with several processes an update is not split;"
        " lower training.batch_tokens in a new run, or use more processes"
    )


def release(device: torch.device) -> None:
    """Give back what the allocator keeps: in pieces that may be too small now, and that others need."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    else:
        give_freed_memory_back()


def _all(parts: list[list[Batch]]) -> list[Batch]:
    return [part for batch in parts for part in batch]


def _halves(batch: Batch) -> list[Batch]:
    rows = batch.source.size(0)
    if rows == 1:
        return [batch]
    return [_rows(batch, 0, rows // 2), _rows(batch, rows // 2, rows)]


def _rows(batch: Batch, start: int, end: int) -> Batch:
    mask, target = batch.source_mask[start:end], batch.target[start:end]
    return Batch(
        source=batch.source[start:end],
        source_mask=mask,
        target=target,
        source_tokens=int(mask.sum()),
        target_tokens=int((target[:, 1:] != SPECIAL.padding).sum()),
        indices=batch.indices[start:end],
    )
