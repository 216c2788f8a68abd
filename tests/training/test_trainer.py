"""Training as a whole: what is saved is enough to go on, and the best model is the one that is kept."""

import pytest
import torch
from torch.testing import assert_close

from seq2seq.data.batches import collate
from seq2seq.training.schedule import ScheduleConfig
from seq2seq.training.weights import average, read_tensors, weights

from architectures import TINY, tiny_transformer
from tiny_training import MODELS, digest, stop_after, trainer, without_clock


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("cut", [1, 5, 6, 11, 15])
def test_going_on_is_bitwise_never_having_stopped(tmp_path, name, cut):
    """Weights, moments and what is told of the training, in the middle of what is told at once too."""
    whole = trainer(tmp_path / "whole", MODELS[name], updates=21)
    assert whole.run()

    first = trainer(tmp_path / "cut", MODELS[name], updates=21)
    stop_after(first, cut)
    assert not first.run()
    second = trainer(tmp_path / "cut", MODELS[name], updates=21)
    torch.manual_seed(99)  # what the random generators did in between must not matter
    assert second.resume()
    assert second.position.update == cut
    assert second.run()
    assert digest(second) == digest(whole)
    told = [*first.listener.updates, *second.listener.updates]
    assert without_clock(told) == without_clock(whole.listener.updates)
    assert second.position.records == whole.position.records == 3 + 5


def test_accumulation_is_one_large_batch(tmp_path):
    """Unequal batches, so that a mean of means would differ from the mean over tokens."""
    small = [collate([[4, 5, 6, 7]], [[4, 5, 6, 7]], [0]), collate([[8]] * 3, [[8]] * 3, [1, 2, 3])]
    large = collate([[4, 5, 6, 7], [8], [8], [8]], [[4, 5, 6, 7], [8], [8], [8]], [0, 1, 2, 3])
    config = tiny_transformer(dropout=0.0)
    found = []
    for name, group in (("parts", small), ("whole", [large])):
        made = trainer(tmp_path / name, config, clip_norm=None)
        made.optimizer.step = lambda model=made.model: found.append([p.grad.clone() for p in model.parameters()])
        made._update(group)
    assert_close(found[0], found[1])


def test_the_best_model_is_kept_and_patience_ends_the_training(tmp_path):
    losses = iter([3.0, 1.0, 2.0, 2.5, 0.0])
    seen = {}

    def validate(model):
        loss = next(losses)
        seen[loss] = {name: tensor.detach().clone() for name, tensor in weights(model).items()}
        return {"loss": loss}

    made = trainer(tmp_path, validate=validate, updates=100, validate_every=2, patience=2)
    assert made.run()
    assert (made.position.update, made.position.best, made.position.best_update) == (8, 1.0, 4)
    assert_close(read_tensors(tmp_path / "model.safetensors"), seen[1.0])


@pytest.mark.parametrize("averaged_is_better", [True, False])
def test_the_average_is_kept_when_it_is_better(tmp_path, averaged_is_better):
    values = iter([5.0, 4.0, 3.0, 1.0 if averaged_is_better else 9.0])
    made = trainer(tmp_path, validate=lambda model: {"loss": next(values)}, updates=6, validate_every=2, average=3)
    assert made.run()
    snapshots = [read_tensors(path) for path in made.folder.snapshots()]
    assert len(snapshots) == 3
    kept = read_tensors(made.folder.model)
    assert_close(kept, average(snapshots) if averaged_is_better else snapshots[-1])


def test_an_average_is_the_mean_of_each_weight():
    sets = [
        {"a": torch.tensor([1.0, 4.0]), "b": torch.tensor(2.0)},
        {"a": torch.tensor([3.0, 0.0]), "b": torch.tensor(5.0)},
    ]
    assert_close(average(sets), {"a": torch.tensor([2.0, 2.0]), "b": torch.tensor(3.5)})


def test_a_validation_sees_the_model_as_it_will_be_used(tmp_path):
    """Without dropout, and without a graph; the training goes on with both."""
    seen = []

    def validate(model):
        seen.append((model.training, torch.is_grad_enabled()))
        return {"loss": 0.0}

    made = trainer(tmp_path, validate=validate, updates=4, validate_every=2)
    made.run()
    assert seen == [(False, False), (False, False)]
    assert made.model.training


def test_only_so_many_snapshots_are_kept(tmp_path):
    made = trainer(tmp_path, updates=8, validate_every=1, keep_snapshots=3)
    made.run()
    assert [path.name for path in made.folder.snapshots()] == [f"weights-{n:08d}.safetensors" for n in (6, 7, 8)]


@pytest.mark.parametrize("name", TINY)
def test_every_architecture_learns_to_copy_one_pair(tmp_path, name):
    """Forty updates on the same batch take the loss well below where it began."""
    made = trainer(tmp_path, TINY[name], updates=40, validate_every=40)
    batch = collate([[4, 5, 6]], [[6, 5]], [0])
    losses = [float(made._update([batch])[0]) for _ in range(40)]
    assert losses[-1] < 0.5 * losses[0]


def test_a_gradient_longer_than_the_norm_is_scaled_to_it(tmp_path):
    made = trainer(tmp_path, clip_norm=1e-3, schedule=ScheduleConfig(kind="constant", peak=1e-9, warmup=0))
    norms = []
    step = made.optimizer.step
    made.optimizer.step = lambda: (norms.append(_norm(made.model)), step())
    made._update([collate([[4, 5, 6]], [[6, 5]], [0])])
    assert norms == [pytest.approx(1e-3, rel=1e-3)]


def _norm(model):
    return float(torch.stack([p.grad.norm() for p in model.parameters()]).norm())
