"""Examples are seen as often as their corpus was promised; large splits are ordered by the laws of small ones."""

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.data import order as ordering
from seq2seq.data.mixture import Part, epoch_ranges, temperature_weights
from seq2seq.data.order import BatchOrder

weights = st.floats(0.05, 4) | st.integers(1, 4).map(float)
parts_of_a_split = st.lists(st.builds(Part, st.integers(0, 40), weights), min_size=1, max_size=4)


def seen(parts, epoch):
    return Counter(number for first, last in epoch_ranges(parts, epoch) for number in range(first, last))


def examples_of(parts):
    begin = 0
    for part in parts:
        yield part, range(begin, begin + part.pairs)
        begin += part.pairs


def order_of(count, parts=(), *, seed=0):
    random = np.random.default_rng(count)
    lengths = random.integers(0, 20, (2, count), dtype=np.int32)
    return BatchOrder(*lengths, 64, seed, parts)


@given(parts_of_a_split, st.integers(0, 20))
def test_an_epoch_sees_each_corpus_as_often_as_its_weight_says(parts, epoch):
    counts = seen(parts, epoch)
    for part, examples in examples_of(parts):
        times = [counts[example] for example in examples]
        assert all(int(part.weight) <= count <= int(part.weight) + 1 for count in times)
        assert abs(sum(times) - part.weight * part.pairs) <= 1
    assert counts.total() == sum(counts[example] for _, examples in examples_of(parts) for example in examples)


@given(parts_of_a_split, st.integers(1, 30))
def test_over_epochs_no_example_of_a_corpus_falls_behind(parts, epochs):
    counts = sum((seen(parts, epoch) for epoch in range(epochs)), Counter())
    for _, examples in examples_of(parts):
        times = [counts[example] for example in examples]
        assert not times or max(times) - min(times) <= 1


@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=5), st.floats(1, 100))
def test_a_temperature_gives_the_shares_of_arivazhagan(sizes, temperature):
    times = np.array(temperature_weights(sizes, temperature))
    shares = times * sizes / (times * sizes).sum()
    wanted = np.array(sizes, float) ** (1 / temperature)
    assert shares == pytest.approx(wanted / wanted.sum())
    assert times.min() == pytest.approx(1)
    assert times[int(np.argmax(sizes))] == pytest.approx(1)


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(1, 60), st.integers(1, 20), st.integers(0, 5))
def test_pools_hold_the_same_examples_and_any_batch_can_be_the_first(count, pool, chunk, skip):
    parts = (Part(count // 3, 1.5), Part(count - count // 3, 0.5))
    whole = order_of(count, parts).epoch(3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordering, "POOL", pool)
        patch.setattr(ordering, "CHUNK", chunk)
        order = order_of(count, parts)
        pooled = order.epoch(3)
        tail = list(order.batches(3, skip))
    flat, together = (Counter(i for batch in some for i in batch.tolist()) for some in (pooled, whole))
    assert flat == together
    assert [batch.tolist() for batch in tail] == [batch.tolist() for batch in pooled[skip:]]


def test_the_size_of_a_pool_does_not_show_where_one_is_enough(monkeypatch):
    whole = order_of(500).epoch(1)
    monkeypatch.setattr(ordering, "POOL", 500)
    assert [batch.tolist() for batch in order_of(500).epoch(1)] == [batch.tolist() for batch in whole]


def test_pools_mix_what_lies_apart_and_differ_from_epoch_to_epoch(monkeypatch):
    monkeypatch.setattr(ordering, "POOL", 1000)
    monkeypatch.setattr(ordering, "CHUNK", 50)
    order = order_of(4000)
    first, second = ([set(pool.tolist()) for pool in order._pools(epoch)] for epoch in (0, 1))
    assert len(first) == 4
    for pool in first:
        quarters = Counter(number // 1000 for number in pool)
        assert all(count >= 50 for count in quarters.values())
        assert len(quarters) == 4
    assert first != second


def test_ordering_takes_memory_for_a_pool_not_for_the_split(monkeypatch):
    monkeypatch.setattr(ordering, "POOL", 1 << 12)
    monkeypatch.setattr(ordering, "CHUNK", 1 << 10)

    def peak(count):
        lengths = np.full(count, 10, dtype=np.int32)
        tracemalloc.start()
        for _ in BatchOrder(lengths, lengths, 1000, 0).batches(0):
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    small, large = peak(1 << 14), peak(1 << 18)
    assert large < small + (1 << 18)  # less than a byte for each example, where an index alone takes eight
