"""Random numbers as a function of where the training stands, so that no generator has to be saved.

Before each batch the generators are seeded from a hash of (seed, update, batch of the update and process, part of the
batch). Going on after a stop, and doing a batch anew after running out of memory, therefore draw the same dropout.
"""

from hashlib import blake2b

import torch


def seed_at(*place: int) -> int:
    """63 bits, the same for the same `place` on every machine."""
    name = ",".join(map(str, place)).encode()
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "little") >> 1


def seed_generators(device: torch.device, *place: int) -> None:
    """What is drawn next on the CPU and on `device` is a function of `place`; costs microseconds and waits for nothing.

    The CPU's generator takes the lower 32 bits only.
    """
    seed = seed_at(*place)
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index].manual_seed(seed)
