"""The program as a whole: help, speed, exit codes, and what it says to what it does not know."""

import os
import resource
import shlex
import subprocess
import sys

import click
import pytest

from seq2seq import __version__
from seq2seq.cli.group import OTHER_COMMANDS, OTHER_OPTIONS
from seq2seq.cli.main import PLACES, program
from seq2seq.cli.recipes import PLACES as RECIPES_PLACES

COMMANDS = [[name] for name in PLACES] + [["recipes", name] for name in RECIPES_PLACES]
HEAVY = {"torch", "numpy", "pydantic", "rich", "yaml", "sacrebleu", "datasets", "sentencepiece"}


def every_command():
    """The commands by name, those of `recipes` among them."""
    context = click.Context(program)
    recipes = program.get_command(context, "recipes")
    return [program.get_command(context, name) for name in PLACES] + [
        recipes.get_command(context, name) for name in RECIPES_PLACES
    ]


def parse(command, words):
    """Parse `words` as `command` would, down to the last command, without running it."""
    context = command.make_context(command.name, list(words))
    if isinstance(command, click.Group):
        _, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        parse(command, rest)


def in_a_process(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "seq2seq", *map(str, arguments)], capture_output=True, text=True, check=False, **options
    )


def test_help_of_every_command_imports_nothing_heavy():
    script = (
        "import sys\n"
        "from seq2seq.cli.main import program\n"
        f"for words in {[[], *COMMANDS]!r}:\n"
        "    try:\n"
        "        program([*words, '--help'])\n"
        "    except SystemExit as left:\n"
        "        assert left.code == 0, words\n"
        f"print('HEAVY', sorted({HEAVY!r} & set(sys.modules)))\n"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "HEAVY []"


def test_help_comes_at_once():
    def seconds():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert in_a_process("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    # Of the processor, and the best of several: other processes may hold the machine meanwhile.
    assert min(seconds() for _ in range(3)) < 0.2


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_ends_with_examples_that_the_command_can_parse(words, seq2seq):
    found = seq2seq(*words, "--help")
    assert found.exit_code == 0
    lines = found.stdout.split("Examples:\n")[1].strip().splitlines()
    assert lines
    for line in lines:
        example = shlex.split(line.strip().partition("  ")[0].partition(" > ")[0])
        parse(program, example[example.index("seq2seq") + 1 :])


def test_every_option_has_a_help():
    for command in every_command():
        for parameter in command.params:
            if parameter.param_type_name == "option":
                assert parameter.help, (command.name, parameter.name)


def test_the_summaries_of_the_commands_are_whole(seq2seq):
    for words in ([], ["recipes"]):
        commands = seq2seq(*words, "--help").stdout.split("Commands:\n")[1].split("\n\n")[0]
        assert "..." not in commands


def test_the_version_is_printed(seq2seq):
    found = seq2seq("--version")
    assert (found.exit_code, found.stdout) == (0, f"seq2seq {__version__}\n")


def test_an_unknown_command_gets_the_near_miss(seq2seq):
    found = seq2seq("trian")
    assert found.exit_code == 2
    assert "No such command 'trian'. Did you mean 'train'?" in found.stderr
    assert found.stdout == ""


def test_an_unlikely_command_gets_the_list(seq2seq):
    assert "There are recipes, train, evaluate" in seq2seq("xyzzy").stderr


@pytest.mark.parametrize(("theirs", "ours"), OTHER_COMMANDS.items())
def test_commands_of_other_toolkits_are_known_by_our_names(theirs, ours, seq2seq):
    assert ours in PLACES
    assert f"Did you mean {ours!r}?" in seq2seq(theirs).stderr


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["translate", "--bem", "3"], "--beam"),
        (["translate", "--beam-size", "3"], "--beam"),
        (["translate", "--beam_size=3"], "--beam"),
        (["translate", "--nbest", "3"], "--n-best"),
        (["translate", "--n_best", "3"], "--n-best"),
        (["translate", "--lenpen", "1"], "--length-penalty"),
        (["translate", "--batch-size", "1"], "--batch-tokens"),
        (["translate", "--out", "x"], "--output"),
        (["translate", "--gpu"], "--device cuda"),
        (["translate", "--fp16"], "--precision bf16"),
        (["score", "--src", "x"], "--source"),
        (["score", "--tgt", "x"], "--target"),
        (["evaluate", "--ref", "x"], "--reference"),
        (["evaluate", "--tgt", "x"], "--reference"),
        (["train", "--lr", "1"], "--set training.schedule.peak=RATE"),
        (["train", "--batch-size", "1"], "--set training.batch_tokens=N"),
        (["train", "--save-dir", "x"], "--out"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_options_of_other_toolkits_are_known_by_our_names(words, meant, seq2seq):
    found = seq2seq(*words)
    assert found.exit_code == 2
    assert f"Did you mean {meant!r}?" in found.stderr


def test_every_option_of_others_leads_to_one_of_ours():
    ours = {option for command in every_command() for parameter in command.params for option in parameter.opts}
    for theirs, meant in OTHER_OPTIONS.items():
        assert any(each.split()[0] in ours for each in meant), theirs


def test_an_unlikely_option_leads_to_the_help(seq2seq):
    assert "'seq2seq train --help' lists them" in seq2seq("train", "--xyzzy").stderr


@pytest.mark.parametrize("words", [["translate"], ["evaluate"], ["train"], ["score", "run"], ["recipes", "show"]])
def test_what_is_missing_is_a_usage_error(words, seq2seq):
    found = seq2seq(*words)
    assert found.exit_code == 2
    assert "Missing" in found.stderr


def test_what_a_user_can_mend_is_one_line_without_a_traceback(tmp_path):
    found = in_a_process("info", tmp_path / "nothing")
    assert found.returncode == 1
    assert found.stdout == ""
    assert found.stderr.startswith(f"Error: {tmp_path / 'nothing'}: ")
    assert found.stderr.count("\n") == 1


def test_a_bug_keeps_its_traceback(seq2seq, monkeypatch):
    monkeypatch.setattr("seq2seq.workflows.info.describe", lambda path: 1 / 0)
    assert isinstance(seq2seq("info", "x").exception, ZeroDivisionError)


def test_an_interrupt_ends_with_130(seq2seq, monkeypatch):
    def interrupted(path):
        raise KeyboardInterrupt

    monkeypatch.setattr("seq2seq.workflows.info.describe", interrupted)
    found = seq2seq("info", "x")
    assert found.exit_code == 130
    assert "Traceback" not in found.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the device that is always full")  # noqa: PTH110
def test_a_full_disk_under_stdout_is_one_line(run):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        found = subprocess.run(
            [sys.executable, "-m", "seq2seq", "translate", run],
            input=b"a b\n" * 3,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert found.returncode == 1
    assert b"Traceback" not in found.stderr
    assert b"cannot be written (No space left on device)" in found.stderr
