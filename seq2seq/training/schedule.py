"""How the learning rate rises and falls.

Inverse square root: Vaswani et al. 2017, section 5.3, with its peak given instead of its width. Cosine: Loshchilov &
Hutter 2017, equation 5, without restarts (https://arxiv.org/abs/1608.03983). All rise linearly to the peak first.
"""

import math
from typing import Annotated, Literal, assert_never

from pydantic import Field

from seq2seq.config import Config


class ScheduleConfig(Config):
    """The shape of the learning rate over the updates."""

    kind: Literal["inverse_square_root", "linear", "cosine", "constant"] = "inverse_square_root"
    peak: Annotated[float, Field(gt=0)] = 1e-3
    """The highest learning rate, reached after the warmup."""
    warmup: Annotated[int, Field(ge=0)] = 1000
    """Updates over which the rate rises linearly from zero."""


def learning_rate(config: ScheduleConfig, update: int, updates: int) -> float:
    """The rate of the `update`-th of `updates` steps, counted from 1; linear and cosine end at zero."""
    if update <= config.warmup:
        return config.peak * update / config.warmup
    rest = max(1, updates - config.warmup)
    done = min(1.0, (update - config.warmup) / rest)
    match config.kind:
        case "inverse_square_root":
            return config.peak * math.sqrt(max(1, config.warmup) / update)
        case "linear":
            return config.peak * (1 - done)
        case "cosine":
            return config.peak * (1 + math.cos(math.pi * done)) / 2
        case "constant":
            return config.peak
        case _:
            assert_never(config.kind)
