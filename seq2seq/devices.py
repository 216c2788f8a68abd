"""Where a model runs, how much memory there is, and how much was used."""

import logging
import os
import sys
from pathlib import Path

import torch

from seq2seq.config import unknown
from seq2seq.errors import ConfigError

CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
KERNELS_KEPT = 16  # of oneDNN, whose own limit is 1024
FAST_BF16 = ({"amx_bf16"}, {"avx512_bf16", "AuthenticAMD"})  # Intel's AVX-512 takes twice as long as in float32

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
    if kind == "cpu":
        _keep_few_kernels()
    return torch.device(f"{kind}:{index}" if index else kind)


def machine_memory(device: torch.device) -> int:
    """Bytes that a process may have there: of the GPU, or of the machine and the container it is in."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    limits = [path.read_text().strip() for path in CGROUP_LIMITS if path.exists()]
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([whole, *(int(limit) for limit in limits if limit.isdigit())])


def peak_memory(device: torch.device) -> int:
    """Bytes of `device` that this process has had at most: of a CPU resident, of a GPU reserved by torch."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    try:
        status = Path("/proc/self/status").read_text()  # getrusage would count what the parent had before exec, too
    except OSError:
        import resource  # here, because not every system has it

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak
    return next(1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def has_fast_bf16(device: torch.device) -> bool:
    """Whether `device` is quicker in bfloat16 than in float32; True where that cannot be told."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return True
    return any(sign <= set(flags.split()) for sign in FAST_BF16)


def only_deterministic_algorithms() -> None:
    """From here on a GPU gives the same bits for the same work; to be called before it is first used."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(mode=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def _keep_few_kernels() -> None:
    """Have oneDNN keep few of the kernels that it makes for an LSTM on a CPU, unless the user says otherwise.

    It makes one for each shape of batch and hardly uses it again, and hundreds that stay between the blocks of memory
    that batches take and leave cost gigabytes (as in https://github.com/pytorch/pytorch/issues/98688). oneDNN reads
    this when it is first used.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(KERNELS_KEPT))


def _described(kind: str) -> str:
    return f"cuda ({torch.cuda.get_device_name()})" if kind == "cuda" else "cpu"
