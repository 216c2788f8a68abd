"""The training loop: batches in, a model that has learnt out, and a checkpoint whenever it may be stopped."""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from seq2seq.data.batches import Batch
from seq2seq.files import RunFolder
from seq2seq.models.interface import EncoderDecoder
from seq2seq.training.accumulation import Accumulator
from seq2seq.training.checkpoint import Position, read_newest, restore, save_checkpoint, training_tensors, under
from seq2seq.training.guard import count_skipped, refuse_unless_finite, warn_of_spike
from seq2seq.training.meter import Listener, Meter, Place, Record
from seq2seq.training.objective import BatchLoss
from seq2seq.training.optimizer import build_optimizer, clip_gradient
from seq2seq.training.parallel import ALONE, Processes
from seq2seq.training.schedule import learning_rate
from seq2seq.training.settings import TrainingConfig
from seq2seq.training.sharding import filled, hollow, shard
from seq2seq.training.weights import average, read_tensors, save_tensors, set_weights, weights

REPORT_EVERY = 10  # updates; the only times the loop waits for the device


@runtime_checkable
class BatchSource(Protocol):
    """Batches in an order that is a function of (seed, epoch, index)."""

    def epoch(self, number: int, skip: int = 0) -> Iterator[Batch]:
        """The batches of pass `number`, without the first `skip`."""
        ...


@dataclass
class Trainer:
    """Trains `model` until it has had its updates, its time, or its patience."""

    model: EncoderDecoder[Any]
    batches: BatchSource
    config: TrainingConfig
    folder: RunFolder
    validate: Callable[[EncoderDecoder[Any]], dict[str, float]]  # loss in nats a token, bleu
    listener: Listener
    seed: int = 1  # of dropout
    processes: Processes = ALONE  # that train this model, each with batches of its own
    position: Position = field(default_factory=Position)
    stopping: bool = False  # set from outside: stop after this update, with a checkpoint
    stopped: bool = False  # all processes know that one was asked to

    def __post_init__(self) -> None:
        self.device = next(self.model.parameters()).device
        loss, sharded = BatchLoss(self.model, self.config.label_smoothing), self.config.sharded
        self.measured = hollow(self.model) if sharded else self.model  # what a validation sees
        shared_loss = shard(loss, self.processes.size) if sharded else self.processes.wrap(loss)
        self.accumulator = Accumulator(shared_loss, self.device, self.config.precision, self.seed, self.processes)
        self.optimizer = build_optimizer(self.config.optimizer, self.model)
        self.meter = Meter()

    def resume(self) -> bool:
        """Whether there was a checkpoint to go on from; if so all stands as it did there."""
        with self.processes.together():
            found = read_newest(self.folder) if self.processes.is_main else None
        position = self.processes.gather(found and found.position)[0]
        if position is None:
            return False
        tensors = self.processes.send(found.tensors if found else {})
        with self.processes.together():
            restore(tensors, self.model, self.optimizer, self.folder.training)
        self.position = position
        self.meter.restore(position.meter)
        if self.processes.is_main:
            self._drop_later_snapshots()
        return True

    def _drop_later_snapshots(self) -> None:
        """Those of validations that come again."""
        for path in self.folder.snapshots():
            if path > self.folder.snapshot(self.position.update):
                path.unlink()

    def run(self) -> bool:
        """Train on; True when the training is over, False when it was asked to stop before."""
        self.model.train()
        while not self._halted():
            lap = time.perf_counter()
            for group in self._groups():
                place, measured = self._place(group), self._update(group)
                self.meter.add(place, measured, time.perf_counter() - lap)
                if self.position.update % REPORT_EVERY == 0:
                    self._report()
                self.position.seconds += time.perf_counter() - lap
                if self.position.update % self.config.validate_every == 0:
                    self._validate()
                lap = time.perf_counter()  # waiting for the next batch is training time, a validation is not
                if self._halted():
                    break
            else:
                self.position.epoch, self.position.batch = self.position.epoch + 1, 0
        if not self.position.finished:
            if not self.stopped:
                self._finish()
            self.processes.check_alike(self.model, self.position.update)
            self._save()
        return self.position.finished

    def _groups(self) -> Iterator[list[Batch]]:
        """What is left of this epoch, in groups of batches that make one update."""
        batches = self.batches.epoch(self.position.epoch, skip=self.position.batch)
        while group := list(itertools.islice(batches, self.config.accumulate)):
            yield group

    def _place(self, group: list[Batch]) -> Place:
        position = self.position
        target_tokens = sum(batch.target_tokens for batch in group)
        source_tokens = sum(batch.source_tokens for batch in group)
        return Place(position.update + 1, position.epoch, position.batch, target_tokens, source_tokens)

    def _update(self, group: list[Batch]) -> Float[Tensor, "2"]:
        """One optimiser step on the mean loss of the group's target tokens.

        Returns their likelihood and the norm of the gradient; where either is not finite, the step changes nothing.
        """
        position, config = self.position, self.config
        likelihood, split = self.accumulator.gradient(group, position.update)
        measured = torch.stack((likelihood, clip_gradient(self.model, config.clip_norm)))
        refuse_unless_finite(self.optimizer, measured)
        for parameters in self.optimizer.param_groups:
            parameters["lr"] = learning_rate(config.schedule, position.update + 1, config.updates)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        position.update += 1
        position.batch += len(group)
        position.split += split
        self.meter.split += split
        position.target_tokens += sum(batch.target_tokens for batch in group)
        position.source_tokens += sum(batch.source_tokens for batch in group)
        return measured

    def _halted(self) -> bool:
        """Whether any process was asked to stop or finds the training over."""
        self.stopped, over = self.processes.any(self.stopping, self._over())
        return self.stopped or over

    def _over(self) -> bool:
        config, position = self.config, self.position
        return (
            position.update >= config.updates
            or (config.minutes is not None and position.seconds >= 60 * config.minutes)
            or (config.patience is not None and position.without_better >= config.patience)
        )

    def _report(self) -> None:
        position = self.position
        self.processes.check_alike(self.model, position.update)
        rate = learning_rate(self.config.schedule, position.update, self.config.updates)
        found = self.meter.record()
        with self.processes.together():
            count_skipped(self.meter.updates(), position, self.config.max_skipped)
            warn_of_spike(position, found["train_loss"])
            position.records += 1
            self.listener.updated({"update": position.update, "epoch": position.epoch, "learning_rate": rate, **found})
        self.meter.clear()

    def _validate(self) -> None:
        """Measure, remember the best model, keep a snapshot, and save all that going on needs."""
        self.processes.check_alike(self.model, self.position.update)
        found = self._measure()
        position, better = self.position, self._better(found)
        if better:
            position.best, position.best_update, position.without_better = found, position.update, 0
        else:
            position.without_better += 1
        position.validated = position.update
        tensors = training_tensors(self.model, self.optimizer)
        self._by_main(lambda: self._keep(under("model.", tensors), best=better))
        self._save(tensors)

    def _keep(self, model: dict[str, Tensor], *, best: bool) -> None:
        if best:
            save_tensors(self.folder.model, model)
        if self.config.keep_snapshots:
            save_tensors(self.folder.snapshot(self.position.update), model)
            for old in self.folder.snapshots()[: -self.config.keep_snapshots]:
                old.unlink()

    def _by_main(self, write: Callable[[], None]) -> None:
        with self.processes.together():
            if self.processes.is_main:
                write()

    def _measure(self, **notes: int) -> float:
        """The metric on the validation set; the listener hears of it."""
        self.measured.eval()
        with filled(self.measured, self.model) as model, torch.inference_mode():
            found = self.validate(model)
        self.model.train()
        self.position.records += 1
        record: Record = {"update": self.position.update, "epoch": self.position.epoch, **notes, **found}
        self._by_main(lambda: self.listener.validated(record))
        return found[self.config.metric]

    def _better(self, found: float) -> bool:
        best = self.position.best
        return best is None or (found < best if self.config.metric == "loss" else found > best)

    def _finish(self) -> None:
        """The last report and validation, and the average of the last snapshots if that is better than the best."""
        if self.meter.updates():
            self._report()
        if self.position.validated != self.position.update:
            self._validate()
        paths = self.folder.snapshots()[-self.config.average :] if self.config.average > 1 else []
        if (count := self.processes.gather(len(paths))[0]) > 1:
            self._try_average(paths, count)
        self.position.finished = True

    def _try_average(self, paths: list[Path], count: int) -> None:
        with self.processes.together():
            mean = average([read_tensors(path) for path in paths]) if self.processes.is_main else {}
        mean = self.processes.send(mean)
        own = {name: tensor.detach().clone() for name, tensor in weights(self.model).items()}
        set_weights(self.model, mean, self.folder.training)
        found = self._measure(averaged=count)
        if self._better(found):
            self.position.best, self.position.best_update = found, self.position.update
            self._by_main(lambda: save_tensors(self.folder.model, mean))
        set_weights(self.model, own, self.folder.training)

    def _save(self, tensors: dict[str, Tensor] | None = None) -> None:
        tensors = tensors or training_tensors(self.model, self.optimizer)
        self.position.meter = self.meter.state()
        self._by_main(lambda: save_checkpoint(self.folder, tensors, self.position))
