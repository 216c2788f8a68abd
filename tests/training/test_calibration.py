"""A calibration counts time where it is spent and memory where it is needed."""

import math

import numpy as np
import pytest

from seq2seq.training import calibration
from seq2seq.training.calibration import BLOCK, SECONDS, TIMED, WARM_UP, Probe, calibrate, hungriest

from tiny_training import Pairs, trainer

PROBES = [Probe(20, (np.arange(2), np.arange(2, 4), np.arange(4, 6))), Probe(40, (np.arange(4),))]


class Machine:
    """A validation takes it a hundred seconds, a checkpoint ten; its memory rises with the logarithm of the updates."""

    def __init__(self, made, monkeypatch, update):
        self.made, self.now, self.groups = made, 0.0, []
        for name, seconds in {"_update": update, "_save": 10.0, "validate": 100.0}.items():
            setattr(made, name, self.timed(getattr(made, name), seconds))
        monkeypatch.setattr(calibration.time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(calibration, "peak_memory", lambda _: memory(made.position.update))

    def timed(self, work, seconds):
        def done(*arguments):
            self.now += seconds
            self.groups += arguments
            return work(*arguments)

        return done


def memory(update):
    return round(10**9 * math.log(max(1, update)))


LONG, SHORT = 1.0, 1 / 16  # seconds an update, exact in binary


@pytest.fixture(params=[(1, LONG), (2, LONG), (1, SHORT)], ids=["plain", "accumulated", "short updates"])
def made(request, tmp_path, monkeypatch):
    """A calibration, the machine it was made on, the updates that were timed, and the seconds of one."""
    accumulate, update = request.param
    made = trainer(tmp_path, updates=10**6, validate_every=10**6, accumulate=accumulate)
    machine = Machine(made, monkeypatch, update)
    return calibrate(made, Pairs(), PROBES), machine, {LONG: TIMED, SHORT: 50}[update], update


def test_each_second_counts_where_it_was_spent(made):
    found, _, timed, update = made
    assert [seconds for seconds, _ in found.blocks] == [BLOCK * update] * (timed // BLOCK)
    assert timed * update >= SECONDS
    assert (found.validation_seconds, found.saving_seconds) == (100, 2 * 10)  # with the validation, and at the end
    assert found.tokens_per_second == pytest.approx(np.median([tokens for _, tokens in found.blocks]) / BLOCK / update)


def test_memory_is_that_after_each_probe_and_its_rise_that_of_the_timed_updates(made):
    found, machine, timed, _ = made
    updates = machine.made.position.update
    probed = updates - WARM_UP - timed
    assert probed == sum(-(-len(probe.batches) // machine.made.config.accumulate) for probe in PROBES)
    assert found.memory_before == 0
    assert found.memory_by_budget == ((20, memory(probed - 1)), (40, memory(probed)))
    assert (found.peak_memory, found.updates) == (memory(updates), updates)
    assert found.memory_growth == pytest.approx(10**9)


def test_every_batch_of_a_probe_is_read(made):
    _, machine, *_ = made
    read = {batch.indices for group in machine.groups if isinstance(group, list) for batch in group}
    assert read >= {tuple(rows.tolist()) for probe in PROBES for rows in probe.batches}


NEEDS = {
    "rows": lambda rows, source, target: rows,
    "steps": lambda rows, source, target: target,
    "cells": lambda rows, source, target: rows * (source + target),
    "cells of attention": lambda rows, source, target: rows * (source**2 + source * target + target**2),
}


@pytest.mark.parametrize("need", NEEDS.values(), ids=NEEDS.keys())
def test_no_batch_needs_more_than_those_that_are_probed(need):
    pairs = Pairs()
    pairs.source_lengths = np.array([1] * 9 + [2, 60, 14, 14, 14])
    pairs.target_lengths = np.array([1] * 9 + [50, 5, 14, 14, 14])
    batches = [np.arange(9), np.array([9]), np.array([10]), np.array([11, 12, 13])]  # each has most of something

    def most(chosen):
        sides = (pairs.source_lengths + 1, pairs.target_lengths + 1)
        return max(need(len(rows), *(side[rows].max() for side in sides)) for rows in chosen)

    assert most(hungriest(pairs, batches)) == most(batches)
