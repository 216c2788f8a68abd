"""Clauses drawn at random: every frame of a verb, with tense, negation, adverbs and relative clauses."""

from seq2seq.data.grammar.draw import Weighted
from seq2seq.data.grammar.inflection import ACCUSATIVE, DATIVE, NEUTER
from seq2seq.data.grammar.lexicon import Noun, Verb, classes_of, lexicon
from seq2seq.data.grammar.pairs import STATE, objects_of, places_of, verbs_by
from seq2seq.data.grammar.phrases import DEFINITE, PLACE, Phrases
from seq2seq.data.grammar.syntax import (
    ANY,
    BARE,
    FUTURE,
    INFINITIVE,
    NOT_A,
    PAST,
    PERFECT,
    PRESENT,
    A,
    Clause,
    Fixed,
    Modal,
    Name,
    Nominal,
    NounPhrase,
    Pair,
    Phrase,
    Prepositional,
    Pronoun,
)

PERSON = frozenset({"person"})
_ALL = classes_of("person,animal,transport,child,boy,girl,pet,farm,bird,upright,furniture,flat")
_FRAMES = Weighted(
    ("none", 16), ("acc", 40), ("dat", 6), ("give", 9), ("prep", 8), ("go", 11), ("put", 4), ("be-at", 6)
)
_MODALS = {
    "present": (
        Modal("can", "kann"),
        Modal("want to", "will"),
        Modal("have to", "muss"),
        Modal("should", "sollte"),
        Modal("would like to", "möchte"),
        Modal("be allowed to", "darf"),
    ),
    "past": (
        Modal("can", "konnte"),
        Modal("want to", "wollte"),
        Modal("have to", "musste"),
        Modal("be allowed to", "durfte"),
    ),
}
_TENSES = {"present": PRESENT, "past": PAST, "future": FUTURE}
_SPOTS = (  # English, German, classes of what something is put at
    ("in", "in", frozenset({"holder"})),
    ("on", "auf", frozenset({"support"})),
    ("under", "unter", frozenset({"shelter"})),
    ("behind", "hinter", frozenset({"furniture"})),
    ("next to", "neben", frozenset({"furniture"})),
    ("in front of", "vor", frozenset({"furniture"})),
)
_OUTSIDE = _SPOTS[3:]
_BESIDE_BUILDINGS = frozenset({"building", "vehicle", "tree", "furniture"})
_LASTING = frozenset({"mögen", "lieben", "kennen", "haben", "wissen", "glauben", "hoffen", "wohnen"})
_ENDURING = frozenset({"sleep", "work", "dance", "sing", "play", "wait", "cry"})


class Clauses(Phrases):
    """Draws clauses of verbs with their objects. The frame of time is past, present or future."""

    def action(self, frame: str, subject: Nominal | None, classes: frozenset[str]) -> Clause:
        """Someone does something; `subject`, where given, is of the classes, which some verb must fit."""
        verbs = verbs_by(self.weigh(_FRAMES), classes if subject else _ALL)
        while not verbs:
            verbs = verbs_by(self.weigh(_FRAMES), classes if subject else _ALL)
        verb = self.pick(verbs)
        clause = Clause(subject or self.subject(verb.subjects), verb, _TENSES[frame])
        self.complete(clause, clause.person)
        while any(_is_same(clause.subject, other) for other in _others(clause)):
            self.complete(clause, clause.person)
        return clause

    def infinitive(self, person: str) -> Clause:
        """What someone of that person wants to do."""
        verb = self.pick(verbs_by(self.pick(("acc", "acc", "acc", "go", "dat", "give", "none")), PERSON))
        while not verb.is_voluntary:
            verb = self.pick(verbs_by("acc", PERSON))
        clause = Clause(None, verb, INFINITIVE)
        self.complete(clause, person)
        if verb.places and self.chance(self.style.place):
            clause.place = self.place(verb.places)
        return clause

    def weather(self, frame: str) -> Clause:
        verb = self.pick(lexicon().verbs_of("weather"))
        return Clause(Pronoun("it", NEUTER), verb, _TENSES[frame])

    def complete(self, clause: Clause, person: str) -> None:
        """Give the verb the objects it demands; `person` is that of who does it."""
        verb = clause.verb
        if verb.frame == "acc":
            clause.accusative = self.object_of(verb, person)
        elif verb.frame == "dat":
            clause.dative = self.recipient(person)
        elif verb.frame == "give":
            clause.dative = self.recipient(person)
            clause.accusative = self.noun_phrase(self.paired(objects_of(verb)))
        elif verb.frame == "put":
            clause.accusative = self.noun_phrase(self.paired(objects_of(verb)))
            clause.goal = self.spot(ACCUSATIVE)
        elif verb.frame == "go":
            clause.goal = self.destination(verb.objects)
            if verb.base[0] == "return" and isinstance(clause.goal, Prepositional):
                clause.goal.english = "to"
        elif verb.frame == "be-at":
            clause.goal = self._position(verb)
        elif "/" in verb.frame:
            english, german, case = verb.frame.split("/")
            number = ACCUSATIVE if case == "acc" else DATIVE
            clause.goal = Prepositional(
                english, german, number, self.noun_phrase(self.paired(objects_of(verb)), DEFINITE)
            )

    def spot(self, case: int, spots: tuple[tuple[str, str, frozenset[str]], ...] = _SPOTS) -> Prepositional:
        """A place at a piece of furniture or in a box: motion takes the accusative, rest the dative."""
        english, german, classes = self.pick(spots)
        noun = self.pick(lexicon().nouns_of(classes))
        return Prepositional(english, german, case, self.noun_phrase(noun, PLACE, plural=0.0))

    def _position(self, verb: Verb) -> Prepositional:
        """Where someone or something lives, sits, stands or lies."""
        name = verb.base[0]
        if name == "live":
            noun = self.pick(places_of(verb.places))
            assert noun.location
            return Prepositional(*noun.location, DATIVE, self.noun_phrase(noun, PLACE, plural=0.0))
        if name == "sit":
            noun = self.pick(lexicon().nouns_of(frozenset({"seat", "tree"})))
            english, german = ("under", "unter") if "tree" in noun.classes else ("on", "auf")
            return Prepositional(english, german, DATIVE, self.noun_phrase(noun, PLACE, plural=0.0))
        if name == "lie":
            return self.spot(DATIVE, _SPOTS[1:])
        english, german, _ = self.pick(_OUTSIDE)
        if self.chance(0.2):
            first, second = (self.noun_phrase(noun, DEFINITE, plural=0.0) for noun in self._two_pieces())
            return Prepositional("between", "zwischen", DATIVE, Pair(first, second))
        noun = self.pick(lexicon().nouns_of(_BESIDE_BUILDINGS))
        return Prepositional(english, german, DATIVE, self.noun_phrase(noun, PLACE, plural=0.0))

    def _two_pieces(self) -> tuple[Noun, Noun]:
        pieces = lexicon().nouns_of(frozenset({"furniture"}))
        first = self.pick(pieces)
        second = self.pick(pieces)
        while second is first:
            second = self.pick(pieces)
        return first, second

    # What may be left out

    def set_tense(self, clause: Clause, frame: str) -> None:
        """The tense of the frame, perhaps with a modal; a past that looks like a present is avoided."""
        verb, subject = clause.verb, clause.subject
        clause.tense = _TENSES[frame]
        is_state = verb.name in ("sein", "haben")
        if verb.is_voluntary and frame in _MODALS and self.chance(self.style.modal):
            is_person = isinstance(subject, (Pronoun, Pair)) or _is_person(subject)
            modals = _MODALS[frame] if is_person else _MODALS[frame][:1]
            clause.modal = self.pick(modals)
        elif frame == "past" and not is_state:
            is_unclear = verb.past_looks_present and clause.person != "3s"
            if is_unclear or (verb.name not in _LASTING and self.chance(0.15)):
                clause.tense = PERFECT

    def negate(self, clause: Clause) -> None:
        """Say that it is not so, where that is as clear in one language as in the other."""
        phrase, subject = clause.accusative, clause.subject
        if any(_is_quantity(part) for part in (subject, phrase, clause.dative)) or clause.role:
            return
        if isinstance(subject, NounPhrase) and not subject.is_definite:
            return
        goal = clause.goal.nominal if isinstance(clause.goal, Prepositional) else None
        if isinstance(goal, NounPhrase) and not goal.is_definite:
            return
        clause.is_negated = True
        if isinstance(phrase, NounPhrase):
            phrase.determiner = {A: NOT_A, BARE: ANY}.get(phrase.determiner, phrase.determiner)

    def add_adverbs(self, clause: Clause, frame: str, *, share: float) -> None:
        """Time or frequency, manner or place, company: each by its probability times `share`."""
        verb, style = clause.verb, self.style
        quality = clause.quality
        is_lasting = verb.name in _LASTING or (quality is not None and quality.adjective.order != STATE)
        if clause.tense != PERFECT and not is_lasting and self.chance(style.time * share):
            clause.time = self._time_of(clause, frame)
        elif not (is_lasting or clause.is_negated or clause.modal or _is_quantity(clause.subject)) and self.chance(
            0.12 * share
        ):
            clause.frequency = Fixed(self.pick(lexicon().adverbials_of("often")))
        if verb.manners and not clause.is_negated and self.chance(0.2 * share):
            clause.manner = Fixed(lexicon().adverbials_of(self.pick(verb.manners))[0])
        elif verb.places and verb.frame != "be-at" and self.chance(style.place * share):
            clause.place = self.place(verb.places)
        is_going = verb.frame in ("go", "none") and verb.is_voluntary
        if (is_going or clause.place) and "person" in verb.subjects and self.chance(style.company * share):
            clause.company = self.company(clause.person)

    def _time_of(self, clause: Clause, frame: str) -> Phrase:
        if clause.is_negated:
            return Fixed(self.pick(lexicon().adverbials_of("any" if frame == "present" else frame)))
        if clause.verb.base[0] in _ENDURING and clause.verb.frame == "none" and self.chance(0.2):
            return Fixed(self.pick(lexicon().adverbials_of("span")))
        return self.time(frame)


def _is_quantity(nominal: Nominal | None) -> bool:
    return isinstance(nominal, NounPhrase) and nominal.determiner.is_quantity


def _others(clause: Clause) -> tuple[Nominal | None, ...]:
    goal = clause.goal.nominal if isinstance(clause.goal, Prepositional) else None
    return clause.accusative, clause.dative, goal


def _is_same(one: Nominal | None, other: Nominal | None) -> bool:
    if isinstance(one, NounPhrase) and isinstance(other, NounPhrase):
        return one.noun is other.noun
    return isinstance(one, Name) and isinstance(other, Name) and one.text == other.text


def _is_person(nominal: Nominal | None) -> bool:
    return isinstance(nominal, Name) or (isinstance(nominal, NounPhrase) and "person" in nominal.noun.classes)
