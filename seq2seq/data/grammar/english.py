"""The English side: from the tree to words in order.

Sources of the order: subject, frequency, verb, objects, manner, company, place, time; a fronted time or
place is followed by a comma; relative clauses restrict and have none.
"""

from seq2seq.data.grammar.syntax import (
    FUTURE,
    INFINITIVE,
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
    Phrase,
    Prepositional,
    Pronoun,
    Quality,
    Relative,
    Sentence,
    Subordinate,
)
from seq2seq.data.grammar.words import COMMA, Link, Word

_PRONOUNS = {
    "1s": ("I", "me"),
    "2s": ("you", "you"),
    "he": ("he", "him"),
    "she": ("she", "her"),
    "it": ("it", "it"),
    "1p": ("we", "us"),
    "3p": ("they", "them"),
}
_BE = {"1s": ("am", "was"), "3s": ("is", "was")}
_PARTICLES = ("up", "on", "off", "away")  # pick up the child, but pick her up
_NOT_BEFORE_FINITE = ("want", "have")
"""Modals that are full verbs in English: they take do and a bare to."""


def sentence(tree: Sentence) -> list[Word]:
    """The words of a sentence, without the mark at its end."""
    words: list[Word] = []
    if tree.lead:
        words += [*subordinate(tree.lead), COMMA]
    words += question(tree) if tree.question else clause(tree.clause)
    if tree.tail:
        if tree.tail.english == "although":
            words.append(COMMA)
        words += subordinate(tree.tail)
    if tree.joined:
        conjunction, other = tree.joined
        if not isinstance(other.clause.subject, Gap):
            words.append(COMMA)
        words += [Word(conjunction, ((other, "conjunction"),)), *sentence(other)]
    return words


def question(tree: Sentence) -> list[Word]:
    """A question: the finite verb, unless the question word is the subject, goes before the subject."""
    asked = [] if tree.question == "?" else [Word(tree.question, ((tree, "question"),))]
    if tree.question == "who":
        return asked + clause(tree.clause)
    finite, rest = predicate(tree.clause, inverted=True)
    return [*asked, *finite, *nominal(tree.clause.subject), *rest]


def subordinate(tree: Subordinate) -> list[Word]:
    links = ((tree, "conjunction"),)
    return [*(Word(text, links) for text in tree.english.split()), *clause(tree.clause)]


def clause(tree: Clause) -> list[Word]:
    """A clause in the order of statements."""
    words: list[Word] = []
    if tree.front == "time" and tree.time:
        words += [*adverbial(tree.time), COMMA]
    elif tree.front == "place" and tree.place:
        words += [*adverbial(tree.place), COMMA]
    finite, rest = predicate(tree, inverted=False)
    return words + nominal(tree.subject) + finite + rest


def predicate(tree: Clause, *, inverted: bool) -> tuple[list[Word], list[Word]]:
    """The finite verb, and all that follows subject and finite verb."""
    finite, verbs = _verbs(tree, inverted=inverted)
    words = verbs
    if tree.quality:
        words += quality(tree.quality)
    if tree.role:
        words += noun_phrase(tree.role)
    particle = []
    if isinstance(tree.accusative, Pronoun) and len(tree.verb.base) > 1 and tree.verb.base[1] in _PARTICLES:
        particle = [words.pop()]
    words += nominal(tree.dative, is_object=True) + nominal(tree.accusative, is_object=True) + particle
    words += prepositional(tree.benefit)
    is_moving = tree.goal is not None
    if not is_moving:
        words += adverbial(tree.manner)
    words += adverbial(tree.goal)
    if is_moving:
        words += adverbial(tree.manner)
    words += prepositional(tree.company)
    if tree.front != "place":
        words += adverbial(tree.place)
    if tree.front != "time":
        words += adverbial(tree.time)
    if tree.complement:
        words += subordinate(tree.complement)
    return finite, words


def _verbs(tree: Clause, *, inverted: bool) -> tuple[list[Word], list[Word]]:
    """Finite verb and rest of the verbs, with not and the adverb of frequency where they belong."""
    finite_link, verb_link = (tree, "finite"), (tree, "verb")
    negation = [Word("not", ((tree, "not"),))] if tree.is_negated else []
    often = adverbial(tree.frequency)
    auxiliaries, form = _verb_group(tree, needs_auxiliary=inverted or tree.is_negated)
    if auxiliaries:
        main = [Word(text, (verb_link,)) for text in form]
        helpers = [Word(text, (finite_link,)) for text in auxiliaries]
        if tree.is_negated and helpers[0].text == "can":
            helpers[0] = Word("cannot", (finite_link, *negation[0].links))
            negation = []
        return helpers[:1], negation + helpers[1:] + often + main
    main = [Word(form[0], (finite_link, verb_link)), *(Word(text, (verb_link,)) for text in form[1:])]
    if tree.verb.frame == "be" and tree.tense in (PRESENT, PAST):
        return main[:1], negation + often + main[1:]
    if inverted:
        raise AssertionError("a full verb does not go before its subject")
    return [], often + main


def _verb_group(tree: Clause, *, needs_auxiliary: bool) -> tuple[list[str], tuple[str, ...]]:
    """Auxiliaries, the finite one first, and the form of the main verb."""
    verb, person = tree.verb, tree.person
    if tree.tense == INFINITIVE:
        return [], verb.base
    if tree.modal:
        return _modal_group(tree, needs_auxiliary=needs_auxiliary), verb.base
    if tree.tense == PERFECT:
        return ["has" if person == "3s" else "have"], verb.participle
    if tree.tense == PLUPERFECT:
        return ["had"], verb.participle
    if tree.tense == FUTURE:
        return ["will"], verb.base
    if needs_auxiliary and verb.frame != "be":
        return [_do(person, tree.tense)], verb.base
    return [], _simple_form(tree)


def _simple_form(tree: Clause) -> tuple[str, ...]:
    """The simple present or past."""
    if tree.verb.frame == "be":
        return (_be(tree.person, is_past=tree.tense == PAST),)
    if tree.tense == PAST:
        return tree.verb.past
    return tree.verb.third if tree.person == "3s" else tree.verb.base


def _modal_group(tree: Clause, *, needs_auxiliary: bool) -> list[str]:
    """can; want to, have to with do where needed; am allowed to."""
    assert tree.modal
    first, *rest = tree.modal.english.split()
    is_past, person = tree.tense == PAST, tree.person
    if first == "be":
        return [_be(person, is_past=is_past), *rest]
    if first == "can":
        return ["could" if is_past else "can"]
    if first not in _NOT_BEFORE_FINITE:
        return [first, *rest]
    if needs_auxiliary:
        return [_do(person, tree.tense), first, *rest]
    if first == "want":
        return ["wanted" if is_past else ("wants" if person == "3s" else "want"), *rest]
    return ["had" if is_past else ("has" if person == "3s" else "have"), *rest]


def _do(person: str, tense: str) -> str:
    return "did" if tense == PAST else ("does" if person == "3s" else "do")


def _be(person: str, *, is_past: bool) -> str:
    return _BE.get(person, ("are", "were"))[is_past]


def nominal(tree: Nominal | None, *, is_object: bool = False) -> list[Word]:
    """Any nominal; nothing for a gap."""
    if isinstance(tree, NounPhrase):
        return noun_phrase(tree)
    if isinstance(tree, Pronoun):
        return [Word(_PRONOUNS[tree.key][is_object], ((tree, "noun"),))]
    if isinstance(tree, Name):
        return [Word(tree.text, ((tree, "noun"),))]
    if isinstance(tree, Pair):
        second = nominal(tree.second, is_object=is_object)
        return [*nominal(tree.first), Word("and", ((tree, "and"),)), *second]
    return []


def noun_phrase(tree: NounPhrase) -> list[Word]:
    determiner = tree.determiner.plural if tree.plural else tree.determiner.singular
    words = [Word("very", ((tree, "very"),))] if tree.is_very else []
    for index, adjective in enumerate(tree.adjectives):
        words.append(Word(adjective.english, ((tree, f"adjective {index}"),)))
    words.append(Word(tree.noun.english[tree.plural], ((tree, "noun"),)))
    if determiner:
        if determiner == "a" and words[0].text[0] in "aeiou":
            determiner = "an"
        words.insert(0, Word(determiner, ((tree, "determiner"),)))
    if tree.owner:
        words += [Word("of", ((tree.owner, "determiner"),)), *noun_phrase(tree.owner)]
    if tree.relative:
        words += relative(tree.relative)
    return words


def relative(tree: Relative) -> list[Word]:
    links: tuple[Link, ...] = ((tree, "relative"),)
    if tree.preposition:
        words = [Word(text, ((tree, "preposition"),)) for text in tree.preposition[0].split()]
        words.append(Word("which", links))
    else:
        words = [Word(tree.word, links)]
    if tree.possession:
        words.append(Word(tree.possession.english[0], ((tree, "possession"),)))
    return words + clause(tree.clause)


def prepositional(tree: Prepositional | None) -> list[Word]:
    if not tree:
        return []
    links = ((tree, "preposition"),)
    words = [Word(text, links) for text in tree.english.split()]
    return words + nominal(tree.nominal, is_object=True)


def adverbial(phrase: Phrase | None) -> list[Word]:
    if isinstance(phrase, Prepositional):
        return prepositional(phrase)
    if not phrase:
        return []
    fixed = phrase.adverbial
    return [
        Word(text, tuple((phrase, f"{source}-{target}") for source, target in fixed.links if source == index))
        for index, text in enumerate(fixed.english)
    ]


def quality(tree: Quality) -> list[Word]:
    """A predicate adjective with its degree, comparison or direction."""
    words: list[Word] = []
    adjective = tree.adjective.comparative if tree.degree == "more" else tree.adjective.english
    if tree.degree in ("very", "too", "as"):
        words.append(Word(tree.degree, ((tree, "degree"),)))
    words.append(Word(adjective, ((tree, "adjective"),)))
    if tree.joined:
        words += [Word("and", ((tree, "and"),)), Word(tree.joined.english, ((tree, "joined"),))]
    if tree.other:
        words.append(Word("than" if tree.degree == "more" else "as", ((tree, "than"),)))
        words += nominal(tree.other, is_object=not isinstance(tree.other, Gap))
    return words + prepositional(tree.about)
