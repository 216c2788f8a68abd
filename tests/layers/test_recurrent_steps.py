"""A walk step by step is what torch's own layers do at once, forward and backward."""

import gc
import weakref

import pytest
import torch
from torch import nn

from seq2seq.layers.dropout import Dropout
from seq2seq.layers.recurrent_steps import SharedLinear, Walk

KINDS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_states_and_gradients_are_those_of_torch(kind, depth):
    torch.manual_seed(1)
    rnn = KINDS[kind](5 + 3, 4, depth, batch_first=True).double()
    known, fed = torch.randn(2, 6, 5).double(), torch.randn(2, 6, 3).double()
    first = [torch.randn(depth, 2, 4).double() for _ in range(2 if kind == "lstm" else 1)]
    expected, last = rnn(torch.cat((known, fed), dim=2), tuple(first) if kind == "lstm" else first[0])
    expected.square().sum().backward()
    gradients = {name: parameter.grad.clone() for name, parameter in rnn.named_parameters()}
    rnn.zero_grad()

    walk = Walk(rnn, known, tuple(part.transpose(0, 1) for part in first), Dropout(0.0))
    found = torch.stack([walk.step(time, fed[:, time]) for time in range(6)], dim=1)
    found.square().sum().backward()

    torch.testing.assert_close(found, expected)
    for part, end in zip(walk.hidden, last if kind == "lstm" else (last,), strict=True):
        torch.testing.assert_close(part.transpose(0, 1), end)
    for name, parameter in rnn.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name])

    with torch.no_grad():  # as in a search
        walk = Walk(rnn, known, tuple(part.transpose(0, 1) for part in first), Dropout(0.0))
        found = torch.stack([walk.step(time, fed[:, time]) for time in range(6)], dim=1)
    torch.testing.assert_close(found, expected)


class Thrice(Dropout):
    """Dropout that draws nothing: what it stands before shows as three times as much."""

    def forward(self, x):
        return 3 * x


def test_dropout_stands_before_every_layer_but_the_first():
    torch.manual_seed(4)
    rnn = nn.GRU(5 + 3, 4, 3, batch_first=True)
    known, fed, first = torch.randn(2, 6, 5), torch.randn(2, 6, 3), torch.zeros(2, 3, 4)

    def outputs(dropout):
        walk = Walk(rnn, known, (first,), dropout)
        return torch.stack([walk.step(time, fed[:, time]) for time in range(6)], dim=1)

    found = outputs(Thrice(0.0))
    with torch.no_grad():
        rnn.weight_ih_l1.mul_(3)
        rnn.weight_ih_l2.mul_(3)
    torch.testing.assert_close(found, outputs(Dropout(0.0)))


def test_a_shared_linear_map_is_differentiated_as_any_other():
    torch.manual_seed(2)
    weight = torch.randn(3, 4, dtype=torch.double, requires_grad=True)
    x = torch.randn(2, 4, dtype=torch.double, requires_grad=True)

    bias, more = (torch.randn(shape, dtype=torch.double, requires_grad=True) for shape in ((3,), (2, 3)))

    def twice(x, weight, bias, more):
        linear = SharedLinear(weight, bias)
        return linear(x) * linear(x.sin(), more)

    assert torch.autograd.gradcheck(twice, (x, weight, bias, more))


def test_a_linear_map_of_each_row_is_differentiated_as_any_other():
    torch.manual_seed(3)
    weight = torch.randn(2, 3, 4, dtype=torch.double, requires_grad=True)
    x = torch.randn(2, 1, 4, dtype=torch.double, requires_grad=True)

    def twice(x, weight):
        linear = SharedLinear(weight)
        return linear(x) * linear(x.sin())

    assert torch.autograd.gradcheck(twice, (x, weight))


def test_nothing_is_kept_when_a_walk_is_over():
    weight = nn.Parameter(torch.randn(3, 4))
    linear = SharedLinear(weight, nn.Parameter(torch.randn(3)))
    output = linear(torch.randn(2, 4, requires_grad=True))
    watched = weakref.ref(linear)
    gc.disable()
    try:
        del linear, output
        assert watched() is None
    finally:
        gc.enable()
