"""Recurrent layers that read a padded sequence in one call a layer and direction.

The backward direction reads each row turned round within its own length, so padding stays at the end,
where a recurrence has already passed: no packing, and no wait for the lengths to leave the device.

Shapes: B row, S source.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from seq2seq.layers.stack import Stack

Cell = Literal["rnn", "lstm", "gru"]
CELLS: dict[Cell, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}

Sequence = Float[Tensor, "row source width"]
Input = Float[Tensor, "row source input"]


class ForwardLayer(nn.Module):
    """Each vector knows what stands to its left."""

    def __init__(self, cell: Cell, input_dim: int, output_dim: int) -> None:
        super().__init__()
        self.rnn = CELLS[cell](input_dim, output_dim, batch_first=True)

    def forward(self, x: Input, mask: Bool[Tensor, "row source"]) -> Sequence:  # noqa: ARG002
        return self.rnn(x)[0]

    if TYPE_CHECKING:
        __call__ = forward


class BidirectionalLayer(nn.Module):
    """Each vector knows what stands on either side of it (Schuster & Paliwal 1997)."""

    def __init__(self, cell: Cell, input_dim: int, output_dim: int) -> None:
        super().__init__()
        if output_dim % 2:
            raise ValueError(f"the width of a bidirectional layer must be even, not {output_dim}")
        self.rightward = CELLS[cell](input_dim, output_dim // 2, batch_first=True)
        self.leftward = CELLS[cell](input_dim, output_dim // 2, batch_first=True)

    def forward(self, x: Input, mask: Bool[Tensor, "row source"]) -> Sequence:
        turned = turned_round(mask)
        leftward = _take(self.leftward(_take(x, turned))[0], turned)
        return torch.cat((self.rightward(x)[0], leftward), dim=-1)

    if TYPE_CHECKING:
        __call__ = forward


Layer = ForwardLayer | BidirectionalLayer


def recurrent_layers(cell: Cell, widths: tuple[int, int], depth: int, *, bidirectional: bool) -> Stack[Layer]:
    """`depth` layers, the first from width `widths[0]` to `widths[1]`, the others of that width."""
    kind = BidirectionalLayer if bidirectional else ForwardLayer
    return Stack(kind(cell, widths[0] if i == 0 else widths[1], widths[1]) for i in range(depth))


def turned_round(mask: Bool[Tensor, "row source"]) -> Int[Tensor, "row source"]:
    """Of each row, the positions of its tokens from last to first, then those of its padding."""
    position = torch.arange(mask.size(1), device=mask.device).expand_as(mask)
    return torch.where(mask, mask.sum(dim=1, keepdim=True) - 1 - position, position)


def last_vectors(
    encoded: Sequence, mask: Bool[Tensor, "row source"], *, bidirectional: bool
) -> Float[Tensor, "row width"]:
    """What each direction had when it had read the whole row."""
    end = (mask.sum(dim=1) - 1)[:, None, None].expand(-1, 1, encoded.size(2))
    rightward = encoded.gather(1, end).squeeze(1)  # B E
    if not bidirectional:
        return rightward
    half = encoded.size(2) // 2
    return torch.cat((rightward[:, :half], encoded[:, 0, half:]), dim=-1)


def _take(x: Input, position: Int[Tensor, "row source"]) -> Input:
    return x.gather(1, position.unsqueeze(-1).expand_as(x))
