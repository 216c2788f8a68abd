"""Where a model runs."""

import logging

import torch

from seq2seq.config import unknown
from seq2seq.errors import ConfigError

logger = logging.getLogger(__name__)


def choose_device(name: str = "auto") -> torch.device:
    """The device called `name`; `auto` is a GPU where there is one, and which it took is logged.

    Raises ConfigError for a device that is not there: nothing moves to the CPU in silence.
    """
    kind, _, index = name.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (index and (kind != "cuda" or not index.isdigit())):
        raise ConfigError(f"device: {unknown('device', name, ('auto', 'cpu', 'cuda', 'cuda:1'))}")
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "cpu"
        logger.info("device: %s", _described(kind))
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device: no CUDA device {name!r} among the {torch.cuda.device_count()}; use --device cpu")
    return torch.device(f"{kind}:{index}" if index else kind)


def _described(kind: str) -> str:
    return f"cuda ({torch.cuda.get_device_name()})" if kind == "cuda" else "cpu"
