"""Parallel text in files: two plain files, tab-separated columns, JSON lines, Parquet.

What counts as text, and as a line, is the same everywhere and is never repaired in silence:
the encoding is UTF-8; a byte order mark at the start of a file is dropped; a line ends at a line feed,
with a carriage return before it dropped, and nowhere else (not at U+2028, U+0085, form feed, vertical tab
or NUL, which are part of the text); nothing is normalised. A text from JSON or Parquet may hold line
feeds. Everything is read as a stream, so a file may be larger than memory; what is wrong with it is a
DataError that names the file and the line.
"""

import difflib
import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from io import BufferedIOBase
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.example import Example
from seq2seq.errors import DataError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
TRANSLATION = "translation"  # the column or key under which the Hub's corpora keep {language: text}


def lines(path: Path) -> Iterator[str]:
    """The lines of a file, unpacked where its name ends in .gz, without their ends."""
    number = 0
    try:
        with _opened(path) as stream:
            for number, line in enumerate(decoded(stream, path), 1):  # noqa: B007 - told when it breaks
                yield line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: broken after line {number} ({error}); fetch or pack it again") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    if number == 0:
        raise DataError(f"{path}: the file is empty; it must hold a sentence a line")


def decoded(stream: Iterable[bytes], name: str | Path) -> Iterator[str]:
    """The lines of a `stream` of bytes, which messages call `name`, without their ends."""
    for number, line in enumerate(stream, 1):
        raw = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{name}:{number}: {_not_utf8(error)}; convert it to UTF-8") from None
        yield text.removesuffix("\n").removesuffix("\r")


def two_files(source: Path, target: Path) -> Iterator[Example]:
    """Line N of one file with line N of the other."""
    for source_line, target_line in zip_longest(lines(source), lines(target)):
        if source_line is None or target_line is None:
            raise DataError(_unequal(source, target))
        yield Example(source_line, target_line)


def tab_separated(path: Path, source: str, target: str) -> Iterator[Example]:
    """The two columns of a file without a header, or those that its header calls `source` and `target`."""
    rows = enumerate((line.split("\t") for line in lines(path)), 1)
    _, first = next(rows)
    named = source in first and target in first
    columns = (first.index(source), first.index(target)) if named else (0, 1)
    width = len(first) if named else 2
    for number, cells in rows if named else chain([(1, first)], rows):
        if len(cells) != width:
            raise DataError(f"{path}:{number}: must have {width} columns between tabs, not {len(cells)}")
        yield Example(cells[columns[0]], cells[columns[1]])


def json_lines(path: Path, source: str, target: str) -> Iterator[Example]:
    """One JSON object a line: {source: text, target: text}, or that under "translation"."""
    for number, line in enumerate(lines(path), 1):
        where = f"{path}:{number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where}: not JSON ({error}); there must be one object a line") from None
        if not isinstance(row, dict):
            raise DataError(f"{where}: must be a JSON object, not {_short(row)}")
        yield from_row(row, source, target, where=where)


def parquet(path: Path, source: str, target: str) -> Iterator[Example]:
    """The columns `source` and `target`, or those fields of the column "translation"."""
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    number = 0
    try:
        with ParquetFile(path) as table:
            names = table.schema_arrow.names
            wanted = [TRANSLATION] if TRANSLATION in names and source not in names else [source, target]
            for name in wanted:
                _require("column", name, names, where=str(path))
            for batch in table.iter_batches(columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    yield from_row(row, source, target, where=f"{path}: row {number}")
    except (ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: cannot be read as Parquet ({reason}); fetch or write it again") from None
    if number == 0:
        raise DataError(f"{path}: the table is empty; it must hold a sentence pair a row")


def from_row(row: Mapping[str, Any], source: str, target: str, *, where: str) -> Example:
    """The example in a row of named texts, which may lie one level down under "translation"."""
    nested = row.get(TRANSLATION)
    texts = nested if isinstance(nested, Mapping) else row
    return Example(_text(texts, source, where), _text(texts, target, where))


def _text(row: Mapping[str, Any], name: str, where: str) -> str:
    _require("key", name, row, where=where)
    text = row[name]
    if not isinstance(text, str):
        raise DataError(f"{where}: {name!r} must be text, not {_short(text)}")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:  # JSON can write half of a surrogate pair, UTF-8 cannot
        code = f"U+{ord(text[error.start]):04X}"
        raise DataError(f"{where}: {name!r} holds {code}, half a character; mend the escape") from None
    return text


def _require(what: str, name: str, known: Iterable[str], *, where: str) -> None:
    known = list(known)
    if name in known:
        return
    lower = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), lower, n=1)
    hint = f"did you mean {lower[close[0]]!r}?" if close else f"there is {', '.join(map(repr, known))}"
    raise DataError(f"{where}: no {what} {name!r}; {hint}")


def _opened(path: Path) -> BufferedIOBase:
    # Binary, because text mode and str.splitlines end lines at many more characters than a line feed.
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _not_utf8(error: UnicodeDecodeError) -> str:
    if error.object[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "not UTF-8 but, it seems, UTF-16"
    return f"not UTF-8 (byte 0x{error.object[error.start]:02X} at column {error.start + 1})"


def _unequal(source: Path, target: Path) -> str:
    counts = [np.fromiter(map(len, lines(path)), dtype=np.int64) for path in (source, target)]
    return (
        f"{source}: {len(counts[0]):,} lines, but {target} has {len(counts[1]):,}; "
        f"line N of one must translate line N of the other; {_suspect(source, target, counts)}"
    )


def _suspect(source: Path, target: Path, characters: list[NDArray[np.int64]]) -> str:
    """Where the files go apart: at a line that is empty on one side, else where lengths stop going together."""
    common = min(map(len, characters))
    one, other = (counts[:common] for counts in characters)
    lone = np.flatnonzero((one == 0) != (other == 0))
    if len(lone):
        number = int(lone[0])
        empty, full, length = (source, target, other) if one[number] == 0 else (target, source, one)
        return f"{empty.name}:{number + 1} is empty, its pair in {full.name} has {length[number]} characters"
    # A change point (Page 1954): the sum of deviations from the mean is lowest where the mean changes.
    apart = np.abs(np.log1p(one) - np.log1p(other))
    changed = int(np.argmin(np.cumsum(apart - apart.mean()))) if common else 0
    return f"going by the lengths, they stop matching about line {changed + 2:,}"
