"""SentencePiece (Kudo and Richardson 2018): pieces of words, learnt from raw text, and text again from pieces.

Text goes in as it is (normalisation "identity"), except for spaces: those at the ends are dropped and
several in a row are one, as SentencePiece does by default. With byte fallback every other text comes back
exactly, but for U+2581, which is SentencePiece's own sign for a space and comes back as one.

No piece reaches over a space, and BPE merges the pieces of a word without a look at its neighbours, so many texts are
encoded word by word, each word once: the same ids at a multiple of the speed. The unigram model adds up floats along
the sentence, whose last bits may decide a tie, so it always sees the sentence whole.
"""

import io
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

from seq2seq.data.symbols import SILENT, SPECIAL_PIECES, UNKNOWN_TEXT, SentencePieceConfig, Tokenizer, valid_unicode
from seq2seq.errors import ConfigError, DataError
from seq2seq.tokens import SPECIAL

LONGEST = 20_000  # bytes; a longer line teaches the pieces nothing and costs much
SPACE = "\N{LOWER ONE EIGHTH BLOCK}"  # SentencePiece's sign for it
WORDS = 1 << 17  # that are remembered, about 30 MB
LONG = 40  # characters of a word that is not worth remembering
THREADS = 4  # a constant, because the sums of the unigram model's training depend on it

logger = logging.getLogger(__name__)


class SentencePieceTokenizer(Tokenizer):
    """A SentencePiece model, unigram or BPE."""

    kind = "sentencepiece"
    ending = "model"

    def __init__(self, model: bytes) -> None:
        self._model = model
        self._processor = SentencePieceProcessor()
        self._processor.LoadFromSerializedProto(model)
        self._words: dict[str, list[int]] = {}

    def __reduce__(self) -> tuple[type["SentencePieceTokenizer"], tuple[bytes]]:
        return type(self), (self._model,)

    @property
    def size(self) -> int:
        return int(self._processor.get_piece_size())

    def encode(self, text: str) -> list[int]:
        ids: list[int] = self._processor.encode(valid_unicode(text))
        return ids

    def encode_all(self, texts: Sequence[str], *, threads: int = 1) -> list[list[int]]:
        if self._by_words:
            return [self._encode_words(valid_unicode(text)) for text in texts]
        ids: list[list[int]] = self._processor.encode(list(map(valid_unicode, texts)), num_threads=threads)
        return ids

    def _encode_words(self, text: str) -> list[int]:
        if SPACE in text:  # which may end a word, and is then taken for a space that ends the sentence
            return self.encode(text)
        ids: list[int] = []
        known = self._words
        for word in text.split(" "):
            ids += known.get(word) or self._encode_word(word)
        return ids

    def _encode_word(self, word: str) -> list[int]:
        ids: list[int] = self._processor.encode(word)
        if len(self._words) < WORDS and len(word) <= LONG:
            self._words[word] = ids
        return ids

    @cached_property
    def _by_words(self) -> bool:
        """Whether this is a BPE model, whose scores are ranks, and no piece of it reaches over a space."""
        numbers = range(self.size)
        ranks = all(self._processor.get_score(index).is_integer() for index in numbers)
        return ranks and not any(SPACE in self._processor.id_to_piece(index)[1:] for index in numbers)

    def decode(self, ids: Iterable[int]) -> str:
        text: str = self._processor.decode([int(index) for index in ids if index not in SILENT])
        return text

    def pieces(self, ids: Iterable[int]) -> list[str]:
        pieces: list[str] = self._processor.id_to_piece([int(index) for index in ids])
        return pieces

    @property
    def content(self) -> bytes:
        return self._model

    @classmethod
    def restore(cls, content: bytes) -> "SentencePieceTokenizer":
        try:
            return cls(content)
        except RuntimeError as error:
            raise ValueError("not a SentencePiece model") from error


def learn_pieces(config: SentencePieceConfig, texts: Iterable[str]) -> SentencePieceTokenizer:
    """A tokenizer learnt from `texts`, the same for the same texts.

    Where they do not yield as many pieces as asked for it is smaller, with a warning; raises ConfigError
    when fewer were asked for than there are characters, and DataError when there is no text.
    """
    model = io.BytesIO()
    try:
        SentencePieceTrainer.train(
            sentence_iterator=_short_enough(texts),
            model_writer=model,
            model_type=config.kind,
            vocab_size=config.vocabulary,
            hard_vocab_limit=False,
            character_coverage=config.character_coverage,
            byte_fallback=config.byte_fallback,
            normalization_rule_name="identity",
            max_sentence_length=LONGEST,
            pad_id=SPECIAL.padding,
            bos_id=SPECIAL.start,
            eos_id=SPECIAL.end,
            unk_id=SPECIAL.unknown,
            pad_piece=SPECIAL_PIECES[SPECIAL.padding],
            unk_surface=UNKNOWN_TEXT,
            num_threads=THREADS,
            minloglevel=2,  # errors only
        )
    except RuntimeError as error:
        raise _explained(error, config) from error
    tokenizer = SentencePieceTokenizer(model.getvalue())
    if tokenizer.size < config.vocabulary:
        logger.warning(
            "tokenizer: vocabulary of %d pieces instead of %d: the text yields no more",
            tokenizer.size,
            config.vocabulary,
        )
    return tokenizer


def _short_enough(texts: Iterable[str]) -> Iterator[str]:
    left_out = 0
    for text in texts:
        if len(text.encode("utf-8")) <= LONGEST:
            yield text
        else:
            left_out += 1
    if left_out:
        logger.warning("tokenizer: %d lines of more than %d bytes are not learnt from", left_out, LONGEST)


def _explained(error: RuntimeError, config: SentencePieceConfig) -> Exception:
    message = str(error)
    if found := re.search(r"smaller than required_chars\. \d+ vs (\d+)", message):
        return ConfigError(
            f"tokenizer: vocabulary: must be at least {found[1]}, which the characters of this text take, "
            f"not {config.vocabulary}"
        )
    if "sentences_.empty()" in message or "all_chars_count" in message:
        return DataError("tokenizer: the training text is empty; there is nothing to learn pieces from")
    return error
