"""Clauses with to be, and relative clauses, drawn at random; and the whole clause, with all that may be added."""

from seq2seq.data.grammar.clauses import PERSON, Clauses
from seq2seq.data.grammar.draw import Weighted
from seq2seq.data.grammar.inflection import ACCUSATIVE, DATIVE, GENITIVE, NOMINATIVE
from seq2seq.data.grammar.lexicon import Adjective, Noun, lexicon
from seq2seq.data.grammar.pairs import adjectives_of, comparable_of, verbs_by, verbs_with_object
from seq2seq.data.grammar.phrases import DEFINITE, SUBJECT
from seq2seq.data.grammar.syntax import (
    AS_ROLE,
    FUTURE,
    PAST,
    PRESENT,
    THE,
    A,
    Clause,
    Gap,
    Name,
    Nominal,
    NounPhrase,
    Prepositional,
    Pronoun,
    Quality,
    Relative,
)

_STATES = Weighted(("quality", 66), ("comparison", 12), ("role", 8), ("place", 14))
_TENSES = {"present": PRESENT, "past": PAST, "future": FUTURE}
_WHERE = frozenset({"room", "outdoors", "public", "dining", "stop"})
_LIVING = frozenset({"person", "animal"})
_ABOUT = (("happy", "joy"), ("angry", "readable"), ("sad", "readable"))


class States(Clauses):
    """Draws whole clauses."""

    def clause(
        self, frame: str, *, subject: Nominal | None = None, classes: frozenset[str] = PERSON, share: float = 1.0
    ) -> Clause:
        """A statement; `subject`, where given, is of the classes; `share` scales what may be left out."""
        clause = self.state(frame, subject) if self.chance(0.17) else self.action(frame, subject, classes)
        self.add_all(clause, frame, share)
        return clause

    def add_all(self, clause: Clause, frame: str, share: float) -> None:
        """Tense and all that may be added, relative clauses too."""
        self.set_tense(clause, frame)
        if self.chance(self.style.negation):
            self.negate(clause)
        self.add_adverbs(clause, frame, share=share)
        if share == 1:
            self._choose_front(clause)
        if self.chance(self.style.relative * 2 * share):
            self._add_relative(clause, frame)

    def _choose_front(self, clause: Clause) -> None:
        if clause.time and self.chance(0.4):
            clause.front = "time"
        elif clause.place and self.chance(0.2):
            clause.front = "place"

    # To be

    def state(self, frame: str, subject: Nominal | None, noun: Noun | None = None) -> Clause:
        """Someone or something is so, is somewhere, or is someone; `noun` stands for a subject that is a gap."""
        verb = lexicon().verb("be", "be")
        if subject is None:
            subject = self.subject(PERSON) if self.chance(0.4) else self._thing()
        clause = Clause(subject, verb, _TENSES[frame])
        if isinstance(subject, NounPhrase):
            noun = subject.noun
        kind = self.weigh(_STATES)
        if kind == "role" and _can_have_job(subject):
            clause.role = self._role()
        elif kind == "place" and (noun is None or noun.classes & _LIVING):
            clause.goal = self.place(_WHERE)
        elif kind == "comparison" and noun is not None and comparable_of(noun).free:
            clause.quality = self._comparison(noun)
        else:
            clause.quality = self._quality(subject, noun)
        return clause

    def _thing(self) -> NounPhrase:
        noun = self.pick(lexicon().nouns)
        while not adjectives_of(noun).free:
            noun = self.pick(lexicon().nouns)
        return self.noun_phrase(noun, SUBJECT)

    def _quality(self, subject: Nominal, noun: Noun | None) -> Quality:
        adjective = self.pick(_of_people()) if noun is None else self.paired(adjectives_of(noun))
        if isinstance(subject, NounPhrase) and any(other.order == adjective.order for other in subject.adjectives):
            subject.adjectives, subject.is_very = (), False  # no big house is small
        for english, kind in _ABOUT:
            if adjective.english == english and self.chance(0.5):
                what = self.noun_phrase(self.pick(lexicon().nouns_of(frozenset({kind}))), DEFINITE, plural=0.0)
                return Quality(adjective, about=Prepositional("about", "über", ACCUSATIVE, what))
        if adjective.is_gradable and self.chance(0.45):
            return Quality(adjective, self.pick(("very", "too")))
        if self.chance(0.12):
            other = self.pick(_of_people()) if noun is None else self.pick(adjectives_of(noun).free)
            if other.order != adjective.order:
                return Quality(adjective, joined=other)
        return Quality(adjective)

    def _comparison(self, noun: Noun) -> Quality:
        adjective = self.paired(comparable_of(noun))
        kin = lexicon().nouns_of(adjective.classes & noun.classes)
        other = self.noun_phrase(self.pick(kin), DEFINITE, plural=0.0)
        return Quality(adjective, self.pick(("more", "more", "as")), other=other)

    def _role(self) -> NounPhrase:
        noun = self.pick(lexicon().nouns_of(frozenset({"job"})))
        phrase = NounPhrase(AS_ROLE, noun)
        if self.chance(0.5):
            self.qualify(phrase)
            if phrase.adjectives:
                phrase.determiner = A
        return phrase

    # Relative clauses

    def _add_relative(self, clause: Clause, frame: str) -> None:
        """Put a relative clause at the subject, or at the last phrase where nothing follows it in English."""
        hosts = [clause.subject]
        is_open = not (clause.complement or clause.manner or clause.company or (clause.time and clause.front != "time"))
        if is_open:
            hosts.append(_last_phrase(clause))
        host = self.pick(hosts)
        if isinstance(host, NounPhrase) and _takes_relative(host):
            host.relative = self.relative(host, "present" if frame == "future" else frame)

    def relative(self, host: NounPhrase, frame: str) -> Relative:
        """A clause about the host; its gap is subject, object, owner or place."""
        noun, drawn = host.noun, self.random()
        if noun.location and drawn < 0.35:
            return self._where(noun, frame)
        if "person" in noun.classes and drawn < 0.1:
            return self._whose(frame)
        if "person" in noun.classes and drawn < 0.2:
            verb = self.pick(verbs_by("dat", PERSON))
            return self._about_host(Clause(self.subject(PERSON), verb, _TENSES[frame], dative=Gap()), DATIVE, frame)
        verbs = verbs_with_object(noun)
        if verbs.free and drawn < (0.45 if noun.classes & _LIVING else 0.75):
            clause = Clause(self.subject(PERSON), self.paired(verbs), _TENSES[frame], accusative=Gap())
            return self._about_host(clause, ACCUSATIVE, frame)
        gap = Gap(host.person)
        if noun.classes & _LIVING and self.chance(0.75):
            clause = self.action(frame, gap, noun.classes)
        else:
            clause = self.state(frame, gap, noun)
            while clause.quality and clause.quality.adjective in host.adjectives:
                clause = self.state(frame, gap, noun)
        self.add_all(clause, frame, 0.4)
        return Relative("who" if "person" in noun.classes else "that", NOMINATIVE, clause)

    def _about_host(self, clause: Clause, case: int, frame: str) -> Relative:
        self.add_all(clause, frame, 0.5)
        return Relative("that", case, clause)

    def _where(self, noun: Noun, frame: str) -> Relative:
        """A place in which someone lives or works."""
        verbs = [verb for verb in verbs_by("none", PERSON) + verbs_by("be-at", PERSON) if verb.places & noun.classes]
        verb = self.pick(verbs or verbs_by("none", PERSON)[:1])
        clause = Clause(self.subject(verb.subjects), verb, _TENSES[frame])
        self.set_tense(clause, frame)
        assert noun.location
        return Relative("which", DATIVE, clause, preposition=noun.location)

    def _whose(self, frame: str) -> Relative:
        noun = self.pick(lexicon().nouns_of(frozenset({"pet", "kin", "owned"})))
        clause = Clause(Gap(), lexicon().verb("be", "be"), _TENSES[frame])
        clause.quality = self._quality(clause.subject or Gap(), noun)
        return Relative("whose", GENITIVE, clause, possession=noun)


def _last_phrase(clause: Clause) -> Nominal | None:
    """What stands last in English, where German has nothing behind it but verbs."""
    last = clause.place if clause.front != "place" else None
    last = last or clause.goal
    if isinstance(last, Prepositional):
        is_behind_place = clause.place and clause.accusative and not clause.accusative.is_definite
        return None if is_behind_place else last.nominal
    return None if last else clause.accusative or clause.dative


def _of_people() -> tuple[Adjective, ...]:
    return tuple(adjective for adjective in lexicon().adjectives if "person" in adjective.classes)


def _can_have_job(subject: Nominal) -> bool:
    if isinstance(subject, Name):
        return not subject.is_female
    if isinstance(subject, Pronoun):
        return subject.key in ("1s", "2s", "he")
    return isinstance(subject, NounPhrase) and {"male", "kin"} <= subject.noun.classes and not subject.plural


def _takes_relative(phrase: NounPhrase) -> bool:
    if phrase.owner or phrase.relative or phrase.noun.is_mass or not adjectives_of(phrase.noun).free:
        return False
    return phrase.plural or phrase.determiner is THE or phrase.determiner is A
