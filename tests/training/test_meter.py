"""A report is of all updates since the last, its means of those that were applied."""

import json
import math

import pytest
import torch

from seq2seq.training.meter import Meter, Place

UPDATES = [(6.0, 1.0, 3), (math.nan, 2.0, 100), (8.0, math.inf, 1000), (1.0, 5.0, 4)]  # likelihood, norm, tokens


def meter_of(updates, seconds=0.5, split=0):
    meter = Meter()
    for number, (likelihood, norm, tokens) in enumerate(updates, 1):
        meter.add(Place(number, 0, number, tokens, 2 * tokens), torch.tensor([likelihood, norm]), seconds)
    meter.split = split
    return meter


def test_means_are_over_the_tokens_and_updates_that_were_learnt_from():
    found = meter_of(UPDATES).record()
    assert found["train_loss"] == pytest.approx((6.0 + 1.0) / (3 + 4))
    assert found["gradient_norm"] == pytest.approx((1.0 + 5.0) / 2)
    assert found["skipped"] == 2
    assert (found["target_tokens"], found["source_tokens"]) == (1107, 2214)


def test_where_nothing_was_learnt_there_is_no_mean():
    found = meter_of(UPDATES[1:3]).record()
    assert math.isnan(found["train_loss"])
    assert math.isnan(found["gradient_norm"])


def test_nothing_counts_in_two_reports():
    meter = meter_of(UPDATES, seconds=100.0, split=3)
    assert meter.record()["seconds"] == pytest.approx(400, abs=1)
    meter.clear()
    meter.add(Place(5, 0, 5, 7, 7), torch.tensor([14.0, 1.0]), 10.0)
    found = meter.record()
    assert found.pop("seconds") == pytest.approx(10, abs=1)
    assert found == {
        "train_loss": 2.0,
        "gradient_norm": 1.0,
        "target_tokens": 7,
        "source_tokens": 7,
        "skipped": 0,
        "split": 0,
    }


def test_a_report_gone_on_with_is_that_of_a_meter_that_never_stopped():
    whole, begun = meter_of(UPDATES, split=2), meter_of(UPDATES[:1], split=2)
    again = Meter()
    again.restore(json.loads(json.dumps(begun.state())))
    for number, (likelihood, norm, tokens) in enumerate(UPDATES[1:], 2):
        again.add(Place(number, 0, number, tokens, 2 * tokens), torch.tensor([likelihood, norm]), 0.5)
    found, expected = again.record(), whole.record()
    assert found.pop("seconds") == pytest.approx(expected.pop("seconds"), abs=1)
    assert found == expected
