"""The German of the grammar corpus, checked from its text with tables written here, not with its own."""

import functools
import itertools
import pickle
import re
import subprocess
import sys

import pytest

from seq2seq.data.example import Example
from seq2seq.data.grammar.lexicon import lexicon

MASCULINE, FEMININE, NEUTER, PLURAL = "m", "f", "n", "p"
Reading = tuple[str, str]  # gender or plural, case

# What a definite article can be: gender (p for plural) and case.
DEFINITE = {
    "der": "m-nom f-dat f-gen p-gen",
    "die": "f-nom f-acc p-nom p-acc",
    "das": "n-nom n-acc",
    "den": "m-acc p-dat",
    "dem": "m-dat n-dat",
    "des": "m-gen n-gen",
}
# Endings of ein, kein, mein; of dieser, jeder, alle; of adjectives.
EIN = {
    "": "m-nom n-nom n-acc",
    "e": "f-nom f-acc p-nom p-acc",
    "en": "m-acc p-dat",
    "em": "m-dat n-dat",
    "er": "f-dat f-gen p-gen",
    "es": "m-gen n-gen",
}
DIESER = {
    "er": "m-nom f-dat f-gen p-gen",
    "e": "f-nom f-acc p-nom p-acc",
    "es": "n-nom n-acc m-gen n-gen",
    "en": "m-acc p-dat",
    "em": "m-dat n-dat",
}
WEAK = {
    "e": "m-nom f-nom f-acc n-nom n-acc",
    "en": "m-acc m-dat m-gen f-dat f-gen n-dat n-gen p-nom p-acc p-dat p-gen",
}
MIXED = {
    "er": "m-nom",
    "e": "f-nom f-acc",
    "es": "n-nom n-acc",
    "en": "m-acc m-dat m-gen f-dat f-gen n-dat n-gen p-nom p-acc p-dat p-gen",
}
STRONG = {
    "er": "m-nom f-dat f-gen p-gen",
    "e": "f-nom f-acc p-nom p-acc",
    "es": "n-nom n-acc",
    "en": "m-acc m-gen n-gen p-dat",
    "em": "m-dat n-dat",
}
CONTRACTED = {"im": "dem", "am": "dem", "zum": "dem", "vom": "dem", "beim": "dem", "ins": "das", "zur": "der"}
EIN_WORDS = ("ein", "kein", "mein", "dein", "sein", "ihr", "unser")
DIESER_WORDS = ("dies", "jed", "all")
COUNTING = ("einige", "einigen", "mehrere", "mehreren", "viele", "vielen")
CASES_AFTER = {
    "mit": {"dat"}, "zu": {"dat"}, "zum": {"dat"}, "zur": {"dat"}, "von": {"dat"}, "vom": {"dat"}, "nach": {"dat"},
    "ohne": {"acc"}, "durch": {"acc"}, "über": {"acc"}, "während": {"gen", "nom"}, "wegen": {"gen"},
    "trotz": {"gen"}, "statt": {"gen"}, "in": {"acc", "dat"}, "auf": {"acc", "dat"}, "unter": {"acc", "dat"},
    "neben": {"acc", "dat"}, "hinter": {"acc", "dat"}, "vor": {"acc", "dat"}, "an": {"acc", "dat"},
    "im": {"dat"}, "am": {"dat"}, "ins": {"acc"},
}  # fmt: skip
RELATIVE_START = r" (\w+ )?(der|die|das|den|dem|denen|dessen|deren) "
CONJUNCTIONS = ("weil", "obwohl", "dass", "wenn", "nachdem", "bevor", "ob")


@functools.cache
def corpus() -> tuple[Example, ...]:
    """Made in a process of its own: there every call is not type-checked, which takes longer than the work."""
    program = (
        "import pickle, sys\n"
        "from seq2seq.data.grammar import SPLITS, grammar_examples\n"
        "examples = tuple(e for split in SPLITS for e in grammar_examples(split, count=1000, seed=17))\n"
        "sys.stdout.buffer.write(pickle.dumps(examples))"
    )
    return pickle.loads(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout)


def readings(text: str) -> set[str]:
    return set(text.split())


@functools.cache
def noun_readings(form: str) -> set[str]:
    """Gender and case of a noun form, by the dictionary entry: article, nominative, genitive, plural."""
    found = set()
    for noun in lexicon().nouns:
        gender = "mfn"[noun.gender]
        for kind, row in zip((gender, "p"), noun.german, strict=True):
            found |= {f"{kind}-{case}" for case, f in zip(("nom", "acc", "dat", "gen"), row, strict=True) if f == form}
    return found


@functools.cache
def adjective_ending(word: str) -> str | None:
    """The ending of an inflected adjective; None for other words."""
    for entry in lexicon().adjectives:
        if word.startswith(entry.stem) and word[len(entry.stem) :] in ("e", "en", "er", "es", "em"):
            return word[len(entry.stem) :]
    return None


@functools.cache
def determiner_readings(word: str) -> tuple[set[str], dict[str, str]] | None:
    """What a determiner can be, and the endings that adjectives take after it."""
    word = CONTRACTED.get(word, word)
    if word in DEFINITE:
        return readings(DEFINITE[word]), WEAK
    for stem in DIESER_WORDS:
        if word.removeprefix(stem) in DIESER and word.startswith(stem):
            return readings(DIESER[word.removeprefix(stem)]), WEAK
    for stem in EIN_WORDS:
        if word.startswith(stem) and word.removeprefix(stem) in EIN:
            return readings(EIN[word.removeprefix(stem)]), MIXED
    if word in COUNTING:
        return readings("p-dat" if word.endswith("en") else "p-nom p-acc"), STRONG
    return None


def phrases(target: str) -> list[tuple[str | None, list[str], str, str | None]]:
    """All (determiner, adjectives, noun, word before) of a sentence, as runs that end in a noun."""
    row = target.split()
    plain = [word.strip(".,?") for word in row]
    lowered = [plain[0].lower(), *plain[1:]]
    found = []
    for index, word in enumerate(plain):
        if not noun_readings(word):
            continue
        start = index
        while start and row[start - 1] == plain[start - 1] and adjective_ending(lowered[start - 1]):
            start -= 1
        adjectives = lowered[start:index]
        before = start - 1
        if before >= 0 and lowered[before] == "sehr" and adjectives:
            before -= 1
        is_joined = before >= 0 and row[before] == plain[before]
        determiner = lowered[before] if is_joined and determiner_readings(lowered[before]) else None
        may_be_relative = before > 0 and lowered[before] in DEFINITE and row[before - 1].endswith(",")
        if may_be_relative and not agreed(determiner, adjectives, word) and agreed(None, adjectives, word):
            determiner = None  # a relative pronoun before a noun without article
        first = before if determiner and lowered[before] not in CONTRACTED else before + 1
        first -= determiner in CONTRACTED
        previous = lowered[before] if determiner in CONTRACTED else lowered[first - 1] if first > 0 else None
        found.append((determiner, adjectives, word, previous))
    return found


def agreed(determiner: str | None, adjectives: list[str], noun: str) -> set[str]:
    """The readings on which determiner, adjectives and noun agree."""
    left = noun_readings(noun)
    endings = STRONG
    if determiner:
        possible, endings = determiner_readings(determiner)
        left = left & possible
    for word in adjectives:
        left = left & readings(endings.get(adjective_ending(word), ""))
    return left


def test_the_check_knows_right_from_wrong():
    assert agreed("der", ["große"], "Hund")
    assert not agreed("der", ["großer"], "Hund")
    assert not agreed("ein", ["große"], "Hund")
    assert agreed("ein", ["großer"], "Hund")
    assert not agreed("das", [], "Hund")
    assert agreed("den", ["alten"], "Nachbarn")
    assert not agreed("dem", [], "Nachbar")
    assert agreed("den", [], "Kindern")
    assert not agreed("den", [], "Kinder")
    assert agreed(None, ["frische"], "Milch")


def test_determiners_adjectives_and_nouns_agree():
    checked = 0
    for example in corpus():
        for determiner, adjectives, noun, _ in phrases(example.target):
            checked += bool(determiner or adjectives)
            is_pronoun = determiner == "ihr" and agreed(None, adjectives, noun)  # to her
            assert is_pronoun or agreed(determiner, adjectives, noun), (determiner, adjectives, noun, example.target)
    assert checked > 10_000


def test_prepositions_govern_their_cases():
    checked = 0
    for example in corpus():
        for determiner, adjectives, noun, before in phrases(example.target):
            if before in CASES_AFTER and determiner:
                cases = {reading.split("-")[1] for reading in agreed(determiner, adjectives, noun)}
                checked += 1
                assert cases & CASES_AFTER[before], (before, determiner, noun, example.target)
    assert checked > 2000


def finite_forms() -> set[str]:
    """All finite forms, those of separable verbs in one word."""
    auxiliaries = (
        "bin bist ist sind war warst waren habe hast hat haben hatte hattest hatten werde wirst wird werden "
        "kann kannst können konnte konntest konnten muss musst müssen musste musstest mussten will willst wollen "
        "wollte wolltest wollten darf darfst dürfen durfte durftest durften sollte solltest sollten möchte "
        "möchtest möchten"
    )
    return set(auxiliaries.split()) | {
        verb.prefix + form for verb in lexicon().verbs for form in verb.present.values() if verb.frame != "be"
    }


@pytest.mark.parametrize("conjunction", CONJUNCTIONS)
def test_subordinate_clauses_end_with_a_finite_verb(conjunction):
    finite, checked = finite_forms(), 0
    for example in corpus():
        clauses = re.split(r"[,.?]", example.target[0].lower() + example.target[1:])
        for index, clause in enumerate(clauses):
            row = clause.split()
            if row[:1] != [conjunction]:
                continue
            last = row
            if row[-1] not in finite and re.match(RELATIVE_START, clauses[index + 1]):
                last = clauses[index + 2].split()  # a relative clause stands inside: the verb comes after it
            checked += 1
            assert last[-1] in finite, (example.target, last)
    assert checked > 50


def test_subordinate_clauses_stand_between_commas():
    for example in corpus():
        row = example.target.split()
        for before, word in itertools.pairwise(row):
            if word in CONJUNCTIONS:
                assert before.endswith(",") or before in ("und", "aber"), example.target


def test_fronted_adverbs_are_followed_by_the_verb():
    finite = {verb.present[person] for verb in lexicon().verbs for person in verb.present} | finite_forms()
    checked = 0
    for example in corpus():
        row = example.target.split()
        if row[0] in ("Gestern", "Heute", "Morgen", "Jetzt", "Bald") and row[1] not in ("Abend", "Morgen"):
            checked += 1
            assert row[1] in finite, example.target
    assert checked > 20


def test_separable_verbs_separate_in_main_clauses_only():
    seen = set()
    for example in corpus():
        source, target = example.source, example.target
        clauses = re.split(r"[,.?]", target)
        if (
            "to turn on" in source
            and "like to turn" not in source
            and re.search("(want|have|had|has|allowed) to turn|wants to turn|wanted to turn", source) is None
        ):
            assert "einzuschalten" in target
            seen.add("infinitive")
        elif (
            re.search(r"\b(turns|turn) on\b", source)
            and len(clauses) == 2
            and not re.search(r"(?i)\b(did|or|and|but)\b", source)
        ):
            is_split = re.search(r"(?i)\bschalt(e|est|et|en)\b.* ein$", clauses[0])
            assert is_split or clauses[0].endswith(" einschalten"), target
            seen.add("split" if is_split else "whole")
        if re.search(r"(weil|dass|obwohl) [^,]*schaltet\b", target):
            assert re.search(r"(weil|dass|obwohl) [^,]*(ein|aus)(ge)?schaltet\b", target), target
            seen.add("last")
    assert {"infinitive", "split", "whole"} <= seen


def test_participles_stand_behind_their_objects():
    for example in corpus():
        match = re.fullmatch(r"(\w+) (hat|haben) [^,]*\b(\w+)[.]", example.target)
        if match and " und " not in example.target:
            assert match[3] in {verb.german_participle for verb in lexicon().verbs}, example.target


def test_negation_of_indefinite_objects_is_kein():
    for example in corpus():
        assert not re.search(r"\bnicht (eine|einen|ein [A-ZÄÖÜ]|ein \w+es) ", example.target), example.target
        if " any " in example.source:
            assert re.search(r"(?i)\bkeine?n?\b", example.target), example.target


def test_nouns_are_capitalized_and_other_words_are_not():
    nouns = {form for noun in lexicon().nouns for row in noun.german for form in row if form}
    lowercase = {form[0].lower() + form[1:] for form in nouns}
    others = {form for verb in lexicon().verbs for form in (*verb.present.values(), verb.infinitive)} | {
        "junge",
        "jungen",
    }
    for example in corpus():
        for word in example.target.split()[1:]:
            assert word.strip(".,?") not in lowercase - others, example.target


def test_english_articles_and_verbs_agree():
    finite = {verb.base[0]: verb.third[0] for verb in lexicon().verbs if verb.past != verb.base}
    for example in corpus():
        row = [word.strip(".,?") for word in example.source.lower().split()]
        for word, following in itertools.pairwise(row):
            if word in ("a", "an"):
                assert (word == "an") == (following[0] in "aeiou"), example.source
        if row[0] in ("he", "she") and row[1] in finite:
            assert finite[row[1]] == row[1], example.source
        if row[0] in ("i", "we", "you", "they"):
            assert row[1] not in finite.values(), example.source
