"""Nominals, places and times drawn at random, such that they make sense."""

from seq2seq.data.grammar.draw import Draw, Weighted
from seq2seq.data.grammar.inflection import ACCUSATIVE, DATIVE, GENITIVE
from seq2seq.data.grammar.lexicon import NUMBERS, Noun, Verb, classes_of, lexicon
from seq2seq.data.grammar.pairs import COLOR, adjectives_of, colors_of, goals_of, objects_of, places_of
from seq2seq.data.grammar.syntax import (
    ALL,
    BARE,
    EVERY,
    MANY,
    NO,
    POSSESSIVES,
    SEVERAL,
    SOME,
    THE,
    THIS,
    A,
    Determiner,
    Fixed,
    Name,
    Nominal,
    NounPhrase,
    Pair,
    Phrase,
    Prepositional,
    Pronoun,
)

_NAMES = (("Anna", True), ("Maria", True), ("Lena", True), ("Peter", False), ("Paul", False), ("Thomas", False))
_PRONOUNS = ("1s", "2s", "he", "she", "1p", "3p")
_SUBJECTS = ("1s", "1s", "2s", "2s", "he", "she", "1p", "3p")  # evens out the forms of verbs
_OTHERS = {"1s": ("2s", "he", "she", "3p"), "1p": ("2s", "he", "she", "3p"), "2s": ("1s", "he", "she", "1p", "3p")}
"""Pronouns of someone else than the subject, by its person."""
_NUMBERS = tuple(Determiner("", english, german, "fixed", "fixed", is_quantity=True) for english, german in NUMBERS)
_POSSESSIVES = tuple(POSSESSIVES.values())
_OWNED = classes_of(
    "kin,friend,neighbor,teacher,doctor,pet,farm,thing,furniture,owned,wear,food,drink,room,home,readable,holder,"
    "shop,planned,machine,upright"
)
_PERSON = frozenset({"person"})

_NUMBER = Determiner("number", "number", "", "fixed", "fixed")  # stands for any of _NUMBERS
_POSSESSIVE = Determiner("possessive", "possessive", "", "ein", "ein")  # stands for any of _POSSESSIVES
SUBJECT = Weighted((THE, 44), (A, 18), (THIS, 8), (EVERY, 5), (NO, 3), (_POSSESSIVE, 22))
OBJECT = Weighted((THE, 38), (A, 34), (THIS, 8), (_POSSESSIVE, 20))
DEFINITE = Weighted((THE, 65), (THIS, 10), (_POSSESSIVE, 25))
PLACE = Weighted((THE, 65), (A, 14), (THIS, 11), (_POSSESSIVE, 10))
_KIN = Weighted((THE, 10), (_POSSESSIVE, 90))
_MASS = Weighted((THE, 50), (BARE, 28), (THIS, 7), (_POSSESSIVE, 15))
_PLURAL = Weighted((THE, 38), (_NUMBER, 20), (_POSSESSIVE, 12), (THIS, 8), (MANY, 7), (SOME, 6), (SEVERAL, 4), (ALL, 5))
_PLURAL_OBJECT = Weighted(
    (THE, 30), (_NUMBER, 20), (BARE, 15), (_POSSESSIVE, 15), (THIS, 7), (MANY, 5), (SOME, 5), (SEVERAL, 3)
)
_OCCASIONS = (
    ("during", "während", GENITIVE, "event"),
    ("after", "nach", DATIVE, "event"),
    ("before", "vor", DATIVE, "event"),
    ("because of", "wegen", GENITIVE, "weather"),
    ("despite", "trotz", GENITIVE, "weather"),
)


class Phrases(Draw):
    """Draws phrases."""

    def determiner(self, choice: Weighted[Determiner], noun: Noun) -> Determiner:
        drawn = self.weigh(choice)
        if drawn is _POSSESSIVE:
            return self.pick(_POSSESSIVES) if noun.classes & _OWNED else THE
        return self.pick(_NUMBERS) if drawn is _NUMBER else drawn

    def noun_phrase(self, noun: Noun, choice: Weighted[Determiner] = OBJECT, *, plural: float = 0.2) -> NounPhrase:
        """A noun with determiner, number and adjectives."""
        many = noun.has_plural and self.chance(plural)
        if many and choice is not DEFINITE:
            choice = _PLURAL_OBJECT if choice is OBJECT else _PLURAL
        elif noun.is_mass and choice is not DEFINITE:
            choice = _MASS
        elif "kin" in noun.classes and not many:
            choice = _KIN
        phrase = NounPhrase(self.determiner(choice, noun), noun, many)
        if self.chance(self.style.adjective):
            self.qualify(phrase)
        return phrase

    def qualify(self, phrase: NounPhrase) -> None:
        """Put one or two adjectives before the noun, or one with very."""
        pairs = adjectives_of(phrase.noun)
        if not pairs.free:
            return
        first = self.paired(pairs)
        phrase.adjectives = (first,)
        if first.order < COLOR and self.chance(0.25):
            colors = colors_of(phrase.noun)
            if colors.free:
                phrase.adjectives = (first, self.paired(colors))
        elif first.order < COLOR and first.is_gradable and self.chance(0.15):
            phrase.is_very = phrase.determiner.kind != "dies"

    def person(self, choice: Weighted[Determiner] = OBJECT, *, plural: float = 0.12) -> NounPhrase | Name:
        """Someone: a name or a noun."""
        if self.chance(0.15):
            return Name(*self.pick(_NAMES))
        return self.noun_phrase(self.pick(lexicon().nouns_of(_PERSON)), choice, plural=plural)

    def other(self, person: str) -> Pronoun:
        """A pronoun for someone else than a subject of that person."""
        return Pronoun(self.pick(_OTHERS.get(person, _PRONOUNS)))

    def subject(self, classes: frozenset[str]) -> Nominal:
        """Who does it: a pronoun, a name, a pair or a noun of the classes."""
        if "person" in classes:
            drawn = self.random()
            if drawn < 0.3:
                return Pronoun(self.pick(_SUBJECTS))
            if drawn < 0.37:
                return self.pair()
            if drawn < 0.46:
                return Name(*self.pick(_NAMES))
        return self.noun_phrase(self.pick(lexicon().nouns_of(classes)), SUBJECT)

    def pair(self) -> Pair:
        """Two different people, the second perhaps I."""
        first = self.person(DEFINITE, plural=0.0)
        if self.chance(0.15):
            return Pair(first, Pronoun("1s"))
        second = self.person(DEFINITE, plural=0.0)
        while _said(second) == _said(first):
            second = self.person(DEFINITE, plural=0.0)
        return Pair(first, second)

    def object_of(self, verb: Verb, person: str) -> Nominal:
        """What the verb is done to; `person` is that of the subject."""
        noun = self.paired(objects_of(verb))
        if "person" in noun.classes and self.chance(0.4):
            return self.other(person) if self.chance(0.65) else Name(*self.pick(_NAMES))
        phrase = self.noun_phrase(noun)
        if phrase.determiner is THE and not phrase.plural and "part" in noun.classes and self.chance(0.4):
            owner = self.pick(lexicon().nouns_of(frozenset({"building"})))
            phrase.owner = self.noun_phrase(owner, PLACE, plural=0.0)
        return phrase

    def recipient(self, person: str) -> Nominal:
        """To whom: always definite."""
        return self.other(person) if self.chance(0.35) else self.person(DEFINITE)

    def place(self, classes: frozenset[str]) -> Phrase:
        """Where something happens."""
        if "room" in classes and self.chance(0.1):
            return Fixed(lexicon().adverbials_of("at home")[0])
        noun = self.pick(places_of(classes))
        assert noun.location
        return Prepositional(*noun.location, DATIVE, self.noun_phrase(noun, PLACE, plural=0.0))

    def destination(self, classes: frozenset[str]) -> Phrase:
        """Where someone goes: home, to a place, to someone."""
        drawn = self.random()
        if drawn < 0.15:
            return Fixed(lexicon().adverbials_of("home")[0])
        if drawn < 0.27:
            hosts = lexicon().nouns_of(frozenset({"kin", "doctor", "baker", "neighbor"}))
            return Prepositional("to", "zu", DATIVE, self.noun_phrase(self.pick(hosts), DEFINITE, plural=0.0))
        noun = self.pick(goals_of(classes))
        assert noun.direction
        english, german = noun.direction
        case = DATIVE if german == "zu" else ACCUSATIVE
        return Prepositional(english, german, case, self.noun_phrase(noun, PLACE, plural=0.0))

    def time(self, frame: str) -> Phrase:
        """When: a phrase that goes with past, present or future."""
        if self.chance(0.12):
            english, german, case, kind = self.pick(_OCCASIONS)
            noun = self.pick(lexicon().nouns_of(frozenset({kind})))
            return Prepositional(english, german, case, self.noun_phrase(noun, DEFINITE, plural=0.0))
        kinds = (frame, frame, "any", "ago") if frame == "past" else (frame, frame, "any")
        return Fixed(self.pick(lexicon().adverbials_of(self.pick(kinds))))

    def company(self, person: str) -> Prepositional:
        """With whom."""
        someone = self.other(person) if self.chance(0.2) else self.person(DEFINITE, plural=0.1)
        if self.chance(0.15):
            return Prepositional("without", "ohne", ACCUSATIVE, someone)
        return Prepositional("with", "mit", DATIVE, someone)


def _said(someone: NounPhrase | Name) -> object:
    return someone.text if isinstance(someone, Name) else someone.noun
