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

Queries = Float[Tensor, "row time query"]
Scores = Float[Tensor, "row time source"]


@dataclass(frozen=True)
class AttendedSource:
    """What a decoder may look back at."""

    encoded: Float[Tensor, "row source width"]
    keys: Float[Tensor, "row source key"]  # the part of the scores that no query changes
    mask: Bool[Tensor, "row source"]  # True at a token


class RecurrentAttention(nn.Module, ABC):
    """The mean of the encoded source, weighted by the softmax of a score."""

    @abstractmethod
    def keys(self, encoded: Float[Tensor, "row source width"]) -> Float[Tensor, "row source key"]:
        """The part of the scores that no query changes."""

    @abstractmethod
    def scores(self, query: Queries, keys: Float[Tensor, "row source key"]) -> Scores:
        """How well each source position answers each query."""

    def read(self, encoded: Float[Tensor, "row source width"], mask: Bool[Tensor, "row source"]) -> AttendedSource:
        return AttendedSource(encoded, self.keys(encoded), mask)

    def forward(self, query: Queries, source: AttendedSource) -> Float[Tensor, "row time width"]:
        scores = self.scores(query, source.keys)
        hidden = ~source.mask.unsqueeze(1)  # B 1 S
        weights = scores.masked_fill(hidden, float("-inf")).softmax(dim=-1)
        return weights.to(source.encoded.dtype) @ source.encoded  # B T S @ B S E -> B T E

    if TYPE_CHECKING:
        __call__ = forward


class DotAttention(RecurrentAttention):
    """score = query . encoded; both of one width."""

    def keys(self, encoded: Tensor) -> Tensor:
        return encoded

    def scores(self, query: Queries, keys: Tensor) -> Scores:
        return query @ keys.transpose(1, 2)


class GeneralAttention(RecurrentAttention):
    """score = query . W encoded."""

    def __init__(self, query_dim: int, encoded_dim: int) -> None:
        super().__init__()
        self.weight = nn.Linear(encoded_dim, query_dim, bias=False)

    def keys(self, encoded: Tensor) -> Tensor:
        return self.weight(encoded)

    def scores(self, query: Queries, keys: Tensor) -> Scores:
        return query @ keys.transpose(1, 2)


class AdditiveAttention(RecurrentAttention):
    """score = v . tanh(W query + U encoded + b)."""

    def __init__(self, query_dim: int, encoded_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.query = nn.Linear(query_dim, hidden_dim)
        self.key = nn.Linear(encoded_dim, hidden_dim, bias=False)
        self.score = nn.Linear(hidden_dim, 1, bias=False)

    def keys(self, encoded: Tensor) -> Tensor:
        return self.key(encoded)

    def scores(self, query: Queries, keys: Tensor) -> Scores:
        return _tanh_scores(self.query(query), keys, self.score)


class ConcatAttention(RecurrentAttention):
    """score = v . tanh(W [query; encoded]): additive attention without its bias, as Luong writes it."""

    def __init__(self, query_dim: int, encoded_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.query_dim = query_dim
        self.joined = nn.Linear(query_dim + encoded_dim, hidden_dim, bias=False)
        self.score = nn.Linear(hidden_dim, 1, bias=False)

    def keys(self, encoded: Tensor) -> Tensor:
        return F.linear(encoded, self.joined.weight[:, self.query_dim :])

    def scores(self, query: Queries, keys: Tensor) -> Scores:
        return _tanh_scores(F.linear(query, self.joined.weight[:, : self.query_dim]), keys, self.score)


def _tanh_scores(query: Tensor, keys: Tensor, score: nn.Linear) -> Scores:
    return score(torch.tanh(query.unsqueeze(2) + keys.unsqueeze(1))).squeeze(-1)  # B T S H -> B T S
