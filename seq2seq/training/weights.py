"""A model's weights as a safetensors file, and back."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from seq2seq.errors import CheckpointError
from seq2seq.files import replacing


def save_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """`path` holds `tensors`, or what it held before. Raises CheckpointError when it cannot be written."""
    plain = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    try:
        with replacing(path) as temporary:
            save_file(plain, temporary, metadata)
    except SafetensorError as error:  # a full disk, mostly
        raise CheckpointError(f"{path}: cannot be written ({error}); it is unchanged") from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors in `path`. Raises CheckpointError when it is missing or damaged."""
    try:
        return load_file(path)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: is missing; train the model, or copy the run folder again") from None
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error}); copy it again, or go on training") from None


def weights(model: nn.Module) -> dict[str, Tensor]:
    """The parameters of `model`, tied ones once."""
    return dict(model.named_parameters())


@torch.no_grad()
def set_weights(model: nn.Module, tensors: dict[str, Tensor], where: Path) -> None:
    """Give `model` the weights in `tensors`; raises CheckpointError unless they are exactly its own."""
    parameters = weights(model)
    odd = sorted(parameters.keys() ^ tensors.keys())
    odd += [n for n in parameters.keys() & tensors.keys() if parameters[n].shape != tensors[n].shape]
    if odd:
        raise CheckpointError(
            f"{where}: does not fit the model of its recipe (first misfit: {odd[0]}, {len(odd)} in all);"
            " use the recipe.yaml it was trained with"
        )
    for name, parameter in parameters.items():
        parameter.copy_(tensors[name])


def average(sets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each tensor over `sets`, summed in double precision."""
    return {
        name: torch.stack([tensors[name].double() for tensors in sets]).mean(dim=0).to(first.dtype)
        for name, first in sets[0].items()
    }


def parameter_count(model: nn.Module) -> int:
    """How many numbers training sets, tied ones counted once."""
    return sum(parameter.numel() for parameter in model.parameters())
