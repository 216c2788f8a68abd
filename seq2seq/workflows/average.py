"""One model from several moments of a training: the mean of their weights.

Source: Junczys-Dowmunt et al. 2016, "The AMU-UEDIN Submission to the WMT16 News Translation Task", section 3.
"""

import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError, safe_open

from seq2seq.errors import CheckpointError, ConfigError
from seq2seq.files import RunFolder, replacing
from seq2seq.loading import find_run
from seq2seq.training.weights import average, read_tensors, save_tensors
from seq2seq.workflows.recipe import load_recipe

EARLIER = "model-before-average.safetensors"
MARK = "averaged"  # in the header of a model that is a mean: the updates

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AverageOptions:
    """Which of the weights that a run has kept to average, and where the model goes."""

    run: Path
    last: int | None = None
    best: int | None = None
    out: Path | None = None  # a new run folder; None: the run itself


class Averaged(NamedTuple):
    """What came of it."""

    folder: RunFolder
    updates: tuple[int, ...]
    earlier: Path | None  # the model that was there before


def average_run(options: AverageOptions) -> Averaged:
    """Average weights of a run, by default all that it has kept, into its model or into that of a new run.

    Raises CheckpointError when there are too few, or the new folder is there already.
    """
    folder = find_run(options.run)
    paths = _chosen(folder, options)
    if options.out is not None:
        target, earlier = _copy(folder, options.out), None
    else:
        target, earlier = folder, _put_aside(folder)
        if not folder.summary.exists():
            logger.warning("%s: its training is unfinished; going on with it may replace the average", folder.root)
    updates = tuple(map(_update, paths))
    mean = average([read_tensors(path) for path in paths])
    save_tensors(target.model, mean, {MARK: ",".join(map(str, updates))})
    return Averaged(target, updates, earlier)


def _chosen(folder: RunFolder, options: AverageOptions) -> list[Path]:
    kept = folder.snapshots()
    wanted = options.last or options.best or len(kept)
    if len(kept) < 2:
        raise CheckpointError(
            f"{folder.training}: holds the weights of {len(kept)} validations, and an average needs two;"
            " train with training.keep_snapshots=5 or more"
        )
    if wanted > len(kept):
        raise ConfigError(
            f"{folder.training}: {wanted} were asked for, but the weights of only {len(kept)} validations are kept"
            f" (updates {', '.join(str(_update(path)) for path in kept)}); ask for fewer"
        )
    return _best(folder, kept, options.best) if options.best else kept[-wanted:]


def _best(folder: RunFolder, kept: list[Path], count: int) -> list[Path]:
    """The `count` best by the recipe's metric, the earliest first."""
    metric = load_recipe(folder.recipe).training.metric
    measured = _measured(folder, metric)
    if missing := [_update(path) for path in kept if _update(path) not in measured]:
        raise CheckpointError(f"{folder.metrics}: no validation {metric} of update {missing[0]}; use --last instead")
    sign = 1 if metric == "loss" else -1
    return sorted(sorted(kept, key=lambda path: sign * measured[_update(path)])[:count])


def _measured(folder: RunFolder, metric: str) -> dict[int, float]:
    """What the validations found, by update."""
    try:
        events = [json.loads(line) for line in folder.metrics.read_text(encoding="utf-8").splitlines()]
        return {
            event["update"]: event[metric]
            for event in events
            if event["event"] == "validation" and metric in event and "averaged" not in event
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{folder.metrics}: cannot be read ({error}); use --last instead") from None


def _update(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def _put_aside(folder: RunFolder) -> Path:
    """Keep the model that training made beside the one that is to come, and return where."""
    earlier = folder.root / EARLIER
    if not (earlier.exists() and _is_average(folder.model)):
        _copied(folder.model, earlier)
    return earlier


def _is_average(path: Path) -> bool:
    try:
        with safe_open(path, framework="pt") as file:
            return MARK in (file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error}); copy it again, or go on training") from None


def _copy(folder: RunFolder, root: Path) -> RunFolder:
    """A new run folder with all but the model, the evaluations and what going on with training needs."""
    if root.exists() and not (root.is_dir() and not any(root.iterdir())):
        raise CheckpointError(f"{root}: is already there; give a folder that is not")
    new = RunFolder(root)
    for path in (folder.recipe, folder.metrics, folder.environment, folder.summary, *folder.tokenizer.iterdir()):
        if path.exists():
            _copied(path, root / path.relative_to(folder.root))
    return new


def _copied(path: Path, copy: Path) -> None:
    with replacing(copy) as temporary:
        shutil.copyfile(path, temporary)
