"""A split as ids, in files that are mapped into memory, so that it may be larger than that.

A folder of five files: for each side the ids of all sentences in a row and the offsets at which they
begin (one more than sentences), as plain little-endian numbers, and split.json with what they are made
of, their checksums and the filters' counts. split.json is written last.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.filters import FilterReport
from seq2seq.errors import CheckpointError

FORMAT = 1
INDEX = "split.json"
OFFSET = "<i8"


@dataclass(frozen=True, eq=False)
class TokenizedSplit:
    """Sentence pairs as ids without markers."""

    source_ids: NDArray[np.integer]
    source_offsets: NDArray[np.int64]
    target_ids: NDArray[np.integer]
    target_offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.source_offsets) - 1

    def source(self, index: int) -> NDArray[np.integer]:
        return self.source_ids[self.source_offsets[index] : self.source_offsets[index + 1]]

    def target(self, index: int) -> NDArray[np.integer]:
        return self.target_ids[self.target_offsets[index] : self.target_offsets[index + 1]]

    @cached_property
    def source_lengths(self) -> NDArray[np.int64]:
        return np.diff(self.source_offsets)

    @cached_property
    def target_lengths(self) -> NDArray[np.int64]:
        return np.diff(self.target_offsets)


class SplitWriter:
    """Writes a split into a folder part by part, in memory that does not grow with it."""

    def __init__(self, folder: Path, *, source_size: int, target_size: int) -> None:
        """The sizes are those of the vocabularies and decide how wide an id is stored."""
        self._folder = folder
        self._sides = {"source": _SideWriter(folder, "source", source_size)}
        self._sides["target"] = _SideWriter(folder, "target", target_size)

    def add(self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> None:
        self._sides["source"].add(sources)
        self._sides["target"].add(targets)

    def finish(self, report: FilterReport) -> None:
        index = {name: side.finish() for name, side in self._sides.items()}
        content = {"format": FORMAT, "report": asdict(report), **index}
        text = _compact({**content, "sha256": _checksum(content)})
        (self._folder / INDEX).write_text(text, encoding="utf-8")

    def close(self) -> None:
        for side in self._sides.values():
            side.close()


def load_split(folder: Path) -> tuple[TokenizedSplit, FilterReport]:
    """The split that was written there, mapped into memory; raises CheckpointError unless it is whole."""
    try:
        index = json.loads((folder / INDEX).read_bytes())
        if index.pop("sha256") != _checksum(index):
            raise CheckpointError(f"{folder / INDEX}: damaged (SHA-256 does not match)")
        sides = [_mapped(folder, index[name]) for name in ("source", "target")]
        report = FilterReport(**index["report"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{folder}: damaged ({type(error).__name__}: {error})") from None
    return TokenizedSplit(*sides[0], *sides[1]), report


class _SideWriter:
    def __init__(self, folder: Path, name: str, size: int) -> None:
        self._type = "<u2" if size <= 2**16 else "<i4"
        self._ids = _HashedFile(folder / f"{name}.ids")
        self._offsets = _HashedFile(folder / f"{name}.offsets")
        self._end = 0
        self._offsets.write(np.zeros(1, dtype=OFFSET))

    def add(self, rows: Sequence[Sequence[int]]) -> None:
        ends = self._end + np.cumsum(np.fromiter(map(len, rows), dtype=OFFSET, count=len(rows)))
        self._ids.write(np.fromiter(_flat(rows), dtype=self._type))
        self._offsets.write(ends.astype(OFFSET))
        self._end = int(ends[-1]) if len(ends) else self._end

    def finish(self) -> dict[str, Any]:
        self.close()
        return {
            "ids": {"file": self._ids.path.name, "type": self._type, "sha256": self._ids.digest},
            "offsets": {"file": self._offsets.path.name, "type": OFFSET, "sha256": self._offsets.digest},
        }

    def close(self) -> None:
        self._ids.close()
        self._offsets.close()


class _HashedFile:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream: IO[bytes] = path.open("wb")
        self._hash = hashlib.sha256()

    def write(self, numbers: NDArray[Any]) -> None:
        content = numbers.tobytes()
        self._hash.update(content)
        self._stream.write(content)

    def close(self) -> None:
        self._stream.close()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


def _compact(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def _checksum(content: dict[str, Any]) -> str:
    return hashlib.sha256(_compact(content).encode()).hexdigest()


def _flat(rows: Iterable[Sequence[int]]) -> Iterable[int]:
    return (index for row in rows for index in row)


def _mapped(folder: Path, side: dict[str, Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    return _array(folder, **side["ids"]), _array(folder, **side["offsets"])


def _array(folder: Path, *, file: str, type: str, sha256: str) -> NDArray[Any]:
    path = folder / Path(file).name
    with path.open("rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    if actual != sha256:
        raise CheckpointError(f"{path}: damaged (SHA-256 must be {sha256}, not {actual})")
    if path.stat().st_size == 0:  # which cannot be mapped
        return np.zeros(0, dtype=type)
    # A plain view, because slicing np.memmap itself is ten times slower.
    return np.memmap(path, dtype=type, mode="r").view(np.ndarray)
