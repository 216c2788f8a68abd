"""Finding the files of a split in a folder.

Split S with languages A and B is S.A and S.B (each also .gz), S.tsv, S.jsonl (also .gz) or S.parquet;
one of them, because with two of them nobody could say which was meant.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from seq2seq.data.example import Example
from seq2seq.data.readers import json_lines, parquet, tab_separated, two_files
from seq2seq.errors import DataError

TABLES = (".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz", ".parquet")


@dataclass(frozen=True)
class SplitFiles:
    """Where one split lies: a table, or the source's and the target's file."""

    form: Literal["two files", "tsv", "jsonl", "parquet"]
    paths: tuple[Path, ...]

    def read(self, source: str, target: str) -> Iterator[Example]:
        match self.form:
            case "two files":
                return two_files(*self.paths)
            case "tsv":
                return tab_separated(self.paths[0], source, target)
            case "jsonl":
                return json_lines(self.paths[0], source, target)
            case "parquet":
                return parquet(self.paths[0], source, target)

    def count(self) -> int | None:
        """The line feeds of the first file: how many pairs there are to read; None for what is packed."""
        path = self.paths[0]
        if path.suffix in (".gz", ".parquet"):
            return None
        with path.open("rb") as stream:
            return sum(block.count(b"\n") for block in iter(partial(stream.read, 1 << 20), b""))


def find_split(
    folder: Path, split: str, source: str, target: str, *, pairs: Mapping[str, tuple[Path, Path]]
) -> SplitFiles:
    """The files of `split`; `pairs` names those that go by other names, relative to the folder.

    Raises DataError when there are none, one of two, or more than one set of them.
    """
    folder = folder.expanduser()
    if not folder.is_dir():
        raise DataError(f"data.corpus: the folder {folder} does not exist; give the one that holds the corpus")
    if split in pairs:
        return SplitFiles("two files", tuple(_existing(folder / path, split) for path in pairs[split]))
    tables = [folder / f"{split}{ending}" for ending in TABLES]
    found = [SplitFiles(_form(path), (path,)) for path in tables if path.is_file()]
    sides = [
        [path for path in (folder / f"{split}.{side}", folder / f"{split}.{side}.gz") if path.is_file()]
        for side in (source, target)
    ]
    found += [SplitFiles("two files", (one, other)) for one in sides[0] for other in sides[1]]
    if len(found) == 1:
        return found[0]
    if found:
        names = " and ".join("+".join(path.name for path in files.paths) for files in found)
        raise DataError(f"{folder}: {split!r} is there as {names}; leave one, or name it in data.corpus.pairs")
    if any(sides):
        there, lacking = (sides[0][0], target) if sides[0] else (sides[1][0], source)
        raise DataError(f"{there}: its pair {folder / f'{split}.{lacking}'} is missing; put it beside it")
    raise DataError(_missing(folder, split, source, target, known=[*splits(folder, source, target), *pairs]))


def splits(folder: Path, source: str, target: str) -> list[str]:
    """The names that could be asked for in `folder`, sorted."""
    endings = (f".{source}", f".{source}.gz", f".{target}", f".{target}.gz", *TABLES)
    stems = {
        path.name.removesuffix(ending) for path in folder.iterdir() for ending in endings if path.name.endswith(ending)
    }
    return sorted(stems)


def _form(path: Path) -> Literal["tsv", "jsonl", "parquet"]:
    if ".tsv" in path.suffixes:
        return "tsv"
    return "jsonl" if ".jsonl" in path.suffixes else "parquet"


def _existing(path: Path, split: str) -> Path:
    if not path.is_file():
        raise DataError(f"{path}: no such file, but data.corpus.pairs names it for {split!r}; correct the name")
    return path


def _missing(folder: Path, split: str, source: str, target: str, *, known: list[str]) -> str:
    # "val" for "valid" is what people call it, and not near enough for difflib's own threshold.
    close = difflib.get_close_matches(split, known, n=1, cutoff=0.5)
    if close:
        hint = f"did you mean {close[0]!r}?"
    else:
        hint = f"there is {', '.join(map(repr, known))}" if known else "the folder holds none"
    return (
        f"{folder}: no split {split!r}; looked for {split}.{source} with {split}.{target}, {split}.tsv, "
        f"{split}.jsonl (each also .gz) and {split}.parquet; {hint} (data.corpus.splits renames them)"
    )
