"""Laws of the toy corpora."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.data.toy import SPLITS, TASKS, symbol, toy_examples
from seq2seq.errors import DataError


@pytest.mark.parametrize("task", TASKS)
def test_targets_are_what_the_task_says(task):
    image = {"copy": list, "reverse": lambda row: row[::-1], "sort": sorted}[task]
    examples = list(toy_examples(task, "train", count=300, seed=1))
    assert len(examples) == 300
    for example in examples:
        assert example.target.split() == image(example.source.split())


@pytest.mark.parametrize("task", TASKS)
def test_alignments_pair_every_symbol_with_its_equal(task):
    for example in toy_examples(task, "valid", count=200, seed=2, symbols=4):
        source, target = example.source.split(), example.target.split()
        assert sorted(index for index, _ in example.alignment) == list(range(len(source)))
        assert sorted(index for _, index in example.alignment) == list(range(len(target)))
        assert all(source[i] == target[j] for i, j in example.alignment)


def test_lengths_and_symbols_stay_in_bounds_and_reach_them():
    examples = list(toy_examples("copy", "train", count=2000, seed=3, symbols=5, min_length=2, max_length=6))
    assert {len(example.source.split()) for example in examples} == {2, 3, 4, 5, 6}
    assert {name for example in examples for name in example.source.split()} == set("abcde")


@pytest.mark.parametrize("size", [{"symbols": 3, "max_length": 5}, {"symbols": 26, "max_length": 12}])
def test_splits_are_disjoint_for_all_seeds(size):
    sources = {
        split: {e.source for seed in (1, 2) for e in toy_examples("copy", split, count=25, seed=seed, **size)}
        for split in SPLITS
    }
    for one, other in itertools.combinations(SPLITS, 2):
        assert not sources[one] & sources[other]


@pytest.mark.parametrize("split", ["valid", "test"])
@pytest.mark.parametrize("size", [{"symbols": 2, "max_length": 10}, {"symbols": 10, "max_length": 5}])
def test_held_out_splits_hold_no_source_twice(split, size):
    sources = [example.source for example in toy_examples("sort", split, count=150, seed=5, **size)]
    assert len(set(sources)) == len(sources) == 150


@settings(deadline=None, max_examples=30)
@given(
    short=st.integers(0, 30),
    more=st.integers(0, 30),
    seed=st.integers(0, 5),
    split=st.sampled_from(SPLITS),
    symbols=st.sampled_from([3, 26]),
)
def test_first_examples_do_not_depend_on_the_count(short, more, seed, split, symbols):
    size = {"symbols": symbols, "max_length": 6, "seed": seed}
    longer = list(toy_examples("reverse", split, count=short + more, **size))
    assert list(toy_examples("reverse", split, count=short, **size)) == longer[:short]


def test_seeds_differ():
    first, second = (list(toy_examples("copy", "train", count=20, seed=seed)) for seed in (1, 2))
    assert first != second


def test_exhausted_splits_say_how_many_exist():
    size = {"symbols": 2, "max_length": 6, "seed": 0}
    everything = sum(2**length for length in range(1, 7))
    with pytest.raises(DataError, match=r"only (\d+) exist") as raised:
        toy_examples("copy", "test", count=everything, **size)
    exist = int(str(raised.value).split("only ")[1].split()[0])
    assert 0 < exist < everything
    assert len(list(toy_examples("copy", "test", count=exist, **size))) == exist


def test_large_spaces_run_out_with_a_message_too():
    with pytest.raises(DataError, match="exist"):
        toy_examples("copy", "valid", count=20_000, seed=0, symbols=12, max_length=4)


def test_train_goes_on_for_ever_where_there_are_few_sources():
    assert len(list(toy_examples("copy", "train", count=500, seed=0, symbols=2, max_length=3))) == 500


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "revers"}, "did you mean 'reverse'"),
        ({"split": "dev"}, "unknown split 'dev'"),
        ({"symbols": 0}, "symbols must be at least 1, not 0"),
        ({"min_length": 0}, "min_length must be at least 1"),
        ({"min_length": 4, "max_length": 3}, "not 4 to 3"),
    ],
)
def test_what_cannot_be_is_refused_at_once(arguments, message):
    given_arguments = {"task": "copy", "split": "train", "count": 1, "seed": 0} | arguments
    with pytest.raises(DataError, match=message):
        toy_examples(**given_arguments)


def test_symbol_names_are_distinct_words():
    names = [symbol(index) for index in range(1000)]
    assert len(set(names)) == 1000
    assert names[:2] == ["a", "b"]
    assert names[25:28] == ["z", "aa", "ab"]
