"""A recurrence walked one position at a time, for decoders whose next input is known only after the last step.

What does not depend on the walk is made for all positions at once: the products of what is known of the inputs, before
it, and the gradients of the weights, after it (as in Appleyard et al. 2016, section 3, https://arxiv.org/abs/1604.01946).
The equations, the order of the gates and the names of the weights are torch's.

Shapes: B row, T time, L layer, M hidden, G gates.
"""

from typing import Any, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from seq2seq.layers.dropout import Dropout

Hidden: TypeAlias = tuple[Float[Tensor, "row layer hidden"], ...]  # LSTM: hidden and cell; else: hidden
Gates = Float[Tensor, "row gates"]
Known = Float[Tensor, "row time known"]
Parts: TypeAlias = tuple[Float[Tensor, "row hidden"], ...]  # the same of one layer


class Walk:
    """The steps of `rnn` from `hidden` over inputs that begin with `known` and end with what is fed back."""

    def __init__(
        self, rnn: nn.RNNBase, known: Float[Tensor, "row time known"], hidden: Hidden, dropout: Dropout
    ) -> None:
        """`dropout` stands between layers."""
        kind = LAYERS[rnn.mode]
        self.layers = [kind(rnn, layer, None if layer else known) for layer in range(rnn.num_layers)]
        self.parts: list[Parts] = list(zip(*(part.unbind(dim=1) for part in hidden), strict=True))
        self.dropout = dropout

    def step(self, time: int, fed: Float[Tensor, "row fed"]) -> Float[Tensor, "row hidden"]:
        """The output at position `time` of `known`, the next after that of the last step."""
        x = fed
        for number, layer in enumerate(self.layers):
            known = None if layer.known is None else layer.known[time]
            self.parts[number] = layer.step(self.dropout(x) if number else x, known, self.parts[number])
            x = self.parts[number][0]
        return x

    @property
    def hidden(self) -> Hidden:
        """Where the recurrence stands."""
        return tuple(torch.stack(part, dim=1) for part in zip(*self.parts, strict=True))  # L times B M -> B L M


class SharedLinear:
    """x W' + b for one W and b at every step; their gradients are made once, when all steps have theirs.

    W may be one for all rows or one for each; the latter has no bias.
    """

    def __init__(
        self, weight: Float[Tensor, "*row output input"], bias: Float[Tensor, " output"] | None = None
    ) -> None:
        self.record: list[tuple[Tensor, Tensor]] = []
        self.weight: Tensor
        self.weight, self.bias = _GradientsOfAll.apply(_low(weight), None if bias is None else _low(bias), self.record)

    def __call__(
        self, x: Float[Tensor, "*row input"], more: Float[Tensor, "row output"] | None = None
    ) -> Float[Tensor, "*row output"]:
        """X W' + b, and `more` added to it; each row's own W is given x of shape `row 1 input`."""
        low = self.weight.dtype
        addend = None if more is None else more.to(low)
        found: Tensor = _SharedLinear.apply(x.to(low), self.weight, self.bias, addend, self.record)
        return found


def _low(x: Tensor) -> Tensor:
    """`x` in the type in which products are made."""
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x


class _SharedLinear(torch.autograd.Function):
    """Records its input and its gradient instead of making the gradients of weight and bias."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        more: Tensor | None,
        record: list[tuple[Tensor, Tensor]],
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.record, ctx.more = record, more is not None
        addends = [each for each in (more, bias) if each is not None]
        if not addends:
            return x @ weight.mT
        found = torch.addmm(addends[0], x, weight.T)
        return found.add_(addends[1]) if addends[1:] else found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        ctx.record.append((x.detach(), gradient))
        return gradient @ weight, None, None, gradient if ctx.more else None, None


class _GradientsOfAll(torch.autograd.Function):
    """Weight and bias themselves; autograd comes back here after the last step that used them."""

    @staticmethod
    def forward(
        ctx: Any, weight: Tensor, bias: Tensor | None, record: list[tuple[Tensor, Tensor]]
    ) -> tuple[Tensor, Tensor | None]:
        ctx.record, ctx.bias = record, bias is not None
        return weight.view_as(weight), None if bias is None else bias.view_as(bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *_: Tensor | None) -> tuple[Tensor, Tensor | None, None]:
        inputs, gradients = (torch.cat(each, dim=-2) for each in zip(*ctx.record, strict=True))
        ctx.record.clear()
        return gradients.mT @ inputs, gradients.sum(dim=0) if ctx.bias else None, None


class _LstmCell(torch.autograd.Function):
    """New hidden and cell of an LSTM; backward, the gates' gradients are written side by side at once."""

    @staticmethod
    def forward(ctx: Any, gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        enter, forget, new, leave = gates.chunk(4, dim=1)
        enter, forget, new, leave = enter.sigmoid(), forget.sigmoid(), new.tanh(), leave.sigmoid()
        after = torch.addcmul(forget * cell, enter, new)
        squashed = after.tanh()
        ctx.save_for_backward(enter, forget, new, leave, cell, squashed)
        return leave * squashed, after

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_hidden: Tensor, d_after: Tensor) -> tuple[Tensor, Tensor]:
        enter, forget, new, leave, cell, squashed = ctx.saved_tensors
        d_cell = d_after + torch.ops.aten.tanh_backward(d_hidden * leave, squashed)
        d_gates = torch.empty(len(cell), 4 * cell.size(1), dtype=enter.dtype, device=cell.device)
        d_enter, d_forget, d_new, d_leave = d_gates.chunk(4, dim=1)
        sigmoid_backward, tanh_backward = torch.ops.aten.sigmoid_backward, torch.ops.aten.tanh_backward
        sigmoid_backward(d_cell * new, enter, grad_input=d_enter)
        sigmoid_backward(d_cell * cell, forget, grad_input=d_forget)
        tanh_backward(d_cell * enter, new, grad_input=d_new)
        sigmoid_backward(d_hidden * squashed, leave, grad_input=d_leave)
        return d_gates, d_cell.mul_(forget)


def _read_before(
    known: Known | None, weight: Tensor, bias: Tensor
) -> tuple[tuple[Gates, ...] | None, Tensor, Tensor | None]:
    """What the gates take from `known` at each position, and the weight and bias that are left for the steps."""
    if known is None:
        return None, weight, bias
    width = known.size(2)
    return F.linear(known, weight[:, :width], bias).unbind(dim=1), weight[:, width:], None


class _SummedGates:
    """A layer whose gates take the sum of the products with input and state.

    Where a walk is learned from, one product makes both. A search walks but one step at a time, and to join the
    weights for each would cost more than it saves.
    """

    def __init__(self, rnn: nn.RNNBase, layer: int, known: Known | None) -> None:
        below, before = (rnn.get_parameter(f"weight_{kind}_l{layer}") for kind in ("ih", "hh"))
        bias = rnn.get_parameter(f"bias_ih_l{layer}") + rnn.get_parameter(f"bias_hh_l{layer}")
        self.known, rest, bias_left = _read_before(known, below, bias)
        self.joined = torch.is_grad_enabled()
        if self.joined:
            self.both = SharedLinear(torch.cat((rest, before), dim=1), bias_left)
        else:
            self.below, self.before = SharedLinear(rest, bias_left), SharedLinear(before)

    def gates(self, x: Tensor, known: Gates | None, state: Tensor) -> Gates:
        if self.joined:
            return self.both(torch.cat((x, state), dim=1), known)
        return self.before(state, self.below(x, known))


class _Lstm(_SummedGates):
    def step(self, x: Tensor, known: Gates | None, parts: Parts) -> Parts:
        gates = self.gates(x, known, parts[0])
        following: Parts = _LstmCell.apply(gates, parts[1].to(gates.dtype))
        return following


class _Rnn(_SummedGates):
    def step(self, x: Tensor, known: Gates | None, parts: Parts) -> Parts:
        return (torch.tanh(self.gates(x, known, parts[0])),)


class _Gru:
    """Its new state takes the products with input and state apart."""

    def __init__(self, rnn: nn.RNNBase, layer: int, known: Known | None) -> None:
        below, bias = rnn.get_parameter(f"weight_ih_l{layer}"), rnn.get_parameter(f"bias_ih_l{layer}")
        self.known, rest, bias_left = _read_before(known, below, bias)
        self.below = SharedLinear(rest, bias_left)
        self.before = SharedLinear(rnn.get_parameter(f"weight_hh_l{layer}"), rnn.get_parameter(f"bias_hh_l{layer}"))

    def step(self, x: Tensor, known: Gates | None, parts: Parts) -> Parts:
        from_input = self.below(x, known)
        input_reset, input_keep, input_new = from_input.chunk(3, dim=1)
        hidden_reset, hidden_keep, hidden_new = self.before(parts[0]).chunk(3, dim=1)
        new = torch.tanh(input_new + (input_reset + hidden_reset).sigmoid() * hidden_new)
        return (torch.lerp(new, parts[0].to(new.dtype), (input_keep + hidden_keep).sigmoid()),)


LAYERS: dict[str, type[_Lstm | _Rnn | _Gru]] = {"LSTM": _Lstm, "GRU": _Gru, "RNN_TANH": _Rnn}
