"""Which sentence pairs training leaves out, with a count for every reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from seq2seq.config import Config

SHORT = 20  # tokens; pairs no longer than this are short enough to differ by any ratio


class FilterConfig(Config):
    """Pairs with nothing on one side are always left out, the others as said here."""

    max_length: Annotated[int, Field(ge=2)] = 256
    """Tokens of the longer side, the end marker among them."""
    max_ratio: Annotated[float, Field(ge=1)] | None = 9.0
    """Tokens of the longer side to those of the shorter, for pairs that are longer than 20 tokens."""
    duplicates: bool = False
    """Leave out a pair that came before, in the same corpus or in one named before it."""


@dataclass
class FilterReport:
    """How many pairs were kept, and how many were left out for which reason."""

    kept: int = 0
    empty: int = 0
    too_long: int = 0
    ratio: int = 0
    duplicate: int = 0
    max_length: int = 0  # tokens, that `too_long` went by
    max_ratio: float | None = None  # that `ratio` went by

    @property
    def read(self) -> int:
        return self.kept + self.empty + self.too_long + self.ratio + self.duplicate

    def __str__(self) -> str:
        reasons = [
            (self.empty, "empty"),
            (self.too_long, f"longer than {self.max_length} tokens"),
            (self.ratio, f"more than {self.max_ratio:g} times as long on one side" if self.max_ratio else ""),
            (self.duplicate, "seen before"),
        ]
        left_out = ", ".join(f"{count:,} {reason}" for count, reason in reasons if count)
        return f"kept {self.kept:,} of {self.read:,} pairs" + (f": {left_out}" if left_out else "")


def judged(
    config: FilterConfig,
    sources: Sequence[str],
    targets: Sequence[str],
    source_lengths: NDArray[np.integer],
    target_lengths: NDArray[np.integer],
) -> tuple[NDArray[np.bool_], FilterReport]:
    """Which of the pairs stay, and how many went for which reason, the first one of several.

    The lengths are in tokens, without markers. Whether a pair came before is not looked at here.
    """
    shorter, longer = np.minimum(source_lengths, target_lengths), np.maximum(source_lengths, target_lengths)
    blank = [not source.strip() or not target.strip() for source, target in zip(sources, targets, strict=True)]
    empty = (shorter == 0) | np.array(blank, dtype=bool)
    too_long = ~empty & (longer + 1 > config.max_length)
    stays = ~empty & ~too_long
    if config.max_ratio is None:
        ratio = np.zeros_like(stays)
    else:
        ratio = stays & (longer > SHORT) & (longer > config.max_ratio * shorter)
    stays &= ~ratio
    report = FilterReport(max_length=config.max_length, max_ratio=config.max_ratio)
    report.kept, report.empty = int(stays.sum()), int(empty.sum())
    report.too_long, report.ratio = int(too_long.sum()), int(ratio.sum())
    return stays, report
