"""A model of which each process keeps only a share: of weights, gradients and the optimiser's moments.

A layer is gathered when it is read, forwards and again backwards, and given back at once; its gradient is summed
to where its shares are (stage 3 of Rajbhandari et al. 2020, section 5, https://arxiv.org/abs/1910.02054; done by
torch's FSDP2). A layer is a member of a Stack. All else is one group that is whole during a pass: the embeddings
and the output, which may be one matrix and of which the loss makes the gradient itself, and a recurrent decoder.

Whatever has to be whole (a checkpoint, the model that is measured) is gathered by all processes together.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, TypeGuard, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from seq2seq.errors import ConfigError
from seq2seq.layers.attention import MultiHeadAttention
from seq2seq.layers.stack import Stack

if TYPE_CHECKING:
    from torch.distributed.tensor import DTensor

Module = TypeVar("Module", bound=nn.Module)


def refuse_one_process(size: int) -> None:
    """Raises ConfigError unless there are several to share."""
    if size == 1:
        raise ConfigError(
            "training: sharded: must be false in one process, which has nobody to share with; start several by torchrun"
            " (docs/many_processes.md), or go on with --set training.sharded=false"
        )


def shard(module: Module, size: int) -> Module:
    """`module` with main's weights, of which each of `size` processes keeps its share.

    Its backward pass leaves, of the mean of all processes' gradients, each its share.
    """
    refuse_one_process(size)
    # Here, because it takes seconds, for which nobody else should wait.
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    for weight in module.parameters():
        dist.broadcast(weight.data, src=0)
    # That an output is a view is no matter: nothing is written in place.
    warnings.filterwarnings("ignore", "FSDP2-wrapped module .* returned a view", UserWarning)
    for layer in module.modules():
        if isinstance(layer, MultiHeadAttention):
            layer.joined = False  # else its weights would stay whole from one pass to the other
    mesh = init_device_mesh(next(module.parameters()).device.type, (size,))
    for layer in [layer for stack in module.modules() if isinstance(stack, Stack) for layer in stack]:
        fully_shard(layer, mesh=mesh)
        if hasattr(layer, "read"):
            register_fsdp_forward_method(layer, "read")
    fully_shard(module, mesh=mesh)
    return module


def is_share(tensor: Tensor) -> "TypeGuard[DTensor]":
    """Whether other processes have the rest of it."""
    return hasattr(tensor, "device_mesh")  # as DTensor does, whose module takes seconds to import


def share(tensor: Tensor, like: Tensor) -> Tensor:
    """What this process keeps of a whole `tensor`, if it keeps a share only of what is `like` it."""
    if not is_share(like) or is_share(tensor):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(tensor.to(like.device), like.device_mesh, like.placements, src_data_rank=None)


def gathered(tensor: Tensor) -> Tensor:
    """All of `tensor`, in every process."""
    return tensor.full_tensor().detach() if is_share(tensor) else tensor


def gathered_by_main(tensor: Tensor) -> Tensor:
    """All of `tensor`; one of which processes have shares is on main's CPU then, and empty in the others."""
    if not is_share(tensor):
        return tensor
    whole = gathered(tensor)
    return whole.cpu() if dist.get_rank() == 0 else whole.new_empty(0)


def hollow(module: Module) -> Module:
    """A copy of `module` without the numbers in its weights, which `filled` brings."""
    empty = {id(weight): nn.Parameter(weight.new_empty(0), weight.requires_grad) for weight in module.parameters()}
    return deepcopy(module, empty)


@contextmanager
def filled(copy: Module, module: Module) -> Iterator[Module]:
    """The hollow `copy` with all the weights of which `module` has a share; without such a copy `module` itself."""
    if copy is module:
        yield copy
        return
    try:
        for weight, shared in zip(copy.parameters(), module.parameters(), strict=True):
            weight.data = gathered(shared)
        yield copy
    finally:
        _empty(copy)


def _empty(module: nn.Module) -> None:
    for weight in module.parameters():
        weight.data = torch.empty(0, dtype=weight.dtype, device=weight.device)
