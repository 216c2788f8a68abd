"""What goes with what, and the pairs of words that are kept back for the split `test_unseen`.

A pair is an adjective with its noun, or a verb with its object. A hash of the two decides whether it is
reserved, so the same pairs are in every process; no word loses more than half of its partners.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar

from seq2seq.data.example import stable_share
from seq2seq.data.grammar.lexicon import Adjective, Noun, Verb, lexicon

T = TypeVar("T")

RESERVED_SHARE = 0.06
STATE, COLOR = 4, 5  # orders of adjectives


@dataclass(frozen=True)
class Pairs(Generic[T]):
    """What can stand with a word: freely, and reserved for test_unseen."""

    free: tuple[T, ...]
    reserved: tuple[T, ...]


@cache
def is_reserved(word: str, noun: str) -> bool:
    """Whether the pair is kept back: an English adjective or a German infinitive, and an English noun."""
    return stable_share(f"pair {word} {noun}") < RESERVED_SHARE


def _divided(values: Iterable[T], keys: Iterable[tuple[str, str]]) -> Pairs[T]:
    free: list[T] = []
    reserved: list[T] = []
    for value, key in zip(values, keys, strict=True):
        (reserved if is_reserved(*key) else free).append(value)
    if len(free) < len(reserved):
        raise AssertionError(f"more than half of the partners are reserved: {reserved}")
    return Pairs(tuple(free), tuple(reserved))


@cache
def _times(adjective: Adjective) -> int:
    """How often an adjective is listed, so that those that suit few nouns are not too rare."""
    suited = sum(adjective.suits(noun) for noun in lexicon().nouns)
    return 4 if suited < 8 else 2 if suited < 16 else 1


@cache
def adjectives_of(noun: Noun) -> Pairs[Adjective]:
    """The adjectives that suit the noun, some more than once."""
    suiting = [adjective for adjective in lexicon().adjectives if adjective.suits(noun)]
    fitting = [adjective for adjective in suiting for _ in range(_times(adjective))]
    return _divided(fitting, [(adjective.english, noun.english[0]) for adjective in fitting])


@cache
def colors_of(noun: Noun) -> Pairs[Adjective]:
    """The color adjectives among `adjectives_of`."""
    all_of_them = adjectives_of(noun)
    return Pairs(
        tuple(adjective for adjective in all_of_them.free if adjective.order == COLOR),
        tuple(adjective for adjective in all_of_them.reserved if adjective.order == COLOR),
    )


@cache
def comparable_of(noun: Noun) -> Pairs[Adjective]:
    """The adjectives among `adjectives_of` with an English comparative of one word."""
    all_of_them = adjectives_of(noun)
    return Pairs(
        tuple(adjective for adjective in all_of_them.free if adjective.comparative != "-"),
        tuple(adjective for adjective in all_of_them.reserved if adjective.comparative != "-"),
    )


@cache
def objects_of(verb: Verb) -> Pairs[Noun]:
    """The nouns that the verb takes as its object."""
    fitting = lexicon().nouns_of(verb.objects)
    return _divided(fitting, [(verb.name, noun.english[0]) for noun in fitting])


@cache
def verbs_with_object(noun: Noun) -> Pairs[Verb]:
    """The transitive verbs of people that take the noun as their object."""
    fitting = [verb for verb in lexicon().verbs_of("acc") if verb.objects & noun.classes and "person" in verb.subjects]
    return _divided(fitting, [(verb.name, noun.english[0]) for verb in fitting])


@cache
def places_of(classes: frozenset[str]) -> tuple[Noun, ...]:
    """The nouns of the classes that name a place to be at."""
    return tuple(noun for noun in lexicon().nouns_of(classes) if noun.location)


@cache
def goals_of(classes: frozenset[str]) -> tuple[Noun, ...]:
    """The nouns of the classes that name a place to go to; the class "any" stands for all."""
    nouns = lexicon().nouns if "any" in classes else lexicon().nouns_of(classes)
    return tuple(noun for noun in nouns if noun.direction)


@cache
def verbs_by(frame: str, classes: frozenset[str]) -> tuple[Verb, ...]:
    """The verbs of a frame whose subject can be of the classes, those with separable prefixes twice.

    The frame "prep" stands for all that demand a preposition.
    """
    fitting = [
        verb
        for verb in lexicon().verbs
        if verb.subjects & classes and (verb.frame == frame or (frame == "prep" and "/" in verb.frame))
    ]
    return tuple(verb for verb in fitting for _ in range(2 if verb.prefix else 1))
