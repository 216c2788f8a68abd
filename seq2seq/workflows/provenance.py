"""What a run keeps besides its model: how its training ended, and what its result depends on besides its recipe."""

import os
import platform
from pathlib import Path
from typing import Any

import torch

from seq2seq import __version__
from seq2seq.training.trainer import Trainer
from seq2seq.training.weights import parameter_count
from seq2seq.workflows.recipe import Recipe
from seq2seq.workflows.text import TrainingText


def summary(trainer: Trainer, recipe: Recipe, data: TrainingText) -> dict[str, Any]:
    """How the training ended, and what it took."""
    position, config = trainer.position, recipe.training
    if position.update >= config.updates:
        ended_by = "updates"
    else:
        ended_by = "patience" if config.patience and position.without_better >= config.patience else "minutes"
    return {
        "kind": recipe.model.kind,
        "parameters": parameter_count(trainer.model),
        "updates": position.update,
        "epochs": position.epoch,
        "seconds": round(position.seconds, 3),
        "target_tokens": position.target_tokens,
        "source_tokens": position.source_tokens,
        "target_tokens_per_second": round(position.target_tokens / position.seconds, 1),
        "best_metric": config.metric,
        "best": position.best,
        "best_update": position.best_update,
        "longest_source": data.train.lengths.longest_source - 1,
        "device": str(trainer.device),
        "precision": config.precision,
        "stopped": ended_by,
        "skipped": position.skipped,
        "split": position.split,
    }


def environment(device: torch.device, seed: int) -> dict[str, Any]:
    """What a result depends on besides its recipe."""
    return {
        "seq2seq": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "cuda": torch.version.cuda,
        "seed": seed,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
