"""Pronoun sentences: what "it" stands for decides whether German says er, sie or es.

"The blue trophy did not fit on the shelf because it was too big": the adjective tells which of two things of
different gender is meant (after Winograd's schemas; Levesque, Davis and Morgenstern 2012). In some sentences
there is a single thing that can be meant. What is put between noun and pronoun controls their distance.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from seq2seq.data.grammar.clauses import PERSON
from seq2seq.data.grammar.inflection import ACCUSATIVE, DATIVE, GENITIVE
from seq2seq.data.grammar.lexicon import Adjective, Noun, Verb, lexicon
from seq2seq.data.grammar.pairs import COLOR, adjectives_of, is_reserved, verbs_by, verbs_with_object
from seq2seq.data.grammar.phrases import DEFINITE
from seq2seq.data.grammar.sentences import Sentences
from seq2seq.data.grammar.syntax import (
    PAST, PERFECT, PLUPERFECT, PRESENT, Clause, Fixed, Gap, Modal, NounPhrase, Prepositional, Pronoun, Quality,
    Relative, Sentence, Subordinate,
)  # fmt: skip

_SINGLE = 0.25  # of all pronoun sentences, those with one thing that can be meant
_NEUTRAL = frozenset("beautiful new old modern expensive dirty clean".split())
"""Adjectives, beside colors, that may go before a noun without telling which is meant."""


@dataclass(frozen=True)
class Scene:
    """An event with two things; what is said of `it` can be true of one of them only."""

    verb: tuple[str, str]
    first_is: str
    """subject or accusative."""
    first: frozenset[str]
    second: frozenset[str]
    second_is: str
    """accusative, or the place in the clause of a preposition with the second thing."""
    preposition: tuple[str, str, int]
    of_first: tuple[str, ...]
    of_second: tuple[str, ...]
    modal: Modal | None = None
    happens: bool = False
    """Whether it happened; otherwise it is said that it did not."""


class Drawn(NamedTuple):
    """A tree, and where it has one the pronoun and the noun that it stands for."""

    tree: Sentence
    antecedent: NounPhrase | None
    pronoun: Pronoun | None


def _scene(verb: str, first_is: str, first: str, second: str, second_is: str, of_first: str, of_second: str) -> Scene:
    base, frame, *modal = verb.split("/")
    place, _, words = second_is.partition(" ")
    english, german, case = words.split("/") if words else ("", "", "acc")
    return Scene(
        (base, frame),
        first_is,
        frozenset(first.split()),
        frozenset(second.split()),
        place,
        (english, german, {"acc": ACCUSATIVE, "dat": DATIVE, "gen": GENITIVE}[case]),
        tuple(of_first.split()),
        tuple(of_second.split()),
        Modal("can", "konnte") if "can" in modal else None,
        "happens" in modal,
    )


# verb; what the first thing is, its classes; classes of the second thing and what it is; the adjectives of each
_SCENES = (
    _scene("fit/scene", "subject", "thing", "holder", "goal into/in/acc", "big wide thick", "small narrow full"),
    _scene("fit/scene", "subject", "thing", "support", "goal on/auf/acc", "big wide heavy", "small narrow weak"),
    _scene("fit/scene", "subject", "holder upright", "table bed sofa bench", "goal under/unter/acc", "big high", "low small"),
    _scene("fit/scene", "subject", "furniture", "way", "goal through/durch/acc", "big wide", "narrow small low"),
    _scene("put/put/can", "accusative", "upright flat", "support", "goal on/auf/acc", "heavy big", "weak high full"),
    _scene("drive/go/can", "subject", "car truck bus bicycle", "bridge street", "goal over/über/acc", "heavy wide big", "weak narrow old"),
    _scene("cut/scene/can", "accusative", "food carpet", "tool", "company with/mit/dat", "hard thick", "blunt small"),
    _scene("damage/scene/happens", "subject", "stone ball box suitcase bicycle car", "fragile furniture", "accusative", "hard heavy big", "thin old weak"),
    _scene("buy/acc/happens", "accusative", "goods", "goods", "benefit instead+of/statt/gen", "cheaper better newer lighter", "expensive old heavy ugly"),
)  # fmt: skip
_SINGLE_VERBS = ("buy", "sell", "clean", "wash", "repair", "throw", "eat", "read", "try")


class PronounSentences(Sentences):
    """Draws pronoun sentences."""

    def pronoun_sentence(self) -> Drawn:
        if self.chance(_SINGLE):
            return self._single()
        scene = self.pick(_SCENES)
        first, second = self._two_things(scene)
        tense = PAST if self.chance(0.75) else PRESENT
        is_although = scene.verb[0] == "fit" and self.chance(0.2)
        clause = self._event(scene, first, second, tense)
        clause.is_negated = not (scene.happens or is_although)
        meant, names = (first, scene.of_first) if self.chance(0.5) else (second, scene.of_second)
        adjective, degree = _named(self.pick(names))
        self._lengthen(clause, scene, first, second)
        pronoun = Pronoun("it", meant.noun.gender)
        state = Clause(pronoun, lexicon().verb("be", "be"), tense)
        state.quality = Quality(adjective, "very" if is_although else degree)
        english, german = ("although", "obwohl") if is_although else ("because", "weil")
        return Drawn(Sentence(clause, tail=Subordinate(english, german, state)), meant, pronoun)

    def _two_things(self, scene: Scene) -> tuple[NounPhrase, NounPhrase]:
        """Two nouns of different gender; neither makes a reserved pair with the verb."""
        verbs = _verbs(*scene.verb)
        firsts, seconds = (lexicon().nouns_of(classes) for classes in (scene.first, scene.second))
        while True:
            first, second = self.pick(firsts), self.pick(seconds)
            objects = [
                noun for noun, is_what in ((first, scene.first_is), (second, scene.second_is)) if is_what == "accusative"
            ]
            if first.gender != second.gender and not any(is_reserved(v.name, n.english[0]) for v in verbs for n in objects):
                return self._candidate(first), self._candidate(second)

    def _candidate(self, noun: Noun) -> NounPhrase:
        phrase = NounPhrase(self.determiner(DEFINITE, noun), noun)
        if self.chance(self.style.adjective):
            neutral = _neutral_adjectives(noun)
            if neutral:
                phrase.adjectives = (self.pick(neutral),)
        return phrase

    def _event(self, scene: Scene, first: NounPhrase, second: NounPhrase, tense: str) -> Clause:
        verb = _verb_for(scene, first.noun)
        subject = first if scene.first_is == "subject" else self.subject(PERSON)
        while isinstance(subject, NounPhrase) and (subject.determiner.is_quantity or subject.determiner.singular == "a"):
            subject = self.subject(PERSON)
        clause = Clause(subject, verb, tense)
        if scene.first_is == "accusative":
            clause.accusative = first
        if scene.modal:
            clause.modal = scene.modal if tense == PAST else Modal("can", "kann")
        if scene.second_is == "accusative":
            clause.accusative = second
        else:
            english, german, case = scene.preposition
            setattr(clause, scene.second_is, Prepositional(english.replace("+", " "), german, case, second))
        if verb.past_looks_present and tense == PAST and clause.person != "3s" and not clause.modal:
            clause.tense = PERFECT
        return clause

    def _lengthen(self, clause: Clause, scene: Scene, first: NounPhrase, second: NounPhrase) -> None:
        """Put things between: a time, and relative clauses where they do not separate what belongs together."""
        is_past = clause.tense == PAST
        can_follow = scene.second_is in ("goal", "accusative")
        if can_follow and verbs_with_object(second.noun).free and self.chance(0.4):
            second.relative = self._history(second.noun)
        elif scene.first_is == "subject" and verbs_with_object(first.noun).free and self.chance(0.2):
            first.relative = self._history(first.noun)
        if is_past and self.chance(0.35):
            clause.time = self.time("past") if self.chance(0.7) else Fixed(self.pick(lexicon().adverbials_of("past")))
            if second.relative or self.chance(0.3):
                clause.front = "time"

    def _history(self, noun: Noun) -> Relative:
        """that someone had bought, perhaps with where and when."""
        verbs = [verb for verb in verbs_with_object(noun).free if verb.is_voluntary or verb.base[0] == "find"]
        verb = self.pick(verbs or verbs_with_object(noun).free)
        clause = Clause(self.subject(PERSON), verb, PLUPERFECT, accusative=Gap())
        if verb.places and self.chance(0.35):
            clause.place = self.place(verb.places)
        if self.chance(0.35):
            clause.time = Fixed(self.pick(lexicon().adverbials_of("past")))
        return Relative("that", ACCUSATIVE, clause)

    def _single(self) -> Drawn:
        """One thing, or one animal, that can be meant."""
        if self.chance(0.3):
            noun = self.pick(lexicon().nouns_of(frozenset({"animal"})))
            thing = self._candidate(noun)
            clause = self.action("past", thing, noun.classes)
            while clause.accusative or clause.goal or clause.dative:
                clause = self.action("past", thing, noun.classes)
        else:
            verb = self.pick([v for v in verbs_by("acc", PERSON) if v.base[0] in _SINGLE_VERBS])
            noun = self.pick([n for n in lexicon().nouns_of(verb.objects) if _can_be_it(verb, n)])
            thing = self._candidate(noun)
            subject = self.subject(PERSON)
            while isinstance(subject, NounPhrase) and subject.determiner.is_quantity:
                subject = self.subject(PERSON)
            clause = Clause(subject, verb, PAST, accusative=thing)
            if verb.past_looks_present and clause.person != "3s":
                clause.tense = PERFECT
            if self.chance(0.4):
                thing.relative = self._history(noun)
        if clause.tense == PAST and self.chance(0.3):
            clause.time = self.time("past")
            clause.front = "time" if thing.relative or self.chance(0.4) else "subject"
        if self.chance(0.25):
            self.negate(clause)
        pronoun = Pronoun("it", noun.gender)
        state = Clause(pronoun, lexicon().verb("be", "be"), PAST)
        adjective = self.pick([a for a in adjectives_of(noun).free if a not in thing.adjectives])
        english, german = self.pick((("because", "weil"), ("because", "weil"), ("although", "obwohl")))
        degrees = ("", "very") if english == "although" else ("", "very", "too")
        state.quality = Quality(adjective, self.pick(degrees) if adjective.german_comparative != "-" else "")
        return Drawn(Sentence(clause, tail=Subordinate(english, german, state)), thing, pronoun)


@cache
def _named(word: str) -> tuple[Adjective, str]:
    """The adjective, and more for a comparative, too for any other."""
    for adjective in lexicon().adjectives:
        if word in (adjective.english, adjective.comparative):
            return adjective, "too" if word == adjective.english else "more"
    raise AssertionError(word)


@cache
def _verbs(base: str, frame: str) -> tuple[Verb, ...]:
    return tuple(verb for verb in lexicon().verbs if verb.base[0] == base and verb.frame == frame)


def _verb_for(scene: Scene, noun: Noun) -> Verb:
    """The verb; for put, stellen or legen by what is put."""
    verbs = _verbs(*scene.verb)
    return next((verb for verb in verbs if verb.objects & noun.classes), verbs[0])


@cache
def _neutral_adjectives(noun: Noun) -> tuple[Adjective, ...]:
    fitting = adjectives_of(noun).free
    return tuple(a for a in fitting if a.order == COLOR or a.english in _NEUTRAL)


@cache
def _can_be_it(verb: Verb, noun: Noun) -> bool:
    """Whether it can only be the noun, and enough can be said of it."""
    is_thing = not noun.classes & {"person", "animal"}
    return is_thing and len(adjectives_of(noun).free) > 2 and not is_reserved(verb.name, noun.english[0])
