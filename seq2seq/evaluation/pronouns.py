"""Whether pronouns agree with the nouns that they stand for.

In "Der Pokal passte nicht ins Regal, weil er zu groß war" the form of *er* follows the gender of *Pokal*. A
hypothesis may be worded otherwise than its reference, so its pronoun is looked for, not expected at an index:

1. The opener is the reference's word before the pronoun (*weil*). Where the hypothesis has it too, the first
   of er, sie, es after its last occurrence counts.
2. Where it has not, that of er, sie, es counts whose distance from the end is nearest to the reference's,
   and of two the later.
3. Where there is none, the hypothesis is wrong.

Words are compared in lower case and without the punctuation that clings to them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from seq2seq.data.example import Example, Probe
from seq2seq.errors import DataError
from seq2seq.evaluation.metrics import check_pairs

PRONOUNS = frozenset({"er", "sie", "es"})
BIN_WIDTH = 4  # target words


@dataclass(frozen=True)
class PronounReport:
    """How many pronouns are right."""

    correct: int
    total: int
    missing: int
    """Hypotheses without any of the pronouns; they count as wrong."""
    by_distance: dict[str, tuple[int, int]]
    """Right and all, by the words between noun and pronoun ("4-7"), the nearest first."""

    @property
    def accuracy(self) -> float:
        """From 0 to 1."""
        return self.correct / self.total


def pronoun_accuracy(hypotheses: Sequence[str], examples: Sequence[Example]) -> PronounReport:
    """How many of the pronouns that `examples` ask for are right; examples that ask for none do not count."""
    check_pairs(hypotheses, examples, "pronouns")
    right: Counter[int] = Counter()
    total: Counter[int] = Counter()
    missing = 0
    for hypothesis, example in zip(hypotheses, examples, strict=True):
        if example.probe is None:
            continue
        found = find_pronoun(hypothesis, example.target, example.probe)
        start = example.probe.distance // BIN_WIDTH * BIN_WIDTH
        total[start] += 1
        right[start] += found == example.probe.expected
        missing += found is None
    if not total:
        raise DataError("pronouns: no example asks for a pronoun; use a split that does, such as test_pronoun")
    bins = {f"{start}-{start + BIN_WIDTH - 1}": (right[start], total[start]) for start in sorted(total)}
    return PronounReport(right.total(), total.total(), missing, bins)


def find_pronoun(hypothesis: str, reference: str, probe: Probe) -> str | None:
    """The pronoun in `hypothesis` that stands for the one of the `probe` in `reference`."""
    words, expected = _words(hypothesis), _words(reference)
    places = [place for place, word in enumerate(words) if word in PRONOUNS]
    opener = expected[probe.position - 1] if probe.position > 0 else None
    if opener in words:
        last = len(words) - 1 - words[::-1].index(opener)
        return next((words[place] for place in places if place > last), None)
    from_end = len(expected) - probe.position
    nearest = min(reversed(places), key=lambda place: abs(len(words) - place - from_end), default=None)
    return None if nearest is None else words[nearest]


def _words(text: str) -> list[str]:
    return [word.strip(".,;:!?\"'()[]„“”«»–-").lower() for word in text.split()]
