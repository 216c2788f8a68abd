"""How fast a recipe trains here, and how fast another program does, measured by turns.

Speed is the median over windows of ten updates, the first of which is left out; loading is in it, padding is not.
Processes that torchrun started measure the one training that they share.
"""

import json
import logging
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from seq2seq.devices import choose_device, peak_memory
from seq2seq.errors import ConfigError
from seq2seq.files import RunFolder
from seq2seq.training.meter import Record
from seq2seq.training.parallel import Processes, joined
from seq2seq.training.torchrun import let_main_speak, own_device, started_together
from seq2seq.training.trainer import REPORT_EVERY
from seq2seq.training.weights import parameter_count
from seq2seq.workflows.beginning import begin, build_trainer, shortened
from seq2seq.workflows.calibrate import count_epoch
from seq2seq.workflows.flops import flops_a_target_token
from seq2seq.workflows.new_process import in_new_process
from seq2seq.workflows.recipe import Recipe
from seq2seq.workflows.text import TrainingText
from seq2seq.workflows.train import TrainOptions, read_recipe

PRODUCT = 2048  # rows and columns of the matrices whose product sets the peak
RATES = ("target_tokens_per_second", "tgt_tok_s_median10")  # what a peer's JSON may call its speed

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Speed:
    """One measurement of a training; tokens without padding, the end marker among them."""

    target_tokens_per_second: float
    total_tokens_per_second: float  # source and target
    fill: float  # share of the cells of the batches that are tokens
    peak_memory_mb: float
    startup_seconds: float  # from the start of the process to the first update, text tokenised before
    updates: int  # measured
    parameters: int
    gflops: float  # reached: FLOPs of the model times tokens, a second
    share_of_peak: float  # of what one large product of matrices reaches here, in the same precision
    threads: int  # of each process
    device: str
    processes: int = 1


def bench_training(options: TrainOptions, updates: int) -> Speed:
    """The speed of the recipe's training in a new process. Raises ConfigError and DataError as a training does."""
    recipe, device = read_recipe(options), str(choose_device(options.device))
    TrainingText.prepare(recipe)  # so that the vocabulary is not learnt by the clock
    found: Speed = in_new_process(measure_speed, recipe, device, updates, time.time())
    return found


def measure_speed(recipe: Recipe, device: str, updates: int, asked: float) -> Speed:
    """The same in this process, which was `asked` for then, and in those that torchrun started with it."""
    with joined() as processes:
        return _measure_speed(recipe, own_device(torch.device(device)), updates, asked, processes)


def _measure_speed(recipe: Recipe, device: torch.device, updates: int, asked: float, processes: Processes) -> Speed:
    with tempfile.TemporaryDirectory(prefix="seq2seq-bench-") as place:
        folder, windows = RunFolder(Path(place)), _Windows([])
        data, model = begin(recipe, folder, device, processes)
        trainer = build_trainer(shortened(recipe, REPORT_EVERY + updates), folder, data, model, processes)
        trainer.listener, trainer.validate = windows, lambda _: {"loss": 0.0, "bleu": 0.0}
        startup = time.time() - asked
        trainer.run()
    memory = sum(processes.gather(peak_memory(trainer.device)))
    peak = sum(processes.gather(peak_flops(trainer.device, recipe.training.precision)))
    target, total = windows.rates()
    flops = target * flops_a_target_token(model, data.train.lengths)
    return Speed(
        target_tokens_per_second=round(target, 1),
        total_tokens_per_second=round(total, 1),
        fill=round(count_epoch(recipe, data).fill, 4),
        peak_memory_mb=round(memory / 1e6, 1),
        startup_seconds=round(startup, 2),
        updates=updates,
        parameters=parameter_count(model),
        gflops=round(flops / 1e9, 1),
        share_of_peak=round(flops / peak, 3),
        threads=torch.get_num_threads(),
        device=str(trainer.device),
        processes=processes.size,
    )


@dataclass
class _Windows:
    """Listens to a training for the speed of its windows."""

    records: list[Record]

    def updated(self, record: Record) -> None:
        self.records.append(record)

    def validated(self, record: Record) -> None: ...

    def rates(self) -> tuple[float, float]:
        """Medians of target tokens a second and of all tokens a second, without the first window."""
        windows = self.records[1:]
        target = statistics.median(each["target_tokens"] / each["seconds"] for each in windows)
        total = statistics.median((each["target_tokens"] + each["source_tokens"]) / each["seconds"] for each in windows)
        return target, total


def peak_flops(device: torch.device, precision: str) -> float:
    """Operations a second of the best of ten large matrix products."""
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = (torch.randn(PRODUCT, PRODUCT, device=device, dtype=kind) for _ in range(2))
    best = float("inf")
    for _ in range(10):
        start = time.perf_counter()
        product = left @ right
        product[0, 0].item()  # waits for the device
        best = min(best, time.perf_counter() - start)
    return 2 * PRODUCT**3 / best


@dataclass(frozen=True)
class Comparison:
    """Measurements of a training and of another program's, made by turns."""

    own: list[Speed]
    other: list[dict[str, Any]]  # as the other printed them
    command: str

    @property
    def speed(self) -> Speed:
        """That of the round in the middle by speed."""
        return sorted(self.own, key=lambda each: each.target_tokens_per_second)[len(self.own) // 2]

    @property
    def other_rate(self) -> float | None:
        """Median of the other's target tokens a second."""
        return statistics.median(map(_rate, self.other)) if self.other else None

    @property
    def ratio(self) -> float | None:
        """How many times as fast we are, median by median."""
        if not self.other_rate:
            return None
        return statistics.median(each.target_tokens_per_second for each in self.own) / self.other_rate

    @property
    def record(self) -> dict[str, Any]:
        """All as one JSON object; the speed of the middle round on top."""
        record: dict[str, Any] = asdict(self.speed)
        record["rounds"] = [each.target_tokens_per_second for each in self.own]
        if self.other:
            record["against"] = {
                "command": self.command,
                "target_tokens_per_second": self.other_rate,
                "rounds": [_rate(each) for each in self.other],
                "ratio": None if self.ratio is None else round(self.ratio, 3),
            }
        return record


def compare_training(options: TrainOptions, updates: int, *, against: str, rounds: int) -> Comparison:
    """Own training and the shell command `against` by turns, `rounds` times each; no command: own alone.

    Raises ConfigError when the command fails or prints no speed.
    """
    let_main_speak()
    if started_together() > 1 and (against or rounds > 1):
        raise ConfigError("--against, --rounds: must not be given under torchrun; give --against the torchrun command")
    own, other = [], []
    for number in range(1, rounds + 1):
        own.append(bench_training(options, updates))
        logger.info("round %d: seq2seq %.0f target tokens/s", number, own[-1].target_tokens_per_second)
        if against:
            other.append(_bench_other(against))
            logger.info("round %d: the other %.0f target tokens/s", number, _rate(other[-1]))
    return Comparison(own, other, against)


def _bench_other(command: str) -> dict[str, Any]:
    done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise ConfigError(f"--against: the command ended with status {done.returncode}; run it by itself: {command}")
    speeds = [found for found in _objects(done.stdout) if any(name in found for name in RATES)]
    if not speeds:
        raise ConfigError(f"--against: the command must print a JSON object that has {' or '.join(RATES)}: {command}")
    return speeds[-1]


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in `text`, whatever stands between them."""
    place = text.find("{")
    while place >= 0:
        try:
            found, end = json.JSONDecoder().raw_decode(text, place)
            yield found
        except ValueError:
            end = place + 1
        place = text.find("{", end)


def _rate(found: dict[str, Any]) -> float:
    return float(next(found[name] for name in RATES if name in found))
