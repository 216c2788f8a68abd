"""Whether a difference in BLEU is more than the luck of which sentences were in the test set.

Paired bootstrap: both systems are scored on the same resampled test sets, and p is the share of them whose
difference strays from the mean by more than the difference that was observed.

Source: Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation", through sacreBLEU.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.significance import PairedTest

from seq2seq.evaluation.metrics import RESAMPLES, check_pairs


def paired_bootstrap(
    baseline: Sequence[str], others: Mapping[str, Sequence[str]], references: Sequence[str]
) -> dict[str, float]:
    """For each of the `others`, the p-value of its difference in BLEU from `baseline`.

    What scores as the baseline does gets 1, where sacreBLEU may say 1/1001.
    """
    check_pairs(baseline, references, "baseline")
    for name, hypotheses in others.items():
        check_pairs(hypotheses, references, name)
    differing = {name: lines for name, lines in others.items() if list(lines) != list(baseline)}
    p_values = dict.fromkeys(others, 1.0)
    if differing:
        systems = [("baseline", baseline), *differing.items()]
        test = PairedTest(systems, {"BLEU": BLEU()}, [references], "bs", n_samples=RESAMPLES, n_jobs=1)
        scored: list[Any] = test()[1]["BLEU"]
        found = zip(differing, scored[1:], strict=True)
        p_values.update((name, result.p_value) for name, result in found if result.score != scored[0].score)
    return p_values
