"""Writing so that a file is whole or not there, and the layout of a run folder."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from seq2seq.errors import CheckpointError

TEMPORARY = ".tmp"


@contextmanager
def replacing(path: Path, verify: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place, synced, when the block ends well.

    `verify` reads what was written, from the disk where the system allows it, before it takes that place. Raises
    CheckpointError when the disk is full or not writable; `path` is then as it was.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=TEMPORARY)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # only now: a writer may have put another file there
        _sync(temporary)
        if verify is not None:
            verify(temporary)
        temporary.replace(path)
        temporary = None
        _sync(path.parent)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be written ({error.strerror or error}); it is unchanged") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """`path` holds `text`, in UTF-8, or what it held before."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def remove_temporaries(folder: Path) -> None:
    """Drop what writers that were killed have left in `folder`."""
    for path in (*folder.glob(f".*{TEMPORARY}"), *folder.glob(f"{TEMPORARY}*")):  # ours, and those of safetensors
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
        if hasattr(os, "posix_fadvise"):  # what is read next comes from the disk, not from memory
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@dataclass(frozen=True)
class RunFolder:
    """Where the parts of a run lie; the folder is complete and can be moved."""

    root: Path

    @property
    def recipe(self) -> Path:
        return self.root / "recipe.yaml"

    @property
    def tokenizer(self) -> Path:
        return self.root / "tokenizer"

    @property
    def model(self) -> Path:
        return self.root / "model.safetensors"

    @property
    def training(self) -> Path:
        return self.root / "training"

    @property
    def metrics(self) -> Path:
        return self.root / "metrics.jsonl"

    @property
    def environment(self) -> Path:
        return self.root / "environment.json"

    @property
    def summary(self) -> Path:
        return self.root / "summary.json"

    def snapshot(self, update: int) -> Path:
        """Where the weights of the validation after `update` are kept."""
        return self.training / f"weights-{update:08d}.safetensors"

    def snapshots(self) -> list[Path]:
        """The weights that are kept, oldest first."""
        return sorted(self.training.glob("weights-*.safetensors"))

    def checkpoint(self, update: int) -> Path:
        """Where all that going on after `update` needs is kept."""
        return self.training / f"checkpoint-{update:08d}.safetensors"

    def checkpoints(self) -> list[Path]:
        """Those that are kept, oldest first; before them the one file that older versions wrote."""
        older = self.training / "checkpoint.safetensors"
        return [older] * older.exists() + sorted(self.training.glob("checkpoint-*.safetensors"))

    @property
    def evaluations(self) -> Path:
        return self.root / "evaluations"
