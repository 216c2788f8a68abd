"""`seq2seq evaluate` and `seq2seq compare`: the library's scores, translated once."""

import json
from itertools import pairwise

import pytest

from seq2seq import Translator
from seq2seq.data.corpus import read_split
from seq2seq.evaluation.metrics import score_translations
from seq2seq.evaluation.pronouns import pronoun_accuracy
from seq2seq.evaluation.significance import paired_bootstrap
from seq2seq.files import RunFolder
from seq2seq.workflows.recipe import load_recipe


def examples_of(run, split):
    return list(read_split(load_recipe(RunFolder(run).recipe).data, split))


def translations(run, split, **settings):
    return Translator.load(run).translate([example.source for example in examples_of(run, split)], **settings)


@pytest.fixture
def rows(seq2seq):
    """The rows that a command prints as JSON."""

    def command(*arguments):
        found = seq2seq(*arguments, "--json")
        assert found.exit_code == 0, found.stderr
        return json.loads(found.stdout)["runs"]

    return command


@pytest.fixture
def no_model(monkeypatch):
    """From when it is called on, loading a model is an error."""

    def refuse(*arguments, **settings):
        raise AssertionError("a model was loaded")

    return lambda: monkeypatch.setattr("seq2seq.translation.Translator.load", refuse)


def test_scores_are_those_of_the_library(run, rows):
    (row,) = rows("evaluate", run)
    expected = score_translations(translations(run, "test"), [each.target for each in examples_of(run, "test")])
    assert (row["run"], row["split"], row["sentences"]) == (str(run), "test", 12)
    for name in ("bleu", "bleu_signature", "bleu_lowercased", "chrf", "chrf_signature", "ter", "ter_signature"):
        assert row[name] == getattr(expected, name), name
    assert tuple(row["bleu_interval"]) == expected.bleu_interval
    assert row["sentences_per_second"] == pytest.approx(12 / row["seconds"], rel=0.1)


def test_the_table_says_what_the_json_says(run, rows, seq2seq):
    found = seq2seq("evaluate", run).stdout
    (row,) = rows("evaluate", run)
    for text in (f"{row['chrf']:.2f}", f"{row['ter']:.2f}", row["bleu_signature"], row["chrf_signature"]):
        assert text in found


def test_splits_and_runs_come_in_the_order_of_the_command(run, other_run, rows):
    found = rows("evaluate", other_run, run, "--split", "valid", "--split", "test")
    assert [(row["run"], row["split"]) for row in found] == [
        (str(each), split) for each in (other_run, run) for split in ("valid", "test")
    ]


def test_nothing_is_translated_twice(run, rows, no_model):
    first = rows("evaluate", run)
    no_model()
    assert rows("evaluate", run) == first


@pytest.mark.parametrize("change", ["model", "beam", "length penalty", "precision", "text", "half a file"])
def test_what_a_result_depends_on_makes_it_anew(change, run, other_run, rows):
    rows("evaluate", run)
    kept = RunFolder(run).evaluations / "test.hyp"
    assert kept.read_text(encoding="utf-8").splitlines() == translations(run, "test")
    kept.write_text("what was kept\n" * 12)  # what is used again would show
    words = {"beam": ["--beam", "1"], "length penalty": ["--length-penalty", "2"], "precision": ["--precision", "bf16"]}
    if change == "model":
        RunFolder(other_run).model.replace(RunFolder(run).model)
    elif change == "text":
        recipe = RunFolder(run).recipe
        recipe.write_text(recipe.read_text().replace("seed: 0", "seed: 7"))
    elif change == "half a file":
        kept.write_text("what was kept\n" * 5)
    rows("evaluate", run, *words.get(change, []))
    newest = max(RunFolder(run).evaluations.glob("*.hyp"), key=lambda path: path.stat().st_mtime_ns)
    assert "what was kept" not in newest.read_text()


def test_other_settings_do_not_overwrite_those_of_the_recipe(run, rows, no_model):
    usual = rows("evaluate", run)
    assert rows("evaluate", run, "--beam", "1")[0]["beam_size"] == 1
    no_model()
    assert rows("evaluate", run) == usual


def test_files_instead_of_a_split(run, rows, tmp_path):
    examples = examples_of(run, "test")
    (tmp_path / "s").write_text("".join(f"{each.source}\n" for each in examples))
    (tmp_path / "t").write_text("".join(f"{each.target}\n" for each in examples))
    (found,) = rows("evaluate", run, "--source", tmp_path / "s", "--reference", tmp_path / "t")
    (split,) = rows("evaluate", run)
    assert (found["split"], found["chrf"], found["ter"]) == ("s", split["chrf"], split["ter"])


def test_files_of_unequal_length_are_told_with_both_counts(run, seq2seq, tmp_path):
    (tmp_path / "s").write_text("a\nb\nc\n")
    (tmp_path / "t").write_text("a\nb\n")
    for words in (["evaluate", run, "--reference"], ["score", run, "--target"]):
        found = seq2seq(*words, tmp_path / "t", "--source", tmp_path / "s")
        assert (found.exit_code, found.stdout) == (1, "")
        assert f"{tmp_path / 's'}: 3 lines, but {tmp_path / 't'} has 2" in found.stderr


@pytest.mark.parametrize("words", [["--source", "s"], ["--source", "s", "--reference", "t", "--split", "test"]])
def test_files_go_together_and_without_splits(words, run, seq2seq):
    assert seq2seq("evaluate", run, *words).exit_code == 2


def test_an_unknown_split_gets_the_near_miss_before_a_model_is_read(run, seq2seq, no_model):
    no_model()
    found = seq2seq("evaluate", run, "--split", "tset")
    assert (found.exit_code, found.stdout) == (1, "")
    assert "unknown split 'tset'; did you mean 'test'?" in found.stderr


def test_an_unfinished_run_is_scored_with_a_warning_but_not_compared(run, other_run, seq2seq):
    RunFolder(run).summary.unlink()
    found = seq2seq("evaluate", run)
    assert found.exit_code == 0
    assert f"Warning: {run}: its training is unfinished" in found.stderr
    found = seq2seq("compare", other_run, run)
    assert (found.exit_code, found.stdout) == (1, "")
    assert f"Error: {run}: its training is unfinished; go on with 'seq2seq train {run}/recipe.yaml" in found.stderr


def test_pronouns_are_counted_where_the_text_asks_for_them(run, rows, seq2seq):
    recipe = RunFolder(run).recipe
    tree = recipe.read_text()
    start, end = tree.index("  corpus:"), tree.index("  train: train")
    corpus = "  corpus: {kind: grammar, sizes: {train: 50, valid: 5, test: 5, test_pronoun: 8}}\n"
    recipe.write_text(tree[:start] + corpus + tree[end:])
    (row,) = rows("evaluate", run, "--split", "test_pronoun")
    hypotheses = (RunFolder(run).evaluations / "test_pronoun.hyp").read_text(encoding="utf-8").split("\n")[:-1]
    report = pronoun_accuracy(hypotheses, examples_of(run, "test_pronoun"))
    assert (row["pronouns"]["correct"], row["pronouns"]["total"]) == (report.correct, report.total)
    assert "Right pronouns" in seq2seq("evaluate", run, "--split", "test_pronoun").stdout


def test_compare_has_the_rows_of_evaluate_and_more(run, other_run, rows, no_model):
    scores = rows("evaluate", run, other_run)
    no_model()
    compared = rows("compare", run, other_run)
    for score, row in zip(scores, compared, strict=True):
        assert row.items() >= score.items()
        assert (row["parameters"], row["training_seconds"], row["target_tokens_per_second"]) == (1757, 65.0, 100.0)


def test_p_values_are_those_of_the_paired_bootstrap_against_the_first(run, other_run, rows):
    first, second = rows("compare", run, other_run)
    references = [each.target for each in examples_of(run, "test")]
    expected = paired_bootstrap(translations(run, "test"), {"other": translations(other_run, "test")}, references)
    assert first["p_value"] is None
    assert second["p_value"] == expected["other"]


def test_the_report_is_written_as_json_and_markdown(run, other_run, seq2seq, tmp_path):
    (tmp_path / "folder").mkdir()
    for given, stem in (("report", "report"), ("report.md", "report"), ("folder", "folder/compare")):
        found = seq2seq("compare", run, other_run, "--out", tmp_path / given)
        assert found.exit_code == 0
        record = json.loads((tmp_path / f"{stem}.json").read_text())
        assert [row["run"] for row in record["runs"]] == [str(run), str(other_run)]
        markdown = (tmp_path / f"{stem}.md").read_text()
        for text in ("| tiny |", "| other |", "1,757", "1 min 05 s", "abacus", record["runs"][0]["bleu_signature"]):
            assert text in markdown
        (tmp_path / f"{stem}.md").unlink()


def test_the_markdown_table_is_rectangular(run, other_run, seq2seq, tmp_path):
    seq2seq("compare", run, other_run, "--split", "test", "--split", "valid", "--out", tmp_path / "report")
    table = [line for line in (tmp_path / "report.md").read_text().splitlines() if line.startswith("|")]
    blocks = [list(table[:4]), list(table[4:])]
    for block in blocks:
        assert len(block) == 4
        assert all(one.count("|") == other.count("|") for one, other in pairwise(block))


def test_runs_on_different_texts_are_not_compared(run, other_run, seq2seq):
    recipe = RunFolder(other_run).recipe
    recipe.write_text(recipe.read_text().replace("seed: 0", "seed: 7"))
    found = seq2seq("compare", run, other_run)
    assert (found.exit_code, found.stdout) == (1, "")
    assert f"Error: {other_run}: its 'test' is another text than that of {run}" in found.stderr


def test_a_run_is_compared_once(run, seq2seq):
    found = seq2seq("compare", run, run / ".." / run.name)
    assert found.exit_code == 1
    assert "give each run once" in found.stderr
