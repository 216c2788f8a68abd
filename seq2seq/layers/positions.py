"""How a transformer is told the order of its tokens.

Sinusoids: Vaswani et al. 2017, section 3.5. Learned: Gehring et al. 2017, section 3.1
(https://arxiv.org/abs/1705.03122). None: the encoder then sees a bag of words (a decoder's causal mask still
tells it how many tokens came before).
"""

import math
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor, nn


def sinusoids(offset: int, length: int, width: int, device: torch.device) -> Float[Tensor, "length width"]:
    """Positions `offset` on: sin in even columns, cos in odd ones, wavelengths 2 pi to 20000 pi."""
    position = torch.arange(offset, offset + length, device=device).unsqueeze(1)
    frequency = torch.exp(torch.arange(0, width, 2, device=device) * (-math.log(10000.0) / width))
    angle = position * frequency
    return torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1)[:, :width]


class SinusoidalPositions(nn.Module):
    """Adds fixed waves: any position has its vector, seen in training or not."""

    def forward(self, x: Float[Tensor, "row time model"], offset: int) -> Float[Tensor, "row time model"]:
        return x + sinusoids(offset, x.size(1), x.size(2), x.device).to(x.dtype)

    if TYPE_CHECKING:
        __call__ = forward


class LearnedPositions(nn.Module):
    """Adds a trained vector for each of `length` positions; those beyond share the last one's."""

    def __init__(self, length: int, model_dim: int) -> None:
        super().__init__()
        self.table = nn.Embedding(length, model_dim)

    def forward(self, x: Float[Tensor, "row time model"], offset: int) -> Float[Tensor, "row time model"]:
        position = torch.arange(offset, offset + x.size(1), device=x.device)
        return x + self.table(position.clamp(max=self.table.num_embeddings - 1))

    if TYPE_CHECKING:
        __call__ = forward


class NoPositions(nn.Module):
    """Adds nothing."""

    def forward(self, x: Float[Tensor, "row time model"], offset: int) -> Float[Tensor, "row time model"]:  # noqa: ARG002
        return x

    if TYPE_CHECKING:
        __call__ = forward


Positions = SinusoidalPositions | LearnedPositions | NoPositions
