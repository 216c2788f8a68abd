"""A model of which each process keeps a share is trained as if each had all of it."""

import pytest
import torch
from test_trainer_processes import MODELS, VOCABULARY, Turned, trainer
from torch import nn
from torch.testing import assert_close

from seq2seq.data.batches import Batches
from seq2seq.data.order import BatchOrder
from seq2seq.errors import ConfigError, DataError
from seq2seq.files import RunFolder
from seq2seq.layers.stack import Stack
from seq2seq.models.build import build_model
from seq2seq.models.transformer import EncoderLayer
from seq2seq.training.objective import BatchLoss
from seq2seq.training.parallel import Processes
from seq2seq.training.sharding import filled, gathered, hollow, is_share, shard
from seq2seq.training.weights import read_tensors, weights

from architectures import TINY, tiny_recurrent, tiny_transformer
from processes import in_processes


@pytest.fixture(autouse=True, scope="module")
def imported():
    """What each forked process would import anew."""
    import torch.distributed.fsdp  # noqa: F401


def gradients(config, processes, *, sharded):
    """Of two batches, summed; by name."""
    pairs = Turned()
    batches = Batches(
        pairs, BatchOrder(pairs.source_lengths, pairs.target_lengths, 40, 7), rank=processes.rank, size=processes.size
    )
    torch.manual_seed(5 + processes.rank)  # main's weights count
    model = build_model(config, VOCABULARY, VOCABULARY)
    loss = BatchLoss(model, 0.1)
    wrapped = shard(loss, processes.size) if sharded else processes.wrap(loss)
    for batch, _ in zip(batches.epoch(0), range(2), strict=False):
        wrapped(batch).smoothed.backward()
    return {name: gathered(weight.grad).numpy() for name, weight in weights(model).items()}


@pytest.mark.slow
def test_gradients_are_those_of_whole_models():
    """For every architecture."""
    configs = {name: config.model_copy(update={"dropout": 0.0}) for name, config in TINY.items()}

    def work(processes):
        return [
            {name: gradients(config, processes, sharded=sharded) for name, config in configs.items()}
            for sharded in (False, True)
        ]

    for whole, shared in in_processes(2, work):
        assert_close(shared, whole, rtol=1e-4, atol=1e-6)


def course(made):
    """What main was told, and the weights."""
    assert made.run()
    losses = [record["train_loss"] for record in made.listener.updates]
    norms = [record["gradient_norm"] for record in made.listener.updates]
    return losses, norms, {name: gathered(weight).detach().numpy() for name, weight in weights(made.model).items()}


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_losses_norms_and_model_are_those_of_whole_models(tmp_path, model):
    """Over a hundred updates of two batches each, most of their gradients clipped."""

    def work(processes):
        folders = (tmp_path / name for name in ("whole", "shared"))
        return [
            course(trainer(folder, processes, model, torch.float64, clip_norm=0.5, sharded=sharded))
            for folder, sharded in zip(folders, (False, True), strict=True)
        ]

    for whole, shared in in_processes(2, work):
        assert max(whole[1]) > 0.5
        assert shared[0] == pytest.approx(whole[0], abs=1e-6)
        assert shared[1] == pytest.approx(whole[1], abs=1e-6)
        assert_close(shared[2], whole[2], rtol=1e-4, atol=1e-6)
    folders = [RunFolder(tmp_path / name) for name in ("whole", "shared")]
    for whole, shared in ([folder.model for folder in folders], [folder.checkpoints()[-1] for folder in folders]):
        assert_close(read_tensors(shared), read_tensors(whole), rtol=1e-4, atol=1e-6)


def stopped_at(made, update):
    inner = made._update

    def update_then_stop(group):
        made.stopping = made.position.update + 1 == update
        return inner(group)

    made._update = update_then_stop
    assert not made.run()


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [tiny_transformer(dropout=0.3, tied_embeddings="all"), tiny_recurrent(dropout=0.3)],
    ids=lambda config: config.kind,
)
def test_cut_and_gone_on_it_is_bitwise_the_same(tmp_path, monkeypatch, config):
    monkeypatch.setitem(MODELS, "dropped", config)
    settings = {"updates": 23, "validate_every": 9, "sharded": True}

    def work(processes):
        trainer(tmp_path / "whole", processes, "dropped", **settings).run()
        stopped_at(trainer(tmp_path / "cut", processes, "dropped", **settings), 13)
        last = trainer(tmp_path / "cut", processes, "dropped", **settings)
        assert last.resume()
        assert last.position.update == 13
        assert last.run()

    in_processes(2, work)
    whole, cut = (read_tensors(RunFolder(tmp_path / name).checkpoints()[-1]) for name in ("whole", "cut"))
    assert_close(cut, whole, rtol=0, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_a_run_goes_on_whole_and_as_shares_again(tmp_path, model):
    """Twenty updates by one process, twenty by two as shares, thirty by two, thirty by three as shares."""
    expected = course(trainer(tmp_path / "one", Processes(), model, torch.float64))[2]

    def leg(processes, last, *, sharded):
        made = trainer(tmp_path / "legs", processes, model, torch.float64, sharded=sharded)
        made.resume()
        if last < 100:
            stopped_at(made, last)
        else:
            assert made.run()

    leg(Processes(), 20, sharded=False)
    in_processes(2, lambda processes: leg(processes, 40, sharded=True))
    in_processes(2, lambda processes: leg(processes, 70, sharded=False))
    in_processes(3, lambda processes: leg(processes, 100, sharded=True))
    found = read_tensors(RunFolder(tmp_path / "legs").checkpoints()[-1])
    assert_close({name: found[f"model.{name}"].numpy() for name in expected}, expected, rtol=1e-4, atol=1e-6)


def test_each_keeps_a_share_of_every_number_that_training_keeps(tmp_path):
    def work(processes):
        made = trainer(tmp_path, processes, "transformer", updates=1, sharded=True)
        assert made.run()
        kept = [*made.model.parameters()]
        kept += [value for state in made.optimizer.state.values() for key, value in state.items() if key != "step"]
        assert all(map(is_share, kept))
        assert sum(weight.numel() for weight in made.measured.parameters()) == 0
        return [value.to_local().numel() for value in kept], [value.numel() for value in kept]

    (first, whole), (second, _) = in_processes(2, work)
    assert [one + other for one, other in zip(first, second, strict=True)] == whole
    assert max(sum(first), sum(second)) < 0.6 * sum(whole)


def test_what_is_measured_is_the_whole_model_in_every_process_and_as_it_will_be_used(tmp_path):
    """Also before any update, by different numbers of batches, and of an average."""

    def work(processes):
        made = trainer(
            tmp_path, processes, "transformer", updates=6, validate_every=2, average=3, sharded=True, keep_snapshots=3
        )
        seen = []

        def validate(model):
            assert not model.training
            for _ in range(1 + processes.rank):
                model(torch.tensor([[4, 5]]), torch.tensor([[True, True]]), torch.tensor([[1, 4]]))
            seen.append({name: weight.clone().numpy() for name, weight in weights(model).items()})
            return {"loss": [9.0, 5.0, 4.0, 3.0, 1.0][len(seen) - 1]}

        made.validate = validate
        made._measure()
        assert made.run()
        return seen

    first, second = in_processes(2, work)
    assert len(first) == 5
    assert_close(first, second, rtol=0, atol=0)
    folder = RunFolder(tmp_path)
    snapshots = [{name: tensor.numpy() for name, tensor in read_tensors(path).items()} for path in folder.snapshots()]
    assert_close(first[1:4], snapshots, rtol=0, atol=0)
    assert_close(first[4], {name: tensor.numpy() for name, tensor in read_tensors(folder.model).items()})


def test_one_process_has_nobody_to_share_with(tmp_path):
    with pytest.raises(ConfigError, match=r"training: sharded: .*torchrun"):
        trainer(tmp_path, Processes(), sharded=True)


def test_all_begin_with_the_weights_of_main_and_learn_from_the_mean_of_their_gradients():
    rows = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))

    def work(processes):
        torch.manual_seed(processes.rank)
        model = shard(nn.Linear(3, 2), processes.size)
        model(rows[processes.rank]).square().sum().backward()
        return [gathered(tensor).tolist() for weight in model.parameters() for tensor in (weight, weight.grad)]

    first, second = in_processes(2, work)
    torch.manual_seed(0)
    whole = nn.Linear(3, 2)
    (whole(rows).square().sum() / 2).backward()
    assert first == second
    assert_close(list(map(torch.tensor, first)), [whole.weight, whole.weight.grad, whole.bias, whole.bias.grad])


class Looking(nn.Linear):
    """A layer that, when it is read, sees which layers are whole."""

    def forward(self, rows):
        self.seen = [not any(map(is_share, layer.parameters())) for layer in self.all()]
        return super().forward(rows)


class Tower(nn.Module):
    """Three layers, one upon the other."""

    def __init__(self):
        super().__init__()
        self.layers = Stack(Looking(4, 4) for _ in range(3))
        for layer in self.layers:
            layer.all = lambda: self.layers

    def forward(self, rows):
        for layer in self.layers:
            rows = layer(rows)
        return rows


def test_a_layer_is_whole_only_while_it_is_read():
    def work(processes):
        tower = shard(Tower(), processes.size)
        tower(torch.ones(1, 4))
        return [layer.seen for layer in tower.layers]

    assert in_processes(2, work) == [[[True, False, False], [False, True, False], [False, False, True]]] * 2


def test_no_whole_weights_are_kept_for_the_pass_backwards():
    """Of so few rows all else that is kept is smaller than a matrix, and a matrix has had its numbers given back."""
    wide = tiny_transformer(model_dim=16, num_heads=2, feed_forward_dim=64, dropout=0.0)

    class Encoding(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = Stack(EncoderLayer(wide) for _ in range(3))

        def forward(self, rows):
            for layer in self.layers:
                rows = layer(rows, torch.ones(1, 1, 1, 3, dtype=torch.bool))
            return rows

    def work(processes):
        model, saved = shard(Encoding(), processes.size), []
        with torch.autograd.graph.saved_tensors_hooks(lambda tensor: saved.append(tensor) or tensor, lambda kept: kept):
            model(torch.randn(1, 3, 16))
        matrices = [each for each in saved if each.numel() >= 16 * 16]
        return len(matrices), [list(each.shape) for each in matrices if each.untyped_storage().nbytes()]

    for matrices, whole in in_processes(2, work):
        assert matrices
        assert not whole


def test_a_copy_has_all_weights_for_a_block_and_none_of_them_after_it_whatever_happens():
    """Tied weights stay tied; the model that it was copied from is as it was."""
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = model[0].weight
    before = [weight.detach().clone() for weight in model.parameters()]
    other, rows = hollow(model), torch.randn(5, 4)

    def validate():
        with filled(other, model) as whole:
            assert whole[1].weight is whole[0].weight
            assert_close(whole(rows), model(rows), rtol=0, atol=0)
            raise DataError("dev.de: is missing")

    for _ in range(2):
        assert sum(weight.numel() for weight in other.parameters()) == 0
        with pytest.raises(DataError):
            validate()
    assert sum(weight.numel() for weight in other.parameters()) == 0
    assert_close(list(model.parameters()), before, rtol=0, atol=0)


def test_a_model_that_is_its_own_copy_keeps_its_weights():
    model = nn.Linear(2, 2)
    with filled(model, model) as whole:
        assert whole is model
    assert sum(weight.numel() for weight in model.parameters()) == 6
