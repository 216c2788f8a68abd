"""Toy corpora that need no download: copy, reverse or sort a row of symbols.

Sources are rows of space separated symbols, their lengths drawn uniformly. Which split a source belongs
to is decided by a hash of its text, so the splits are disjoint whatever is drawn, with whatever seed.
Where there are few sources they are listed, so that a split that runs out says so; where there are
many, they are drawn until one falls into the split.
"""

import functools
import itertools
import random
from collections.abc import Iterator

from seq2seq.config import unknown
from seq2seq.data.example import Example, stable_share
from seq2seq.errors import DataError

TASKS = ("copy", "reverse", "sort")
SPLITS = ("train", "valid", "test")

_LISTED = 20_000  # sources; a space of at most so many is listed, not drawn from
_HELD_OUT = 0.1  # of all sources, for valid and for test each

Row = tuple[int, ...]


def toy_examples(  # noqa: PLR0913 - each of them shapes the task, and all are named
    task: str,
    split: str,
    *,
    count: int,
    seed: int,
    symbols: int = 26,
    min_length: int = 1,
    max_length: int = 12,
) -> Iterator[Example]:
    """`count` examples of a task, of `min_length` to `max_length` symbols out of `symbols` different ones.

    The first examples do not depend on `count`; valid and test hold no source twice, train may.
    Raises DataError for names or numbers that cannot be, and when the split has fewer sources than asked for.
    """
    _check(task, split, symbols=symbols, min_length=min_length, max_length=max_length)
    lengths = range(min_length, max_length + 1)
    size = sum(symbols**length for length in lengths)
    generator = random.Random(f"toy {split} {seed}")  # a string seeds alike in every process
    if size <= _LISTED:
        rows = _listed(split, lengths, symbols, count=count, generator=generator)
    else:
        if split != "train" and count > _HELD_OUT * size / 2:
            _check_enough(split, sum(1 for row in _all_rows(lengths, symbols) if _split_of(row) == split), count)
        rows = _drawn(split, lengths, symbols, generator=generator)
    return (_example(task, row) for row in itertools.islice(rows, count))


@functools.cache
def symbol(index: int) -> str:
    """The name of a symbol: a to z, then aa, ab, and so on."""
    name = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, 26)
        name = chr(ord("a") + letter) + name
    return name


def _check(task: str, split: str, *, symbols: int, min_length: int, max_length: int) -> None:
    if task not in TASKS:
        raise DataError(f"toy corpus: {unknown('task', task, TASKS)}")
    if split not in SPLITS:
        raise DataError(f"toy corpus: {unknown('split', split, SPLITS)}")
    if symbols < 1:
        raise DataError(f"toy corpus: symbols must be at least 1, not {symbols}")
    if not 1 <= min_length <= max_length:
        raise DataError(
            f"toy corpus: min_length must be at least 1 and at most max_length, not {min_length} to {max_length}"
        )


def _check_enough(split: str, exist: int, count: int) -> None:
    if exist < count:
        raise DataError(
            f"toy corpus: {count} examples of {split} were asked for, but only {exist} exist; "
            "ask for fewer, or raise symbols or max_length"
        )


def _listed(split: str, lengths: range, symbols: int, *, count: int, generator: random.Random) -> Iterator[Row]:
    """Rows of the split, lengths as even as they last; in train they come again, elsewhere they run out."""
    by_length: dict[int, list[Row]] = {}
    for row in _all_rows(lengths, symbols):
        if _split_of(row) == split:
            by_length.setdefault(len(row), []).append(row)
    exist = sum(map(len, by_length.values()))
    _check_enough(split, exist, min(count, 1) if split == "train" else count)
    return _taken(by_length, generator=generator, once=split != "train")


def _taken(by_length: dict[int, list[Row]], *, generator: random.Random, once: bool) -> Iterator[Row]:
    while by_length:
        length = generator.choice(list(by_length))
        rows = by_length[length]
        index = generator.randrange(len(rows))
        yield rows[index]
        if once:
            rows[index] = rows[-1]
            rows.pop()
            if not rows:
                del by_length[length]


def _drawn(split: str, lengths: range, symbols: int, *, generator: random.Random) -> Iterator[Row]:
    given: set[Row] = set()
    while True:
        row = tuple(generator.choices(range(symbols), k=generator.choice(lengths)))
        if _split_of(row) != split:
            continue
        if split != "train":
            if row in given:
                continue
            given.add(row)
        yield row


def _all_rows(lengths: range, symbols: int) -> Iterator[Row]:
    for length in lengths:
        yield from itertools.product(range(symbols), repeat=length)


def _split_of(row: Row) -> str:
    share = stable_share(_text(row))
    if share < _HELD_OUT:
        return "valid"
    return "test" if share < 2 * _HELD_OUT else "train"


def _text(row: Row) -> str:
    return " ".join(map(symbol, row))


def _example(task: str, row: Row) -> Example:
    """The row, its image under the task, and which symbol went where (equal symbols keep their order)."""
    order = list(range(len(row)))
    if task == "reverse":
        order.reverse()
    elif task == "sort":
        order.sort(key=row.__getitem__)
    target = tuple(row[index] for index in order)
    alignment = tuple(sorted((source, position) for position, source in enumerate(order)))
    return Example(_text(row), _text(target), alignment)
