"""A plan of a training, from a calibration on its own text, machine and model."""

import logging
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from seq2seq.devices import choose_device
from seq2seq.files import RunFolder
from seq2seq.search.limits import SearchConfig
from seq2seq.training.calibration import Calibration, Probe, calibrate, hungriest
from seq2seq.training.weights import parameter_count
from seq2seq.workflows.advice import Machine
from seq2seq.workflows.beginning import begin, build_trainer, build_validation, shortened, starting_model
from seq2seq.workflows.flops import flops_a_target_token
from seq2seq.workflows.new_process import in_new_process
from seq2seq.workflows.plan import Epoch, Plan
from seq2seq.workflows.recipe import Recipe
from seq2seq.workflows.text import TrainingText
from seq2seq.workflows.train import TrainOptions, read_recipe, warn

PARTS = (4, 2, 1)  # of the recipe's budget, that are probed for memory
LONGER = 3  # tokens that a translation may have beyond the usual

logger = logging.getLogger(__name__)


def plan_training(options: TrainOptions) -> Plan:
    """What the training that `options` describe will take; leaves nothing in its run folder.

    Raises ConfigError for what the recipe says wrong or when it does not fit the memory, DataError for the text.
    """
    recipe = read_recipe(options)
    device = choose_device(options.device)
    data = TrainingText.prepare(recipe)
    model = starting_model(recipe, data.tokenizers)
    machine = Machine.of(device)
    parameters = parameter_count(model)
    epoch = count_epoch(recipe, data)
    begun = time.perf_counter()
    advice = warn(recipe, data, machine, parameters)
    advising = time.perf_counter() - begun
    logger.info("calibrating: some updates on the largest batches and on usual ones, then a validation")
    with tempfile.TemporaryDirectory(prefix="seq2seq-plan-") as folder:
        measured, startup = in_new_process(measure_training, recipe, str(device), Path(folder), time.time())
    return Plan(
        name=str(options.recipe),
        recipe=recipe,
        device=str(device),
        machine=machine,
        parameters=parameters,
        flops=flops_a_target_token(model, data.train.lengths),
        epoch=epoch,
        measured=measured,
        startup_seconds=advising + startup,
        advice=advice,
    )


def count_epoch(recipe: Recipe, data: TrainingText) -> Epoch:
    """What the first pass over the text will be."""
    batches = cells = source_tokens = target_tokens = 0
    for rows in data.order(recipe.training.batch_tokens, recipe.seed).batches(0):
        source, target = data.train.source_lengths[rows] + 1, data.train.target_lengths[rows] + 1
        batches += 1
        cells += len(rows) * (int(source.max()) + int(target.max()))
        source_tokens += int(source.sum())
        target_tokens += int(target.sum())
    updates = batches / recipe.training.accumulate
    return Epoch(updates, target_tokens, source_tokens, (target_tokens + source_tokens) / cells)


def measure_training(recipe: Recipe, device: str, folder: Path, asked: float) -> tuple[Calibration, float]:
    """A calibration of the recipe in this process and `folder`, and the seconds from `asked` to its first update."""
    run = RunFolder(folder)
    data, model = begin(recipe, run, torch.device(device))
    probes = choose_probes(recipe, data)
    trainer = build_trainer(shortened(recipe, sys.maxsize), run, data, model)
    trainer.validate = replace(build_validation(recipe, data), search=usual_search(data))
    startup = time.time() - asked
    return calibrate(trainer, data.train, probes), startup


def choose_probes(recipe: Recipe, data: TrainingText) -> list[Probe]:
    """The hungriest batches of the recipe's budget and of parts of it, as far as the longest pair fits."""
    whole = recipe.training.batch_tokens
    sizes = [whole // part for part in PARTS if whole // part >= data.train.lengths.longest or part == 1]
    return [Probe(size, hungriest(data.train, data.order(size, recipe.seed).batches(0))) for size in sizes]


def usual_search(data: TrainingText) -> SearchConfig:
    """Greedy, with translations as long as references are.

    A model that has hardly learnt goes on to the limit, which would make a validation look longer than it will be.
    """
    ratio = (data.valid.target_lengths.sum() + 1) / (data.valid.source_lengths.sum() + 1)
    return SearchConfig(beam_size=1, max_length_ratio=float(ratio), max_length_offset=LONGER)
