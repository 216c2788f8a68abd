"""The training loop: batches in, a model that has learnt out, and a checkpoint whenever it may be stopped."""

import itertools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch

from seq2seq.data.batches import Batch
from seq2seq.errors import Seq2SeqError
from seq2seq.files import RunFolder
from seq2seq.models.interface import EncoderDecoder
from seq2seq.training.checkpoint import Position, load_checkpoint, save_checkpoint
from seq2seq.training.objective import batch_loss
from seq2seq.training.optimizer import build_optimizer
from seq2seq.training.schedule import learning_rate
from seq2seq.training.settings import TrainingConfig
from seq2seq.training.weights import average, read_tensors, save_tensors, set_weights, weights

Record = dict[str, int | float]

REPORT_EVERY = 10  # updates; the only times the loop waits for the device


@runtime_checkable
class BatchSource(Protocol):
    """Batches in an order that is a function of (seed, epoch, index)."""

    def epoch(self, number: int, skip: int = 0) -> Iterator[Batch]:
        """The batches of pass `number`, without the first `skip`."""
        ...


@runtime_checkable
class Listener(Protocol):
    """Who wants to know how it goes."""

    def updated(self, record: Record) -> None:
        """Every few updates: update, epoch, loss, learning rate, tokens and seconds since the last."""
        ...

    def validated(self, record: Record) -> None:
        """After a validation: update, epoch, and what the validation found."""
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
    position: Position = field(default_factory=Position)
    stopping: bool = False  # set from outside: stop after this update, with a checkpoint

    def __post_init__(self) -> None:
        self.device = next(self.model.parameters()).device
        self.optimizer = build_optimizer(self.config.optimizer, self.model)
        self.checkpoint = self.folder.training / "checkpoint.safetensors"

    def resume(self) -> bool:
        """Whether there was a checkpoint to go on from; if so all stands as it did there."""
        if not self.checkpoint.exists():
            return False
        self.position = load_checkpoint(self.checkpoint, self.model, self.optimizer)
        return True

    def run(self) -> bool:
        """Train on; True when the training is over, False when it was asked to stop before."""
        meter = _Meter(self.device)
        self.model.train()
        while not self._halted():
            lap = time.perf_counter()
            for group in self._groups():
                meter.add(group, self._update(group), time.perf_counter() - lap)
                if self.position.update % REPORT_EVERY == 0:
                    self.listener.updated(self._report(meter))
                self.position.seconds += time.perf_counter() - lap
                if self.position.update % self.config.validate_every == 0:
                    self._validate()
                lap = time.perf_counter()  # waiting for the next batch is training time, a validation is not
                if self._halted():
                    break
            else:
                self.position.epoch, self.position.batch = self.position.epoch + 1, 0
        if not self.stopping:
            self._finish()
        self._save()
        return not self.stopping

    def _groups(self) -> Iterator[list[Batch]]:
        """What is left of this epoch, in groups of batches that make one update."""
        batches = self.batches.epoch(self.position.epoch, skip=self.position.batch)
        while group := list(itertools.islice(batches, self.config.accumulate)):
            yield group

    def _update(self, group: list[Batch]) -> torch.Tensor:
        """One optimiser step on the mean loss of the group's target tokens; returns its likelihood sum."""
        position, config = self.position, self.config
        tokens = sum(batch.target_tokens for batch in group)
        likelihood = torch.zeros((), device=self.device)
        for batch in group:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=config.precision == "bf16"):
                loss = batch_loss(self.model, batch.to(self.device), config.label_smoothing)
            (loss.smoothed / tokens).backward()
            likelihood += loss.likelihood
        if config.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip_norm)
        for parameters in self.optimizer.param_groups:
            parameters["lr"] = learning_rate(config.schedule, position.update + 1, config.updates)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        position.update += 1
        position.batch += len(group)
        position.target_tokens += tokens
        position.source_tokens += sum(batch.source_tokens for batch in group)
        return likelihood

    def _halted(self) -> bool:
        return self.stopping or self._over()

    def _over(self) -> bool:
        config, position = self.config, self.position
        return (
            position.update >= config.updates
            or (config.minutes is not None and position.seconds >= 60 * config.minutes)
            or (config.patience is not None and position.without_better >= config.patience)
        )

    def _report(self, meter: "_Meter") -> Record:
        rate = learning_rate(self.config.schedule, self.position.update, self.config.updates)
        record: Record = {"update": self.position.update, "epoch": self.position.epoch, "learning_rate": rate}
        record |= meter.read()
        if not math.isfinite(record["train_loss"]):
            raise Seq2SeqError(
                f"update {self.position.update}: the loss is {record['train_loss']}; lower schedule.peak, lengthen"
                " schedule.warmup, or set clip_norm, and run the command again: it goes on from the last checkpoint"
            )
        return record

    def _validate(self) -> None:
        """Measure, remember the best model, keep a snapshot, and save all that going on needs."""
        found = self._measure()
        position = self.position
        if self._better(found):
            position.best, position.best_update, position.without_better = found, position.update, 0
            save_tensors(self.folder.model, weights(self.model))
        else:
            position.without_better += 1
        if self.config.keep_snapshots:
            save_tensors(self.folder.snapshot(position.update), weights(self.model))
            for old in self.folder.snapshots()[: -self.config.keep_snapshots]:
                old.unlink()
        self._save()

    def _measure(self, **notes: int) -> float:
        """The metric on the validation set; the listener hears of it."""
        self.model.eval()
        with torch.inference_mode():
            found = self.validate(self.model)
        self.model.train()
        self.listener.validated({"update": self.position.update, "epoch": self.position.epoch, **notes, **found})
        return found[self.config.metric]

    def _better(self, found: float) -> bool:
        best = self.position.best
        return best is None or (found < best if self.config.metric == "loss" else found > best)

    def _finish(self) -> None:
        """The last validation, and the average of the last snapshots if that is better than the best."""
        if self.position.update % self.config.validate_every:
            self._validate()
        paths = self.folder.snapshots()[-self.config.average :] if self.config.average > 1 else []
        if len(paths) > 1:
            own = {name: tensor.detach().clone() for name, tensor in weights(self.model).items()}
            mean = average([read_tensors(path) for path in paths])
            set_weights(self.model, mean, self.folder.training)
            found = self._measure(averaged=len(paths))
            if self._better(found):
                self.position.best, self.position.best_update = found, self.position.update
                save_tensors(self.folder.model, mean)
            set_weights(self.model, own, self.folder.training)

    def _save(self) -> None:
        save_checkpoint(self.checkpoint, self.model, self.optimizer, self.position)


class _Meter:
    """Sums between two reports; only reading them waits for the device."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._reset()

    def _reset(self) -> None:
        self.likelihood = torch.zeros((), device=self.device)
        self.target_tokens = self.source_tokens = 0
        self.seconds = 0.0

    def add(self, group: list[Batch], likelihood: torch.Tensor, seconds: float) -> None:
        self.likelihood += likelihood
        self.seconds += seconds
        self.target_tokens += sum(batch.target_tokens for batch in group)
        self.source_tokens += sum(batch.source_tokens for batch in group)

    def read(self) -> Record:
        """Mean loss in nats a token, tokens and seconds since the last reading."""
        waited = time.perf_counter()
        total = float(self.likelihood)  # waits for the device
        record: Record = {
            "train_loss": total / max(1, self.target_tokens),
            "target_tokens": self.target_tokens,
            "source_tokens": self.source_tokens,
            "seconds": self.seconds + time.perf_counter() - waited,
        }
        self._reset()
        return record
