"""Feed-forward networks, residual connections and embeddings against their formulas."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from seq2seq.layers.embedding import TokenEmbedding
from seq2seq.layers.feed_forward import feed_forward
from seq2seq.layers.residual import NormAfter, NormBefore, last_norm

FORMULAS = {
    "relu": lambda x: np.maximum(x, 0),
    "gelu": lambda x: x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2,  # Hendrycks & Gimpel 2016
}


@pytest.mark.parametrize("activation", FORMULAS)
def test_feed_forward_is_two_maps_with_the_activation_between(activation):
    torch.manual_seed(0)
    network = feed_forward(4, 7, activation, dropout=0.0).double()
    x = torch.randn(2, 3, 4, dtype=torch.float64)
    (w1, b1), (w2, b2) = (
        (m.weight.detach().numpy(), m.bias.detach().numpy()) for m in network if isinstance(m, nn.Linear)
    )
    expected = FORMULAS[activation](x.numpy() @ w1.T + b1) @ w2.T + b2
    np.testing.assert_allclose(network(x).detach().numpy(), expected, rtol=1e-10)


def normalised(x):
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, unbiased=False) + 1e-5).sqrt()


def test_norm_before_is_x_and_what_is_made_of_its_norm():
    residual, x = NormBefore(6, dropout=0.0), torch.randn(2, 3, 6)
    assert_close(residual.leave(x, residual.enter(x).square()), x + normalised(x).square())


def test_norm_after_is_the_norm_of_x_and_what_is_made_of_it():
    residual, x = NormAfter(6, dropout=0.0), torch.randn(2, 3, 6)
    assert_close(residual.leave(x, residual.enter(x).square()), normalised(x + x.square()))


def test_a_stack_ends_in_a_norm_in_either_place():
    x = torch.randn(2, 3, 6)
    assert_close(last_norm("before", 6)(x), normalised(x))
    assert torch.equal(last_norm("after", 6)(x), x)


@pytest.mark.parametrize("residual", [NormBefore, NormAfter])
def test_what_is_added_is_dropped_in_training_and_x_is_not(residual):
    torch.manual_seed(0)
    layer = residual(1000, dropout=0.25)
    x, update = torch.zeros(1, 1, 1000), torch.ones(1, 1, 1000)
    layer.norm = nn.Identity()
    dropped = layer.leave(x, update)
    assert dropped.unique().tolist() == pytest.approx([0, 4 / 3])
    assert 0.15 < (dropped == 0).float().mean() < 0.35
    assert_close(layer.leave(update, x), update)
    layer.eval()
    assert_close(layer.leave(x, update), update)


def test_an_embedding_is_its_row_of_the_table_times_the_scale():
    embedding = TokenEmbedding(5, 3, word_dropout=0.0, scale=2.0)
    tokens = torch.tensor([[4, 0], [1, 1]])
    assert_close(embedding(tokens), 2 * embedding.table.weight[tokens])


def test_word_dropout_drops_whole_vectors_and_keeps_the_mean():
    torch.manual_seed(0)
    embedding = TokenEmbedding(5, 3, word_dropout=0.2)
    tokens = torch.full((40, 50), 2)
    vectors = embedding(tokens)
    kept = vectors.ne(0).any(dim=-1)
    assert 0.75 < kept.float().mean() < 0.85
    assert_close(vectors[kept], (embedding.table.weight[2] / 0.8).expand(int(kept.sum()), -1))
    embedding.eval()
    assert_close(embedding(tokens), embedding.table.weight[tokens])
