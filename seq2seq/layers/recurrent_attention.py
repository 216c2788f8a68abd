"""Attention of a recurrent decoder to the source, of all target positions at once or of one.

Additive: Bahdanau et al. 2015, appendix A.1.2 (https://arxiv.org/abs/1409.0473). Dot, general and concat:
Luong et al. 2015, section 3.1 (https://arxiv.org/abs/1508.04025). They differ in the score alone. All ask
with the decoder's present output, as Luong does; Bahdanau asks with the one before.

Shapes: B row, T target, S source, Q query width, E encoded width, H hidden width.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from seq2seq.layers.recurrent_steps import SharedLinear

Queries = Float[Tensor, "row time query"]
Scores = Float[Tensor, "row time source"]


@dataclass(frozen=True)
class AttendedSource:
    """What a decoder may look back at."""

    encoded: Float[Tensor, "row source width"]
    keys: Float[Tensor, "row source key"]  # the part of the scores that no query changes
    mask: Bool[Tensor, "row source"]  # True at a token

    def match(self, query: Queries) -> Scores:
        """The products of queries and keys."""
        return query @ self.keys.mT

    def mix(self, weights: Scores) -> Float[Tensor, "row time width"]:
        """The encoded source, weighted."""
        return weights.to(self.encoded.dtype) @ self.encoded


class WalkedSource:
    """A source that is asked one query after another; its gradients are made once, after the last."""

    def __init__(self, source: AttendedSource) -> None:
        self.keys, self.mask = source.keys, source.mask
        self.match = SharedLinear(source.keys)
        self.mix = SharedLinear(source.encoded.mT)


Source = AttendedSource | WalkedSource


class RecurrentAttention(nn.Module, ABC):
    """The mean of the encoded source, weighted by the softmax of a score."""

    @abstractmethod
    def keys(self, encoded: Float[Tensor, "row source width"]) -> Float[Tensor, "row source key"]:
        """The part of the scores that no query changes."""

    @abstractmethod
    def scores(self, query: Queries, source: Source) -> Scores:
        """How well each source position answers each query."""

    def read(self, encoded: Float[Tensor, "row source width"], mask: Bool[Tensor, "row source"]) -> AttendedSource:
        return AttendedSource(encoded, self.keys(encoded), mask)

    def forward(self, query: Queries, source: Source) -> Float[Tensor, "row time width"]:
        scores = self.scores(query, source)
        hidden = ~source.mask.unsqueeze(1)  # B 1 S
        weights = scores.masked_fill(hidden, float("-inf")).softmax(dim=-1)
        return source.mix(weights)

    if TYPE_CHECKING:
        __call__ = forward


class DotAttention(RecurrentAttention):
    """score = query . encoded; both of one width."""

    def keys(self, encoded: Tensor) -> Tensor:
        return encoded

    def scores(self, query: Queries, source: Source) -> Scores:
        return source.match(query)


class GeneralAttention(RecurrentAttention):
    """score = query . W encoded."""

    def __init__(self, query_dim: int, encoded_dim: int) -> None:
        super().__init__()
        self.weight = nn.Linear(encoded_dim, query_dim, bias=False)

    def keys(self, encoded: Tensor) -> Tensor:
        return self.weight(encoded)

    def scores(self, query: Queries, source: Source) -> Scores:
        return source.match(query)


class AdditiveAttention(RecurrentAttention):
    """score = v . tanh(W query + U encoded + b)."""

    def __init__(self, query_dim: int, encoded_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.query = nn.Linear(query_dim, hidden_dim)
        self.key = nn.Linear(encoded_dim, hidden_dim, bias=False)
        self.score = nn.Linear(hidden_dim, 1, bias=False)

    def keys(self, encoded: Tensor) -> Tensor:
        return self.key(encoded)

    def scores(self, query: Queries, source: Source) -> Scores:
        return _tanh_scores(self.query(query), source.keys, self.score)


class ConcatAttention(RecurrentAttention):
    """score = v . tanh(W [query; encoded]): additive attention without its bias, as Luong writes it."""

    def __init__(self, query_dim: int, encoded_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.query_dim = query_dim
        self.joined = nn.Linear(query_dim + encoded_dim, hidden_dim, bias=False)
        self.score = nn.Linear(hidden_dim, 1, bias=False)

    def keys(self, encoded: Tensor) -> Tensor:
        return F.linear(encoded, self.joined.weight[:, self.query_dim :])

    def scores(self, query: Queries, source: Source) -> Scores:
        return _tanh_scores(F.linear(query, self.joined.weight[:, : self.query_dim]), source.keys, self.score)


def _tanh_scores(query: Tensor, keys: Tensor, score: nn.Linear) -> Scores:
    return score(torch.tanh(query.unsqueeze(2) + keys.unsqueeze(1))).squeeze(-1)  # B T S H -> B T S
