"""What torchrun tells each process that it starts, by the environment; nothing of it where there is no torchrun."""

import logging
import os

import torch

from seq2seq.errors import ConfigError

TIMEOUT = "SEQ2SEQ_TIMEOUT"  # ours: seconds of silence after which another process counts as lost
SHARED_STORE = "TORCH_DISABLE_SHARE_RDZV_TCP_STORE"  # of torchrun itself: 1 for a new store at each attempt


def started_together() -> int:
    """How many processes torchrun started, this one among them; 1 where it was started otherwise."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def own_rank() -> int:
    """The rank that torchrun gave this process; 0 where it was started otherwise."""
    return int(os.environ.get("RANK", "0")) if started_together() > 1 else 0


def own_device(device: torch.device) -> torch.device:
    """The GPU of this process where `device` is `cuda`: the one of its rank on this machine."""
    if device.type != "cuda" or "LOCAL_RANK" not in os.environ:
        return device
    own, count = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if str(device) != "cuda" and started_together() > 1:
        raise ConfigError(f"device: must be cuda where each process takes a GPU of its own, not {device}")
    if own >= count:
        raise ConfigError(f"device: no GPU for process {own} of this machine; torchrun --nproc-per-node={count}")
    torch.cuda.set_device(own)
    return torch.device("cuda", own)


def let_main_speak() -> None:
    """Of the processes that torchrun started only main logs what is not an error."""
    if own_rank() > 0:
        logging.getLogger("seq2seq").setLevel(logging.ERROR)


def attempt() -> int:
    """How often torchrun has started all anew."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def may_hang_after_restart() -> bool:
    """Whether torchrun keeps its store over restarts that several machines may count differently."""
    several, restarts = (int(os.environ.get(name, "0")) for name in ("GROUP_WORLD_SIZE", "TORCHELASTIC_MAX_RESTARTS"))
    return several > 1 and restarts > 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


def timeout_seconds() -> float:
    """Seconds of silence after which another process counts as lost; raises ConfigError where that is no time."""
    written = os.environ.get(TIMEOUT, "60")
    try:
        seconds = float(written)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ConfigError(f"{TIMEOUT}: must be seconds above 0, not {written!r}")
    return seconds
