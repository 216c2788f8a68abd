"""The words of the grammar, read from the tables beside this file.

A noun, verb or adjective is an entry with its forms in both languages and classes that say what goes with
what: who can read, what can be read and where, and which adjectives suit a noun.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from seq2seq.data.grammar.inflection import FEMININE, MASCULINE, NEUTER, present_forms

NUMBERS = (("two", "zwei"), ("three", "drei"), ("four", "vier"), ("five", "fünf"), ("six", "sechs"), ("ten", "zehn"))
_UNITS = {  # English: German plural, dative plural
    "minutes": ("Minuten", "Minuten"),
    "hours": ("Stunden", "Stunden"),
    "days": ("Tage", "Tagen"),
    "weeks": ("Wochen", "Wochen"),
    "months": ("Monate", "Monaten"),
    "years": ("Jahre", "Jahren"),
}
_GENDERS = {"der": MASCULINE, "die": FEMININE, "das": NEUTER}


@dataclass(frozen=True, eq=False, slots=True)
class Noun:
    """A noun; its German forms are `german[plural][case]`."""

    english: tuple[str, str]
    german: tuple[tuple[str, ...], tuple[str, ...]]
    gender: int
    classes: frozenset[str]
    location: tuple[str, str] | None
    direction: tuple[str, str] | None

    @property
    def has_plural(self) -> bool:
        return bool(self.english[1])

    @property
    def is_mass(self) -> bool:
        return not self.has_plural and bool(self.classes & {"food", "drink", "weather"})


@dataclass(frozen=True, eq=False, slots=True)
class Adjective:
    """An adjective: the German stem takes the endings, `predicate` takes none."""

    english: str
    comparative: str
    predicate: str
    stem: str
    german_comparative: str
    order: int
    classes: frozenset[str]
    exceptions: frozenset[str]

    @property
    def is_gradable(self) -> bool:
        """Whether something can be very or too much so."""
        return self.german_comparative != "-"

    def suits(self, noun: Noun) -> bool:
        return bool(self.classes & noun.classes) and noun.english[0] not in self.exceptions


@dataclass(frozen=True, eq=False, slots=True)
class Verb:
    """A verb; English forms are rows of words, a German prefix is "" where there is none to separate."""

    base: tuple[str, ...]
    third: tuple[str, ...]
    past: tuple[str, ...]
    participle: tuple[str, ...]
    infinitive: str
    prefix: str
    present: dict[str, str]
    german_participle: str
    auxiliary: str
    frame: str
    subjects: frozenset[str]
    objects: frozenset[str]
    places: frozenset[str]
    manners: str
    is_voluntary: bool

    @property
    def name(self) -> str:
        return self.prefix + self.infinitive

    @property
    def past_looks_present(self) -> bool:
        return self.past == self.base


@dataclass(frozen=True, eq=False, slots=True)
class Adverbial:
    """A fixed phrase; `links` pairs English with German words."""

    english: tuple[str, ...]
    german: tuple[str, ...]
    links: tuple[tuple[int, int], ...]
    kind: str


@dataclass(frozen=True, eq=False)
class Lexicon:
    """All entries, in the order of the tables."""

    nouns: tuple[Noun, ...]
    adjectives: tuple[Adjective, ...]
    verbs: tuple[Verb, ...]
    adverbials: tuple[Adverbial, ...]
    _by_classes: dict[frozenset[str], tuple[Noun, ...]] = field(default_factory=dict)
    _by_kind: dict[str, tuple[Adverbial, ...]] = field(default_factory=dict)

    def nouns_of(self, classes: frozenset[str]) -> tuple[Noun, ...]:
        """The nouns in any of the classes."""
        if classes not in self._by_classes:
            self._by_classes[classes] = tuple(noun for noun in self.nouns if noun.classes & classes)
        return self._by_classes[classes]

    def noun(self, english: str) -> Noun:
        return next(noun for noun in self.nouns if noun.english[0] == english)

    def adjective(self, english: str) -> Adjective:
        return next(adjective for adjective in self.adjectives if adjective.english == english)

    def verb(self, english: str, frame: str) -> Verb:
        return next(verb for verb in self.verbs if verb.base[0] == english and verb.frame == frame)

    def verbs_of(self, *frames: str) -> tuple[Verb, ...]:
        return tuple(verb for verb in self.verbs if verb.frame in frames)

    def adverbials_of(self, kind: str) -> tuple[Adverbial, ...]:
        if kind not in self._by_kind:
            self._by_kind[kind] = tuple(entry for entry in self.adverbials if entry.kind == kind)
        return self._by_kind[kind]


@cache
def lexicon() -> Lexicon:
    """The lexicon of the package, read once."""
    return Lexicon(
        tuple(_noun(line.split()) for line in lines_of("nouns.txt")),
        tuple(_adjective(line.split()) for line in lines_of("adjectives.txt")),
        tuple(_verb(line.split()) for line in lines_of("verbs.txt")),
        tuple(_adverbials(lines_of("adverbials.txt"))),
    )


def lines_of(name: str) -> list[str]:
    """The lines of a table of the package, without its comments."""
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def classes_of(cell: str) -> frozenset[str]:
    """The classes that a cell names; "-" names none."""
    return frozenset(() if cell == "-" else cell.split(","))


def _noun(cells: list[str]) -> Noun:
    singular, plural, article, nominative, genitive, german_plural, classes, *place = cells
    gender = _GENDERS[article]
    weak = gender == MASCULINE and genitive.endswith("n")
    oblique = genitive if weak else nominative
    many = "" if german_plural == "-" else german_plural
    return Noun(
        (singular, "" if plural == "-" else plural),
        ((nominative, oblique, oblique, genitive), (many, many, many + ("" if many[-1:] in "ns" else "n"), many)),
        gender,
        classes_of(classes) | {singular},
        *(_prepositions(cell) for cell in place or ("-", "-")),
    )


def _prepositions(cell: str) -> tuple[str, str] | None:
    if cell == "-":
        return None
    english, german = cell.split("/")
    return english, german


def _adjective(cells: list[str]) -> Adjective:
    english, comparative, predicate, stem, german_comparative, order, classes = cells
    names = classes.split(",")
    suited = frozenset(name for name in names if name[0] != "-")
    exceptions = frozenset(name[1:] for name in names if name[0] == "-")
    return Adjective(english, comparative, predicate, stem, german_comparative, int(order), suited, exceptions)


def _verb(cells: list[str]) -> Verb:
    *english, german, third, participle, auxiliary, frame, subjects, objects, places, manners = cells
    base, past, english_participle = (tuple(cell.split("+")) for cell in english)
    prefix, _, infinitive = german.rpartition("|")
    return Verb(
        base,
        (_third(base[0]), *base[1:]),
        past,
        english_participle,
        infinitive,
        prefix,
        present_forms(infinitive, third),
        participle,
        auxiliary,
        frame,
        classes_of(subjects),
        classes_of(objects),
        classes_of(places),
        manners.strip("-!"),
        not manners.endswith("!"),
    )


def _third(base: str) -> str:
    """The English third person singular."""
    if base in ("have", "be"):
        return {"have": "has", "be": "is"}[base]
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ies"
    return base + ("es" if base.endswith(("s", "sh", "ch", "x", "o")) else "s")


def _adverbials(lines: Iterable[str]) -> Iterator[Adverbial]:
    for line in lines:
        english, german, links, kind = (cell.strip() for cell in line.split("|"))
        pairs = tuple((int(pair[0]), int(pair[2])) for pair in links.split())
        if kind not in ("ago", "span"):
            yield Adverbial(tuple(english.split()), tuple(german.split()), pairs, kind)
            continue
        for number, german_number in NUMBERS:
            for unit, forms in _UNITS.items():
                values, german_values = {"N": number, "U": unit}, {"N": german_number, "U": forms[kind == "ago"]}
                yield Adverbial(
                    tuple(values.get(word, word) for word in english.split()),
                    tuple(german_values.get(word, word) for word in german.split()),
                    pairs,
                    kind,
                )
