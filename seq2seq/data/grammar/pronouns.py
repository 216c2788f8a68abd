"""Pronoun sentences: what "it" stands for decides whether German says er, sie or es.

"The blue trophy did not fit on the shelf because it was too big": the adjective tells which of two things of
different gender is meant (after Winograd's schemas; Levesque, Davis and Morgenstern 2012). In some sentences
there is a single thing that can be meant. What is put between noun and pronoun controls their distance.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from seq2seq.data.grammar.clauses import PERSON
from seq2seq.data.grammar.inflection import ACCUSATIVE
from seq2seq.data.grammar.lexicon import Adjective, Noun, Verb, lexicon
from seq2seq.data.grammar.pairs import COLOR, STATE, adjectives_of, is_reserved, verbs_by, verbs_with_object
from seq2seq.data.grammar.phrases import DEFINITE
from seq2seq.data.grammar.scenes import Said, Scene, scenes
from seq2seq.data.grammar.sentences import Sentences
from seq2seq.data.grammar.syntax import (
    PAST,
    PERFECT,
    PLUPERFECT,
    PRESENT,
    THE,
    Clause,
    Gap,
    Modal,
    Nominal,
    NounPhrase,
    Pronoun,
    Quality,
    Relative,
    Sentence,
    Subordinate,
)

_SINGLE = 0.25  # of all pronoun sentences, those with one thing that can be meant
_SINGLE_VERBS = ("buy", "sell", "clean", "wash", "repair", "throw", "eat", "read", "try")
_NEUTRAL = ("beautiful", "new", "old", "modern", "dirty", "clean")
"""Adjectives, beside colors, that may go before a noun without telling which is meant."""
_BECAUSE, _ALTHOUGH = ("because", "weil"), ("although", "obwohl")


class Drawn(NamedTuple):
    """A tree, and where it has one the pronoun and the noun that it stands for."""

    tree: Sentence
    antecedent: NounPhrase | None = None
    pronoun: Pronoun | None = None


class PronounSentences(Sentences):
    """Draws pronoun sentences."""

    def pronoun_sentence(self) -> Drawn:
        """One with two things to choose from, or with one."""
        if self.chance(_SINGLE):
            return self._animal() if self.chance(0.3) else self._object()
        return self._scene(self.pick(scenes()))

    def _scene(self, scene: Scene) -> Drawn:
        first, second = self._two_things(scene)
        tense = PAST if self.chance(0.75) else PRESENT
        is_although = scene.told == "either" and self.chance(0.25)
        clause = self._event(scene, first, second, tense)
        clause.is_negated = not (scene.told == "happens" or is_although)
        self._lengthen(clause, scene, first, second)
        meant, choice = (first, scene.of_first) if self.chance(0.5) else (second, scene.of_second)
        said = self.pick(choice)
        if is_although:
            return self._explained(clause, meant, Said(said.adjective, "very"), _ALTHOUGH)
        return self._explained(clause, meant, said, _BECAUSE)

    def _explained(self, clause: Clause, meant: NounPhrase, said: Said, conjunction: tuple[str, str]) -> Drawn:
        """The clause, because it (what is meant) is so."""
        pronoun = Pronoun("it", meant.noun.gender)
        tense = PRESENT if clause.tense == PRESENT else PAST
        state = Clause(pronoun, lexicon().verb("be", "be"), tense, quality=Quality(said.adjective, said.degree))
        return Drawn(Sentence(clause, tail=Subordinate(*conjunction, state)), meant, pronoun)

    def _two_things(self, scene: Scene) -> tuple[NounPhrase, NounPhrase]:
        firsts, seconds = lexicon().nouns_of(scene.first), lexicon().nouns_of(scene.second)
        first, second = self.pick(firsts), self.pick(seconds)
        while not scene.allows(first, second):
            first, second = self.pick(firsts), self.pick(seconds)
        told = [said.adjective for said in scene.of_first + scene.of_second]
        return self._candidate(first, told), self._candidate(second, told)

    def _candidate(self, noun: Noun, but: Sequence[Adjective] = ()) -> NounPhrase:
        """A thing, perhaps with an adjective that is none of `but`."""
        phrase = NounPhrase(self.determiner(DEFINITE, noun), noun)
        neutral = [adjective for adjective in _neutral_adjectives(noun) if adjective not in but]
        if neutral and self.chance(self.style.adjective):
            phrase.adjectives = (self.pick(neutral),)
        return phrase

    def _someone(self) -> Nominal:
        """Who does it: someone, not everyone or no one."""
        someone = self.subject(PERSON)
        while isinstance(someone, NounPhrase) and not (someone.is_definite and not someone.determiner.is_quantity):
            someone = self.subject(PERSON)
        return someone

    def _event(self, scene: Scene, first: NounPhrase, second: NounPhrase, tense: str) -> Clause:
        subject = first if scene.first_is == "subject" else self._someone()
        clause = Clause(subject, scene.verb_for(first.noun), tense)
        if scene.first_is == "accusative":
            clause.accusative = first
        setattr(clause, scene.second_is, scene.second_phrase(second))
        if scene.told == "could-not":
            clause.modal = Modal("can", "konnte" if tense == PAST else "kann")
        return clause

    def _lengthen(self, clause: Clause, scene: Scene, first: NounPhrase, second: NounPhrase) -> None:
        """Put things between: a time, and relative clauses where they do not separate what belongs together."""
        if scene.second_is in ("goal", "accusative") and self.chance(0.55):
            self._add_history(second, clause)
        elif scene.first_is == "subject" and self.chance(0.3):
            self._add_history(first, clause)
        if clause.tense == PAST and self.chance(0.35):
            clause.time = self.time("past")
            if second.relative or self.chance(0.3):
                clause.front = "time"

    def _add_history(self, phrase: NounPhrase, before: Clause) -> None:
        """Say of a thing that someone had bought it, perhaps with where and when."""
        verbs = [
            verb
            for verb in verbs_with_object(phrase.noun).free
            if verb is not before.verb and (verb.is_voluntary or verb.name == "finden")
        ]
        if not verbs:
            return
        verb = self.pick(verbs)
        clause = Clause(self.subject(PERSON), verb, PLUPERFECT, accusative=Gap())
        if before.tense == PRESENT:
            clause.tense = PERFECT if verb.past_looks_present else PAST
        if verb.places and self.chance(0.35):
            clause.place = self.place(verb.places)
        if clause.tense != PERFECT and self.chance(0.35):
            clause.time = self.time("past")
        phrase.determiner = THE  # a clause that tells which one goes ill with my or this
        phrase.relative = Relative("that", ACCUSATIVE, clause)

    # One thing that can be meant

    def _animal(self) -> Drawn:
        """Something that an animal did because of its state."""
        thing = self._candidate(self.pick(lexicon().nouns_of(frozenset({"animal"}))))
        verb = self.pick(verbs_by("none", thing.noun.classes))
        return self._with_reason(Clause(thing, verb, PAST), thing)

    def _object(self) -> Drawn:
        """Something that someone did with a thing because of its state."""
        verb = self.pick(_single_verbs())
        thing = self._candidate(
            self.pick([noun for noun in lexicon().nouns_of(verb.objects) if _can_be_it(verb, noun)])
        )
        clause = Clause(self._someone(), verb, PAST, accusative=thing)
        if verb.past_looks_present and clause.person != "3s":
            clause.tense = PERFECT
        if self.chance(0.6):
            self._add_history(thing, clause)
        if self.chance(0.25):
            self.negate(clause)
        return self._with_reason(clause, thing)

    def _with_reason(self, clause: Clause, thing: NounPhrase) -> Drawn:
        if clause.tense == PAST and self.chance(0.35):
            clause.time = self.time("past")
            clause.front = "time" if thing.relative or self.chance(0.4) else "subject"
        adjective = self.pick([other for other in _reasons(thing.noun) if other not in thing.adjectives])
        conjunction = _ALTHOUGH if self.chance(0.3) else _BECAUSE
        degrees = ("", "very") if conjunction is _ALTHOUGH else ("", "very", "too")
        degree = self.pick(degrees) if adjective.is_gradable else ""
        return self._explained(clause, thing, Said(adjective, degree), conjunction)


@cache
def _single_verbs() -> tuple[Verb, ...]:
    return tuple(verb for verb in verbs_by("acc", PERSON) if verb.base[0] in _SINGLE_VERBS)


@cache
def _neutral_adjectives(noun: Noun) -> tuple[Adjective, ...]:
    fitting = adjectives_of(noun).free
    return tuple(adjective for adjective in fitting if adjective.order == COLOR or adjective.english in _NEUTRAL)


@cache
def _reasons(noun: Noun) -> tuple[Adjective, ...]:
    """What may be a reason: no color, and of an animal only its state."""
    lowest = STATE if "animal" in noun.classes else 1
    return tuple(adjective for adjective in adjectives_of(noun).free if lowest <= adjective.order < COLOR)


@cache
def _can_be_it(verb: Verb, noun: Noun) -> bool:
    """Whether it can only be the noun, and enough can be said of it."""
    is_thing = not noun.classes & {"person", "animal"}
    return is_thing and len(_reasons(noun)) > 2 and not is_reserved(verb.name, noun.english[0])
