"""A training by several processes is the training by one."""

import pytest
import torch
from torch.testing import assert_close

from seq2seq.data.batches import Batches
from seq2seq.data.order import BatchOrder
from seq2seq.errors import PeerError, ReportedError, Seq2SeqError
from seq2seq.files import RunFolder
from seq2seq.models.build import build_model
from seq2seq.training.parallel import Processes
from seq2seq.training.schedule import ScheduleConfig
from seq2seq.training.settings import TrainingConfig
from seq2seq.training.trainer import Trainer
from seq2seq.training.weights import read_tensors, weights

from architectures import tiny_recurrent, tiny_transformer
from processes import in_processes
from tiny_training import VOCABULARY, Pairs, Silent, no_measure

MODELS = {
    "transformer": tiny_transformer(dropout=0.0, tied_embeddings="all"),
    "lstm": tiny_recurrent(dropout=0.0, input_feeding=True),
}


class Turned(Pairs):
    """The target is the source the other way round."""

    def target(self, index):
        return self.rows[index][::-1]


def trainer(folder, processes, model="lstm", dtype=torch.float32, **settings):
    config = TrainingConfig(
        **{
            "updates": 100,
            "batch_tokens": 40,
            "accumulate": 2,
            "validate_every": 50,
            "schedule": ScheduleConfig(peak=0.003, warmup=10),
        }
        | settings
    )
    pairs = Turned()
    order = BatchOrder(pairs.source_lengths, pairs.target_lengths, config.batch_tokens, 7)
    batches = Batches(pairs, order, rank=processes.rank, size=processes.size)
    torch.manual_seed(5)
    made = build_model(MODELS[model], VOCABULARY, VOCABULARY).to(dtype)
    return Trainer(made, batches, config, RunFolder(folder), no_measure, Silent(), processes=processes)


def trained(made):
    """What main was told of each ten updates, and the weights."""
    assert made.run()
    seen = [(record["update"], record["train_loss"], record["target_tokens"]) for record in made.listener.updates]
    return seen, {name: tensor.detach() for name, tensor in weights(made.model).items()}


def test_the_loss_and_the_gradient_of_two_processes_are_those_of_one(tmp_path):
    """Of one update of two batches; the norm shows what Adam, which any factor leaves as it is, would hide."""

    def measured(processes):
        made = trainer(tmp_path, processes, dtype=torch.float64)
        return made._update(next(made._groups())).tolist()

    alone = measured(Processes())
    assert in_processes(2, measured) == [pytest.approx(alone, rel=1e-6)] * 2


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("model", MODELS)
def test_any_number_of_processes_has_the_losses_of_one(tmp_path, model, size):
    """Batches of four rows and fewer, some of a single one; in double precision, where rounding cannot hide a fault."""
    alone, weights_alone = trained(trainer(tmp_path / "alone", Processes(), model, torch.float64))

    def work(processes):
        seen, found = trained(trainer(tmp_path / "many", processes, model, torch.float64))
        return seen, {name: tensor.numpy() for name, tensor in found.items()}

    for seen, found in in_processes(size, work):
        assert [record[::2] for record in seen] == [record[::2] for record in alone]
        assert [record[1] for record in seen] == pytest.approx([record[1] for record in alone], abs=1e-9)
        assert_close({n: torch.from_numpy(v) for n, v in found.items()}, weights_alone, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_one_and_two_processes_agree_in_single_precision(tmp_path, model):
    alone, _ = trained(trainer(tmp_path / "alone", Processes(), model))

    def work(processes):
        return trained(trainer(tmp_path / "two", processes, model))[0]

    for seen in in_processes(2, work):
        differences = [abs(one[1] - other[1]) for one, other in zip(seen, alone, strict=True)]
        assert max(differences) < 1e-6, differences


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_processes(tmp_path):
    """Forty updates by one, thirty by two, thirty by three, and a hundred by one."""
    _, expected = trained(trainer(tmp_path / "whole", Processes(), dtype=torch.float64))

    def leg(processes, last):
        made = trainer(tmp_path / "legs", processes, dtype=torch.float64)
        made.resume()
        while made.position.update < last:
            group = next(made._groups())
            made._update(group)
            if made.position.batch == len(made.batches._order.epoch(made.position.epoch)):
                made.position.epoch, made.position.batch = made.position.epoch + 1, 0
        made._save()

    leg(Processes(), 40)
    in_processes(2, lambda processes: leg(processes, 70))
    in_processes(3, lambda processes: leg(processes, 100))
    last = trainer(tmp_path / "legs", Processes(), dtype=torch.float64)
    assert last.resume()
    assert last.position.update == 100
    assert_close(dict(weights(last.model)), expected, rtol=1e-4, atol=1e-6)


def test_a_process_whose_weights_went_astray_is_noticed_and_nothing_is_saved(tmp_path):
    def work(processes):
        made = trainer(tmp_path, processes, updates=40, validate_every=15)
        inner = made._update

        def update(group):
            measured = inner(group)
            if processes.rank == 1 and made.position.update == 12:
                made.model.output.bias.data[3] += 1e-6
            return measured

        made._update = update
        made.run()

    first, second = in_processes(2, work)
    assert isinstance(first, PeerError)
    assert "update 15: process 1 no longer has the weights of process 0" in str(first)
    assert isinstance(second, ReportedError)
    assert RunFolder(tmp_path).checkpoints() == []


def test_whoever_is_asked_to_stop_all_stop_after_the_same_update(tmp_path):
    def work(processes):
        made = trainer(tmp_path, processes)
        inner = made._update

        def update(group):
            made.stopping = processes.rank == 2 and made.position.update == 6
            return inner(group)

        made._update = update
        return made.run(), made.stopped, made.position.update

    assert in_processes(3, work) == [(False, True, 7)] * 3
    assert [path.name for path in RunFolder(tmp_path).checkpoints()] == ["checkpoint-00000007.safetensors"]


def test_being_asked_to_stop_while_waiting_for_the_others_is_not_forgotten(tmp_path):
    def work(processes):
        made = trainer(tmp_path, processes)
        inner = processes.any

        def asked_meanwhile(*flags):
            found = inner(*flags)
            made.stopping |= processes.rank == 1 and made.position.update == 3
            return found

        processes.any = asked_meanwhile
        return made.run(), made.position.update

    assert in_processes(2, work) == [(False, 4)] * 2


def test_dropout_differs_between_processes(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "dropped", tiny_recurrent(dropout=0.5))

    def work(processes):
        made = trainer(tmp_path, processes, "dropped")
        drawn = []
        inner = made.accumulator.loss.forward

        def forward(batch):
            drawn.append(torch.rand(3).tolist())
            return inner(batch)

        made.accumulator.loss.forward = forward
        made._update(next(made._groups()))
        return drawn

    first, second = in_processes(2, work)
    assert len(first) == len(second) == 2
    assert not {str(numbers) for numbers in first} & {str(numbers) for numbers in second}


def test_an_error_that_all_have_is_told_once(tmp_path):
    def work(processes):
        made = trainer(tmp_path, processes, max_skipped=3)
        made.model.output.bias.data.fill_(float("nan"))
        made.run()

    first, second = in_processes(2, work)
    assert isinstance(first, Seq2SeqError)
    assert "update 3" in str(first)
    assert isinstance(second, ReportedError)


def test_memory_that_runs_out_in_one_ends_all_with_what_to_do(tmp_path):
    def work(processes):
        made = trainer(tmp_path, processes)
        if processes.rank == 1:
            made.accumulator.loss.register_forward_hook(lambda *_: (_ for _ in ()).throw(MemoryError()))
        made.run()

    first, second = in_processes(2, work)
    assert isinstance(first, PeerError)
    assert "update 1: process 1 ran out of memory" in str(second)


def test_the_best_average_is_the_same_for_any_number(tmp_path):
    """Main alone has the snapshots; the others must measure the same mean."""

    def work(processes):
        losses = iter([5.0, 4.0, 3.0, 1.0])
        made = trainer(tmp_path / str(processes.size), processes, updates=6, validate_every=2, average=3)
        measured = []

        def validate(model):
            measured.append({name: tensor.detach().clone().numpy() for name, tensor in weights(model).items()})
            return {"loss": next(losses)}

        made.validate = validate
        assert made.run()
        return measured[-1], made.position.best

    kept = None
    for found, best in in_processes(2, work):
        kept = kept or read_tensors(RunFolder(tmp_path / "2").model)
        assert best == 1.0
        assert_close({name: torch.from_numpy(value) for name, value in found.items()}, kept)
