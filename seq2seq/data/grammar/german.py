"""The German side: from the tree to words in order, with agreement of gender, number and case.

A clause has a finite verb, a middle field and a right bracket (separated prefix, participles, infinitives).
In statements the finite verb comes second, in questions without a question word first, in subordinate
clauses last. The middle field keeps the order: subject, pronouns, time, dative, frequency, definite
accusative, nicht (or nie), company, manner, place, indefinite accusative, what the verb demands behind a
preposition, predicate. A relative clause of the last phrase stands behind the right bracket. "not" with an
indefinite object is kein.
"""

from seq2seq.data.grammar.inflection import (
    ACCUSATIVE,
    DATIVE,
    GENITIVE,
    HABEN,
    HATTE,
    MODALS,
    NOMINATIVE,
    RELATIVE,
    SEIN,
    WAR,
    WERDEN,
    adjective,
    article,
    contracted,
)
from seq2seq.data.grammar.syntax import (
    ANY,
    FUTURE,
    INFINITIVE,
    NOT_A,
    PAST,
    PERFECT,
    PLUPERFECT,
    Clause,
    Name,
    Nominal,
    NounPhrase,
    Pair,
    Phrase,
    Prepositional,
    Pronoun,
    Quality,
    Relative,
    Sentence,
    Subordinate,
)
from seq2seq.data.grammar.words import COMMA, Word

_PRONOUNS = {  # nominative, accusative, dative
    "1s": ("ich", "mich", "mir"),
    "2s": ("du", "dich", "dir"),
    "he": ("er", "ihn", "ihm"),
    "she": ("sie", "sie", "ihr"),
    "1p": ("wir", "uns", "uns"),
    "3p": ("sie", "sie", "ihnen"),
}
_IT = (("er", "ihn", "ihm"), ("sie", "sie", "ihr"), ("es", "es", "ihm"))
_CONJUNCTIONS = {"and": "und", "but": "aber", "or": "oder", "for": "denn"}
_QUESTIONS = {"where": ("wo", "wohin"), "when": ("wann",), "why": ("warum",), "who": ("wer",), "what": ("was",)}
_DEGREES = {"very": "sehr", "too": "zu", "as": "so"}
_PRETERITE = {"sein": WAR, "haben": HATTE}
"""Verbs whose simple past stays one; that of all others is a perfect in German."""


def sentence(tree: Sentence) -> list[Word]:
    """The words of a sentence, without the mark at its end."""
    words: list[Word] = []
    if tree.lead:
        words += subordinate(tree.lead)
    words += _question(tree) if tree.question else _main(tree.clause, has_front=tree.lead is not None)
    if tree.tail:
        words += subordinate(tree.tail)
    if tree.joined:
        conjunction, other = tree.joined
        if conjunction in ("but", "for"):
            words.append(COMMA)
        rest = sentence(other)
        if rest[0] is COMMA:  # of a clause in front: no comma separates it from the conjunction
            del rest[0]
        words += [Word(_CONJUNCTIONS[conjunction], ((other, "conjunction"),)), *rest]
    return words


def question_word(english: str, tree: Clause) -> str:
    """The question word; where is wo, or wohin with verbs of motion."""
    forms = _QUESTIONS[english]
    return forms[-1] if tree.verb.frame == "go" else forms[0]


def _question(tree: Sentence) -> list[Word]:
    words = []
    if tree.question != "?":
        words.append(Word(question_word(tree.question, tree.clause), ((tree, "question"),)))
    return words + _main(tree.clause, has_front=True)


def subordinate(tree: Subordinate) -> list[Word]:
    """A subordinate clause with its commas, the verb last."""
    words = [COMMA]
    if tree.german:
        words.append(Word(tree.german, ((tree, "conjunction"),)))
    return words + _last(tree.clause, infinitive_link=tree) + [COMMA]


def _main(tree: Clause, *, has_front: bool) -> list[Word]:
    """A clause with its finite verb second, or first where the front is filled already or left empty."""
    front: list[Word] = []
    front_is = "" if has_front else tree.front
    if front_is == "subject":
        front = nominal(tree.subject, NOMINATIVE)
    elif front_is == "time":
        front = adverbial(tree.time)
    elif front_is == "place":
        front = adverbial(tree.place)
    finite, bracket = _verbs(tree)
    if not bracket and tree.verb.prefix:
        bracket = [Word(tree.verb.prefix, ((tree, "verb"),))]
    middle, after = _middle(tree, front_is)
    subject = tree.subject
    if bracket and front_is != "subject" and isinstance(subject, NounPhrase) and subject.relative:
        about = relative(subject.relative, subject.gender)
        alone = len(middle) - len(about)
        if alone == len(noun_phrase(subject, NOMINATIVE)):  # nothing else keeps the verb's two parts apart
            return [*front, finite, *middle[:alone], *bracket, *about, *after]
    return [*front, finite, *middle, *bracket, *after]


def _last(tree: Clause, *, infinitive_link: object = None) -> list[Word]:
    """A clause with its verbs last: finite, or an infinitive with zu."""
    verb = tree.verb
    middle, after = _middle(tree, "")
    if tree.tense == INFINITIVE:
        to, link = (infinitive_link, "conjunction"), (tree, "verb")
        if verb.prefix:
            bracket = [Word(f"{verb.prefix}zu{verb.infinitive}", (to, (tree, "finite"), link))]
        else:
            bracket = [Word("zu", (to,)), Word(verb.infinitive, ((tree, "finite"), link))]
        return [*middle, *bracket, *after]
    finite, bracket = _verbs(tree)
    if not bracket and verb.prefix:
        finite = Word(verb.prefix + finite.text, finite.links)
    return [*middle, *bracket, finite, *after]


def _verbs(tree: Clause) -> tuple[Word, list[Word]]:
    """The finite verb, and the participles and infinitives of the right bracket."""
    verb, person, tense = tree.verb, tree.person, tree.tense
    finite_link, verb_link = ((tree, "finite"),), ((tree, "verb"),)
    infinitive = Word(verb.prefix + verb.infinitive, verb_link)
    if tree.modal:
        return Word(MODALS[tree.modal.german][person], finite_link), [infinitive]
    if tense == FUTURE:
        return Word(WERDEN[person], finite_link), [infinitive]
    if tense == PAST and verb.name in _PRETERITE:
        return Word(_PRETERITE[verb.name][person], finite_link + verb_link), []
    is_sein = verb.auxiliary == "sein"
    participle = [Word(verb.german_participle, verb_link)]
    if tense in (PAST, PERFECT):
        return Word((SEIN if is_sein else HABEN)[person], finite_link), participle
    if tense == PLUPERFECT:
        return Word((WAR if is_sein else HATTE)[person], finite_link), participle
    form = SEIN[person] if verb.name == "sein" else verb.present[person]
    return Word(form, finite_link + verb_link), []


def _middle(tree: Clause, front: str) -> tuple[list[Word], list[Word]]:
    """The middle field without what is in front, and what stands behind the right bracket."""
    accusative = tree.accusative
    is_definite = accusative is not None and accusative.is_definite
    negates_object = isinstance(accusative, NounPhrase) and accusative.determiner in (ANY, NOT_A)
    words = [] if front == "subject" else nominal(tree.subject, NOMINATIVE)
    words += _before_negation(tree, front)
    often = adverbial(tree.frequency)
    is_never = bool(often) and often[0].text == "nie"  # stands where nicht does
    words += [] if is_never else often
    if is_definite and not isinstance(accusative, Pronoun):
        words += _object(accusative, ACCUSATIVE) + prepositional(tree.benefit)
    words += often if is_never else []
    if tree.is_negated and not negates_object:
        words.append(Word("nicht", ((tree, "not"),)))
    words += prepositional(tree.company) + adverbial(tree.manner)
    if front != "place":
        words += _without_relative(tree.place)
    if not is_definite:
        words += _indefinite_object(tree, accusative, negated=negates_object) + prepositional(tree.benefit)
    words += _without_relative(tree.goal)
    if tree.quality:
        words += quality(tree.quality)
    if tree.role:
        words += noun_phrase(tree.role, NOMINATIVE)
    return words, _after(tree, front)


def _before_negation(tree: Clause, front: str) -> list[Word]:
    """Pronouns, accusative first, then time and the dative."""
    words: list[Word] = []
    for case, phrase in ((ACCUSATIVE, tree.accusative), (DATIVE, tree.dative)):
        if isinstance(phrase, Pronoun):
            words += nominal(phrase, case)
    if front != "time":
        words += adverbial(tree.time)
    return words if isinstance(tree.dative, Pronoun) else words + _object(tree.dative, DATIVE)


def _object(phrase: Nominal | None, case: int) -> list[Word]:
    """An object without its relative clause, which follows the right bracket."""
    return noun_phrase(phrase, case) if isinstance(phrase, NounPhrase) else nominal(phrase, case)


def _indefinite_object(tree: Clause, phrase: Nominal | None, *, negated: bool) -> list[Word]:
    words = _object(phrase, ACCUSATIVE)
    if negated:
        words[0] = Word(words[0].text, (*words[0].links, (tree, "not")))
    return words


def _without_relative(phrase: Phrase | None) -> list[Word]:
    return prepositional(phrase, with_relative=False) if isinstance(phrase, Prepositional) else adverbial(phrase)


def _after(tree: Clause, front: str) -> list[Word]:
    """What stands behind the right bracket: the relative clause of the last phrase, and the complement clause."""
    words: list[Word] = []
    place = None if front == "place" else tree.place
    late = (phrase.nominal for phrase in (place, tree.goal) if isinstance(phrase, Prepositional))
    for phrase in (tree.dative, tree.accusative, *late):
        if isinstance(phrase, NounPhrase) and phrase.relative:
            words += relative(phrase.relative, phrase.gender)
    if tree.complement:
        words += subordinate(tree.complement)
    return words


def nominal(tree: Nominal | None, case: int) -> list[Word]:
    """Any nominal in a case, relative clause and all; nothing for a gap."""
    if isinstance(tree, NounPhrase):
        words = noun_phrase(tree, case)
        return words + relative(tree.relative, tree.gender) if tree.relative else words
    if isinstance(tree, Pronoun):
        forms = _IT[tree.gender] if tree.key == "it" else _PRONOUNS[tree.key]
        return [Word(forms[case], ((tree, "noun"),))]
    if isinstance(tree, Name):
        return [Word(tree.text, ((tree, "noun"),))]
    if isinstance(tree, Pair):
        return [*nominal(tree.first, case), Word("und", ((tree, "and"),)), *nominal(tree.second, case)]
    return []


def noun_phrase(tree: NounPhrase, case: int) -> list[Word]:
    """Determiner, adjectives, noun and owner; not the relative clause."""
    kind, gender = tree.determiner.german_kind(plural=tree.plural), tree.gender
    words = []
    determiner = article(tree.determiner.german, kind, gender, case) if kind != "bare" else ""
    if determiner:
        words.append(Word(determiner, ((tree, "determiner"),)))
    if tree.is_very:
        words.append(Word("sehr", ((tree, "very"),)))
    for index, entry in enumerate(tree.adjectives):
        words.append(Word(adjective(entry.stem, kind, gender, case), ((tree, f"adjective {index}"),)))
    words.append(Word(tree.noun.german[tree.plural][case], ((tree, "noun"),)))
    if tree.owner:
        words += noun_phrase(tree.owner, GENITIVE)
    return words


def relative(tree: Relative, gender: int) -> list[Word]:
    """A relative clause between commas; its pronoun has the gender of the noun and the case of the gap."""
    words = [COMMA]
    if tree.preposition:
        words.append(Word(tree.preposition[1], ((tree, "preposition"),)))
    words.append(Word(RELATIVE[gender][tree.case], ((tree, "relative"),)))
    if tree.possession:
        words.append(Word(tree.possession.german[0][NOMINATIVE], ((tree, "possession"),)))
    return [*words, *_last(tree.clause), COMMA]


def prepositional(tree: Prepositional | None, *, with_relative: bool = True) -> list[Word]:
    """Preposition and nominal; the two contract where German does, but not before a relative clause."""
    if not tree:
        return []
    preposition = Word(tree.german, ((tree, "preposition"),))
    phrase = tree.nominal
    words = nominal(phrase, tree.case) if with_relative else _object(phrase, tree.case)
    if isinstance(phrase, NounPhrase) and phrase.determiner.kind == "der" and not phrase.relative:
        short = contracted(tree.german, words[0].text)
        if short:
            return [Word(short, preposition.links + words[0].links), *words[1:]]
    return [preposition, *words]


def adverbial(phrase: Phrase | None) -> list[Word]:
    if isinstance(phrase, Prepositional):
        return prepositional(phrase)
    if not phrase:
        return []
    fixed = phrase.adverbial
    return [
        Word(text, tuple((phrase, f"{source}-{target}") for source, target in fixed.links if target == index))
        for index, text in enumerate(fixed.german)
    ]


def quality(tree: Quality) -> list[Word]:
    """A predicate adjective, which takes no ending."""
    words = []
    if tree.degree in _DEGREES:
        words.append(Word(_DEGREES[tree.degree], ((tree, "degree"),)))
    entry = tree.adjective
    form = entry.german_comparative if tree.degree == "more" else entry.predicate
    words.append(Word(form, ((tree, "adjective"),)))
    if tree.joined:
        words += [Word("und", ((tree, "and"),)), Word(tree.joined.predicate, ((tree, "joined"),))]
    if tree.other:
        words.append(Word("als" if tree.degree == "more" else "wie", ((tree, "than"),)))
        words += nominal(tree.other, NOMINATIVE)
    return words + prepositional(tree.about)
