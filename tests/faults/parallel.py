"""Bugs in what several processes do together."""

from faults.fault import PROCESSES, Fault

FAULTS = [
    Fault(
        "the mean over processes is divided once more",
        "training/accumulation.py",
        "tokens / self.processes.size",
        "tokens",
        PROCESSES,
    ),
    Fault(
        "every process reads the rows of the first",
        "data/batches.py",
        "indices[rank::size]",
        "indices[::size]",
        PROCESSES,
    ),
    Fault(
        "a process reports its own loss",
        "training/accumulation.py",
        "        self.processes.add_up(found.likelihood)\n",
        "",
        PROCESSES,
    ),
    Fault(
        "gradients are never sent",
        "training/parallel.py",
        "return nullcontext() if now or not isinstance(module, DistributedDataParallel)",
        "return nullcontext() if not isinstance(module, DistributedDataParallel)",
        PROCESSES,
    ),
]
