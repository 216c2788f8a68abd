"""A recurrence walked one position at a time, for decoders whose next input is known only after the last step.

What does not depend on the walk is made for all positions at once: the products of what is known of the inputs, before
it, and the gradients of the weights, after it (as in Appleyard et al. 2016, section 3, https://arxiv.org/abs/1604.01946).
The equations, the order of the gates and the names of the weights are torch's.

Shapes: B row, T time, L layer, M hidden, G gates.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from seq2seq.layers.dropout import Dropout

Hidden: TypeAlias = tuple[Float[Tensor, "row layer hidden"], ...]  # LSTM: hidden and cell; else: hidden
Gates = Float[Tensor, "row gates"]
Parts: TypeAlias = tuple[Float[Tensor, "row hidden"], ...]


class Walk:
    """The steps of `rnn` over inputs that begin with `known` and end with what is fed back."""

    def __init__(self, rnn: nn.RNNBase, known: Float[Tensor, "row time known"], dropout: Dropout) -> None:
        """`dropout` stands between layers."""
        width = known.size(2)
        layers = range(rnn.num_layers)
        from_below = [rnn.get_parameter(f"weight_ih_l{layer}") for layer in layers]
        self.known = F.linear(known, from_below[0][:, :width], rnn.get_parameter("bias_ih_l0")).unbind(dim=1)
        self.below = [SharedProduct(w if layer else w[:, width:]) for layer, w in enumerate(from_below)]
        self.before = [SharedProduct(rnn.get_parameter(f"weight_hh_l{layer}")) for layer in layers]
        self.biases = [
            (rnn.get_parameter(f"bias_ih_l{layer}"), rnn.get_parameter(f"bias_hh_l{layer}")) for layer in layers
        ]
        self.cell = CELL_STEPS[rnn.mode]
        self.dropout = dropout

    def step(
        self, time: int, fed: Float[Tensor, "row fed"], hidden: Hidden
    ) -> tuple[Float[Tensor, "row hidden"], Hidden]:
        """The output at position `time`, of those of `known`, and where the recurrence then stands."""
        x, layers = fed, []
        for layer, (below, before) in enumerate(zip(self.below, self.before, strict=True)):
            of_input, of_hidden = self.biases[layer]
            parts = tuple(part[:, layer] for part in hidden)
            gates = below(x) + (of_input if layer else self.known[time])
            layers.append(self.cell(gates, before(parts[0]) + of_hidden, parts))
            x = self.dropout(layers[-1][0]) if layer < len(self.below) - 1 else layers[-1][0]
        return x, tuple(torch.stack(part, dim=1) for part in zip(*layers, strict=True))  # L times B M -> B L M


class SharedProduct:
    """x W' for one W at every step; the gradient of W is a single product, made when all steps have theirs."""

    def __init__(self, weight: Float[Tensor, "gates input"]) -> None:
        kind = weight.device.type
        low = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype
        self.record: list[tuple[Tensor, Tensor]] = []
        self.weight: Tensor = _GradientOfAll.apply(weight.to(low), self.record)

    def __call__(self, x: Float[Tensor, "row input"]) -> Gates:
        product: Tensor = _Product.apply(x.to(self.weight.dtype), self.weight, self.record)
        return product


class _Product(torch.autograd.Function):
    """Records its input and its gradient instead of making the gradient of the weight."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, record: list[tuple[Tensor, Tensor]]) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.record = record
        return x @ weight.T

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_product: Tensor) -> tuple[Tensor, None, None]:
        x, weight = ctx.saved_tensors
        ctx.record.append((x.detach(), d_product))
        return d_product @ weight, None, None


class _GradientOfAll(torch.autograd.Function):
    """The weight itself; autograd comes back here after the last of its products."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, record: list[tuple[Tensor, Tensor]]) -> Tensor:
        ctx.record = record
        return weight.view_as(weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, _: Tensor) -> tuple[Tensor, None]:
        inputs, gradients = zip(*ctx.record, strict=True)
        ctx.record.clear()
        return torch.cat(gradients).T @ torch.cat(inputs), None


def _lstm(from_input: Gates, from_hidden: Gates, parts: Parts) -> Parts:
    enter, forget, new, leave = (from_input + from_hidden).chunk(4, dim=1)
    cell = forget.sigmoid() * parts[1] + enter.sigmoid() * new.tanh()
    return leave.sigmoid() * cell.tanh(), cell


def _gru(from_input: Gates, from_hidden: Gates, parts: Parts) -> Parts:
    input_reset, input_keep, input_new = from_input.chunk(3, dim=1)
    hidden_reset, hidden_keep, hidden_new = from_hidden.chunk(3, dim=1)
    new = torch.tanh(input_new + (input_reset + hidden_reset).sigmoid() * hidden_new)
    return (torch.lerp(new, parts[0].to(new.dtype), (input_keep + hidden_keep).sigmoid()),)


def _rnn(from_input: Gates, from_hidden: Gates, parts: Parts) -> Parts:  # noqa: ARG001
    return (torch.tanh(from_input + from_hidden),)


CELL_STEPS: dict[str, Callable[[Gates, Gates, Parts], Parts]] = {"LSTM": _lstm, "GRU": _gru, "RNN_TANH": _rnn}
