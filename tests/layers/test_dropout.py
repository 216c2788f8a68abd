"""Dropout keeps what it should, as often as it should."""

import pytest
import torch

from seq2seq.layers.dropout import Dropout

DRAWS = 1_000_000


@pytest.mark.parametrize("probability", [0.001, 0.1, 0.3, 0.9])
def test_elements_are_dropped_as_often_as_asked_and_the_mean_stays(probability):
    torch.manual_seed(1)
    found = Dropout(probability)(torch.ones(DRAWS))
    share = (found == 0).float().mean().item()
    deviation = (probability * (1 - probability) / DRAWS) ** 0.5
    assert abs(share - probability) < 5 * deviation + 2**-17
    assert found[found != 0].unique().tolist() == pytest.approx([1 / (1 - probability)], rel=1e-3)


def test_elements_are_dropped_independently_of_their_neighbours():
    torch.manual_seed(2)
    dropped = (Dropout(0.5)(torch.ones(DRAWS)) == 0).double() - 0.5
    for distance in (1, 2, 3, 4, 5, 8):
        correlation = (dropped[distance:] * dropped[:-distance]).mean().item() * 4
        assert abs(correlation) < 5 / DRAWS**0.5


@pytest.mark.parametrize("shape", [(), (1,), (3,), (5, 7), (2, 3, 4)])
def test_any_shape_keeps_its_shape(shape):
    assert Dropout(0.5)(torch.ones(shape)).shape == shape


def test_the_gradient_is_that_of_the_elements_that_were_kept():
    torch.manual_seed(3)
    x = torch.randn(100, 7, requires_grad=True)
    y = Dropout(0.25)(x)
    y.sum().backward()
    assert torch.allclose(x.grad * x, y)


def test_the_random_state_decides_and_moves_on():
    layer, x = Dropout(0.5), torch.ones(1000)
    torch.manual_seed(4)
    first, second = layer(x), layer(x)
    torch.manual_seed(4)
    assert torch.equal(layer(x), first)
    assert not torch.equal(first, second)


def test_evaluation_and_zero_change_nothing():
    x = torch.randn(50)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x


def test_half_precision_stays_what_it_is():
    assert Dropout(0.5)(torch.ones(10, dtype=torch.bfloat16)).dtype == torch.bfloat16
