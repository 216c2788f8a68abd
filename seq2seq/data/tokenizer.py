"""The tokenizers of a source and a target language: learning, saving and loading them as a pair.

A saved pair is a folder that can be moved: tokenizer.json, which says what each of the two is and holds
checksums, beside a file for each, or one file for both where they are joint.
"""

import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, assert_never

from seq2seq.data.example import Example
from seq2seq.data.subwords import SentencePieceTokenizer, learn_pieces
from seq2seq.data.symbols import (
    ByteConfig,
    ByteTokenizer,
    CharacterConfig,
    CharacterTokenizer,
    SentencePieceConfig,
    Tokenizer,
    TokenizerConfig,
)
from seq2seq.errors import CheckpointError
from seq2seq.files import replacing, write_text

__all__ = [
    "ByteConfig",
    "ByteTokenizer",
    "CharacterConfig",
    "CharacterTokenizer",
    "SentencePieceConfig",
    "SentencePieceTokenizer",
    "Tokenizer",
    "TokenizerConfig",
    "TokenizerPair",
    "train_tokenizers",
]

FORMAT = 1
INDEX = "tokenizer.json"
KINDS: dict[str, type[Tokenizer]] = {
    kind.kind: kind for kind in (ByteTokenizer, CharacterTokenizer, SentencePieceTokenizer)
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TokenizerPair:
    """The tokenizers of both sides; `joint` when they are one and ids mean the same on both."""

    source: Tokenizer
    target: Tokenizer
    joint: bool

    @cached_property
    def fingerprint(self) -> str:
        """Equal for two pairs only if they encode and decode alike."""
        parts = f"{self.joint} {self.source.fingerprint} {self.target.fingerprint}"
        return hashlib.sha256(parts.encode()).hexdigest()

    def save(self, folder: Path) -> None:
        """Write the pair; the index comes last, so that a folder without it is known to be unfinished."""
        sides = {"both": self.source} if self.joint else {"source": self.source, "target": self.target}
        index: dict[str, Any] = {"format": FORMAT}
        for side, tokenizer in sides.items():
            name = f"{side}.{tokenizer.ending}"
            with replacing(folder / name) as path:
                path.write_bytes(tokenizer.content)
            checksum = hashlib.sha256(tokenizer.content).hexdigest()
            index[side] = {"kind": tokenizer.kind, "size": tokenizer.size, "file": name, "sha256": checksum}
        write_text(folder / INDEX, json.dumps(index, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> "TokenizerPair":
        """The pair that was saved there; raises CheckpointError when part of it is missing or changed."""
        index = _index(folder / INDEX)
        if "both" in index:
            both = _tokenizer(folder, "both", index)
            return cls(both, both, joint=True)
        return cls(_tokenizer(folder, "source", index), _tokenizer(folder, "target", index), joint=False)


def train_tokenizers(config: TokenizerConfig, examples: Iterable[Example]) -> TokenizerPair:
    """Tokenizers learnt from the examples, the same for the same examples; both sides' text makes a joint one."""
    match config:
        case ByteConfig():
            both: Tokenizer = ByteTokenizer()
            return TokenizerPair(both, both, joint=True)
        case CharacterConfig():
            return _learn_characters(config, examples)
        case SentencePieceConfig():
            return _learn_pieces(config, examples)
        case _:
            assert_never(config)


def _learn_characters(config: CharacterConfig, examples: Iterable[Example]) -> TokenizerPair:
    sources: set[str] = set()
    targets: set[str] = set()
    for example in examples:
        sources.update(example.source)
        targets.update(example.target)
    if config.joint:
        both = CharacterTokenizer.learn(sources | targets)
        return TokenizerPair(both, both, joint=True)
    return TokenizerPair(CharacterTokenizer.learn(sources), CharacterTokenizer.learn(targets), joint=False)


def _learn_pieces(config: SentencePieceConfig, examples: Iterable[Example]) -> TokenizerPair:
    sample = _evenly(examples, config.sentences)
    sources = [example.source for example in sample]
    targets = [example.target for example in sample]
    if config.joint:
        both = learn_pieces(config, [*sources, *targets])
        return TokenizerPair(both, both, joint=True)
    return TokenizerPair(learn_pieces(config, sources), learn_pieces(config, targets), joint=False)


def _evenly(examples: Iterable[Example], limit: int) -> list[Example]:
    """At most `limit` of the examples, every k-th for the smallest power of two k that allows it."""
    kept: list[Example] = []
    step = 1
    for number, example in enumerate(examples):
        if number % step == 0:
            kept.append(example)
            if len(kept) > limit:
                kept = kept[::2]
                step *= 2
    if step > 1:
        logger.info("tokenizer: learns from every %dth pair, %d in all", step, len(kept))
    return kept


def _index(path: Path) -> dict[str, Any]:
    try:
        index = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file; a tokenizer's folder holds one") from None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from None
    except ValueError as error:
        raise CheckpointError(f"{path}: not JSON ({error}); {_REMEDY}") from None
    if not isinstance(index, dict) or "format" not in index:
        raise CheckpointError(f"{path}: not the index of a tokenizer; {_REMEDY}")
    if index["format"] != FORMAT:
        raise CheckpointError(
            f"{path}: format must be {FORMAT}, not {index['format']!r}; use the version that wrote it"
        )
    return index


def _tokenizer(folder: Path, side: str, index: dict[str, Any]) -> Tokenizer:
    try:
        entry = index[side]
        kind, name, checksum = KINDS[entry["kind"]], Path(entry["file"]).name, entry["sha256"]
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{folder / INDEX}: {side}: broken at {error}; {_REMEDY}") from None
    path = folder / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error}); {_REMEDY}") from None
    actual = hashlib.sha256(content).hexdigest()
    if actual != checksum:
        raise CheckpointError(f"{path}: damaged (SHA-256 must be {checksum}, not {actual}); {_REMEDY}")
    try:
        return kind.restore(content)
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}; {_REMEDY}") from None


_REMEDY = "copy the folder again from where it was whole"
