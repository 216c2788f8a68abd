"""From a recipe to a trained run, and on from where it was stopped."""

import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from seq2seq.data.tokenizer import INDEX
from seq2seq.devices import choose_device
from seq2seq.errors import CheckpointError, ConfigError
from seq2seq.files import RunFolder, remove_temporaries, write_text
from seq2seq.models.interface import EncoderDecoder
from seq2seq.training.memory import told_when_full
from seq2seq.training.meter import Listener
from seq2seq.training.parallel import Processes, joined
from seq2seq.training.sharding import refuse_one_process
from seq2seq.training.torchrun import let_main_speak, own_device
from seq2seq.training.trainer import Trainer
from seq2seq.training.weights import parameter_count
from seq2seq.workflows.advice import Advice, Machine, advise, measure
from seq2seq.workflows.beginning import begin, build_trainer
from seq2seq.workflows.lock import NAME as LOCK
from seq2seq.workflows.lock import locked
from seq2seq.workflows.progress import Bar, Listeners, MetricsFile, TensorBoard
from seq2seq.workflows.provenance import environment, summary
from seq2seq.workflows.recipe import Recipe, difference, load_recipe, recipe_text
from seq2seq.workflows.signals import stopped_by_signals
from seq2seq.workflows.text import TrainingText

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainOptions:
    """What the command line says of a training."""

    recipe: Path
    out: Path | None = None  # default: runs/FOLDER OF THE RECIPE/NAME OF THE RECIPE
    settings: tuple[str, ...] = ()  # KEY=VALUE, laid over the recipe
    device: str = "auto"
    seed: int | None = None


class Outcome(NamedTuple):
    """How a training ended."""

    run: Path
    finished: bool
    signal: int | None  # that stopped it; the same command goes on
    is_main: bool = True  # whether this process speaks for all that trained the model


def train(options: TrainOptions) -> Outcome:
    """Train the recipe's model in its run folder, from the start or from where it was stopped.

    Raises ConfigError for what the recipe says wrong, DataError for the text, CheckpointError for the run folder.
    """
    let_main_speak()
    with ExitStack() as until_done:
        processes = until_done.enter_context(joined())
        with processes.together():
            recipe = read_recipe(options)
            if recipe.training.sharded:
                refuse_one_process(processes.size)
            folder = RunFolder(options.out or Path("runs", options.recipe.resolve().parent.name, options.recipe.stem))
            finished = processes.is_main and _is_finished(folder, recipe)
            if processes.is_main and not finished:
                until_done.enter_context(locked(folder.root))
                _belongs(folder, recipe)  # another may have begun it meanwhile
            device = own_device(choose_device(options.device))
        if any(processes.any(finished)):
            logger.info("%s is finished; 'seq2seq evaluate %s' scores it", folder.root, folder.root)
            return Outcome(folder.root, finished=True, signal=None, is_main=processes.is_main)
        return _train(recipe, folder, device, processes)


def _is_finished(folder: RunFolder, recipe: Recipe) -> bool:
    return _belongs(folder, recipe) and folder.summary.exists()


def _train(recipe: Recipe, folder: RunFolder, device: torch.device, processes: Processes) -> Outcome:
    data, model = begin(recipe, folder, device, processes)
    with processes.together():
        if processes.is_main:
            _prepare(folder, recipe, data, model)
    trainer = build_trainer(recipe, folder, data, model, processes)
    if trainer.resume():
        logger.info("going on at update %d", trainer.position.update)
    logger.info("%s: %s parameters on %s", folder.root, f"{parameter_count(model):,}", _told(device, processes))
    if processes.is_main:
        written = environment(device, recipe.seed) | {"processes": processes.size}
        write_text(folder.environment, json.dumps(written, indent=2) + "\n")
    stopped_by = _run(trainer, recipe, folder)
    if stopped_by is not None:
        logger.info("stopped at update %d; the same command goes on from there", trainer.position.update)
    elif processes.is_main:
        write_text(folder.summary, json.dumps(summary(trainer, recipe, data), indent=2) + "\n")
        logger.info("%s: done; best at update %d", folder.root, trainer.position.best_update)
    return Outcome(folder.root, finished=stopped_by is None, signal=stopped_by, is_main=processes.is_main)


def read_recipe(options: TrainOptions) -> Recipe:
    """The recipe as `options` change it."""
    recipe = load_recipe(options.recipe, options.settings)
    return recipe if options.seed is None else recipe.model_copy(update={"seed": options.seed})


def _told(device: torch.device, processes: Processes) -> str:
    return f"{device} of each of {processes.size} processes" if processes.size > 1 else str(device)


def _belongs(folder: RunFolder, recipe: Recipe) -> bool:
    """Whether the folder already holds a run of this recipe; raises CheckpointError when it holds anything else."""
    if folder.recipe.exists():
        text = recipe_text(_however_spread(recipe))
        old = recipe_text(_however_spread(load_recipe(folder.recipe)))  # with what this version knows besides
        if old != text:
            raise CheckpointError(
                f"{folder.root}: holds a run of another recipe; give another folder with --out, or remove this one."
                f" The difference:\n{difference(old, text)}"
            )
        return True
    if folder.root.exists() and any(path.name != LOCK for path in folder.root.iterdir()):
        raise CheckpointError(f"{folder.root}: is not empty and not a run; give another folder with --out")
    return False


def _however_spread(recipe: Recipe) -> Recipe:
    """The recipe without what a run may be gone on from with another answer to."""
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"sharded": False})})


def _prepare(folder: RunFolder, recipe: Recipe, data: TrainingText, model: EncoderDecoder[Any]) -> None:
    """Make the folder a run of the recipe, only now that recipe and text have proved good: a mistake leaves nothing."""
    for place in (folder.root, folder.training):
        remove_temporaries(place)
    if not folder.recipe.exists():
        warn(recipe, data, Machine.of(next(model.parameters()).device), parameter_count(model))
        write_text(folder.recipe, recipe_text(recipe))
    if not (folder.tokenizer / INDEX).exists():
        data.tokenizers.save(folder.tokenizer)


def warn(recipe: Recipe, data: TrainingText, machine: Machine, parameters: int) -> list[Advice]:
    """Say what the recipe may not learn from, before the time is spent, and return it."""
    facts = measure(recipe, data, parameters)
    found = advise(recipe, facts, machine)
    for advice in found:
        logger.warning("%s", advice)
    for name, reason in facts.unread.items():
        logger.info("not checked whether %s overlaps the training text: %s", name, reason)
    return found


def _run(trainer: Trainer, recipe: Recipe, folder: RunFolder) -> int | None:
    """Train with progress shown; returns the signal that stopped it."""
    with _told_of(trainer, recipe, folder), stopped_by_signals(trainer) as received:
        with told_when_full(trainer.position):
            trainer.run()
        signals = [number for own in trainer.processes.gather(received[:1]) for number in own]
    return signals[0] if signals and not trainer.position.finished else None


@contextmanager
def _told_of(trainer: Trainer, recipe: Recipe, folder: RunFolder) -> Iterator[None]:
    """Main writes the measurements to files and shows progress."""
    if not trainer.processes.is_main:
        yield
        return
    done = trainer.position.update
    metrics = MetricsFile(folder.metrics, done, trainer.position.records)
    trainer.position.records = metrics.records
    listeners: list[Listener] = [metrics]
    if recipe.training.tensorboard:
        listeners.append(_tensorboard(folder))
    with Bar(str(folder.root), recipe.training.updates, done) as bar:
        trainer.listener = Listeners([*listeners, bar])
        yield


def _tensorboard(folder: RunFolder) -> TensorBoard:
    try:
        return TensorBoard(folder.root / "tensorboard")
    except ImportError:
        raise ConfigError(
            "training: tensorboard: the package is not installed; pip install 'seq2seq[tensorboard]'"
        ) from None
