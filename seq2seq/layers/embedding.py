"""Token vectors, of which training may drop whole ones (Sennrich & Zhang 2019, section 3.2, word dropout).

https://arxiv.org/abs/1905.11901
"""

from typing import TYPE_CHECKING

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F


class TokenEmbedding(nn.Module):
    """One vector per token, times `scale`; in training each position's vector is zero with `word_dropout`."""

    def __init__(self, vocabulary: int, width: int, *, word_dropout: float, scale: float = 1.0) -> None:
        super().__init__()
        self.table = nn.Embedding(vocabulary, width)
        self.word_dropout = word_dropout
        self.scale = scale

    def forward(self, tokens: Int[Tensor, "row time"]) -> Float[Tensor, "row time width"]:
        vectors = self.table(tokens) * self.scale
        if self.training and self.word_dropout:
            vectors = vectors * F.dropout(vectors.new_ones(*tokens.shape, 1), self.word_dropout)  # B T 1
        return vectors

    if TYPE_CHECKING:
        __call__ = forward
