"""A synchronous grammar of our own: English sentences with German translations.

A tree is drawn at random (`sentences`, `pronouns`), each language is written from it (`english`, `german`), and
words that come from the same part of the tree are aligned. The translation is a function of the source:
whatever German needs to know is in the English sentence. The page docs/grammar.md tells what is made.
"""

import random
from collections.abc import Iterator
from itertools import islice

from seq2seq.config import unknown
from seq2seq.data.example import Example, Probe
from seq2seq.data.grammar import english, german
from seq2seq.data.grammar.draw import NORMAL, RICH
from seq2seq.data.grammar.pronouns import Drawn, PronounSentences
from seq2seq.data.grammar.splits import SPLITS, holds_reserved_pair, split_of
from seq2seq.data.grammar.words import Word, aligned, written
from seq2seq.errors import DataError

__all__ = ["SPLITS", "grammar_examples"]

_PRONOUN_SHARE = 0.13  # of the sentences drawn for train, valid and test


def grammar_examples(split: str, *, count: int, seed: int) -> Iterator[Example]:
    """`count` sentence pairs of a split; the first ones do not depend on `count`.

    Only train may hold a sentence twice. Raises DataError for a split that does not exist.
    """
    if split not in SPLITS:
        raise DataError(f"grammar corpus: {unknown('split', split, SPLITS)}")
    return islice(_examples(split, seed), count)


def _examples(split: str, seed: int) -> Iterator[Example]:
    generator = random.Random(f"grammar {split} {seed}")  # a string seeds alike in every process
    is_unseen = split == "test_unseen"  # elsewhere no reserved pair is ever drawn
    draw = PronounSentences(generator, RICH if split == "test_long" else NORMAL, wants_reserved=is_unseen)
    given: set[str] = set()
    while True:
        drawn = _drawn(draw, split)
        end = "?" if drawn.tree.question else "."
        source, words = written(english.sentence(drawn.tree), end)
        has_reserved = is_unseen and holds_reserved_pair(words)
        if split_of(source, has_probe=drawn.pronoun is not None, has_reserved=has_reserved) != split or source in given:
            continue
        if split != "train":
            given.add(source)
        target, target_words = written(german.sentence(drawn.tree), end)
        yield Example(source, target, aligned(words, target_words), _probe(drawn, target_words))


def _drawn(draw: PronounSentences, split: str) -> Drawn:
    if split == "test_pronoun" or (split in ("train", "valid", "test") and draw.chance(_PRONOUN_SHARE)):
        return draw.pronoun_sentence()
    return Drawn(draw.long_sentence() if split == "test_long" else draw.sentence())


def _probe(drawn: Drawn, words: list[Word]) -> Probe | None:
    if drawn.pronoun is None:
        return None
    noun, position = (
        next(index for index, word in enumerate(words) if (node, "noun") in word.links)
        for node in (drawn.antecedent, drawn.pronoun)
    )
    return Probe(words[position].text, position, position - noun - 1)
