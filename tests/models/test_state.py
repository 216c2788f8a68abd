"""States of decoders: rows are chosen in every tensor, wherever it hangs."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.models.state import DecoderState, map_tensors


class Pair(NamedTuple):
    first: torch.Tensor
    second: torch.Tensor


@dataclass(frozen=True)
class Leaf:
    tensor: torch.Tensor
    name: str


def rows(start):
    return torch.arange(start, start + 4).unsqueeze(1)


def state():
    return DecoderState((rows(0), ()), (Pair(rows(10), rows(20)), Leaf(rows(30), "kept")))


def test_select_takes_rows_of_every_tensor_and_keeps_the_rest():
    chosen = state().select(torch.tensor([3, 0, 0]))
    assert chosen.memory[0].flatten().tolist() == [3, 0, 0]
    assert chosen.memory[1] == ()
    pair, leaf = chosen.history
    assert isinstance(pair, Pair)
    assert (pair.first.flatten().tolist(), pair.second.flatten().tolist()) == ([13, 10, 10], [23, 20, 20])
    assert (leaf.tensor.flatten().tolist(), leaf.name) == ([33, 30, 30], "kept")


def test_reorder_takes_rows_of_the_history_and_leaves_the_memory():
    before = state()
    after = before.reorder(torch.tensor([1, 1, 2, 0]))
    assert after.memory is before.memory
    assert after.history[0].first.flatten().tolist() == [11, 11, 12, 10]
    assert after.history[1].tensor.flatten().tolist() == [31, 31, 32, 30]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.data())
def test_selecting_twice_is_selecting_once(first, data):
    second = data.draw(st.lists(st.integers(0, len(first) - 1), max_size=6))
    one, two = torch.tensor(first), torch.tensor(second, dtype=torch.long)
    twice, once = state().select(one).select(two), state().select(one[two])
    assert torch.equal(twice.history[0].second, once.history[0].second)
    assert torch.equal(twice.memory[0], once.memory[0])


def test_mapping_the_identity_changes_nothing():
    before = state()
    after = map_tensors(lambda tensor: tensor, before)
    assert after == before
