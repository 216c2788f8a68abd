"""Sentences drawn at random: statements, questions, clauses joined and clauses subordinate to others."""

from seq2seq.data.grammar import german
from seq2seq.data.grammar.clauses import PERSON
from seq2seq.data.grammar.draw import Weighted
from seq2seq.data.grammar.lexicon import lexicon
from seq2seq.data.grammar.pairs import STATE, verbs_by
from seq2seq.data.grammar.states import States
from seq2seq.data.grammar.syntax import (
    NO,
    PAST,
    PERFECT,
    PLUPERFECT,
    PRESENT,
    Clause,
    Gap,
    Name,
    Nominal,
    NounPhrase,
    Pair,
    Pronoun,
    Sentence,
    Subordinate,
)

_FRAMES = Weighted(("past", 55), ("present", 35), ("future", 10))
_KINDS = Weighted(
    ("simple", 42),
    ("tail", 13),
    ("lead", 9),
    ("joined", 7),
    ("shared", 5),
    ("that", 6),
    ("whether", 4),
    ("to", 5),
    ("purpose", 4),
    ("question", 9),
)
_CONJUNCTIONS = {
    "past": (
        ("because", "weil"),
        ("although", "obwohl"),
        ("when", "als"),
        ("while", "während"),
        ("before", "bevor"),
        ("after", "nachdem"),
    ),
    "present": (("because", "weil"), ("although", "obwohl"), ("when", "wenn"), ("if", "wenn")),
    "future": (("because", "weil"), ("when", "wenn"), ("if", "wenn"), ("before", "bevor")),
}
_JOINING = Weighted(("and", 50), ("but", 30), ("for", 10), ("or", 10))
_QUESTIONS = Weighted(("?", 45), ("why", 15), ("when", 12), ("where", 14), ("who", 7), ("what", 7))


class Sentences(States):
    """Draws sentences."""

    def sentence(self) -> Sentence:
        """A sentence of one to three clauses."""
        frame = self.weigh(_FRAMES)
        kind = self.weigh(_KINDS)
        if kind == "question":
            return self.question(frame)
        if kind == "simple":
            return Sentence(self.clause(frame))
        if kind == "lead":
            return self._with_lead(frame)
        if kind == "joined":
            return self._joined(frame)
        if kind == "shared":
            return self._shared(frame)
        if kind == "purpose":
            return self._with_purpose(frame)
        if kind == "tail":
            main = self.main(frame, None, share=0.7)
            return Sentence(main, tail=self.subordinate(frame, self.resumed(main.subject)))
        return self._with_complement(kind, frame)

    def long_sentence(self) -> Sentence:
        """Two sentences joined, each with subordinate clauses before or behind it."""
        frame = self.weigh(_FRAMES)
        first = self._with_lead(frame) if self.chance(0.5) else Sentence(self.main(frame, None, share=1.0))
        if self.chance(0.6):
            first.tail = self.subordinate(frame, None, unlike=first.lead)
        second = self._with_lead(frame) if self.chance(0.3) else Sentence(self.main(frame, None, share=1.0))
        if self.chance(0.6):
            second.tail = self.subordinate(frame, None, unlike=second.lead)
        first.joined = self.pick(("and", "but", "and")), second
        return first

    # Several clauses

    def resumed(self, subject: Nominal | None) -> Nominal | None:
        """Often a pronoun for the subject, where it is clear which."""
        key = _pronoun_for(subject)
        return Pronoun(key) if key and self.chance(0.5) else None

    def subordinate(self, frame: str, subject: Nominal | None, *, unlike: Subordinate | None = None) -> Subordinate:
        """A clause behind because, when, ...; not the conjunction of `unlike`; a future has presents in it."""
        english, conjunction = self.pick(_CONJUNCTIONS[frame])
        while unlike and conjunction == unlike.german:
            english, conjunction = self.pick(_CONJUNCTIONS[frame])
        frame = "present" if frame == "future" else frame
        if english in ("because", "although", "if", "when") and self.chance(0.08):
            clause = self.weather(frame)
        else:
            clause = self.clause(frame, subject=subject, share=0.4)
        while not _can_follow(english, clause):
            clause = self.clause(frame, subject=subject, share=0.4)
        if english in ("before", "after", "while"):
            clause.time = clause.frequency = None
        if english == "after":
            clause.tense = PLUPERFECT
            clause.modal = None
        return Subordinate(english, conjunction, clause)

    def main(self, frame: str, subject: Nominal | None, *, share: float) -> Clause:
        """A clause that can have others subordinate to it: no present perfect beside a simple past."""
        clause = self.clause(frame, subject=subject, share=share)
        while clause.tense == PERFECT:
            clause = self.clause(frame, subject=subject, share=share)
        return clause

    def _with_lead(self, frame: str) -> Sentence:
        lead = self.subordinate(frame, None)
        main = self.main(frame, self.resumed(lead.clause.subject), share=0.7)
        return Sentence(main, lead=lead)

    def _joined(self, frame: str) -> Sentence:
        first = Sentence(self.clause(frame, share=0.7))
        second = Sentence(self.clause(frame, subject=self.resumed(first.clause.subject), share=0.7))
        first.joined = self.weigh(_JOINING), second
        return first

    def _shared(self, frame: str) -> Sentence:
        """One subject does two things, both told in one tense."""
        subject = self.subject(PERSON)
        first = self._deed(frame, subject)
        second = self._deed(frame, Gap(subject.person))
        is_unclear = subject.person != "3s" and (first.verb.past_looks_present or second.verb.past_looks_present)
        if frame == "past" and (is_unclear or self.chance(0.15)):
            first.tense = second.tense = PERFECT
        for clause in (first, second):
            self.add_adverbs(clause, frame, share=0.4)
        if first.time:
            second.time = None
        return Sentence(first, joined=("and", Sentence(second)))

    def _deed(self, frame: str, subject: Nominal) -> Clause:
        """Something that someone does, not just has."""
        clause = self.action(frame, subject, PERSON)
        while not clause.verb.is_voluntary:
            clause = self.action(frame, subject, PERSON)
        return clause

    def _with_purpose(self, frame: str) -> Sentence:
        """He goes to the city to buy a book."""
        verb = self.pick(verbs_by("go", PERSON))
        clause = Clause(self.subject(PERSON), verb, PRESENT)
        self.complete(clause, clause.person)
        clause.complement = Subordinate("to", "um", self.infinitive(clause.person))
        self.add_all(clause, frame, share=0.6)
        return Sentence(clause)

    def _with_complement(self, frame_of_verb: str, frame: str) -> Sentence:
        """Someone says, asks or tries something."""
        clause = Clause(self.subject(PERSON), self.pick(lexicon().verbs_of(frame_of_verb)), PRESENT)
        self.set_tense(clause, frame)
        if frame_of_verb == "to":
            clause.complement = Subordinate("to", "", self.infinitive(clause.person))
            return Sentence(clause)
        if self.chance(self.style.negation):
            self.negate(clause)
        frame = "present" if frame == "future" else frame
        inner = self.clause(frame, subject=self.resumed(clause.subject), share=0.5)
        while clause.tense == PAST and inner.tense == PERFECT:  # she said that he had gone, not: that he has gone
            inner = self.clause(frame, subject=self.resumed(clause.subject), share=0.5)
        if frame_of_verb == "that":
            clause.complement = Subordinate("that", "dass", inner)
            return Sentence(clause)
        asked = self.pick(("whether", "whether", "why", "when", "where"))
        if asked == "whether" or not self._ask(inner, asked):
            clause.complement = Subordinate("whether", "ob", inner)
        else:
            clause.complement = Subordinate(asked, german.question_word(asked, inner), inner)
        return Sentence(clause)

    def question(self, frame: str) -> Sentence:
        """A question for the truth, a reason, a time, a place, someone or something."""
        asked = self.weigh(_QUESTIONS)
        if asked == "who":
            return Sentence(self.clause(frame, subject=Gap(), share=0.5), question=asked)
        clause = self.clause(frame, share=0.5)
        while isinstance(clause.subject, NounPhrase) and clause.subject.determiner is NO:
            clause = self.clause(frame, share=0.5)
        if not self._ask(clause, asked):
            asked = "?"
        return Sentence(clause, question=asked)

    def _ask(self, clause: Clause, asked: str) -> bool:
        """Take out of the clause what is asked for; whether that could be done."""
        if asked == "when":
            clause.time = clause.frequency = None
        if asked == "where":
            if clause.verb.frame in ("go", "be-at"):
                clause.goal = clause.place = None
                return True
            if clause.goal or not clause.verb.places:
                return False
            clause.place = None
        if asked == "what":
            what = clause.accusative
            if not isinstance(what, NounPhrase) or clause.verb.frame != "acc" or clause.is_negated:
                return False
            if what.noun.classes & {"person", "animal"}:
                return False
            clause.accusative = Gap()
        return True


def _can_follow(conjunction: str, clause: Clause) -> bool:
    """Whether the clause makes sense behind it: what passes behind when, what is done behind while."""
    if clause.tense == PERFECT:
        return False
    if conjunction == "when":
        return clause.quality is None or clause.quality.adjective.order == STATE
    if conjunction in ("before", "after", "while"):
        is_no_one = isinstance(clause.subject, NounPhrase) and clause.subject.determiner is NO
        return clause.verb.is_voluntary and not clause.is_negated and not is_no_one
    return True


def _pronoun_for(subject: Nominal | None) -> str:
    """he, she, they, ... for someone; "" where none is clear."""
    if isinstance(subject, Pronoun):
        return "" if subject.key == "it" else subject.key
    if isinstance(subject, Name):
        return "she" if subject.is_female else "he"
    if isinstance(subject, Pair):
        return subject.person
    if isinstance(subject, NounPhrase) and not subject.determiner.is_quantity and "person" in subject.noun.classes:
        if subject.plural:
            return "3p"
        classes = subject.noun.classes
        return "he" if "male" in classes else "she" if "female" in classes else ""
    return ""
