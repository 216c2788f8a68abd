"""Dropout (Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html), scaled in training.

On a CPU torch draws its random numbers one an element, one after another on one thread: a tenth of a training step.
Here one draw of 64 bits serves four elements, 16 bits each; so a probability is met to within 2 ** -17. The draws are
those of numpy's SFC64, twice as fast as torch's generator, which seeds it each time. A GPU has a kernel that draws in
parallel.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

LEVELS = 2**16  # of 16 random bits


class Dropout(nn.Module):
    """In training each element is zero with `probability`, and else times 1 / (1 - probability)."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        if not self.training or not self.probability:
            return x
        return F.dropout(x, self.probability) if x.is_cuda else x * _scales(x, self.probability)

    if TYPE_CHECKING:
        __call__ = forward

    def extra_repr(self) -> str:
        return f"probability={self.probability}"


def _scales(like: Tensor, probability: float) -> Tensor:
    """For each element what dropout multiplies it by."""
    dropped = min(round(probability * LEVELS), LEVELS - 1)
    draws = torch.from_numpy(_draws(-(-like.numel() // 4)))
    levels = draws.view(torch.int16)[: like.numel()].view(like.shape)
    kept = torch.ge(levels, dropped - LEVELS // 2, out=torch.empty_like(like, requires_grad=False))
    return kept.mul_(LEVELS / (LEVELS - dropped))


def _draws(count: int) -> NDArray[np.int64]:
    """64 random bits each, of which the state of torch's generator decides."""
    seed = int(torch.randint(2**63 - 1, ()))
    return np.random.SFC64(seed).random_raw(count).view(np.int64)
