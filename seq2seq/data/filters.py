"""Which sentence pairs training leaves out, with a count for every reason."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated

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
    """Leave out a pair that came before; costs about 100 bytes of memory a pair while the text is read."""


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


class PairFilter:
    """Judges the pairs of one corpus in their order and counts."""

    def __init__(self, config: FilterConfig) -> None:
        self.report = FilterReport(max_length=config.max_length, max_ratio=config.max_ratio)
        self._config = config
        self._seen: set[bytes] = set()

    def keeps(self, source: str, target: str, *, source_length: int, target_length: int) -> bool:
        """Whether the pair stays; the lengths are in tokens, without markers. The first reason is the one counted."""
        config, report = self._config, self.report
        shorter, longer = sorted((source_length, target_length))
        if shorter == 0 or not source.strip() or not target.strip():
            report.empty += 1
        elif longer + 1 > config.max_length:
            report.too_long += 1
        elif config.max_ratio is not None and longer > SHORT and longer > config.max_ratio * shorter:
            report.ratio += 1
        elif config.duplicates and self._seen_before(source, target):
            report.duplicate += 1
        else:
            report.kept += 1
            return True
        return False

    def _seen_before(self, source: str, target: str) -> bool:
        key = blake2b(f"{len(source)} {source}{target}".encode(), digest_size=16).digest()
        known = key in self._seen
        self._seen.add(key)
        return known
