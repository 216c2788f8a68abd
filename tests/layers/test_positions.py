"""Positions against the formulas of the papers."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from seq2seq.layers.positions import LearnedPositions, NoPositions, SinusoidalPositions, sinusoids

CPU = torch.device("cpu")


def paper_sinusoids(positions, width):
    """Vaswani et al. 2017, section 3.5: PE(pos, 2i) = sin(pos / 10000^(2i/d)), PE(pos, 2i+1) = cos(the same)."""
    table = np.zeros((len(positions), width))
    for row, position in enumerate(positions):
        for column in range(width):
            pair = column // 2
            angle = position / 10000 ** (2 * pair / width)
            table[row, column] = np.sin(angle) if column % 2 == 0 else np.cos(angle)
    return table


@pytest.mark.parametrize(("offset", "length", "width"), [(0, 7, 16), (5, 3, 16), (0, 4, 7), (100, 2, 512)])
def test_sinusoids_are_those_of_the_paper(offset, length, width):
    expected = paper_sinusoids(range(offset, offset + length), width)
    np.testing.assert_allclose(sinusoids(offset, length, width, CPU).numpy(), expected, atol=2e-5)


def test_the_product_of_two_positions_depends_on_their_distance_alone():
    table = sinusoids(0, 40, 32, CPU)
    products = table @ table.T
    for distance in (1, 5, 20):
        diagonal = products.diagonal(distance)
        assert_close(diagonal, diagonal[:1].expand_as(diagonal), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("positions", [SinusoidalPositions(), LearnedPositions(20, 8), NoPositions()])
def test_an_offset_continues_where_a_longer_sequence_would_be(positions):
    x = torch.randn(2, 9, 8)
    assert_close(positions(x[:, 6:], offset=6), positions(x, offset=0)[:, 6:])


def test_learned_positions_add_their_vector_and_share_the_last():
    positions = LearnedPositions(3, 4)
    found = positions(torch.ones(2, 5, 4), offset=1) - 1
    expected = positions.table.weight[torch.tensor([1, 2, 2, 2, 2])]
    assert_close(found, expected.expand(2, -1, -1))


def test_no_positions_change_nothing():
    x = torch.randn(2, 3, 4)
    assert torch.equal(NoPositions()(x, offset=7), x)
