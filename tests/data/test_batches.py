"""Batches hold every example once within the budget, in an order that can be taken up anywhere."""

import gc
import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.data.batches import Batches, BatchOrder, collate, collate_source, validation_batches
from seq2seq.data.prefetch import ahead
from seq2seq.errors import ConfigError
from seq2seq.tokens import SPECIAL

pairs_of_lengths = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=120)
rows = st.lists(st.lists(st.integers(4, 300), max_size=9), min_size=1, max_size=8)


class Pairs:
    """Made-up pairs in which every token tells its example."""

    def __init__(self, lengths):
        self.source_lengths, self.target_lengths = np.array(lengths, dtype=np.int64).reshape(-1, 2).T

    def source(self, index):
        return np.full(self.source_lengths[index], 1000 + index, dtype=np.uint16)

    def target(self, index):
        return np.full(self.target_lengths[index], 2000 + index, dtype=np.int32)


def order_of(lengths, batch_tokens=64, seed=0):
    pairs = Pairs(lengths)
    return BatchOrder(pairs.source_lengths, pairs.target_lengths, batch_tokens, seed)


def same_tensors(one, other):
    assert one.indices == other.indices
    for name in ("source", "source_mask", "target"):
        assert torch.equal(getattr(one, name), getattr(other, name))
    assert (one.source_tokens, one.target_tokens) == (other.source_tokens, other.target_tokens)


def many(count=400, seed=3):
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 30, count)
    return [(int(length), int(max(1, length + random.integers(-4, 5)))) for length in lengths]


# --- collate ---------------------------------------------------------------------------------------------


@given(rows, st.randoms())
def test_collated_rows_are_the_ids_with_their_markers(sources, random):
    targets = [random.choices(range(4, 300), k=random.randrange(9)) for _ in sources]
    batch = collate(sources, targets, range(len(sources)))
    for row, (source, target) in enumerate(zip(sources, targets, strict=True)):
        kept = batch.source[row][batch.source_mask[row]].tolist()
        assert kept == [*source, SPECIAL.end]
        assert batch.source[row][~batch.source_mask[row]].eq(SPECIAL.padding).all()
        whole = batch.target[row].tolist()
        wanted = [SPECIAL.start, *target, SPECIAL.end]
        assert whole == wanted + [SPECIAL.padding] * (len(whole) - len(wanted))
    assert batch.source.shape[1] == max(map(len, sources)) + 1
    assert batch.target.shape[1] == max(map(len, targets)) + 2
    assert batch.source_tokens == sum(map(len, sources)) + len(sources) == int(batch.source_mask.sum())
    assert batch.target_tokens == sum(map(len, targets)) + len(targets)
    assert batch.target_tokens == int((batch.target[:, 1:] != SPECIAL.padding).sum())


@given(rows)
def test_a_source_alone_is_collated_as_in_a_batch(sources):
    source, mask = collate_source(sources)
    batch = collate(sources, sources, range(len(sources)))
    assert torch.equal(source, batch.source)
    assert torch.equal(mask, batch.source_mask)


@given(rows)
def test_arrays_are_collated_like_lists(sources):
    arrays = [np.array(row, dtype=np.uint16) for row in sources]
    same_tensors(collate(sources, sources, range(len(sources))), collate(arrays, arrays, range(len(sources))))


def test_a_batch_moves_whole():
    batch = collate([[5, 6], [7]], [[8], [9, 10]], [3, 1])
    same_tensors(batch, batch.to("cpu"))
    there = batch.to("meta")
    assert {there.source.device.type, there.source_mask.device.type, there.target.device.type} == {"meta"}


# --- order -----------------------------------------------------------------------------------------------


@given(pairs_of_lengths, st.integers(31, 200), st.integers(0, 5), st.integers(0, 50))
def test_every_example_is_once_in_an_epoch_and_no_batch_over_the_budget(lengths, budget, seed, epoch):
    batches = order_of(lengths, budget, seed).epoch(epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for batch in batches:
        longest = max(max(lengths[index]) + 1 for index in batch)
        assert len(batch) * longest <= budget


@given(pairs_of_lengths, st.integers(0, 5), st.integers(0, 5))
def test_the_order_is_a_function_of_seed_and_epoch(lengths, seed, epoch):
    order = order_of(lengths, seed=seed)
    order.epoch(epoch + 1)  # what was asked before does not matter
    first, again = order.epoch(epoch), order_of(lengths, seed=seed).epoch(epoch)
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in again]


def test_epochs_and_seeds_differ_in_the_composition_of_batches_too():
    def composition(seed, epoch):
        return {frozenset(batch.tolist()) for batch in order_of(many(), seed=seed).epoch(epoch)}

    assert composition(0, 0) != composition(0, 1)
    assert composition(0, 0) != composition(1, 0)


def test_batches_do_not_come_sorted_by_length():
    batches = order_of(many()).epoch(0)
    longest = [max(max(many()[index]) for index in batch) for batch in batches]
    assert longest != sorted(longest)
    assert longest != sorted(longest, reverse=True)


def test_a_pair_longer_than_the_budget_is_refused_with_the_length_and_the_remedy():
    with pytest.raises(ConfigError, match=r"at least 41, .* not 40; .*max_length=40"):
        order_of([(3, 2), (5, 40)], batch_tokens=40)
    assert len(order_of([(3, 2), (5, 40)], batch_tokens=41).epoch(0)) == 2


def test_text_like_lengths_fill_nineteen_cells_of_twenty():
    """Lengths that spread and go together as those of 30,000 captions do."""
    random = np.random.default_rng(0)
    source = np.maximum(4, random.gamma(9, 1.6, 30_000)).astype(np.int64)
    target = np.maximum(4, source + random.normal(0, 2.5, 30_000)).astype(np.int64)
    batches = BatchOrder(source, target, 4096, 0).epoch(0)
    cells = sum(len(batch) * (source[batch].max() + target[batch].max() + 2) for batch in batches)
    assert (source.sum() + target.sum() + 2 * len(source)) / cells >= 0.95


def test_an_empty_split_has_no_batches():
    assert order_of([]).epoch(0) == []
    assert list(validation_batches(Pairs([]), 50)) == []


# --- batches ---------------------------------------------------------------------------------------------


@given(pairs_of_lengths, st.integers(0, 10), st.integers(0, 3))
def test_resuming_gives_the_tail(lengths, skip, epoch):
    batches = Batches(Pairs(lengths), order_of(lengths))
    whole = list(batches.epoch(epoch))
    tail = list(batches.epoch(epoch, skip=skip))
    assert len(tail) == max(0, len(whole) - skip)
    for one, other in zip(whole[skip:], tail, strict=True):
        same_tensors(one, other)


def test_rows_hold_the_examples_that_their_indices_name():
    lengths = many(60)
    for batch in Batches(Pairs(lengths), order_of(lengths)).epoch(0):
        for row, index in enumerate(batch.indices):
            source, target = lengths[index]
            assert batch.source[row].tolist()[:source] == [1000 + index] * source
            assert batch.target[row].tolist()[1 : target + 1] == [2000 + index] * target


@given(pairs_of_lengths, st.integers(1, 5), st.integers(0, 3))
def test_the_processes_of_any_number_share_the_same_batches(lengths, size, epoch):
    whole = list(Batches(Pairs(lengths), order_of(lengths)).epoch(epoch))
    shares = [
        list(Batches(Pairs(lengths), order_of(lengths), rank=rank, size=size).epoch(epoch)) for rank in range(size)
    ]
    for batch, *parts in zip(whole, *shares, strict=True):
        assert sorted(batch.indices) == sorted(index for part in parts for index in part.indices)
        assert {(part.source_tokens, part.target_tokens) for part in parts} == {
            (batch.source_tokens, batch.target_tokens)
        }
        positions = sum(int((part.target[:, 1:] != SPECIAL.padding).sum()) for part in parts)
        assert positions == batch.target_tokens
        assert max(len(part.indices) for part in parts) - min(len(part.indices) for part in parts) <= 1


@pytest.mark.parametrize("depth", [1, 3, 1000])
def test_batches_made_ahead_are_the_same(depth):
    lengths = many(100)
    plain = list(Batches(Pairs(lengths), order_of(lengths)).epoch(2, skip=3))
    early = list(Batches(Pairs(lengths), order_of(lengths), prefetch=depth).epoch(2, skip=3))
    for one, other in zip(plain, early, strict=True):
        same_tensors(one, other)


def test_an_error_in_the_thread_comes_at_its_place():
    def failing():
        yield 1
        yield 2
        raise KeyError("third")

    items = ahead(failing(), 8)
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(KeyError, match="third"):
        next(items)


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_no_thread_is_left_when_the_iterator_is_given_up(taken):
    before = threading.active_count()
    items = ahead(iter(range(10_000)), 2)
    for _ in range(taken):
        next(items)
    del items
    gc.collect()
    assert threading.active_count() == before


def test_no_more_than_the_depth_is_made_ahead():
    made = []

    def counting():
        for number in range(100):
            made.append(number)
            yield number

    items = ahead(counting(), 3)
    next(items)
    assert not threading.Event().wait(0.2)
    assert len(made) <= 1 + 3 + 1  # taken, in the queue, in hand
    items.close()


@given(pairs_of_lengths, st.integers(10, 60))
def test_validation_holds_every_example_once_always_alike(lengths, budget):
    first, again = ([*validation_batches(Pairs(lengths), budget)] for _ in range(2))
    for one, other in zip(first, again, strict=True):
        same_tensors(one, other)
    assert sorted(index for batch in first for index in batch.indices) == list(range(len(lengths)))
    for batch in first:
        longest = max(max(lengths[index]) + 1 for index in batch.indices)
        assert len(batch.indices) == 1 or len(batch.indices) * longest <= budget
