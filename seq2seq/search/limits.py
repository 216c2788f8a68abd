"""What a search may do and how it weighs length, each sentence by itself.

A sentence's limit depends on its own source alone, so its translation does not depend on its batch mates.

Source: Wu et al. 2016, "Google's Neural Machine Translation System", equation 14 (length penalty).
"""

from typing import overload

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor

from seq2seq.config import Config


class SearchConfig(Config):
    """How translations are searched."""

    beam_size: int = Field(default=5, ge=1)
    """Hypotheses kept per sentence; 1 is greedy search."""

    length_penalty: float = Field(default=0.6, ge=0, allow_inf_nan=False)
    """Exponent alpha of the length penalty: 0 compares bare log-probabilities, more favours length."""

    max_length_ratio: float = Field(default=2.0, ge=0, allow_inf_nan=False)
    """Target tokens allowed per source token, end markers among both."""

    max_length_offset: int = Field(default=10, ge=1)
    """Target tokens allowed on top of that."""

    def limits(self, source_mask: Bool[Tensor, "sentence source"]) -> Int[Tensor, " sentence"]:
        """The most tokens that a hypothesis of each sentence may have, the end marker among them."""
        lengths = source_mask.sum(dim=1, dtype=torch.float64)  # not float32: 0.7 x 10 must not fall below 7
        return (self.max_length_ratio * lengths + self.max_length_offset).long()


@overload
def length_penalty(length: int, alpha: float) -> float: ...
@overload
def length_penalty(length: Int[Tensor, "*many"], alpha: float) -> Float[Tensor, "*many"]: ...
def length_penalty(length: int | Tensor, alpha: float) -> float | Tensor:
    """What a log-probability of `length` tokens, the end marker among them, is divided by."""
    if isinstance(length, Tensor):
        length = length.double()
    return ((5 + length) / 6) ** alpha
