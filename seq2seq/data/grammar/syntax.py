"""The tree from which both languages are written: what a sentence says, without the order of its words.

Nodes are compared by identity, since words link to them.
"""

from dataclasses import dataclass

from seq2seq.data.grammar.inflection import MASCULINE, PLURAL
from seq2seq.data.grammar.lexicon import Adjective, Adverbial, Noun, Verb

PRESENT, PAST, PERFECT, PLUPERFECT, FUTURE, INFINITIVE = (
    "present",
    "past",
    "perfect",
    "pluperfect",
    "future",
    "infinitive",
)


@dataclass(frozen=True, eq=False, slots=True)
class Determiner:
    """What stands before adjectives: in both languages, with the kind that `inflection.article` knows."""

    singular: str
    plural: str
    german: str
    kind: str
    german_plural_kind: str
    is_quantity: bool = False
    is_definite: bool = False

    def german_kind(self, *, plural: bool) -> str:
        return self.german_plural_kind if plural else self.kind


@dataclass(eq=False, slots=True)
class NounPhrase:
    determiner: Determiner
    noun: Noun
    plural: bool = False
    adjectives: tuple[Adjective, ...] = ()
    is_very: bool = False
    owner: "NounPhrase | None" = None
    """Whose it is: of the house, in the genitive."""
    relative: "Relative | None" = None

    @property
    def person(self) -> str:
        return "3p" if self.plural else "3s"

    @property
    def gender(self) -> int:
        return PLURAL if self.plural else self.noun.gender

    @property
    def is_definite(self) -> bool:
        return self.determiner.is_definite


@dataclass(eq=False, slots=True)
class Name:
    text: str
    is_female: bool
    person: str = "3s"
    is_definite: bool = True
    relative: None = None


@dataclass(eq=False, slots=True)
class Pronoun:
    """A personal pronoun; as one that stands for a thing its gender is that of the noun."""

    key: str
    gender: int = MASCULINE
    is_definite: bool = True
    relative: None = None

    @property
    def person(self) -> str:
        return {"he": "3s", "she": "3s", "it": "3s"}.get(self.key, self.key)


@dataclass(eq=False, slots=True)
class Pair:
    """Two nominals joined by and; its person is plural."""

    first: "NounPhrase | Name"
    second: "NounPhrase | Name | Pronoun"
    is_definite: bool = True
    relative: None = None

    @property
    def person(self) -> str:
        return "1p" if isinstance(self.second, Pronoun) else "3p"


@dataclass(eq=False, slots=True)
class Gap:
    """Where a relative or question word has been moved away from."""

    person: str = "3s"
    is_definite: bool = True
    relative: None = None


Nominal = NounPhrase | Name | Pronoun | Pair | Gap


@dataclass(eq=False, slots=True)
class Prepositional:
    """A nominal after a preposition; English prepositions may have several words."""

    english: str
    german: str
    case: int
    nominal: Nominal


@dataclass(eq=False, slots=True)
class Fixed:
    """One use of an adverbial of the lexicon."""

    adverbial: Adverbial


Phrase = Prepositional | Fixed


@dataclass(eq=False, slots=True)
class Quality:
    """A predicate adjective, with what it is compared with or directed at."""

    adjective: Adjective
    degree: str = ""
    """very, too, more (the comparative form), as (as old as) or nothing."""
    other: Nominal | None = None
    about: Prepositional | None = None
    joined: Adjective | None = None


@dataclass(eq=False, slots=True)
class Modal:
    english: str
    german: str


@dataclass(eq=False, slots=True)
class Clause:
    """Who does what, and all that goes with it; `subject` is None where it is left out."""

    subject: Nominal | None
    verb: Verb
    tense: str
    modal: Modal | None = None
    is_negated: bool = False
    dative: Nominal | None = None
    accusative: Nominal | None = None
    benefit: Prepositional | None = None
    quality: Quality | None = None
    role: NounPhrase | None = None
    """What the subject is: a teacher."""
    company: Prepositional | None = None
    manner: Fixed | None = None
    place: Phrase | None = None
    goal: Phrase | None = None
    """What the verb demands behind a preposition: on the bus, into the garden."""
    time: Phrase | None = None
    frequency: Fixed | None = None
    front: str = "subject"
    """What a main clause begins with: subject, time or place."""
    complement: "Subordinate | None" = None

    @property
    def person(self) -> str:
        return self.subject.person if self.subject else "3s"


@dataclass(eq=False, slots=True)
class Relative:
    """A relative clause: `word` is who, that, whose or in which; `case` that of the gap."""

    word: str
    case: int
    clause: Clause
    preposition: tuple[str, str] | None = None
    possession: Noun | None = None


@dataclass(eq=False, slots=True)
class Subordinate:
    """A clause behind a conjunction; "to" and "in order to" make infinitives."""

    english: str
    german: str
    clause: Clause


@dataclass(eq=False, slots=True)
class Sentence:
    """Main clauses with what is subordinate to them; `question` is "" or the question word, "?" for none."""

    clause: Clause
    lead: Subordinate | None = None
    tail: Subordinate | None = None
    question: str = ""
    joined: tuple[str, "Sentence"] | None = None


THE = Determiner("the", "the", "", "der", "der", is_definite=True)
A = Determiner("a", "", "ein", "ein", "bare")
BARE = Determiner("", "", "", "bare", "bare")
ANY = Determiner("any", "any", "kein", "ein", "ein")
NOT_A = Determiner("a", "", "kein", "ein", "ein")
AS_ROLE = Determiner("a", "", "", "bare", "bare")
NO = Determiner("no", "no", "kein", "ein", "ein", is_quantity=True)
THIS = Determiner("this", "these", "dies", "dies", "dies", is_definite=True)
EVERY = Determiner("every", "", "jed", "dies", "dies", is_quantity=True, is_definite=True)
ALL = Determiner("", "all", "all", "dies", "dies", is_quantity=True, is_definite=True)
MANY = Determiner("", "many", "viel", "viel", "viel", is_quantity=True)
SOME = Determiner("", "some", "einig", "viel", "viel", is_quantity=True)
SEVERAL = Determiner("", "several", "mehrer", "viel", "viel", is_quantity=True)
POSSESSIVES = {
    english: Determiner(english, english, german, "ein", "ein", is_definite=True)
    for english, german in (
        ("my", "mein"),
        ("your", "dein"),
        ("his", "sein"),
        ("her", "ihr"),
        ("our", "unser"),
        ("their", "ihr"),
    )
}
