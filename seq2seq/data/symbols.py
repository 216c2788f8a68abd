"""What a tokenizer is, and the two that need little learning: characters and bytes.

Every kind keeps `seq2seq.tokens.SPECIAL` for the ids that stand for no text, and none of them normalises.
Bytes come back exactly. Characters do where training saw them; others are read as `unknown` and written
as U+FFFD. SentencePiece is described in `seq2seq.data.subwords`.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from seq2seq.config import Config
from seq2seq.errors import DataError
from seq2seq.tokens import SPECIAL

SPECIAL_PIECES = ("<pad>", "<s>", "</s>", "<unk>")  # in the order of their ids
UNKNOWN_TEXT = "\N{REPLACEMENT CHARACTER}"
SILENT = frozenset({SPECIAL.padding, SPECIAL.start, SPECIAL.end})


class SentencePieceConfig(Config):
    """Pieces of words, learnt from the text (Kudo 2018; Sennrich et al. 2016)."""

    kind: Literal["unigram", "bpe"] = "unigram"
    vocabulary: Annotated[int, Field(ge=8)] = 8000
    """Pieces, the special ones and the 256 bytes among them; fewer where the text does not yield as many."""
    joint: bool = True
    """One vocabulary for both languages, as shared embeddings need it."""
    character_coverage: Annotated[float, Field(gt=0.9, le=1)] = 1.0
    """Share of the text's characters that get a piece of their own; the rest are spelt in bytes."""
    byte_fallback: bool = True
    """Spell unseen characters in bytes; without it they are read as unknown."""
    sentences: Annotated[int, Field(ge=1)] = 250_000
    """Pairs to learn from, taken evenly from a longer text; a million would take gigabytes of memory."""


class CharacterConfig(Config):
    """The characters of the text."""

    kind: Literal["char"] = "char"
    joint: bool = True
    """One vocabulary for both languages, as shared embeddings need it."""


class ByteConfig(Config):
    """The 256 bytes of UTF-8: nothing to learn, nothing unknown."""

    kind: Literal["byte"] = "byte"


TokenizerConfig = Annotated[SentencePieceConfig | CharacterConfig | ByteConfig, Field(discriminator="kind")]


class Tokenizer(ABC):
    """What is asked of every kind; ids never hold start, end or padding unless the caller put them there."""

    kind: ClassVar[str]
    ending: ClassVar[str]  # of its file

    @property
    @abstractmethod
    def size(self) -> int:
        """Ids run from 0 to `size` - 1, the special ones among them."""

    @abstractmethod
    def encode(self, text: str) -> list[int]: ...

    @abstractmethod
    def decode(self, ids: Iterable[int]) -> str:
        """The text; start, end and padding are skipped, unknown becomes U+FFFD."""

    @abstractmethod
    def pieces(self, ids: Iterable[int]) -> list[str]:
        """How each id is shown to people."""

    @property
    @abstractmethod
    def content(self) -> bytes:
        """All that it is made of; `restore` makes an equal one of it."""

    @classmethod
    @abstractmethod
    def restore(cls, content: bytes) -> "Tokenizer":
        """Raises ValueError when the content is broken."""

    def encode_all(self, texts: Sequence[str], *, threads: int = 1) -> list[list[int]]:  # noqa: ARG002
        """`encode` of each, faster where a kind knows how."""
        return [self.encode(text) for text in texts]

    @cached_property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.kind.encode() + b"\0" + self.content).hexdigest()


_BYTES = [b"", b"", b"", UNKNOWN_TEXT.encode(), *(bytes([byte]) for byte in range(256))]  # of each id


class ByteTokenizer(Tokenizer):
    """An id for each byte of UTF-8."""

    kind = "byte"
    ending = "bytes"
    size = len(SPECIAL) + 256

    def encode(self, text: str) -> list[int]:
        return [byte + len(SPECIAL) for byte in valid_unicode(text).encode("utf-8")]

    def decode(self, ids: Iterable[int]) -> str:
        """The text; bytes that are no UTF-8, as a model may write them, become U+FFFD."""
        return b"".join([_BYTES[index] for index in ids]).decode("utf-8", errors="replace")

    def pieces(self, ids: Iterable[int]) -> list[str]:
        return [SPECIAL_PIECES[index] if index < len(SPECIAL) else _shown(index - len(SPECIAL)) for index in ids]

    @property
    def content(self) -> bytes:
        return b""

    @classmethod
    def restore(cls, content: bytes) -> "ByteTokenizer":
        if content:
            raise ValueError("a byte tokenizer has no content")
        return cls()


class CharacterTokenizer(Tokenizer):
    """An id for each of a list of characters."""

    kind = "char"
    ending = "characters.json"

    def __init__(self, characters: Iterable[str]) -> None:
        self._characters = [*SPECIAL_PIECES, *characters]
        self._ids = {character: index for index, character in enumerate(self._characters)}
        self._texts = ["", "", "", UNKNOWN_TEXT, *self._characters[len(SPECIAL) :]]

    @classmethod
    def learn(cls, texts: Iterable[str]) -> "CharacterTokenizer":
        """Of all characters of the texts, in the order of their code points."""
        seen: set[str] = set()
        for text in texts:
            seen.update(valid_unicode(text))
        return cls(sorted(seen))

    @property
    def size(self) -> int:
        return len(self._characters)

    def encode(self, text: str) -> list[int]:
        return [self._ids.get(character, SPECIAL.unknown) for character in text]

    def decode(self, ids: Iterable[int]) -> str:
        return "".join(self._texts[index] for index in ids)

    def pieces(self, ids: Iterable[int]) -> list[str]:
        return [self._characters[index] for index in ids]

    @property
    def content(self) -> bytes:
        return json.dumps(self._characters[len(SPECIAL) :]).encode()

    @classmethod
    def restore(cls, content: bytes) -> "CharacterTokenizer":
        characters = json.loads(content)
        if not isinstance(characters, list) or not all(isinstance(one, str) and len(one) == 1 for one in characters):
            raise ValueError("not a list of characters")
        return cls(characters)


def valid_unicode(text: str) -> str:
    """`text` itself; raises DataError when it holds half a surrogate pair, which no encoding can express."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        code = f"U+{ord(text[error.start]):04X}"
        raise DataError(f"text: character {error.start + 1} is {code}, half a character; mend the input") from None
    return text


def _shown(byte: int) -> str:
    return chr(byte) if 0x20 < byte < 0x7F else f"<0x{byte:02X}>"
