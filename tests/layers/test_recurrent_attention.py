"""The scores of Bahdanau and Luong against their equations, position by position, in NumPy."""

import numpy as np
import pytest
import torch
from torch import nn

from seq2seq.layers.recurrent_attention import AdditiveAttention, ConcatAttention, DotAttention, GeneralAttention

ROWS, TIMES, SOURCE, QUERY, ENCODED, HIDDEN = 2, 3, 4, 5, 6, 7
MASK = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]], dtype=torch.bool)


def array(tensor):
    return tensor.detach().numpy()


def additive(module, query, encoded):
    """Bahdanau et al. 2015, appendix A.1.2: v . tanh(W s + U h), here with a bias."""
    inner = array(module.query.weight) @ query + array(module.query.bias) + array(module.key.weight) @ encoded
    return array(module.score.weight)[0] @ np.tanh(inner)


def dot(module, query, encoded):
    """Luong et al. 2015, section 3.1."""
    return query @ encoded


def general(module, query, encoded):
    return query @ array(module.weight.weight) @ encoded


def concat(module, query, encoded):
    return array(module.score.weight)[0] @ np.tanh(array(module.joined.weight) @ np.concatenate((query, encoded)))


CASES = {
    "additive": (lambda: AdditiveAttention(QUERY, ENCODED, HIDDEN), additive),
    "dot": (DotAttention, dot),
    "general": (lambda: GeneralAttention(QUERY, ENCODED), general),
    "concat": (lambda: ConcatAttention(QUERY, ENCODED, HIDDEN), concat),
}


@pytest.fixture(params=CASES)
def case(request):
    """An attention with random weights, the equation of its score, queries and encoded vectors."""
    torch.manual_seed(0)
    make, equation = CASES[request.param]
    attention = make().double()
    for parameter in attention.parameters():
        nn.init.normal_(parameter)
    width = ENCODED if request.param == "dot" else QUERY
    queries = torch.randn(ROWS, TIMES, width, dtype=torch.float64)
    return attention, equation, queries, torch.randn(ROWS, SOURCE, ENCODED, dtype=torch.float64)


def test_the_score_is_the_equation(case):
    attention, equation, queries, encoded = case
    found = attention.scores(queries, attention.read(encoded, MASK))
    for row, time, position in np.ndindex(ROWS, TIMES, SOURCE):
        expected = equation(attention, array(queries[row, time]), array(encoded[row, position]))
        np.testing.assert_allclose(found[row, time, position].item(), expected, rtol=1e-10)


def test_what_is_read_is_the_mean_weighted_by_the_softmax_over_the_tokens(case):
    attention, equation, queries, encoded = case
    found = attention(queries, attention.read(encoded, MASK))
    for row, time in np.ndindex(ROWS, TIMES):
        tokens = array(encoded[row][MASK[row]])
        scores = np.array([equation(attention, array(queries[row, time]), token) for token in tokens])
        weights = np.exp(scores) / np.exp(scores).sum()
        np.testing.assert_allclose(array(found[row, time]), weights @ tokens, rtol=1e-10)


def test_the_only_token_is_what_is_read(case):
    attention, _, queries, encoded = case
    only_first = torch.tensor([[True, False, False, False]] * ROWS)
    found = attention(queries, attention.read(encoded, only_first))
    torch.testing.assert_close(found, encoded[:, :1].expand_as(found))
