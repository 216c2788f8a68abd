"""What somebody at a terminal sees, through a real one."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest

PATIENCE = 200  # seconds, on a machine that has other things to do


class Terminal:
    """A process whose standard streams are a terminal."""

    def __init__(self, *arguments, stdout=None):
        self.mine, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "seq2seq", *map(str, arguments)],
            stdin=theirs,
            stdout=stdout or theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "200"},
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.process.kill()
        self.process.wait()
        os.close(self.mine)

    def wait_for(self, text):
        """Read until `text` has been seen."""
        end = time.monotonic() + PATIENCE
        while text not in self.seen:
            if not self._more(end):
                pytest.fail(f"no {text!r} in {self.seen!r}")
            self.seen += self._read()

    def type(self, text):
        os.write(self.mine, text.encode())

    def interrupt(self):
        """Ctrl-C, and again while it goes unheard: Python loses one that comes just as it begins to wait for a line."""
        while self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)

    def end(self):
        """The exit status, with all read that was still said."""
        end = time.monotonic() + PATIENCE
        while self._more(end) and (chunk := self._read()):
            self.seen += chunk
        return self.process.wait(PATIENCE)

    def _more(self, end):
        return select.select([self.mine], [], [], max(0, end - time.monotonic()))[0]

    def _read(self):
        try:
            return os.read(self.mine, 65536).decode(errors="replace")
        except OSError:  # the other side is closed
            return ""


def test_without_input_there_is_a_prompt_that_control_d_ends(run, seq2seq):
    expected = seq2seq("translate", run, stdin="a b\n").stdout.strip()
    with Terminal("translate", run) as terminal:
        terminal.wait_for("Ctrl-D ends")
        terminal.wait_for("> ")
        terminal.type("a b\n")
        terminal.wait_for(f"{expected}\r\n> ")  # typed before the prompt it would be lost: the terminal changes mode
        terminal.type("\x04")
        assert terminal.end() == 0
        assert "Traceback" not in terminal.seen


def test_the_prompt_stays_out_of_output_that_goes_elsewhere_and_control_c_leaves_it(run, seq2seq, tmp_path):
    with (tmp_path / "output").open("wb") as output, Terminal("translate", run, stdout=output) as terminal:
        terminal.wait_for("> ")
        terminal.type("a b\n")
        terminal.wait_for("> a b\r\n> ")  # what was typed, and the next prompt
        terminal.interrupt()
        assert terminal.end() == 130
        assert "Traceback" not in terminal.seen
    assert (tmp_path / "output").read_text() == seq2seq("translate", run, stdin="a b\n").stdout


def test_scores_are_drawn_as_a_table_on_a_terminal_alone(run, seq2seq):
    with Terminal("evaluate", run) as terminal:
        assert terminal.end() == 0
        assert "┃" in terminal.seen
        assert "BLEU" in terminal.seen
    piped = seq2seq("evaluate", run)
    assert "BLEU" in piped.stdout
    assert "┃" not in piped.stdout
    assert "\x1b" not in piped.stdout + piped.stderr
