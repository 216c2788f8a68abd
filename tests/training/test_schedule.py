import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.training.schedule import ScheduleConfig, learning_rate

KINDS = ("inverse_square_root", "linear", "cosine", "constant")


@given(kind=st.sampled_from(KINDS), warmup=st.integers(1, 200), updates=st.integers(1, 1000))
def test_the_rate_rises_in_a_line_to_its_peak_and_never_above(kind, warmup, updates):
    config = ScheduleConfig(kind=kind, peak=0.5, warmup=warmup)
    rates = [learning_rate(config, update, updates) for update in range(1, updates + 1)]
    assert max(rates) <= 0.5
    for update, rate in enumerate(rates[:warmup], start=1):
        assert rate == pytest.approx(0.5 * update / warmup)
    after = rates[warmup:]
    assert after == sorted(after, reverse=True)


@pytest.mark.parametrize("kind", ["linear", "cosine"])
def test_linear_and_cosine_end_at_zero(kind):
    config = ScheduleConfig(kind=kind, peak=1.0, warmup=10)
    assert learning_rate(config, 100, 100) == pytest.approx(0.0, abs=1e-12)
    assert learning_rate(config, 55, 100) == pytest.approx(0.5)


def test_inverse_square_root_is_that_of_the_paper():
    """Vaswani et al. 2017, section 5.3: d ** -0.5 min(step ** -0.5, step warmup ** -1.5)."""
    width, warmup = 512, 4000
    config = ScheduleConfig(kind="inverse_square_root", peak=(width * warmup) ** -0.5, warmup=warmup)
    for step in (1, 1000, 4000, 4001, 100_000):
        expected = width**-0.5 * min(step**-0.5, step * warmup**-1.5)
        assert math.isclose(learning_rate(config, step, 100_000), expected)


def test_without_warmup_the_first_rate_is_the_peak():
    assert learning_rate(ScheduleConfig(kind="constant", peak=0.1, warmup=0), 1, 10) == 0.1
