"""Laws of the grammar corpus: sizes, splits, alignments, probes."""

import functools
import itertools
import pickle
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.data.example import Example
from seq2seq.data.grammar import SPLITS, grammar_examples
from seq2seq.data.grammar.lexicon import lexicon
from seq2seq.data.grammar.pairs import is_reserved
from seq2seq.errors import DataError

TRAIN_LONGEST, LONGEST = 25, 45


@functools.cache
def corpus(split: str, count: int = 1000, seed: int = 3) -> tuple[Example, ...]:
    """Made in a process of its own: there every call is not type-checked, which takes longer than the work."""
    program = (
        "import pickle, sys\n"
        "from seq2seq.data.grammar import grammar_examples\n"
        f"examples = tuple(grammar_examples({split!r}, count={count}, seed={seed}))\n"
        "sys.stdout.buffer.write(pickle.dumps(examples))"
    )
    return pickle.loads(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout)


def big_train() -> tuple[Example, ...]:
    return corpus("train", 30_000)


def words(text: str) -> list[str]:
    return [word.strip(".,?") for word in text.split()]


def forms(examples: tuple[Example, ...], side: str) -> set[str]:
    return {word.lower() for example in examples for word in words(getattr(example, side))}


# Size


def test_there_are_enough_words_and_not_too_many():
    assert 400 <= len(forms(big_train(), "source")) <= 750
    assert 400 <= len(forms(big_train(), "target")) <= 1400


@pytest.mark.parametrize("split", SPLITS)
def test_lengths_stay_in_bounds(split):
    lengths = [len(example.source.split()) for example in corpus(split)]
    if split == "test_long":
        assert min(lengths) > TRAIN_LONGEST
        assert max(lengths) <= LONGEST
        assert max(lengths) > 40
    else:
        assert min(lengths) >= 3
        assert max(lengths) <= TRAIN_LONGEST


def test_training_sentences_are_of_middling_length():
    lengths = [len(example.source.split()) for example in corpus("train", 5000)]
    assert 9 <= sum(lengths) / len(lengths) <= 13
    assert {3, 5, 10, 20, 25} <= set(lengths)


@pytest.mark.parametrize("split", SPLITS)
def test_sentences_are_written_as_sentences(split):
    for example in corpus(split):
        for text in (example.source, example.target):
            assert text == " ".join(text.split())
            assert text[0].isupper()
            assert text[-1] in ".?"
            assert not any(mark in text for mark in (",,", " ,", ",.", ",?", ". "))
        assert example.source[-1] == example.target[-1]


# Determinism


@settings(deadline=None, max_examples=20)
@given(split=st.sampled_from(SPLITS), short=st.integers(0, 15), more=st.integers(0, 15), seed=st.integers(0, 3))
def test_first_examples_do_not_depend_on_the_count(split, short, more, seed):
    longer = list(grammar_examples(split, count=short + more, seed=seed))
    assert len(longer) == short + more
    assert list(grammar_examples(split, count=short, seed=seed)) == longer[:short]


def test_another_process_makes_the_same():
    program = (
        "from seq2seq.data.grammar import SPLITS, grammar_examples\n"
        "for split in SPLITS:\n"
        "    print(*grammar_examples(split, count=20, seed=5), sep='\\n')"
    )
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert printed.splitlines() == [
        str(example) for split in SPLITS for example in grammar_examples(split, count=20, seed=5)
    ]


def test_seeds_and_splits_differ():
    first = [next(grammar_examples(split, count=1, seed=seed)).source for split in SPLITS for seed in (1, 2)]
    assert len(set(first)) == len(first)


def test_examples_come_one_by_one():
    assert next(grammar_examples("train", count=10**12, seed=0)).source


def test_an_unknown_split_is_refused_at_once():
    with pytest.raises(DataError, match=r"unknown split 'test_prono'; did you mean 'test_pronoun'\?"):
        grammar_examples("test_prono", count=1, seed=0)


# Splits


def test_splits_are_disjoint_for_all_seeds():
    sources = {split: {example.source for example in corpus(split) + corpus(split, 300, 4)} for split in SPLITS}
    sources["train"] |= {example.source for example in big_train()}
    for one, other in itertools.combinations(SPLITS, 2):
        assert not sources[one] & sources[other]


@pytest.mark.parametrize("split", SPLITS[1:])
def test_held_out_splits_hold_no_sentence_twice(split):
    sources = [example.source for example in corpus(split)]
    assert len(set(sources)) == len(sources)


def test_the_translation_is_a_function_of_the_source():
    translations: dict[str, str] = {}
    for example in itertools.chain(big_train(), *(corpus(split) for split in SPLITS)):
        assert translations.setdefault(example.source, example.target) == example.target
    assert len(translations) > 30_000


def test_valid_and_test_are_drawn_like_train():
    shares = {
        split: sum(example.probe is not None for example in corpus(split)) / 1000
        for split in ("train", "valid", "test")
    }
    assert 0.08 < shares["train"] < 0.16
    assert all(abs(share - shares["train"]) < 0.04 for share in shares.values())


@functools.cache
def english_forms() -> tuple[dict[str, str], dict[str, set[str]], dict[str, str]]:
    """Adjective, verb and noun forms in English, with the names by which pairs are reserved."""
    adjectives = {
        form: entry.english
        for entry in lexicon().adjectives
        for form in (entry.english, entry.comparative)
        if form != "-"
    }
    verbs: dict[str, set[str]] = {}
    for entry in lexicon().verbs:
        for form in (entry.base, entry.third, entry.past, entry.participle):
            verbs.setdefault(form[0], set()).add(entry.name)
    nouns = {form: entry.english[0] for entry in lexicon().nouns for form in entry.english if form}
    return adjectives, verbs, nouns


def adjacent_pairs(source: str) -> set[tuple[str, str]]:
    """Adjectives before their nouns, as the text shows them."""
    adjectives, _, nouns = english_forms()
    row = [word.lower() for word in words(source)]
    found = set()
    for index, word in enumerate(row):
        before = index - 1
        while word in nouns and before >= 0 and row[before] in adjectives:
            found.add((adjectives[row[before]], nouns[word]))
            before -= 1
    return found


def possible_pairs(source: str) -> set[tuple[str, str]]:
    """All pairs that a sentence could have: any adjective or verb with any noun in it."""
    adjectives, verbs, nouns = english_forms()
    row = [word.lower() for word in words(source)]
    heads = {adjectives[word] for word in row if word in adjectives}
    heads |= {name for word in row for name in verbs.get(word, ())}
    return set(itertools.product(heads, {nouns[word] for word in row if word in nouns}))


def test_reserved_pairs_are_in_test_unseen_only():
    for example in itertools.chain(*(corpus(split) for split in SPLITS if split != "test_unseen")):
        assert not any(is_reserved(*pair) for pair in adjacent_pairs(example.source)), example.source
    for example in corpus("test_unseen"):
        assert any(is_reserved(*pair) for pair in possible_pairs(example.source)), example.source


def test_verbs_never_take_a_reserved_object_in_train():
    _, verbs, nouns = english_forms()
    articles = {"the", "a", "an", "my", "this"}
    checked = 0
    for example in big_train():
        row = [word.lower() for word in words(example.source)]
        for verb, article, noun in zip(row, row[1:], row[2:], strict=False):
            if verb in ("ate", "bought", "saw", "repaired", "found") and article in articles and noun in nouns:
                checked += 1
                assert not all(is_reserved(name, nouns[noun]) for name in verbs[verb]), example.source
    assert checked > 300


def test_words_of_test_unseen_are_known_from_train():
    for side in ("source", "target"):
        known = forms(big_train(), side)
        new = Counter(
            word
            for example in corpus("test_unseen")
            for word in map(str.lower, words(getattr(example, side)))
            if word not in known
        )
        assert not new


# Alignments


@pytest.mark.parametrize("split", SPLITS)
def test_alignments_link_words_that_exist(split):
    for example in corpus(split):
        sources, targets = len(example.source.split()), len(example.target.split())
        assert all(0 <= i < sources and 0 <= j < targets for i, j in example.alignment)
        assert list(example.alignment) == sorted(set(example.alignment))


@pytest.mark.parametrize("split", SPLITS)
def test_every_word_is_aligned_but_articles_that_german_leaves_out(split):
    for example in corpus(split):
        english = {i for i, _ in example.alignment}
        left_out = {word.lower() for i, word in enumerate(words(example.source)) if i not in english}
        assert left_out <= {"a", "an"}, example
        assert {j for _, j in example.alignment} == set(range(len(example.target.split()))), example


def test_nouns_are_aligned_with_their_translations():
    translations: dict[str, set[str]] = {}
    for entry in lexicon().nouns:
        for form in itertools.chain(*entry.german):
            translations.setdefault(form, set()).update(entry.english)
    checked = 0
    for example in corpus("train", 5000):
        source, target = words(example.source), words(example.target)
        partners: dict[int, set[str]] = {}
        for i, j in example.alignment:
            partners.setdefault(j, set()).add(source[i].lower())
        for j, word in enumerate(target):
            if j > 0 and word in translations:  # at the start it may be a verb: Spiele ich?
                checked += 1
                assert partners[j] & translations[word], (example, word)
    assert checked > 5000


# Probes


def probed() -> list[Example]:
    return [*corpus("test_pronoun"), *(example for example in big_train() if example.probe)]


def test_pronoun_sentences_are_where_they_should_be():
    assert all(example.probe for example in corpus("test_pronoun"))
    for split in ("test_long", "test_unseen"):
        assert not any(example.probe for example in corpus(split))


def test_probes_point_at_the_pronoun_and_its_noun():
    genders = {"er": 0, "sie": 1, "es": 2}
    nouns = {form: entry.gender for entry in lexicon().nouns for form in entry.german[0]}
    for example in probed():
        probe, target = example.probe, words(example.target)
        assert target[probe.position] == probe.expected
        noun = target[probe.position - probe.distance - 1]
        assert nouns[noun] == genders[probe.expected], example


def test_pronouns_and_distances_vary():
    counts = Counter(example.probe.expected for example in corpus("test_pronoun"))
    assert set(counts) == {"er", "sie", "es"}
    assert max(counts.values()) < 0.45 * sum(counts.values())
    distances = {example.probe.distance for example in corpus("test_pronoun")}
    assert set(range(2, 15)) <= distances


def test_the_adjective_decides_between_two_things():
    """Some sentences differ in their last word alone, and so in what the pronoun stands for."""
    by_start: dict[str, set[str]] = {}
    for example in probed():
        by_start.setdefault(example.source.rpartition(" ")[0], set()).add(example.probe.expected)
    assert any(len(expected) == 2 for expected in by_start.values())
