"""AdamW (Loshchilov & Hutter 2019, algorithm 2, https://arxiv.org/abs/1711.05101)."""

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from seq2seq.config import Config

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
