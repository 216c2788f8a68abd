"""Filters leave out what they say, and count it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.config import parse
from seq2seq.data.filters import FilterConfig, FilterReport, judged
from seq2seq.errors import ConfigError


def judge(config, pairs):
    """The verdict on (source, target, length, length)."""
    columns = list(zip(*pairs, strict=True)) or [(), (), (), ()]
    return judged(config, columns[0], columns[1], *(np.array(lengths, dtype=np.int32) for lengths in columns[2:]))


def kept(config, *pair):
    stays, report = judge(config, [pair])
    return bool(stays[0]), report


@pytest.mark.parametrize(("source", "target"), [("", "b"), ("a", ""), ("", ""), ("  \t", "b"), ("a", "\u00a0")])
def test_a_pair_with_nothing_on_one_side_goes(source, target):
    stays, report = kept(FilterConfig(), source, target, len(source), len(target))
    assert not stays
    assert report.empty == 1


def test_the_end_marker_counts_to_the_length():
    config = FilterConfig(max_length=10)
    assert kept(config, "a", "b", 9, 9)[0]
    for lengths in ((10, 9), (9, 10)):
        stays, report = kept(config, "a", "b", *lengths)
        assert not stays
        assert report.too_long == 1


@pytest.mark.parametrize(
    ("source", "target", "stays"), [(27, 9, True), (9, 27, True), (28, 9, False), (9, 28, False), (20, 1, True)]
)
def test_a_ratio_counts_on_both_sides_and_not_for_short_pairs(source, target, stays):
    decided, report = kept(FilterConfig(max_ratio=3.0), "a", "b", source, target)
    assert decided is stays
    assert report.ratio == (not stays)


def test_without_a_ratio_none_is_too_large():
    assert kept(FilterConfig(max_ratio=None), "a", "b", 200, 1)[0]


@given(st.lists(st.tuples(st.text(max_size=2), st.text(max_size=2), st.integers(0, 80), st.integers(0, 80))))
def test_every_pair_is_counted_once_whatever_its_company(pairs):
    config = FilterConfig(max_length=50, max_ratio=2.0)
    stays, report = judge(config, pairs)
    assert report.read == len(pairs)
    assert report.kept == stays.sum()
    assert [kept(config, *pair)[0] for pair in pairs] == stays.tolist()


def test_the_report_is_one_line_with_the_reasons_that_occurred():
    report = FilterReport(kept=28_997, empty=2, too_long=1, max_length=256)
    assert str(report) == "kept 28,997 of 29,000 pairs: 2 empty, 1 longer than 256 tokens"
    assert str(FilterReport(kept=5)) == "kept 5 of 5 pairs"
    all_reasons = FilterReport(kept=0, ratio=1, duplicate=3, max_ratio=9.0)
    assert str(all_reasons) == "kept 0 of 4 pairs: 1 more than 9 times as long on one side, 3 seen before"


@pytest.mark.parametrize("tree", [{"max_length": 1}, {"max_ratio": 0.5}, {"duplicates": "yes"}, {"max_lenght": 9}])
def test_settings_that_cannot_be_are_refused(tree):
    with pytest.raises(ConfigError, match=next(iter(tree))):
        parse(FilterConfig, tree, "recipe.yaml")
