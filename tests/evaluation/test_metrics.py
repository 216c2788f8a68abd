"""Metrics against sacreBLEU's command line."""

import json
import random
import subprocess
import sys

import pytest

from seq2seq.errors import DataError
from seq2seq.evaluation.metrics import lowercased_tokenized_bleu, score_translations
from seq2seq.evaluation.significance import paired_bootstrap

WORDS = """
    der die das Haus , . Baum steht nicht neben einem großen Fluss und eine kleine Brücke geht darüber
""".split()  # noqa: SIM905


def corpus(sentences, seed=0):
    chance = random.Random(seed)
    return [" ".join(chance.choices(WORDS, k=chance.randint(3, 15))) for _ in range(sentences)]


def worsened(lines, share, seed=1):
    chance = random.Random(seed)
    return [" ".join(chance.choice(WORDS) if chance.random() < share else w for w in line.split()) for line in lines]


def command_line(tmp_path, hypotheses, references, *options):
    for name, lines in (("hypotheses", hypotheses), ("references", references)):
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    files = [str(tmp_path / "references"), "-i", str(tmp_path / "hypotheses")]
    command = [sys.executable, "-m", "sacrebleu", *files, "-f", "json", "-w", "8", *options]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found if isinstance(found, list) else [found]


def test_scores_are_those_of_the_command_line(tmp_path):
    references = corpus(60)
    hypotheses = [line.capitalize() for line in worsened(references, 0.3)]
    ours = score_translations(hypotheses, references)
    bleu, chrf, ter = command_line(tmp_path, hypotheses, references, "-m", "bleu", "chrf", "ter", "--confidence")
    assert (ours.bleu, ours.chrf, ours.ter) == pytest.approx((bleu["score"], chrf["score"], ter["score"]))
    for interval, theirs in ((ours.bleu_interval, bleu), (ours.chrf_interval, chrf)):
        mean, half = theirs["confidence_mean"], theirs["confidence_var"]
        assert interval == pytest.approx((mean - half, mean + half), rel=1e-5)
    (lowercased,) = command_line(tmp_path, hypotheses, references, "-lc")
    assert ours.bleu_lowercased == pytest.approx(lowercased["score"])
    assert ours.bleu_lowercased_signature == lowercased["signature"]
    assert lowercased_tokenized_bleu(hypotheses, references).score == ours.bleu_lowercased > ours.bleu
    assert ours.bleu_signature == bleu["signature"]
    assert ours.sentences == 60


def test_perfect_and_empty_translations():
    references = corpus(20)
    perfect = score_translations(references, references)
    assert (perfect.bleu, perfect.chrf, perfect.ter) == pytest.approx((100, 100, 0))
    nothing = score_translations([""] * 20, references)
    assert (nothing.bleu, nothing.chrf, nothing.ter) == pytest.approx((0, 0, 100))


@pytest.mark.parametrize("function", [score_translations, lowercased_tokenized_bleu])
def test_unequal_and_empty_corpora_are_refused(function):
    with pytest.raises(DataError, match="3 lines do not fit 4 references"):
        function(["a"] * 3, ["a"] * 4)
    with pytest.raises(DataError, match="nothing to score"):
        function([], [])


def test_p_values_tell_luck_from_difference():
    references = corpus(150)
    baseline = worsened(references, 0.3)
    alike, worse = worsened(references, 0.3, seed=2), worsened(references, 0.6, seed=3)
    others = {"same": baseline, "alike": alike, "worse": worse}
    found = paired_bootstrap(baseline, others, references)
    assert list(found) == list(others)
    assert found["same"] == 1.0
    assert found["worse"] < 0.01
    assert found["alike"] > 0.05
    assert paired_bootstrap(baseline, {"alike": alike}, references) == {"alike": found["alike"]}


def test_p_values_are_those_of_the_command_line(tmp_path):
    references = corpus(80)
    systems = [worsened(references, share, seed) for share, seed in ((0.3, 1), (0.33, 2))]
    names = []
    for index, lines in enumerate((references, *systems)):
        names.append(str(tmp_path / f"system{index}"))
        (tmp_path / f"system{index}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "sacrebleu", names[0], "-i", *names[1:], "--paired-bs", "-f", "json"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    expected = found[1]["BLEU"]["p_value"]
    assert paired_bootstrap(systems[0], {"b": systems[1]}, references)["b"] == pytest.approx(expected, abs=1e-3)


def test_a_system_of_other_length_is_named():
    with pytest.raises(DataError, match="lstm: 1 lines do not fit 2 references"):
        paired_bootstrap(["a", "b"], {"lstm": ["a"]}, ["a", "b"])


def test_an_interval_comes_of_resamples_without_any_match_too():
    hypotheses, references = ["xx", "xx", "xx", "der Baum"], ["der", "die", "das", "der Fluss"]
    found = score_translations(hypotheses, references)
    assert found.chrf_interval.low <= found.chrf <= found.chrf_interval.high


def test_equal_scores_are_no_difference():
    references = ["der Baum steht neben dem Fluss", "die Brücke"]
    assert paired_bootstrap(["x", "y"], {"other": ["y", "x"]}, references) == {"other": 1.0}
