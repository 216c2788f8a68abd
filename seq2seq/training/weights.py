"""Tensors as a safetensors file that shows whether it is as it was written, and a model's weights among them.

In the header stands the SHA-256 of names, types, shapes, bytes and of all else in the header: safetensors itself would
load a file with a flipped bit.
"""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from logging import getLogger
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from seq2seq.errors import CheckpointError
from seq2seq.files import replacing
from seq2seq.training.sharding import share

SUM = "sha256"

logger = getLogger(__name__)


def save_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """`path` holds `tensors`, read back and found whole, or what it held before.

    Raises CheckpointError when it cannot be written.
    """
    plain = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    metadata = metadata or {}
    summed = {**metadata, SUM: checksum(plain, metadata)}

    def verify(temporary: Path) -> None:
        try:
            if read_file(temporary)[1] == summed:
                return
        except CheckpointError:
            pass
        raise CheckpointError(f"{path}: what was written reads otherwise; it is unchanged; check the disk")

    try:
        with replacing(path, verify) as temporary:
            save_file(plain, temporary, summed)
    except SafetensorError as error:  # a full disk, mostly
        raise CheckpointError(f"{path}: cannot be written ({error}); it is unchanged") from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors in `path`. Raises CheckpointError when it is missing or not as it was written."""
    return read_file(path)[0]


def read_file(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors in `path`, and what else its header says. Raises CheckpointError as `read_tensors` does."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, str] = file.metadata() or {}
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise CheckpointError(f"{path}: is missing; train the model, or copy the run folder again") from None
    except (OSError, SafetensorError, ValueError, KeyError, AttributeError, UnicodeError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error}); copy it again, or go on training") from None
    _verify(path, tensors, metadata)
    return tensors, metadata


def _verify(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    expected = metadata.get(SUM)
    if expected is None and not any(re.fullmatch("[0-9a-f]{64}", value) for value in metadata.values()):
        logger.warning("%s: has no SHA-256, being of another or an older program; it cannot be verified", path)
        return
    actual = checksum(tensors, {key: value for key, value in metadata.items() if key != SUM})
    if actual != expected:
        raise CheckpointError(
            f"{path}: is damaged: its SHA-256 is {actual}, expected is {expected}; copy it again, or go on training"
        )


def checksum(tensors: dict[str, Tensor], metadata: dict[str, str]) -> str:
    """SHA-256 over the names, types, shapes and bytes of tensors on the CPU, and over `metadata`."""
    names = sorted(tensors)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        sums = list(pool.map(lambda name: _sum_of_bytes(tensors[name]), names))
    parts = [
        (name, str(tensors[name].dtype), list(tensors[name].shape), each)
        for name, each in zip(names, sums, strict=True)
    ]
    return sha256(json.dumps([parts, sorted(metadata.items())]).encode()).hexdigest()


def _sum_of_bytes(tensor: Tensor) -> str:
    flat: NDArray[np.uint8] = tensor.contiguous().reshape(-1).view(torch.uint8).numpy()
    return sha256(flat.data).hexdigest()


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
        parameter.copy_(share(tensors[name], parameter))


def average(sets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each tensor over `sets`, summed in double precision."""
    return {
        name: torch.stack([tensors[name].double() for tensors in sets]).mean(dim=0).to(first.dtype)
        for name, first in sets[0].items()
    }


def parameter_count(model: nn.Module) -> int:
    """How many numbers training sets, tied ones counted once."""
    return sum(parameter.numel() for parameter in model.parameters())
