"""Multi-head attention against torch's own, its masks against their definitions."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from seq2seq.layers.attention import KeyValue, MultiHeadAttention, causal_mask, padding_mask

ROWS, QUERIES, KEYS, WIDTH, HEADS = 3, 4, 5, 12, 3
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], dtype=torch.bool)


@pytest.fixture
def both():
    """Our attention and torch's, with the same weights."""
    torch.manual_seed(0)
    ours = MultiHeadAttention(WIDTH, HEADS, dropout=0.0)
    theirs = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
    with torch.no_grad():
        for parameter in ours.parameters():
            nn.init.normal_(parameter, std=0.5)
        theirs.in_proj_weight.copy_(torch.cat((ours.query.weight, ours.key_value.weight)))
        theirs.in_proj_bias.copy_(torch.cat((ours.query.bias, ours.key_value.bias)))
    theirs.out_proj.load_state_dict(ours.output.state_dict())
    return ours, theirs


def test_equals_torch_attention_to_another_sequence(both):
    ours, theirs = both
    x, y = torch.randn(ROWS, QUERIES, WIDTH), torch.randn(ROWS, KEYS, WIDTH)
    expected, _ = theirs(x, y, y, need_weights=False)
    assert_close(ours(x, ours.project(y)), expected)


def test_equals_torch_attention_under_a_padding_mask(both):
    ours, theirs = both
    x, y = torch.randn(ROWS, QUERIES, WIDTH), torch.randn(ROWS, KEYS, WIDTH)
    expected, _ = theirs(x, y, y, key_padding_mask=~MASK, need_weights=False)
    assert_close(ours(x, ours.project(y), padding_mask(MASK)), expected)


def test_equals_torch_attention_under_a_causal_mask(both):
    ours, theirs = both
    x = torch.randn(ROWS, KEYS, WIDTH)
    hidden = torch.ones(KEYS, KEYS, dtype=torch.bool).triu(1)  # True where torch must not look
    expected, _ = theirs(x, x, x, attn_mask=hidden, need_weights=False)
    assert_close(ours(x, ours.project(x), causal_mask(KEYS, 0, x.device)), expected)


def test_gradients_equal_those_of_torch_attention(both):
    ours, theirs = both
    x, y = torch.randn(ROWS, QUERIES, WIDTH), torch.randn(ROWS, KEYS, WIDTH)
    ours(x, ours.project(y), padding_mask(MASK)).square().sum().backward()
    theirs(x, y, y, key_padding_mask=~MASK, need_weights=False)[0].square().sum().backward()
    assert_close(torch.cat((ours.query.weight.grad, ours.key_value.weight.grad)), theirs.in_proj_weight.grad)
    assert_close(ours.output.weight.grad, theirs.out_proj.weight.grad)


@pytest.mark.parametrize("length", [1, 2, KEYS])
def test_one_product_for_all_equals_one_for_each(both, length):
    ours, _ = both
    x = torch.randn(ROWS, length, WIDTH)
    found = ours.mix(*ours.project_all(x))
    expected = ours(x, ours.project(x))
    assert_close(found, expected)
    gradients = (torch.autograd.grad(y.square().sum(), list(ours.parameters())) for y in (found, expected))
    for of_found, of_expected in zip(*gradients, strict=True):
        assert_close(of_found, of_expected)


@pytest.mark.parametrize(("new", "past"), [(2, 0), (3, 2), (4, 1), (2, 5), (1, 0), (1, 4)])
def test_a_query_sees_the_past_and_the_new_positions_up_to_itself(new, past):
    mask = causal_mask(new, past, torch.device("cpu"))
    seen = torch.ones(1, 1, new, past + new, dtype=torch.bool) if mask is None else mask
    for query in range(new):
        assert seen[0, 0, query].tolist() == [key <= past + query for key in range(past + new)]


def test_appended_positions_stand_after_those_there_were():
    torch.manual_seed(0)
    attention = MultiHeadAttention(WIDTH, HEADS, dropout=0.0)
    x = torch.randn(ROWS, KEYS, WIDTH)
    whole = attention.project(x)
    grown = whole.before_first()
    assert grown.length == 0
    for column in x.split(2, dim=1):
        grown = grown.append(attention.project(column))
    assert grown.length == KEYS
    assert_close(grown.keys, whole.keys)
    assert_close(grown.values, whole.values)


def test_a_head_reads_its_own_part_of_the_vectors():
    attention = MultiHeadAttention(4, 2, dropout=0.0)
    with torch.no_grad():
        attention.key_value.weight.copy_(torch.eye(4).repeat(2, 1))
        attention.key_value.bias.zero_()
    projected = attention.project(torch.tensor([[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]]))
    expected = torch.tensor([[[[1.0, 2.0], [5.0, 6.0]], [[3.0, 4.0], [7.0, 8.0]]]])  # row head key width
    assert torch.equal(projected.keys, expected)
    assert torch.equal(projected.values, expected)


def test_weights_are_dropped_in_training_only():
    torch.manual_seed(0)
    attention = MultiHeadAttention(WIDTH, HEADS, dropout=0.5)
    x = torch.randn(ROWS, KEYS, WIDTH)
    assert not torch.equal(attention(x, attention.project(x)), attention(x, attention.project(x)))
    attention.eval()
    assert torch.equal(attention(x, attention.project(x)), attention(x, attention.project(x)))


def test_one_visible_position_is_what_is_read():
    torch.manual_seed(0)
    attention = MultiHeadAttention(WIDTH, HEADS, dropout=0.0)
    x = torch.randn(1, KEYS, WIDTH)
    seen = attention.project(x)
    only_third = torch.tensor([[[[False, False, True, False, False]]]])
    found = attention(x, seen, only_third.expand(1, 1, KEYS, KEYS))
    third = KeyValue(seen.keys[:, :, 2:3], seen.values[:, :, 2:3])
    assert_close(found, attention(x, third))


def test_heads_that_do_not_share_the_width_are_refused():
    with pytest.raises(ValueError, match=r"model_dim must be a multiple of num_heads \(5\), not 12"):
        MultiHeadAttention(12, 5, dropout=0.0)
