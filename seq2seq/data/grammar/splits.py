"""Which split a sentence belongs to: decided by the sentence alone, so that the splits cannot overlap.

Longer than 25 words: `test_long`. With a reserved pair of words: `test_unseen`. Of the rest, a hash of
the source gives a tenth each to `valid` and `test`; of pronoun sentences a fifth more to `test_pronoun`.
"""

from collections.abc import Iterator

from seq2seq.data.example import stable_share
from seq2seq.data.grammar.inflection import ACCUSATIVE
from seq2seq.data.grammar.pairs import is_reserved
from seq2seq.data.grammar.syntax import Clause, NounPhrase, Prepositional, Relative
from seq2seq.data.grammar.words import Word

SPLITS = ("train", "valid", "test", "test_long", "test_unseen", "test_pronoun")
SHORTEST, LONGEST, LONGEST_OF_ALL = 3, 25, 45  # source words

_HELD_OUT = 0.1  # of all sentences, for valid and for test each
_HELD_OUT_PRONOUNS = 0.2  # of pronoun sentences


def split_of(source: str, *, has_probe: bool, has_reserved: bool) -> str:
    """The split of a sentence, or "" where none takes it."""
    length = source.count(" ") + 1
    if length < SHORTEST or length > LONGEST_OF_ALL:
        return ""
    if length > LONGEST:
        return "" if has_reserved else "test_long"
    if has_reserved:
        return "test_unseen"
    share = stable_share(source)
    if has_probe:
        if share < _HELD_OUT_PRONOUNS:
            return "test_pronoun"
        share = (share - _HELD_OUT_PRONOUNS) / (1 - _HELD_OUT_PRONOUNS)
    if share < _HELD_OUT:
        return "valid"
    return "test" if share < 2 * _HELD_OUT else "train"


def holds_reserved_pair(words: list[Word]) -> bool:
    """Whether a sentence has an adjective said of a noun, or a verb with an object, that is kept back."""
    return any(is_reserved(*pair) for word in words for node, part in word.links for pair in _pairs(node, part))


def _pairs(node: object, part: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, NounPhrase) and part == "noun":
        noun = node.noun.english[0]
        for adjective in node.adjectives:
            yield adjective.english, noun
        if node.relative:
            yield from _pairs_of_relative(node.relative, noun)
    elif isinstance(node, Clause) and part == "verb":
        yield from _pairs_of_clause(node)


def _pairs_of_relative(relative: Relative, noun: str) -> Iterator[tuple[str, str]]:
    clause = relative.clause
    if relative.case == ACCUSATIVE:
        yield clause.verb.name, noun
    if clause.quality:
        yield clause.quality.adjective.english, relative.possession.english[0] if relative.possession else noun


def _pairs_of_clause(clause: Clause) -> Iterator[tuple[str, str]]:
    if isinstance(clause.accusative, NounPhrase):
        yield clause.verb.name, clause.accusative.noun.english[0]
    goal = clause.goal.nominal if isinstance(clause.goal, Prepositional) else None
    if isinstance(goal, NounPhrase) and "/" in clause.verb.frame:
        yield clause.verb.name, goal.noun.english[0]
    if clause.quality and isinstance(clause.subject, NounPhrase):
        yield clause.quality.adjective.english, clause.subject.noun.english[0]
