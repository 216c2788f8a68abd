"""What is gathered of lengths is what the lengths themselves say."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.data import mapped
from seq2seq.data.lengths import Lengths
from seq2seq.data.order import BatchOrder

pairs_of_lengths = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=120)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(mapped, "BLOCK", 7)


@given(lengths=pairs_of_lengths, share=st.sampled_from([0.1, 0.5, 0.9, 1.0]))
@pytest.mark.usefixtures("small_blocks")
def test_what_is_gathered_is_what_the_lengths_say(lengths, share):
    source, target = np.array(lengths, dtype=np.int32).T
    found = Lengths.of(source, target)
    source, target = source + 1.0, target + 1.0
    longer = np.maximum(source, target)
    assert (found.pairs, found.source_tokens, found.target_tokens) == (len(lengths), source.sum(), target.sum())
    sums = found.source_squares, found.target_squares, found.products
    assert sums == (source @ source, target @ target, source @ target)
    assert (found.longest_source, found.longest_target) == (source.max(), target.max())
    assert found.longest == longer.max()
    assert found.longer_tokens == longer.sum()
    assert found.longer(share) == np.quantile(longer, share, method="inverted_cdf")
    if source.std() and target.std():
        assert found.correlation == pytest.approx(np.corrcoef(source, target)[0, 1], abs=1e-9)
    else:
        assert found.correlation == 1


def test_what_is_given_back_can_be_read_again(tmp_path):
    numbers = np.arange(10**6, dtype="<i4")
    numbers.tofile(tmp_path / "numbers")
    array = mapped.mapped(tmp_path / "numbers", "<i4")
    before = resident(tmp_path / "numbers")
    assert array.sum() == numbers.sum()
    assert resident(tmp_path / "numbers") >= before + numbers.nbytes
    mapped.give_back(array, numbers)
    assert resident(tmp_path / "numbers") == before
    assert (array == numbers).all()
    assert not array.flags.writeable


def test_of_blocks_only_the_last_is_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(mapped, "BLOCK", 1 << 18)
    path = tmp_path / "numbers"
    np.arange(1 << 21, dtype="<i4").tofile(path)
    array = mapped.mapped(path, "<i4")
    read, most = 0, 0
    for block, same in mapped.blocks(array, array):
        read += int(block.sum() + same.sum())
        most = max(most, resident(path))
    assert read == 2 * sum(range(1 << 21))
    assert most <= 2 * 4 * (1 << 18)


def resident(path):
    """Bytes of the file's pages that are in this process's memory."""
    found, inside = 0, False
    with Path("/proc/self/smaps").open(encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            if "-" in words[0]:
                inside = words[-1] == str(path)
            elif inside and words[0] == "Rss:":
                found += 1024 * int(words[1])
    return found


def test_an_empty_file_is_an_empty_array(tmp_path):
    (tmp_path / "nothing").touch()
    assert mapped.mapped(tmp_path / "nothing", "<u8").tolist() == []


def test_an_order_tells_when_a_pool_is_done(monkeypatch):
    monkeypatch.setattr("seq2seq.data.order.POOL", 50)
    monkeypatch.setattr("seq2seq.data.order.CHUNK", 5)
    lengths, told, batches = np.arange(120) % 9, [], []
    order = BatchOrder(lengths, lengths, 40, 0, after_pool=lambda: told.append(len(batches)))
    for batch in order.batches(0):
        batches.append(batch)  # noqa: PERF402 - while it is asked how many there are
    assert len(told) == 3
    assert told[-1] == len(batches)
    pools = [set(np.concatenate(batches[first:last]).tolist()) for first, last in zip([0, *told], told, strict=False)]
    assert sum(map(len, pools)) == 120
    assert set.union(*pools) == set(range(120))
