"""All that going on with a training needs, in one file that is whole or not there; the one before it is kept.

The file is safetensors: the weights and the optimiser's moments as tensors, the position as JSON in the header. The
random generators are not in it: they are a function of the position. Nothing in it can run code.

Format 1, of the first versions, held the states of the generators too; they are no longer asked for.
"""

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from json import JSONDecodeError, dumps, loads
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seq2seq.errors import CheckpointError
from seq2seq.files import RunFolder
from seq2seq.training.sharding import gathered_by_main, share
from seq2seq.training.weights import read_file, save_tensors, set_weights, weights

FORMAT, READABLE = "2", ("1", "2")
KEPT = 2  # checkpoints: the newest, and the one before should that be damaged

logger = logging.getLogger(__name__)


@dataclass
class Position:
    """How far a training has come."""

    update: int = 0  # optimiser steps done or skipped
    epoch: int = 0  # passes over the data begun, from 0
    batch: int = 0  # batches of this epoch already read
    seconds: float = 0.0  # spent training, validation not counted
    target_tokens: int = 0  # trained on, padding not counted
    source_tokens: int = 0  # likewise
    best: float | None = None  # value of the metric at the best validation
    best_update: int = 0
    without_better: int = 0  # validations since
    validated: int = 0  # update of the last validation
    finished: bool = False
    skipped: int = 0  # steps not applied, their gradient being no number
    skipped_in_a_row: int = 0
    split: int = 0  # times that memory ran out
    recent_losses: list[float] = field(default_factory=list)  # of the last reports
    records: int = 0  # told to the listener; -1: an older version did not count them
    meter: dict[str, Any] = field(default_factory=dict)  # what is not reported yet


def training_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Weights and moments as a checkpoint holds them; where each process has a share, main gets all."""
    tensors = {f"model.{name}": gathered_by_main(tensor) for name, tensor in weights(model).items()}
    for name, moments in _moments(model, optimizer):
        tensors |= {f"optimizer.{name}.{key}": gathered_by_main(value) for key, value in moments.items()}
    return tensors


def save_checkpoint(folder: RunFolder, tensors: dict[str, Tensor], position: Position) -> None:
    """All that going on needs is in a file that was read back; only then the last but one goes.

    Raises CheckpointError when it cannot be written; those before it are then as they were.
    """
    save_tensors(folder.checkpoint(position.update), tensors, {"format": FORMAT, "position": dumps(asdict(position))})
    for old in folder.checkpoints()[:-KEPT]:
        old.unlink()


class Saved(NamedTuple):
    """What a checkpoint holds."""

    path: Path
    position: Position
    tensors: dict[str, Tensor]


def read_newest(folder: RunFolder) -> Saved | None:
    """The newest checkpoint that is not damaged; None when there is none at all.

    Raises CheckpointError when all are damaged, and when it is of another format.
    """
    damaged: CheckpointError | None = None
    for path in reversed(folder.checkpoints()):
        try:
            tensors, header = read_file(path)
        except CheckpointError as error:
            damaged = damaged or error
            continue
        position = _position(path, header)
        if damaged is not None:
            logger.warning("%s; going on from the one before, at update %d", damaged, position.update)
        return Saved(path, position, tensors)
    if damaged is not None:
        raise damaged
    return None


def restore(tensors: dict[str, Tensor], model: nn.Module, optimizer: torch.optim.Optimizer, where: Path) -> None:
    """Bring all to the moment of the `tensors`. Raises CheckpointError when they are of another model."""
    set_weights(model, under("model.", tensors), where)
    saved = under("optimizer.", tensors)
    for name, parameter in model.named_parameters():
        moments = under(f"{name}.", saved)
        optimizer.state[parameter] = {key: _as_kept(key, value, parameter) for key, value in moments.items()}


def _position(path: Path, header: dict[str, str]) -> Position:
    if header.get("format") not in READABLE:
        raise CheckpointError(
            f"{path}: has format {header.get('format')!r}, and this version reads {' and '.join(READABLE)};"
            " go on with the version that wrote it"
        )
    try:
        values = loads(header["position"])
        return Position(**({"records": -1} | values))
    except (JSONDecodeError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error}); remove it to train from the start") from None


def _moments(model: nn.Module, optimizer: torch.optim.Optimizer) -> Iterator[tuple[str, dict[str, Tensor]]]:
    for name, parameter in model.named_parameters():
        yield name, optimizer.state.get(parameter, {})


def _as_kept(key: str, value: Tensor, parameter: Tensor) -> Tensor:
    """A copy as AdamW keeps it, because what is read may still lie in the file: moments beside their parameter.

    Step counters stay on the CPU unless the fused kernel holds them on the device.
    """
    if key == "step":
        return value.to(parameter.device if parameter.is_cuda else torch.device("cpu"), copy=True)
    return torch.empty_like(parameter).copy_(share(value, parameter))


def under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
