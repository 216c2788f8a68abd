"""A split as ids, in files that are mapped into memory, so that it may be larger than that.

A folder of plain little-endian numbers: for each side the ids of all sentences in a row,
 the offsets at which they begin (one more than sentences), their lengths, and a key of each sentence's text,
which is equal for equal texts; and split.json with what they are made of, their checksums and the filters' counts.
split.json is written last. Nothing that grows with the corpus has to be in memory.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.filters import FilterReport
from seq2seq.data.lengths import Lengths
from seq2seq.data.mapped import give_back, mapped
from seq2seq.errors import CheckpointError

FORMAT = 2
INDEX = "split.json"
OFFSET = "<i8"
LENGTH = "<i4"
KEY = "<u8"


@dataclass(frozen=True, eq=False)
class TokenizedSplit:
    """Sentence pairs as ids without markers."""

    source_ids: NDArray[np.integer]
    source_offsets: NDArray[np.int64]
    source_lengths: NDArray[np.int32]
    source_keys: NDArray[np.uint64]
    target_ids: NDArray[np.integer]
    target_offsets: NDArray[np.int64]
    target_lengths: NDArray[np.int32]
    target_keys: NDArray[np.uint64]
    parts: tuple[int, ...]  # pairs of each corpus that it was made of, one after the other

    def __len__(self) -> int:
        return len(self.source_lengths)

    def source(self, index: int) -> NDArray[np.integer]:
        return self.source_ids[self.source_offsets[index] : self.source_offsets[index + 1]]

    def target(self, index: int) -> NDArray[np.integer]:
        return self.target_ids[self.target_offsets[index] : self.target_offsets[index + 1]]

    @cached_property
    def lengths(self) -> Lengths:
        """What is to be known of the lengths of all pairs."""
        return Lengths.of(self.source_lengths, self.target_lengths)

    def give_back(self) -> None:
        """Keep nothing in memory of what was read so far; it can be read again."""
        give_back(*(value for value in vars(self).values() if isinstance(value, np.ndarray)))


class Rows(NamedTuple):
    """One side of some sentence pairs."""

    ids: NDArray[np.integer]  # of all rows, one after the other
    lengths: NDArray[np.int32]
    keys: NDArray[np.uint64]

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], texts: Sequence[str], size: int) -> "Rows":
        """The ids of `texts`; `size` is that of the vocabulary and decides how wide an id is stored."""
        lengths = np.fromiter(map(len, rows), dtype=LENGTH, count=len(rows))
        ids = np.fromiter(chain.from_iterable(rows), dtype=_id_type(size), count=int(lengths.sum()))
        return cls(ids, lengths, text_keys(texts))

    def where(self, mask: NDArray[np.bool_]) -> "Rows":
        """The rows at which the mask is true."""
        return Rows(self.ids[np.repeat(mask, self.lengths)], self.lengths[mask], self.keys[mask])


def text_keys(texts: Iterable[str]) -> NDArray[np.uint64]:
    """64 bits for each text: equal for equal texts, and in all likelihood for no others."""
    digests = b"".join([hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts])
    return np.frombuffer(digests, dtype=KEY)


class SplitWriter:
    """Writes a split into a folder part by part, in memory that does not grow with it."""

    def __init__(self, folder: Path, *, source_size: int, target_size: int) -> None:
        """The sizes are those of the vocabularies."""
        self._folder = folder
        self._sides = {"source": _SideWriter(folder, "source", source_size)}
        self._sides["target"] = _SideWriter(folder, "target", target_size)

    def add(self, source: Rows, target: Rows) -> None:
        self._sides["source"].add(source)
        self._sides["target"].add(target)

    def finish(self, report: FilterReport, parts: Sequence[int]) -> None:
        index = {name: side.finish() for name, side in self._sides.items()}
        content = {"format": FORMAT, "report": asdict(report), "parts": list(parts), **index}
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
        arrays = _mapped(folder, "source", index["source"]) | _mapped(folder, "target", index["target"])
        split = TokenizedSplit(**arrays, parts=tuple(index["parts"]))
        report = FilterReport(**index["report"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{folder}: damaged ({type(error).__name__}: {error})") from None
    return split, report


class _SideWriter:
    def __init__(self, folder: Path, name: str, size: int) -> None:
        types = {"ids": _id_type(size), "offsets": OFFSET, "lengths": LENGTH, "keys": KEY}
        self._files = {what: _HashedFile(folder / f"{name}.{what}", type) for what, type in types.items()}
        self._end = 0
        self._files["offsets"].write(np.zeros(1))

    def add(self, rows: Rows) -> None:
        ends = self._end + np.cumsum(rows.lengths, dtype=np.int64)
        self._end = int(ends[-1]) if len(ends) else self._end
        for what, numbers in {**rows._asdict(), "offsets": ends}.items():
            self._files[what].write(numbers)

    def finish(self) -> dict[str, Any]:
        self.close()
        return {what: file.entry for what, file in self._files.items()}

    def close(self) -> None:
        for file in self._files.values():
            file.close()


class _HashedFile:
    def __init__(self, path: Path, type: str) -> None:
        self._path, self._type = path, type
        self._stream: IO[bytes] = path.open("wb")
        self._hash = hashlib.sha256()

    def write(self, numbers: NDArray[Any]) -> None:
        content = numbers.astype(self._type, copy=False).tobytes()
        self._hash.update(content)
        self._stream.write(content)

    def close(self) -> None:
        self._stream.close()

    @property
    def entry(self) -> dict[str, str]:
        return {"file": self._path.name, "type": self._type, "sha256": self._hash.hexdigest()}


def _compact(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def _checksum(content: dict[str, Any]) -> str:
    return hashlib.sha256(_compact(content).encode()).hexdigest()


def _id_type(size: int) -> str:
    return "<u2" if size <= 2**16 else "<i4"


def _mapped(folder: Path, name: str, side: dict[str, Any]) -> dict[str, Any]:
    return {f"{name}_{what}": _array(folder, **side[what]) for what in ("ids", "offsets", "lengths", "keys")}


def _array(folder: Path, *, file: str, type: str, sha256: str) -> NDArray[Any]:
    path = folder / Path(file).name
    with path.open("rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    if actual != sha256:
        raise CheckpointError(f"{path}: damaged (SHA-256 must be {sha256}, not {actual})")
    return mapped(path, type)
