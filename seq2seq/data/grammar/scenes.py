"""The events of pronoun sentences, read from scenes.txt: two things, and what can be true of one of them only."""

from dataclasses import dataclass
from functools import cache

from seq2seq.data.grammar.inflection import ACCUSATIVE, DATIVE, GENITIVE
from seq2seq.data.grammar.lexicon import Adjective, Noun, Verb, classes_of, lexicon, lines_of
from seq2seq.data.grammar.pairs import is_reserved
from seq2seq.data.grammar.syntax import NounPhrase, Prepositional

_CASES = {"acc": ACCUSATIVE, "dat": DATIVE, "gen": GENITIVE}


@dataclass(frozen=True)
class Said:
    """An adjective as it is said of a thing: cheaper, or too big."""

    adjective: Adjective
    degree: str


@dataclass(frozen=True, eq=False)
class Scene:
    """An event with two things."""

    verbs: tuple[Verb, ...]
    first_is: str
    first: frozenset[str]
    second_is: str
    preposition: tuple[str, str, int] | None
    second: frozenset[str]
    of_first: tuple[Said, ...]
    of_second: tuple[Said, ...]
    told: str

    def verb_for(self, noun: Noun) -> Verb:
        """The verb; to put is stellen or legen, by what is put."""
        return next((verb for verb in self.verbs if verb.objects & noun.classes), self.verbs[0])

    def allows(self, first: Noun, second: Noun) -> bool:
        """Whether the pronoun tells the two apart, and neither makes a reserved pair with the verb."""
        if first.gender == second.gender:
            return False
        places = ((first, self.first_is), (second, self.second_is))
        objects = [noun for noun, place in places if place == "accusative"]
        return not any(is_reserved(self.verb_for(first).name, noun.english[0]) for noun in objects)

    def second_phrase(self, phrase: NounPhrase) -> NounPhrase | Prepositional:
        """What stands in the slot of the second thing."""
        if not self.preposition:
            return phrase
        english, german, case = self.preposition
        return Prepositional(english, german, case, phrase)


@cache
def scenes() -> tuple[Scene, ...]:
    """All scenes, in the order of the table."""
    return tuple(_scene(line.split()) for line in lines_of("scenes.txt"))


def _scene(cells: list[str]) -> Scene:
    base, frame, first_is, first, second_is, second, of_first, of_second, told = cells
    place, *words = second_is.replace("+", " ").split("/")
    return Scene(
        tuple(verb for verb in lexicon().verbs_of(frame) if verb.base[0] == base),
        first_is,
        classes_of(first),
        place,
        (words[0], words[1], _CASES[words[2]]) if words else None,
        classes_of(second),
        tuple(map(_said, of_first.split(","))),
        tuple(map(_said, of_second.split(","))),
        told,
    )


def _said(word: str) -> Said:
    for adjective in lexicon().adjectives:
        if word == adjective.english:
            return Said(adjective, "too")
        if word == adjective.comparative:
            return Said(adjective, "more")
    raise AssertionError(f"scenes.txt: no adjective {word}")
