"""BLEU, chrF and TER through sacreBLEU, each with the signature that says how it was computed.

Intervals are of the bootstrap over sentences: 1,000 resamples, 95 %, sacreBLEU's fixed seed.

Sources: Papineni et al. 2002 (BLEU), Popović 2015 (chrF), Snover et al. 2006 (TER), Post 2018 (signatures),
Koehn 2004 (bootstrap).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF, CHRFScore
from sacrebleu.metrics.ter import TER

from seq2seq.errors import DataError

RESAMPLES = 1000


class Interval(NamedTuple):
    """95 % of the scores of resampled corpora lie about between these."""

    low: float
    high: float


class SignedScore(NamedTuple):
    """A score and how it was computed."""

    score: float
    signature: str


@dataclass(frozen=True)
class Scores:
    """How a set of translations fares against its references, one each; all from 0 to 100 but TER."""

    sentences: int
    bleu: float
    """Cased, 13a tokenization: sacreBLEU's default."""
    bleu_interval: Interval
    bleu_signature: str
    bleu_lowercased: float
    """What results on Multi30k are usually given in."""
    bleu_lowercased_signature: str
    chrf: float
    chrf_interval: Interval
    chrf_signature: str
    ter: float
    """Edits per 100 reference words: less is better."""
    ter_signature: str


class _Chrf(CHRF):
    """sacreBLEU's, whose interval cannot be computed where some resamples score 0 and others, in float32, do not."""

    def _compute_score_from_stats(self, stats: Any) -> CHRFScore:
        found = super()._compute_score_from_stats(stats)
        found.score = float(found.score)
        return found


def score_translations(hypotheses: Sequence[str], references: Sequence[str]) -> Scores:
    """All scores of `hypotheses`, line by line against `references`."""
    check_pairs(hypotheses, references)
    bleu, chrf, ter = BLEU(), _Chrf(), TER()
    bleu_score = bleu.corpus_score(hypotheses, [references], n_bootstrap=RESAMPLES)
    chrf_score = chrf.corpus_score(hypotheses, [references], n_bootstrap=RESAMPLES)
    lowercased = lowercased_tokenized_bleu(hypotheses, references)
    return Scores(
        sentences=len(references),
        bleu=bleu_score.score,
        bleu_interval=_interval(bleu_score),
        bleu_signature=str(bleu.get_signature()),
        bleu_lowercased=lowercased.score,
        bleu_lowercased_signature=lowercased.signature,
        chrf=chrf_score.score,
        chrf_interval=_interval(chrf_score),
        chrf_signature=str(chrf.get_signature()),
        ter=ter.corpus_score(hypotheses, [references]).score,
        ter_signature=str(ter.get_signature()),
    )


def lowercased_tokenized_bleu(hypotheses: Sequence[str], references: Sequence[str]) -> SignedScore:
    """BLEU without regard to case, after 13a tokenization (not Moses', as in the first Multi30k papers)."""
    check_pairs(hypotheses, references)
    metric = BLEU(lowercase=True)
    return SignedScore(metric.corpus_score(hypotheses, [references]).score, str(metric.get_signature()))


def check_pairs(hypotheses: Sequence[str], references: Sequence[object], what: str = "translations") -> None:
    """Raises DataError unless there are as many `hypotheses` as `references`, and some."""
    if len(hypotheses) != len(references):
        raise DataError(
            f"{what}: {len(hypotheses)} lines do not fit {len(references)} references;"
            " give one line for each, blank lines among them"
        )
    if not references:
        raise DataError(f"{what}: nothing to score; give at least one line and its reference")


def _interval(score: Any) -> Interval:
    """From sacreBLEU's mean of the resampled scores and half the width of their middle 95 %."""
    return Interval(float(score._mean - score._ci), float(score._mean + score._ci))
