"""Tokenizers and tokenised text, made once and kept in a folder keyed by content.

A key is a hash of the text itself, of the settings and, for tokenised text, of the tokenizers: whatever
changes, another entry is made, and none is ever out of date. An entry is built under another name and
moved to its place when whole, so two processes may make the same one; it is checked whenever it is
opened, and a damaged one is made anew with a warning.
"""

import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

from seq2seq.data.corpus import DataConfig, read_split
from seq2seq.data.example import Example
from seq2seq.data.filters import FilterReport, PairFilter
from seq2seq.data.fingerprint import digest
from seq2seq.data.tokenized import FORMAT, SplitWriter, TokenizedSplit, load_split
from seq2seq.data.tokenizer import TokenizerConfig, TokenizerPair, train_tokenizers
from seq2seq.errors import CheckpointError, DataError

__all__ = ["TokenizedSplit", "cache_folder", "cached_tokenizers", "tokenize_split"]

CHUNK = 10_000  # pairs in memory at once
BUILDING = ".building-"
STALE = 24 * 3600  # seconds after which an entry still being built is taken for one that was cut short

Entry = TypeVar("Entry")

logger = logging.getLogger(__name__)


def cache_folder() -> Path:
    """$SEQ2SEQ_CACHE, else $XDG_CACHE_HOME/seq2seq, else ~/.cache/seq2seq."""
    if own := os.environ.get("SEQ2SEQ_CACHE"):
        return Path(own).expanduser()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "seq2seq"
    return Path.home() / ".cache" / "seq2seq"


def cached_tokenizers(config: TokenizerConfig, data: DataConfig, cache: Path | None) -> TokenizerPair:
    """Tokenizers learnt from the training text; without a `cache` they are learnt anew."""
    splits = _names(data.train)
    if cache is None:
        return train_tokenizers(config, _examples(data, splits))
    key = _key(config.model_dump(mode="json"), [digest(data, split) for split in splits])

    def build(folder: Path) -> None:
        train_tokenizers(config, _examples(data, splits)).save(folder)

    return _kept(cache / "tokenizers" / key, build=build, load=TokenizerPair.load)


def tokenize_split(
    config: DataConfig,
    split: str | Sequence[str],
    tokenizers: TokenizerPair,
    cache: Path | None,
    *,
    apply_filters: bool,
) -> tuple[TokenizedSplit, FilterReport]:
    """A split, or several in a row, as ids, and what the filters left out of it.

    Without filters every line has its place, empty ones too. Without a `cache` nothing is kept for the
    next time. Raises DataError when no pair is left.
    """
    splits = _names(split)

    def build(folder: Path) -> None:
        _tokenize(folder, config, splits, tokenizers, apply_filters=apply_filters)

    if cache is None:
        with _explained(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory(prefix="seq2seq-") as folder:
            build(Path(folder))
            return load_split(Path(folder))  # what is mapped stays there when the name is gone
    filters = config.filters.model_dump(mode="json") if apply_filters else None
    key = _key(filters, [digest(config, name) for name in splits], tokenizers.fingerprint)
    return _kept(cache / "tokenized" / key, build=build, load=load_split)


def _tokenize(
    folder: Path, config: DataConfig, splits: Sequence[str], tokenizers: TokenizerPair, *, apply_filters: bool
) -> None:
    judge = PairFilter(config.filters)
    report = judge.report if apply_filters else FilterReport()
    writer = SplitWriter(folder, source_size=tokenizers.source.size, target_size=tokenizers.target.size)
    examples = _examples(config, splits)
    try:
        while chunk := list(islice(examples, CHUNK)):
            sources = tokenizers.source.encode_all([example.source for example in chunk], threads=_threads())
            targets = tokenizers.target.encode_all([example.target for example in chunk], threads=_threads())
            if apply_filters:
                sources, targets = _filtered(judge, chunk, sources, targets)
            else:
                report.kept += len(chunk)
            writer.add(sources, targets)
        writer.finish(report)
    finally:
        writer.close()
    if report.kept == 0:
        raise DataError(f"{', '.join(splits)}: {report}; loosen data.filters, or look at the text")


def _filtered(
    judge: PairFilter, chunk: list[Example], sources: list[list[int]], targets: list[list[int]]
) -> tuple[list[list[int]], list[list[int]]]:
    kept = [
        index
        for index, example in enumerate(chunk)
        if judge.keeps(
            example.source,
            example.target,
            source_length=len(sources[index]),
            target_length=len(targets[index]),
        )
    ]
    return [sources[index] for index in kept], [targets[index] for index in kept]


def _kept(entry: Path, *, build: Callable[[Path], None], load: Callable[[Path], Entry]) -> Entry:
    """What `load` finds in `entry`, which `build` fills where there is none that is whole."""
    if entry.exists():
        try:
            return load(entry)
        except CheckpointError as error:
            logger.warning("cache: %s; it is made anew", error)
            shutil.rmtree(entry, ignore_errors=True)
    with _explained(entry.parent):
        entry.parent.mkdir(parents=True, exist_ok=True)
        _sweep(entry.parent)
        building = entry.parent / f"{BUILDING}{uuid.uuid4().hex}"
        building.mkdir()
        try:
            build(building)
            _install(building, entry)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return load(entry)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{folder}: the cache cannot be written ({error.strerror or error}); "
            "make room there, or set SEQ2SEQ_CACHE to another folder"
        ) from error


def _install(building: Path, entry: Path) -> None:
    try:
        building.rename(entry)
    except OSError:
        if not entry.exists():
            raise
        # Another process has made the same in the meantime.


def _sweep(folder: Path) -> None:
    for leftover in folder.glob(f"{BUILDING}*"):
        with suppress(FileNotFoundError):  # swept by another process, or done
            if time.time() - leftover.stat().st_mtime > STALE:
                shutil.rmtree(leftover, ignore_errors=True)


def _key(*parts: Any) -> str:
    return hashlib.sha256(json.dumps([FORMAT, *parts], sort_keys=True).encode()).hexdigest()[:32]


def _names(splits: str | Sequence[str]) -> list[str]:
    return [splits] if isinstance(splits, str) else list(splits)


def _examples(config: DataConfig, splits: Sequence[str]) -> Iterator[Example]:
    return chain.from_iterable(read_split(config, split) for split in splits)


def _threads() -> int:
    return os.cpu_count() or 1
