"""Which pronoun of a hypothesis is judged, and how reports count."""

import pytest

from seq2seq.data.example import Example, Probe
from seq2seq.data.grammar import grammar_examples
from seq2seq.errors import DataError
from seq2seq.evaluation.pronouns import find_pronoun, pronoun_accuracy

TARGET = "Sie sah , dass der Pokal nicht in das Regal passte , weil er zu groß war ."
PROBE = Probe("er", TARGET.split().index("er"), 8)


@pytest.mark.parametrize(
    ("hypothesis", "found"),
    [
        (TARGET, "er"),
        ("Sie sah , dass der Pokal nicht ins Regal passte, weil es zu groß war.", "es"),
        ("Er sah sie nicht, weil, wie man sagt, SIE zu groß war.", "sie"),  # the first after the opener
        ("Er kam, weil es regnete, und weil sie zu groß war.", "sie"),  # the last opener
        ("Er kam nicht, weil der Pokal zu groß war.", None),  # none after the opener
        ("Sie sah den Pokal nicht im Regal, da er zu groß war.", "er"),  # no opener: nearest from the end
        ("Sie sieht das Regal.", "sie"),
        ("Der Pokal sieht das Regal.", None),
        ("", None),
        ("Erst sieht der Essende das Wiesel, weil Esel zu groß waren.", None),  # whole words only
    ],
)
def test_the_pronoun_of_the_clause_is_judged(hypothesis, found):
    assert find_pronoun(hypothesis, TARGET, PROBE) == found


def test_references_are_all_right_and_swapped_ones_all_wrong():
    examples = [
        Example(
            "", f"Der Hut {'sehr ' * distance}fehlt, weil {word} klein war.", probe=Probe(word, distance + 4, distance)
        )
        for distance in (0, 3, 4, 11)
        for word in ("er", "sie", "es")
    ]
    report = pronoun_accuracy([e.target for e in examples], examples)
    assert (report.accuracy, report.total, report.missing) == (1.0, 12, 0)
    assert report.by_distance == {"0-3": (6, 6), "4-7": (3, 3), "8-11": (3, 3)}

    others = {"er": "sie", "sie": "es", "es": "er"}
    swapped = [e.target.replace(f" {e.probe.expected} ", f" {others[e.probe.expected]} ") for e in examples]
    report = pronoun_accuracy(swapped[:3] + [e.target for e in examples[3:]], examples)
    assert (report.correct, report.total) == (9, 12)
    assert report.by_distance["0-3"] == (3, 6)
    assert pronoun_accuracy([""] * 12, examples).missing == 12


def test_examples_that_ask_for_nothing_do_not_count():
    asking = Example("", TARGET, probe=PROBE)
    assert pronoun_accuracy(["", TARGET], [Example("", "Er ging ."), asking]).total == 1
    with pytest.raises(DataError, match="no example asks for a pronoun"):
        pronoun_accuracy(["Er"], [Example("", "Er")])
    with pytest.raises(DataError, match="1 lines do not fit 2 references"):
        pronoun_accuracy(["Er"], [asking, asking])


def test_the_pronouns_of_the_grammar_corpus_are_found():
    examples = list(grammar_examples("test_pronoun", count=150, seed=1))
    references = [example.target.split() for example in examples]
    assert pronoun_accuracy([" ".join(words) for words in references], examples).accuracy == 1.0
    for words, example in zip(references, examples, strict=True):
        words[example.probe.position] = {"er": "sie", "sie": "es", "es": "er"}[example.probe.expected]
    assert pronoun_accuracy([" ".join(words) for words in references], examples).accuracy == 0.0
