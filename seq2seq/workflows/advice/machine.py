"""Checks of a recipe against the machine it is to run on."""

from dataclasses import dataclass

import torch

from seq2seq.devices import has_fast_bf16, machine_memory
from seq2seq.workflows.advice.concern import Concern
from seq2seq.workflows.recipe import Recipe

COPIES = 4  # of each weight, in float32: itself, its gradient, and AdamW's two moments
BYTES = 4


@dataclass(frozen=True)
class Machine:
    """What checks go by."""

    device: str  # cpu or cuda
    memory: int  # bytes
    fast_bf16: bool  # whether products in bfloat16 are quicker there than in float32

    @classmethod
    def of(cls, device: torch.device) -> "Machine":
        return cls(device.type, machine_memory(device), has_fast_bf16(device))


def fp32_on_gpu(recipe: Recipe, machine: Machine, parameters: int) -> Concern | None:  # noqa: ARG001
    if machine.device == "cuda" and machine.fast_bf16 and recipe.training.precision == "fp32":
        return Concern(
            "this GPU multiplies in bfloat16 several times as fast as in the float32 of the recipe",
            "set training.precision=bf16",
        )
    return None


def bf16_slow(recipe: Recipe, machine: Machine, parameters: int) -> Concern | None:  # noqa: ARG001
    if not machine.fast_bf16 and recipe.training.precision == "bf16":
        return Concern(
            f"this {'GPU' if machine.device == 'cuda' else 'processor'} has no fast bfloat16: training in it is slower"
            " than in float32, and less exact",
            "set training.precision=fp32",
        )
    return None


def memory_short(recipe: Recipe, machine: Machine, parameters: int) -> Concern | None:  # noqa: ARG001
    needed = COPIES * BYTES * parameters
    if needed > machine.memory:
        return Concern(
            f"{parameters:,} parameters with their gradients and AdamW's moments need {needed / 1e9:,.1f} GB, and"
            f" there are {machine.memory / 1e9:,.1f}",
            "take a smaller model, or a larger machine",
        )
    return None


MACHINE_CHECKS = (fp32_on_gpu, bf16_slow, memory_short)
