"""From a stream of sentence pairs to a tokenised split: on all cores, in bounded memory, and on from where it was.

The pairs are read in order by one process, which finds what is wrong with the text where it stands, and handed out
in chunks. Each chunk becomes a shard: a file of ids, lengths and keys of the pairs that the filters keep, written
under another name and renamed when whole. Shards that are there already, of an attempt that was killed, are not made
again. When all are there, the pairs that came before are found, and the shards are joined in their order. So
the result depends on the text alone, not on how many processes made it or how often they were stopped.
"""

import multiprocessing
import os
import shutil
import signal
import threading
import zipfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.duplicates import Keys, repeated
from seq2seq.data.example import Example
from seq2seq.data.filters import FilterConfig, FilterReport, judged
from seq2seq.data.tokenized import Rows, SplitWriter
from seq2seq.data.tokenizer import TokenizerPair
from seq2seq.errors import DataError

CHUNK = 20_000  # pairs of a shard; a new format of the cache when it changes
CHARACTERS = 8_000_000  # of a chunk, which ends with the pair that goes beyond
ALONE = 5  # chunks before other processes are called in, which takes them a second
AHEAD = 2  # chunks that wait for each process
SHARDS = "shards"

Watch = Callable[[int], None]  # is told of pairs that are done


class Chunk(NamedTuple):
    """Some pairs of one corpus."""

    corpus: int  # its number among those that the split is made of
    sources: list[str]
    targets: list[str]


@dataclass(frozen=True)
class Encoder:
    """Makes shards of chunks."""

    tokenizers: TokenizerPair
    filters: FilterConfig | None  # none: every line has its place, empty ones too

    def write(self, path: Path, chunk: Chunk) -> int:
        """Encode and filter a chunk into the file `path`; returns how many pairs were read."""
        _, sources, targets = chunk
        source = Rows.of(self.tokenizers.source.encode_all(sources), sources, self.tokenizers.source.size)
        target = Rows.of(self.tokenizers.target.encode_all(targets), targets, self.tokenizers.target.size)
        report = FilterReport(kept=len(sources))
        if self.filters is not None:
            stays, report = judged(self.filters, sources, targets, source.lengths, target.lengths)
            source, target = source.where(stays), target.where(stays)
        counts = [report.kept, report.empty, report.too_long, report.ratio]
        temporary = path.with_suffix(".tmp")
        arrays: dict[str, Any] = {"counts": counts, "corpus": chunk.corpus}
        with temporary.open("wb") as stream:
            np.savez(stream, **arrays, **_named("source", source), **_named("target", target))
        temporary.replace(path)
        return len(sources)


def prepare(
    folder: Path, corpora: Sequence[Iterable[Example]], encoder: Encoder, *, workers: int, watch: Watch
) -> FilterReport:
    """Write the pairs of all corpora, one after the other, into `folder` as a tokenised split.

    With several `workers` other processes encode where there is much to do.
    """
    shards = folder / SHARDS
    shards.mkdir(exist_ok=True)
    paths = []
    with _Team(encoder, workers, watch) as team:
        for number, chunk in enumerate(_chunks(corpora)):
            paths.append(shards / f"{number:07d}.npz")
            if _whole(paths[-1]):
                watch(len(chunk.sources))
            else:
                team.encode(paths[-1], chunk)
    report = _join(folder, paths, len(corpora), encoder)
    shutil.rmtree(shards)
    return report


def available_cores() -> int:
    """How many processes of ours can run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _chunks(corpora: Sequence[Iterable[Example]]) -> Iterator[Chunk]:
    for corpus, examples in enumerate(corpora):
        sources: list[str] = []
        targets: list[str] = []
        characters = 0
        for example in examples:
            sources.append(example.source)
            targets.append(example.target)
            characters += len(example.source) + len(example.target)
            if len(sources) == CHUNK or characters > CHARACTERS:
                yield Chunk(corpus, sources, targets)
                sources, targets, characters = [], [], 0
        if sources:
            yield Chunk(corpus, sources, targets)


class _Team:
    """Encodes chunks: the first few here, then in other processes, if there are to be any."""

    def __init__(self, encoder: Encoder, workers: int, watch: Watch) -> None:
        self._encoder, self._workers, self._watch = encoder, workers, watch
        self._begun = 0
        self._pool: ProcessPoolExecutor | None = None
        self._pending: deque[Future[int]] = deque()

    def encode(self, path: Path, chunk: Chunk) -> None:
        self._begun += 1
        if self._workers == 1 or self._begun <= ALONE:
            self._watch(self._encoder.write(path, chunk))
            return
        if self._pool is None:
            # "spawn", because a process with threads, as torch and SentencePiece have them, cannot be forked safely.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, context, _begin_work, (self._encoder,))
        with _explained():
            self._pending.append(self._pool.submit(_work, path, chunk))
        if len(self._pending) > AHEAD * self._workers:
            self._take()

    def _take(self) -> None:
        with _explained():
            self._watch(self._pending.popleft().result())

    def __enter__(self) -> "_Team":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            while self._pending and error is None:
                self._take()
        finally:
            if self._pool is not None:
                self._pool.shutdown(cancel_futures=True)


@contextmanager
def _explained() -> Iterator[None]:
    """A worker that died, as what the user can do about it."""
    try:
        yield
    except BrokenProcessPool as error:
        raise DataError(
            "preparing the text: a worker process died, of too little memory perhaps; make room and try again"
            " (in a script of your own, call this below `if __name__ == '__main__':`)"
        ) from error


_encoder: Encoder | None = None  # of this process, where it is a worker


def _begin_work(encoder: Encoder) -> None:
    global _encoder
    _encoder = encoder
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # it was killed, and nobody will read what else is made here


def _work(path: Path, chunk: Chunk) -> int:
    assert _encoder is not None
    return _encoder.write(path, chunk)


def _join(folder: Path, paths: Sequence[Path], corpora: int, encoder: Encoder) -> FilterReport:
    """Write the shards one after the other as one split, without the pairs that came before."""
    counts, origins = _totals(paths)
    filters = encoder.filters
    report = FilterReport(*counts.sum(axis=0).tolist())
    parts = [0] * corpora
    if filters is not None:
        report.max_length, report.max_ratio = filters.max_length, filters.max_ratio
    again = np.zeros(report.kept, dtype=bool)
    if filters is not None and filters.duplicates:
        again = repeated(lambda: map(_keys, paths), report.kept)
        report.duplicate = int(again.sum())
        report.kept -= report.duplicate
    tokenizers = encoder.tokenizers
    writer = SplitWriter(folder, source_size=tokenizers.source.size, target_size=tokenizers.target.size)
    begins = accumulate(counts[:, 0].tolist(), initial=0)
    try:
        for path, origin, begin in zip(paths, origins, begins, strict=False):
            source, target = _rows(path)
            new = ~again[begin : begin + len(source.lengths)]
            parts[origin] += int(new.sum())
            writer.add(source, target) if new.all() else writer.add(source.where(new), target.where(new))
        writer.finish(report, parts)
    finally:
        writer.close()
    return report


def _named(side: str, rows: Rows) -> dict[str, Any]:
    return {f"{side}_{what}": numbers for what, numbers in rows._asdict().items()}


def _rows(path: Path) -> tuple[Rows, Rows]:
    with np.load(path, allow_pickle=False) as shard:
        source, target = (Rows(*(shard[f"{side}_{what}"] for what in Rows._fields)) for side in ("source", "target"))
    return source, target


def _keys(path: Path) -> tuple[Keys, Keys]:
    with np.load(path, allow_pickle=False) as shard:
        return shard["source_keys"], shard["target_keys"]


def _totals(paths: Sequence[Path]) -> tuple[NDArray[np.int64], list[int]]:
    """Of each shard: what was kept and what left out for which reason, and the corpus it is from."""
    counts, origins = np.zeros((len(paths), 4), dtype=np.int64), []
    for number, path in enumerate(paths):
        with np.load(path, allow_pickle=False) as shard:
            counts[number] = shard["counts"]
            origins.append(int(shard["corpus"]))
    return counts, origins


def _whole(path: Path) -> bool:
    """Whether a shard is there and its checksums are right."""
    with suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as file:
        return file.testzip() is None
    return False
