"""What a search returns, and the scores that it looks at.

Shapes: R row, V vocabulary.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from seq2seq.models.interface import Logits
from seq2seq.search.limits import length_penalty
from seq2seq.tokens import SpecialTokens


class Hypothesis(NamedTuple):
    """A translation as the model sees it."""

    tokens: tuple[int, ...]  # without start and end markers
    score: float  # log-probability over the length penalty: what hypotheses are ranked by
    log_probability: float  # nats, of all tokens and, if it ended, the end marker
    ended: bool  # False: cut at its limit

    @classmethod
    def of(cls, tokens: Sequence[int], log_probability: float, alpha: float, special: SpecialTokens) -> "Hypothesis":
        """The hypothesis of predicted `tokens`, which close with the end marker unless they were cut."""
        ended = tokens[-1] == special.end
        score = log_probability / length_penalty(len(tokens), alpha)
        return cls(tuple(tokens[:-1] if ended else tokens), score, log_probability, ended)


def next_log_probabilities(logits: Logits, special: SpecialTokens) -> Float[Tensor, "row vocabulary"]:
    """Log-probabilities of the token after the last position, in float32 at least; no start, no padding."""
    # A fresh tensor, which callers may change in place.
    log_probabilities = at_least_float32(logits[:, -1]).log_softmax(dim=-1)  # R V
    # One column at a time, because a list of columns would be copied to the device and waited for.
    log_probabilities[:, special.start] = float("-inf")
    log_probabilities[:, special.padding] = float("-inf")
    return log_probabilities


def at_least_float32(tensor: Tensor) -> Tensor:
    """`tensor` itself or, if it is of a half precision, in float32: sums of many small terms need that."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
