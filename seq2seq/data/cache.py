"""Tokenizers and tokenised text, made once and kept in a folder keyed by content.

A key is a hash of the text itself, of the settings and, for tokenised text, of the tokenizers: whatever
changes, another entry is made, and none is ever out of date. An entry is checked whole whenever it is
opened (a gigabyte takes a second or two), and a damaged one is made anew with a warning.
"""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from seq2seq.data.corpus import DataConfig, read_split
from seq2seq.data.entries import explained, kept
from seq2seq.data.example import Example
from seq2seq.data.filters import FilterReport
from seq2seq.data.fingerprint import digest
from seq2seq.data.preparation import Encoder, Watch, available_cores, prepare
from seq2seq.data.tokenized import FORMAT, TokenizedSplit, load_split
from seq2seq.data.tokenizer import TokenizerConfig, TokenizerPair, train_tokenizers
from seq2seq.errors import DataError

logger = logging.getLogger(__name__)

__all__ = ["TokenizedSplit", "cache_folder", "cached_tokenizers", "tokenize_split"]


def cache_folder() -> Path | None:
    """$SEQ2SEQ_CACHE, else $XDG_CACHE_HOME/seq2seq, else ~/.cache/seq2seq.

    None, with a warning, when nobody named a folder and none can be written at home.
    """
    if own := os.environ.get("SEQ2SEQ_CACHE"):
        return Path(own).expanduser()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "seq2seq"
    usual = Path.home() / ".cache" / "seq2seq"
    return usual if _may_be_written(usual) else None


@lru_cache
def _may_be_written(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError as error:
        logger.warning(
            "%s: cannot be written (%s), so text is prepared anew each time; set SEQ2SEQ_CACHE to another folder",
            folder,
            error.strerror,
        )
        return False


def cached_tokenizers(config: TokenizerConfig, data: DataConfig, cache: Path | None) -> TokenizerPair:
    """Tokenizers learnt from the training text; without a `cache` they are learnt anew."""
    splits = _names(data.train)
    if cache is None:
        return train_tokenizers(config, _examples(data, splits))
    key = _key(config.model_dump(mode="json"), [digest(data, split) for split in splits])

    def build(folder: Path) -> None:
        train_tokenizers(config, _examples(data, splits)).save(folder)

    return kept(cache / "tokenizers" / key, build=build, load=TokenizerPair.load)


def tokenize_split(
    config: DataConfig,
    split: str | Sequence[str],
    tokenizers: TokenizerPair,
    cache: Path | None,
    *,
    apply_filters: bool,
    watch: Watch = lambda _: None,
) -> tuple[TokenizedSplit, FilterReport]:
    """A split, or several in a row, as ids, and what the filters left out of it.

    Without filters every line has its place, empty ones too. Without a `cache` nothing is kept for the
    next time; with one, a preparation that was killed goes on from where it was. `watch` is told of the pairs that
    are done, of none where nothing has to be. Raises DataError when no pair is left.
    """
    splits = _names(split)
    encoder = Encoder(tokenizers, config.filters if apply_filters else None)

    def build(folder: Path) -> None:
        corpora = [read_split(config, name) for name in splits]
        report = prepare(folder, corpora, encoder, workers=available_cores(), watch=watch)
        if report.kept == 0:
            raise DataError(f"{', '.join(splits)}: {report}; loosen data.filters, or look at the text")

    if cache is None:
        with explained(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory(prefix="seq2seq-") as folder:
            build(Path(folder))
            return load_split(Path(folder))  # what is mapped stays there when the name is gone
    filters = config.filters.model_dump(mode="json") if apply_filters else None
    key = _key(filters, [digest(config, name) for name in splits], tokenizers.fingerprint)
    return kept(cache / "tokenized" / key, build=build, load=load_split)


def _key(*parts: Any) -> str:
    return hashlib.sha256(json.dumps([FORMAT, *parts], sort_keys=True).encode()).hexdigest()[:32]


def _names(splits: str | Sequence[str]) -> list[str]:
    return [splits] if isinstance(splits, str) else list(splits)


def _examples(config: DataConfig, splits: Sequence[str]) -> Iterator[Example]:
    return chain.from_iterable(read_split(config, split) for split in splits)
