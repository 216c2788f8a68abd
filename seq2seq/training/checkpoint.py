"""All that going on with a training needs, in one file that is whole or not there.

The file is safetensors: the weights, the optimiser's moments and the random states as tensors, the rest of the
position as JSON in the header. Nothing in it can run code.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from json import JSONDecodeError, dumps, loads
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from seq2seq.errors import CheckpointError
from seq2seq.training.weights import read_tensors, save_tensors, set_weights, weights

FORMAT = "1"


@dataclass
class Position:
    """How far a training has come."""

    update: int = 0  # optimiser steps done
    epoch: int = 0  # passes over the data begun, from 0
    batch: int = 0  # batches of this epoch already read
    seconds: float = 0.0  # spent training, validation not counted
    target_tokens: int = 0  # trained on, padding not counted
    source_tokens: int = 0  # likewise
    best: float | None = None  # value of the metric at the best validation
    best_update: int = 0
    without_better: int = 0  # validations since


def save_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, position: Position) -> None:
    """`path` holds this moment of the training, or what it held before."""
    tensors = {f"model.{name}": tensor for name, tensor in weights(model).items()}
    for name, moments in _moments(model, optimizer):
        tensors |= {f"optimizer.{name}.{key}": value for key, value in moments.items()}
    tensors |= {f"random.{name}": state for name, state in _random_states().items()}
    save_tensors(path, tensors, {"format": FORMAT, "position": dumps(asdict(position))})


def load_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> Position:
    """Bring `model`, `optimizer` and the random generators to the moment in `path`, and return its position.

    Raises CheckpointError when the file is damaged, of another format or of another model.
    """
    tensors, position = read_tensors(path), _read_position(path)
    set_weights(model, _under("model.", tensors), path)
    saved = _under("optimizer.", tensors)
    for name, parameter in model.named_parameters():
        optimizer.state[parameter] = {k: v.to(_place(k, parameter)) for k, v in _under(f"{name}.", saved).items()}
    states = _under("random.", tensors)
    torch.set_rng_state(states["cpu"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])
    return position


def _read_position(path: Path) -> Position:
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
        if header.get("format") != FORMAT:
            raise CheckpointError(
                f"{path}: has format {header.get('format')!r}, and this version reads {FORMAT!r};"
                " go on with the version that wrote it"
            )
        return Position(**loads(header["position"]))
    except (OSError, SafetensorError, JSONDecodeError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error}); remove it to train from the start") from None


def _moments(model: nn.Module, optimizer: torch.optim.Optimizer) -> Iterator[tuple[str, dict[str, Tensor]]]:
    for name, parameter in model.named_parameters():
        yield name, optimizer.state.get(parameter, {})


def _place(key: str, parameter: Tensor) -> torch.device:
    """Where AdamW keeps a value: step counters stay on the CPU unless the fused kernel holds them on the device."""
    return parameter.device if key != "step" or parameter.is_cuda else torch.device("cpu")


def _random_states() -> dict[str, Tensor]:
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
