"""Forced decoding: how likely a model finds translations that are given.

Shapes: R row, T target, V vocabulary.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from seq2seq.models.interface import Seq2SeqModel, SourceMask, SourceTokens, State, TargetTokens
from seq2seq.search.hypothesis import at_least_float32
from seq2seq.tokens import SPECIAL, SpecialTokens


class ForcedScores(NamedTuple):
    """Of each row."""

    log_probabilities: Float[Tensor, " row"]  # nats, summed over its tokens
    token_counts: Int[Tensor, " row"]  # the end marker among them, the start marker not


@torch.inference_mode()
def forced_scores(
    model: Seq2SeqModel[State],
    source: SourceTokens,
    source_mask: SourceMask,
    target: TargetTokens,
    special: SpecialTokens = SPECIAL,
) -> ForcedScores:
    """The log-probability of each `target`, which is start marker, tokens, end marker, padding."""
    logits, _ = model.advance(target[:, :-1], model.start(source, source_mask))
    log_probabilities = at_least_float32(logits).log_softmax(dim=-1)  # R T V
    expected = target[:, 1:]
    chosen = log_probabilities.gather(2, expected.unsqueeze(2)).squeeze(2)  # R T
    counted = expected != special.padding
    return ForcedScores(chosen.where(counted, 0.0).sum(dim=1), counted.sum(dim=1))
