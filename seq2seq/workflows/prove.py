"""The proof that a training may be stopped: once never stopped, once cut and gone on with, and every bit the same.

Both are trainings of the recipe, shortened, as processes of their own; the cuts are a real SIGTERM, which saves, and a
real SIGKILL, which does not, each at a moment drawn by chance. Clocks are the only thing that may differ.
"""

import json
import logging
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seq2seq.errors import Seq2SeqError
from seq2seq.files import RunFolder
from seq2seq.training.weights import checksum, read_file, read_tensors
from seq2seq.workflows.recipe import load_recipe
from seq2seq.workflows.tables import Table
from seq2seq.workflows.train import TrainOptions

UPDATES, VALIDATE_EVERY = 30, 6
SHORTENED = (
    f"training.updates={UPDATES}",
    f"training.validate_every={VALIDATE_EVERY}",
    "training.minutes=null",
    "training.patience=null",
    "training.deterministic=true",
    "training.tensorboard=false",
)
ATTEMPTS = 5  # a cut may come when all is done
POLL = 0.005  # seconds

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Proof:
    """What the two trainings came to, each part as a SHA-256."""

    whole: dict[str, str]
    cut: dict[str, str]

    @property
    def holds(self) -> bool:
        """Whether all parts are the same."""
        return self.whole == self.cut

    @property
    def table(self) -> Table:
        rows = [
            (part, self.whole[part][:16], self.cut[part][:16], "yes" if self.whole[part] == self.cut[part] else "NO")
            for part in self.whole
        ]
        columns = ("SHA-256 of", "never stopped", "cut and gone on", "the same")
        return Table(columns, tuple(rows), left=frozenset(range(4)))


def prove_resume(options: TrainOptions) -> Proof:
    """Train the recipe twice for a few updates, in folders that are gone afterwards."""
    recipe = load_recipe(options.recipe, options.settings)  # mistakes in it are told before anything is begun
    command = [sys.executable, "-m", "seq2seq", "train", str(options.recipe), "--device", options.device]
    if options.seed is not None:
        command += ["--seed", str(options.seed)]
    few = f"training.validation_bleu={min(4, recipe.training.validation_bleu)}"
    for setting in (*options.settings, *SHORTENED, few):
        command += ["--set", setting]
    with TemporaryDirectory(prefix="seq2seq-prove-") as place:
        whole = RunFolder(Path(place, "whole"))
        logger.info("1 of 2: %d updates without a stop", UPDATES)
        seconds = _finish(command, whole)
        for attempt in range(ATTEMPTS):
            cut = RunFolder(Path(place, f"cut-{attempt}"))
            logger.info("2 of 2: the same, cut at moments drawn by chance")
            if _cut(command, cut, seconds):
                _finish(command, cut)
                return Proof(digests(whole), digests(cut))
    raise Seq2SeqError(f"{options.recipe}: {UPDATES} updates were over each time before the cut; use a larger model")


def digests(folder: RunFolder) -> dict[str, str]:
    """SHA-256 of each part of a training where it stands, the clocks left out."""
    tensors, header = read_file(folder.checkpoints()[-1])
    position: dict[str, Any] = json.loads(header["position"])
    del position["seconds"]
    position["meter"].pop("seconds", None)
    lines = [json.loads(line) for line in folder.metrics.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line.pop("seconds", None)
    under = {
        part: {name: tensor for name, tensor in tensors.items() if name.startswith(f"{part}.")}
        for part in ("model", "optimizer")
    }
    return {
        "weights": checksum(under["model"], {}),
        "moments of the optimiser": checksum(under["optimizer"], {}),
        "position": _digest(position),
        "metrics": _digest(lines),
        "best model": checksum(read_tensors(folder.model), {}),
    }


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _finish(command: list[str], folder: RunFolder) -> float:
    """Train to the end; returns the seconds it took from where the training itself began."""
    with _begun(command, folder) as process:
        begun, told = time.monotonic(), _reached(folder)
        while process.poll() is None:
            time.sleep(POLL)
            if _reached(folder) > told:
                told = _reached(folder)
                logger.info("update %d of %d", told, UPDATES)
    if process.returncode:
        raise _failed(process, folder)
    return time.monotonic() - begun


def _cut(command: list[str], folder: RunFolder, seconds: float) -> bool:
    """Whether at least one of two signals came before the end."""
    cuts = 0
    for number in random.sample((signal.SIGTERM, signal.SIGKILL), 2):
        with _begun(command, folder) as process:
            time.sleep(random.uniform(0, seconds * (1 - _reached(folder) / UPDATES)))
            process.send_signal(number)
        if process.returncode == 0:
            break
        if process.returncode not in (-number, 128 + number):
            raise _failed(process, folder)
        cuts += 1
        logger.info("cut by %s; going on from update %d", number.name, _reached(folder))
    return cuts > 0


@contextmanager
def _begun(command: list[str], folder: RunFolder) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is training: the last thing before is that it writes down what it runs on."""
    before = _identity(folder.environment)
    with (
        _talk(folder).open("wb") as talk,
        subprocess.Popen([*command, "--out", str(folder.root)], stdout=talk, stderr=talk) as process,
    ):
        try:
            while process.poll() is None and _identity(folder.environment) == before:
                time.sleep(POLL)
            yield process
        except BaseException:
            process.kill()
            raise


def _failed(process: subprocess.Popen[bytes], folder: RunFolder) -> Seq2SeqError:
    last = _talk(folder).read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
    return Seq2SeqError(f"a training of the proof ended with exit status {process.returncode}: {last}")


def _talk(folder: RunFolder) -> Path:
    return folder.root.with_suffix(".log")


def _identity(path: Path) -> int:
    return path.stat().st_ino if path.exists() else 0


def _reached(folder: RunFolder) -> int:
    """The update of the newest checkpoint."""
    kept = folder.checkpoints()
    return int(kept[-1].stem.rpartition("-")[2]) if kept else 0
