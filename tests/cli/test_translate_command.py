"""`seq2seq translate`: one line out for each line in, whatever the lines are and wherever they come from."""

import gzip
import json
import os
import shutil
import stat
import subprocess
import sys

import pytest

from seq2seq import Translator
from seq2seq.files import RunFolder

LINES = ["a b c", "", "b", "   ", "a\u2028b", "h g f e d", "z", "a b c"]


def text(lines):
    return "".join(f"{line}\n" for line in lines)


@pytest.fixture
def output(seq2seq):
    """What `translate` prints, when all goes well."""

    def translate(*arguments, stdin=None):
        found = seq2seq("translate", *arguments, stdin=stdin)
        assert found.exit_code == 0, found.stderr
        return found.stdout

    return translate


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "input.txt"
    path.write_text(text(LINES), encoding="utf-8", newline="\n")
    return path


def test_a_file_comes_out_line_by_line_as_the_library_translates_it(run, file, seq2seq):
    found = seq2seq("translate", run, file)
    assert found.exit_code == 0
    assert found.stdout == text(Translator.load(run).translate(LINES))


def test_standard_input_gives_the_same_as_the_file(run, file, output):
    expected = output(run, file)
    for words in ([], ["-"]):
        assert output(run, *words, stdin=text(LINES)) == expected


def test_an_output_file_holds_what_would_be_printed(run, file, output, tmp_path):
    path = tmp_path / "deep" / "output.txt"
    assert output(run, file, "-o", path) == ""
    assert path.read_text(encoding="utf-8") == output(run, file)


def test_input_may_be_its_own_output(run, file, seq2seq, output):
    expected = output(run, file)
    assert seq2seq("translate", run, file, "-o", file).exit_code == 0
    assert file.read_text(encoding="utf-8") == expected


@pytest.mark.parametrize("given", ["a b", "a b\n", "a b\r\n", "\ufeffa b\n"])
def test_line_ends_and_byte_order_marks_are_no_text(given, run, output):
    assert output(run, stdin=given) == output(run, stdin="a b\n")


def test_only_line_feeds_end_lines(run, output):
    given = "a\u0085b\x0cc\x0bd\u2028e\u2029f\x1cg\n"
    assert output(run, stdin=given).count("\n") == 1


def test_blank_lines_stay_blank(run, output):
    assert output(run, stdin="\n \n\t\n\r\n") == "\n\n\n\n"


def test_a_packed_file_is_unpacked(run, file, output, tmp_path):
    packed = tmp_path / "input.txt.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert output(run, packed) == output(run, file)


def test_json_lines_are_read_by_the_name_of_the_file(run, output, tmp_path):
    path = tmp_path / "input.jsonl"
    path.write_text('"a b"\n{"source": "c d", "id": 7}\n')
    assert output(run, path) == output(run, stdin="a b\nc d\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [("{", "not JSON"), ("[1]", 'with a text "source"'), ('{"src": "a"}', "source"), ('"\\ud800"', "half a character")],
)
def test_json_lines_that_hold_no_source_are_refused_by_number(line, message, run, seq2seq, tmp_path):
    path = tmp_path / "input.jsonl"
    path.write_text(f'"a b"\n{line}\n')
    found = seq2seq("translate", run, path, "-o", tmp_path / "output")
    assert found.exit_code == 1
    assert f"Error: {path}:2: " in found.stderr
    assert message in found.stderr


def test_scores_stand_before_a_tab(run, seq2seq):
    found = seq2seq("translate", run, "--scores", stdin="a b\n\n")
    (score, translation), blank = (line.split("\t") for line in found.stdout.splitlines())
    best = Translator.load(run).translate_detailed(["a b"])[0]
    assert translation == best.text
    assert float(score) == pytest.approx(best.score, abs=1e-4)
    assert blank == ["0.0000", ""]


def test_n_best_lists_are_sorted_and_numbered(run, seq2seq, output):
    found = seq2seq("translate", run, "--n-best", "3", stdin="a b\n\nc d\n")
    rows = [line.split(" ||| ") for line in found.stdout.splitlines()]
    assert [row[0] for row in rows] == ["0", "0", "0", "1", "2", "2", "2"]
    scores = [float(row[2]) for row in rows]
    assert scores[:3] == sorted(scores[:3], reverse=True)
    assert scores[4:] == sorted(scores[4:], reverse=True)
    assert rows[0][1] == output(run, stdin="a b\n").rstrip("\n")


def test_json_is_an_object_a_line(run, seq2seq):
    found = seq2seq("translate", run, "--json", "--n-best", "2", stdin="a b\n\n")
    first, blank = map(json.loads, found.stdout.splitlines())
    assert first["source"] == "a b"
    assert first["n_best"][0]["translation"] == first["translation"]
    assert len(first["n_best"]) == 2
    assert blank["translation"] == ""


def test_search_settings_reach_the_search(run, seq2seq):
    translator = Translator.load(run)
    found = seq2seq("translate", run, "--beam", "1", "--length-penalty", "0", stdin=text(LINES))
    assert found.stdout == text(translator.translate(LINES, beam_size=1, length_penalty=0.0))


def test_half_precision_translates_every_line(run, output):
    assert output(run, "--precision", "bf16", stdin=text(LINES)).count("\n") == len(LINES)


@pytest.mark.parametrize(
    "words",
    [
        ["--beam", "0"],
        ["--beam", "many"],
        ["--length-penalty", "-1"],
        ["--n-best", "0"],
        ["--batch-tokens", "0"],
        ["--precision", "fp8"],
        ["--json", "--scores"],
        ["--n-best", "2", "--scores"],
    ],
    ids=" ".join,
)
def test_options_that_cannot_be_are_usage_errors(words, run, seq2seq):
    found = seq2seq("translate", run, *words, stdin="a\n")
    assert found.exit_code == 2
    assert found.stderr.splitlines()[-1].startswith("Error: ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--beam", "2", "--n-best", "3"], "n_best must be from 1 to the beam size 2, not 3"),
        (["--device", "tpu"], "device: unknown device 'tpu'"),
        (["--length-penalty", "nan"], "length_penalty"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_settings_that_cannot_be_are_one_line(words, message, run, seq2seq):
    found = seq2seq("translate", run, *words, stdin="a\n")
    assert (found.exit_code, found.stdout) == (1, "")
    assert found.stderr.startswith("Error: ")
    assert found.stderr.count("\n") == 1
    assert message in found.stderr


def test_a_gpu_that_is_not_there_is_an_error(run, seq2seq, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    found = seq2seq("translate", run, "--device", "cuda", stdin="a\n")
    assert (found.exit_code, found.stdout) == (1, "")
    assert "--device cpu" in found.stderr


def test_a_folder_that_is_no_run_is_named(tmp_path, seq2seq):
    for path, message in ((tmp_path / "none", "no such run folder"), (tmp_path, "no recipe.yaml")):
        found = seq2seq("translate", path, stdin="a\n")
        assert found.exit_code == 1
        assert f"Error: {path}: " in found.stderr
        assert message in found.stderr


def test_a_run_without_a_model_is_told_how_to_get_one(run, seq2seq):
    RunFolder(run).model.unlink()
    found = seq2seq("translate", run, stdin="a\n")
    assert found.exit_code == 1
    assert f"seq2seq train {run}/recipe.yaml --out {run}" in found.stderr


def test_invalid_utf8_leaves_no_half_output(run, seq2seq, tmp_path):
    broken, output = tmp_path / "input.txt", tmp_path / "output.txt"
    broken.write_bytes(b"a b\nc \xff d\n")
    found = seq2seq("translate", run, broken, "-o", output)
    assert found.exit_code == 1
    assert f"Error: {broken}:2: not UTF-8" in found.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "input.txt"}


def test_invalid_utf8_leaves_an_earlier_output_as_it_was(run, seq2seq, tmp_path):
    broken, output = tmp_path / "input.txt", tmp_path / "output.txt"
    broken.write_bytes(b"\xe4\n")
    output.write_text("earlier")
    assert seq2seq("translate", run, broken, "-o", output).exit_code == 1
    assert output.read_text() == "earlier"


def test_invalid_utf8_on_standard_input_is_named_with_its_line(run, seq2seq):
    found = seq2seq("translate", run, stdin=b"a\nb\n\xff\n")
    assert found.exit_code == 1
    assert "Error: standard input:3: not UTF-8" in found.stderr


def test_a_missing_input_is_noticed_before_the_model_is_read(run, seq2seq, tmp_path):
    RunFolder(run).model.write_bytes(b"no model")
    found = seq2seq("translate", run, tmp_path / "none.txt")
    assert found.exit_code == 1
    assert f"Error: {tmp_path / 'none.txt'}: cannot be read (No such file or directory)" in found.stderr


def test_a_broken_model_is_named(run, seq2seq):
    RunFolder(run).model.write_bytes(b"no model")
    found = seq2seq("translate", run, stdin="a\n")
    assert found.exit_code == 1
    assert f"Error: {RunFolder(run).model}: cannot be read" in found.stderr


def test_an_empty_file_is_an_error_and_an_empty_pipe_is_not(run, seq2seq, tmp_path):
    (tmp_path / "empty").touch()
    assert seq2seq("translate", run, tmp_path / "empty").exit_code == 1
    found = seq2seq("translate", run, stdin="")
    assert (found.exit_code, found.stdout) == (0, "")
    assert "empty" in found.stderr


@pytest.mark.parametrize("place", ["folder", "file/below"])
def test_an_output_that_cannot_be_is_noticed_before_the_model_is_read(place, run, file, seq2seq, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    RunFolder(run).model.write_bytes(b"no model")
    found = seq2seq("translate", run, file, "-o", tmp_path / place)
    assert found.exit_code == 1
    assert "cannot be written" in found.stderr


def test_a_device_is_written_to_and_stays_a_device(run, file, seq2seq):
    found = seq2seq("translate", run, file, "-o", "/dev/null")
    assert found.exit_code == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)  # noqa: PTH116


def test_a_link_is_written_through(run, file, seq2seq, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert seq2seq("translate", run, file, "-o", tmp_path / "link").exit_code == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text(encoding="utf-8").count("\n") == len(LINES)


def test_lines_longer_than_training_had_are_translated_and_counted(run, seq2seq):
    long = " ".join("abcdefgh" * 5)
    found = seq2seq("translate", run, stdin=f"{long}\na\n{long}\n")
    assert found.stdout.count("\n") == 3
    assert "Warning: 2 lines have more than 11 tokens" in found.stderr


def test_a_moved_run_translates_the_same(run, tmp_path, output):
    before = output(run, stdin=text(LINES))
    shutil.move(run, tmp_path / "elsewhere")
    assert output(tmp_path / "elsewhere", stdin=text(LINES)) == before


def test_a_reader_that_goes_away_ends_it_in_silence(run):
    words = [sys.executable, "-m", "seq2seq", "translate", str(run)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()  # as `head` does when it has seen enough
    process.stdin.write(b"a b\n" * 20)
    process.stdin.close()
    with process.stderr as stderr:
        assert stderr.read() == b""
    assert process.wait() != 0
