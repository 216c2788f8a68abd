"""AdamW (Loshchilov & Hutter 2019, algorithm 2, https://arxiv.org/abs/1711.05101), and the length of its gradient."""

from typing import Annotated

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from seq2seq.config import Config
from seq2seq.training.sharding import gathered

Momentum = Annotated[float, Field(ge=0, lt=1)]


class OptimizerConfig(Config):
    """Settings of AdamW; its learning rate comes from the schedule."""

    beta1: Momentum = 0.9
    beta2: Momentum = 0.98
    epsilon: Annotated[float, Field(gt=0)] = 1e-8
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Of matrices; biases and norms do not decay."""


def build_optimizer(config: OptimizerConfig, model: nn.Module) -> torch.optim.AdamW:
    """An optimiser of all of `model`'s parameters, each once."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.0, betas=(config.beta1, config.beta2), eps=config.epsilon, fused=True)


def clip_gradient(model: nn.Module, longest: float | None) -> Float[Tensor, ""]:
    """The norm of the gradient; one above `longest` is scaled down to that, without waiting for the device."""
    parameters = list(model.parameters())
    norm = gathered(nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None]))
    if longest is not None:
        nn.utils.clip_grads_with_norm_(parameters, longest, norm)
    return norm
