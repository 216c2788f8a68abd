"""Telling texts apart without reading them line by line.

A split of files is known by their bytes; text from the Hub by itself; text that the toolkit makes by the
settings and the code that it is made with, because to make it only to see that it is the same would take
longer than all else that is needed to start. A file is hashed once in a process, and again in the next: that takes
a second or two a gigabyte, and believing its date instead would now and then train on other text than was asked for.
"""

import hashlib
import sys
from functools import cache, lru_cache
from pathlib import Path

from seq2seq.data.corpus import (
    DataConfig,
    FilesCorpus,
    GrammarCorpus,
    HubCorpus,
    ToyCorpus,
    read_split,
    split_files,
    split_size,
)
from seq2seq.errors import DataError

LARGE = 64 << 20  # bytes from which on a file's digest is remembered while the process lasts


def digest(config: DataConfig, split: str) -> str:
    """A fingerprint of a split: two of them are equal only if `read_split` gives the same examples."""
    fingerprint = hashlib.sha256()
    corpus = config.corpus
    match corpus:
        case FilesCorpus():
            files = split_files(config, corpus, split)
            fingerprint.update(repr((files.form, config.source, config.target)).encode())
            for path in files.paths:
                fingerprint.update(_file_digest(path) + path.suffix.encode())
        case HubCorpus():
            for example in read_split(config, split):
                fingerprint.update(f"{len(example.source)} {example.source} {example.target}\n".encode())
        case ToyCorpus() | GrammarCorpus():
            settings = corpus.model_dump(mode="json", exclude={"sizes"})
            made = (settings, split, split_size(corpus.sizes, split), sys.version_info[:2], _makers())
            fingerprint.update(repr(made).encode())
    return fingerprint.hexdigest()


@cache
def _makers() -> str:
    """A fingerprint of the code and the word lists that the toolkit makes text with."""
    here = Path(__file__).parent
    files = [
        here / "example.py",
        here / "toy.py",
        *(here / "grammar").rglob("*.py"),
        *(here / "grammar").rglob("*.txt"),
    ]
    return hashlib.sha256(b"".join(_file_digest(path) for path in sorted(files))).hexdigest()


def _file_digest(path: Path) -> bytes:
    try:
        status = path.stat()
        if status.st_size < LARGE:
            return _content_digest(path)
        return _large_digest(path, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None


@lru_cache(maxsize=64)
def _large_digest(path: Path, inode: int, size: int, modified: int, changed: int) -> bytes:  # noqa: ARG001
    """What `path` held when its status was this; it takes longer to write as much again than clocks take to tick."""
    return _content_digest(path)


def _content_digest(path: Path) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()
