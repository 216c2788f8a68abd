"""Guards against updates that would ruin a model: those with no finite gradient, and losses that leap.

An update whose loss or gradient is infinite or no number is not applied: the fused optimiser is told by a flag on the
device (as `torch.amp.GradScaler` does), so that nothing waits for it. The host hears of it at the next report.
"""

import logging
import math
from collections.abc import Sequence
from statistics import median

import torch
from jaxtyping import Float
from torch import Tensor

from seq2seq.errors import Seq2SeqError
from seq2seq.training.checkpoint import Position
from seq2seq.training.meter import Measured

REMEMBERED = 5  # reports whose losses say what is usual
SPIKE = 1.5  # times the usual loss

logger = logging.getLogger(__name__)


def refuse_unless_finite(optimizer: torch.optim.Optimizer, measured: Float[Tensor, "2"]) -> None:
    """The next step of the fused `optimizer` changes nothing, its step counter neither, unless all are finite."""
    optimizer.found_inf = (~measured.isfinite().all()).float()  # type: ignore[attr-defined]


def count_skipped(updates: Sequence[Measured], position: Position, most: int) -> None:
    """Count those not applied; raises Seq2SeqError at the `most`-th in a row."""
    skipped = [each for each in updates if not each.applied]
    if skipped:
        logger.warning("%s: not applied%s", _told(skipped[0]), f", and {len(skipped) - 1} more" * (len(skipped) > 1))
    for each in updates:
        position.skipped += not each.applied
        position.skipped_in_a_row = 0 if each.applied else position.skipped_in_a_row + 1
        if position.skipped_in_a_row >= most:
            raise Seq2SeqError(
                f"{_told(each)}: the {position.skipped_in_a_row}th update in a row that could not be applied; lower"
                " schedule.peak, lengthen schedule.warmup or lower clip_norm, in a new run"
            )


def warn_of_spike(position: Position, loss: float) -> None:
    """One line when the loss of a report, in nats a token, is far above those before it."""
    if not math.isfinite(loss):
        return
    recent = position.recent_losses
    if len(recent) == REMEMBERED and loss > SPIKE * (usual := median(recent)):
        logger.warning("update %d: the loss leapt from %.3f to %.3f nats a token", position.update, usual, loss)
    position.recent_losses = [*recent, loss][-REMEMBERED:]


def _told(each: Measured) -> str:
    place = each.place
    return (
        f"update {place.update} (epoch {place.epoch}, batch {place.batch}): loss"
        f" {each.likelihood / place.target_tokens:.3g}, gradient norm {each.norm:.3g}"
    )
