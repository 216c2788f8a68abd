"""Updates that are no number change nothing, are counted, and end a training that has only such."""

import logging

import pytest
import torch

from seq2seq.errors import Seq2SeqError
from seq2seq.training.checkpoint import Position
from seq2seq.training.guard import REMEMBERED, warn_of_spike
from seq2seq.training.schedule import ScheduleConfig

from tiny_training import MODELS, digest, trainer


def spoil(made, updates, value=float("nan")):
    """One number of the gradient is `value` at each of `updates`."""
    first = next(made.model.parameters())

    def hook(gradient):
        if made.position.update + 1 not in updates:
            return gradient
        spoilt = gradient.clone()
        spoilt.view(-1)[0] = value
        return spoilt

    first.register_hook(hook)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("clip_norm", [1.0, None])
@pytest.mark.parametrize("at", [1, 4])
def test_a_step_that_is_no_number_changes_nothing(tmp_path, name, value, clip_norm, at):
    made = trainer(tmp_path, MODELS[name], clip_norm=clip_norm)
    spoil(made, {at}, value)
    group = next(made._groups())
    for _ in range(at - 1):
        made._update(group)
    weights_before = [parameter.detach().clone() for parameter in made.model.parameters()]
    before = digest(made) if at > 1 else None
    made._update(group)
    assert all(map(torch.equal, weights_before, made.model.parameters()))
    if before is not None:
        assert digest(made) == before  # moments and step counters too
    assert {float(state["step"]) for state in made.optimizer.state.values()} == {at - 1}
    made._update(group)
    assert not all(map(torch.equal, weights_before, made.model.parameters()))
    assert all(parameter.isfinite().all() for parameter in made.model.parameters())


def test_steps_not_applied_are_counted_and_told(tmp_path, caplog):
    made = trainer(tmp_path, updates=20)
    spoil(made, {3, 4, 17})
    with caplog.at_level(logging.WARNING):
        assert made.run()
    assert [record["skipped"] for record in made.listener.updates] == [2, 1]
    assert made.position.skipped == 3
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert lines[0].startswith("update 3 (epoch 0, batch 2): loss ")
    assert lines[0].endswith("gradient norm nan: not applied, and 1 more")


def test_so_many_in_a_row_end_the_training(tmp_path):
    """In a row across what is told at once, and the weights are still those before the first."""
    made = trainer(tmp_path, updates=40, max_skipped=6, validate_every=100)
    spoil(made, range(7, 100))
    with pytest.raises(
        Seq2SeqError, match=r"update 12 \(epoch \d+, batch \d+\).*the 6th update in a row.*schedule\.peak"
    ):
        made.run()
    assert {float(state["step"]) for state in made.optimizer.state.values()} == {6}


def test_fewer_in_a_row_do_not(tmp_path):
    made = trainer(tmp_path, updates=40, max_skipped=6)
    spoil(made, {update for update in range(1, 41) if update % 6})
    assert made.run()
    assert made.position.skipped == 34


def test_a_loss_that_leaps_is_told_of(tmp_path, caplog):
    made = trainer(tmp_path, updates=70, schedule=ScheduleConfig(kind="constant", peak=1e-4, warmup=0))
    inner = made._update

    def worse(group):
        if made.position.update == 60:
            made.model.output.bias.data.mul_(0).add_(torch.tensor([50.0] + [0.0] * 10))
        return inner(group)

    made._update = worse
    with caplog.at_level(logging.WARNING):
        made.run()
    assert [record.getMessage() for record in caplog.records if "leapt" in record.getMessage()] == [
        record.getMessage() for record in caplog.records
    ]
    assert "update 70: the loss leapt from" in caplog.text


def test_reports_without_a_loss_do_not_hide_a_leap(caplog):
    position = Position()
    for loss in [2.0] * REMEMBERED + [float("nan")] * REMEMBERED + [9.0]:
        warn_of_spike(position, loss)
    assert "the loss leapt from 2.000 to 9.000" in caplog.text
