"""A group of commands that is quick to start, and commands that know what other toolkits call their options.

A command's module is imported when the command is asked for, and imports what it needs when it runs; so
`--help` waits for nothing but click (its documentation calls this lazy loading).
"""

import difflib
import errno
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from seq2seq.errors import ReportedError, Seq2SeqError

INTERRUPTED = 130  # 128 + SIGINT, as shells have it

# What others call it: what it is called here. Of several, the first that the command has.
OTHER_OPTIONS: dict[str, tuple[str, ...]] = {
    "--src": ("--source",),
    "--tgt": ("--target", "--reference"),
    "--trg": ("--target", "--reference"),
    "--ref": ("--reference", "--target"),
    "--refs": ("--reference",),
    "--references": ("--reference",),
    "--test-set": ("--split",),
    "--beam-size": ("--beam",),
    "--beam-width": ("--beam",),
    "--num-beams": ("--beam",),
    "--nbest": ("--n-best",),
    "--num-return-sequences": ("--n-best",),
    "--lenpen": ("--length-penalty",),
    "--alpha": ("--length-penalty",),
    "--batch-size": ("--batch-tokens", "--set training.batch_tokens=N"),
    "--max-tokens": ("--batch-tokens", "--set training.batch_tokens=N"),
    "--learning-rate": ("--set training.schedule.peak=RATE",),
    "--lr": ("--set training.schedule.peak=RATE",),
    "--max-steps": ("--set training.updates=N",),
    "--max-update": ("--set training.updates=N",),
    "--gpu": ("--device cuda",),
    "--cuda": ("--device cuda",),
    "--cpu": ("--device cpu",),
    "--fp16": ("--precision bf16", "--set training.precision=bf16"),
    "--bf16": ("--precision bf16", "--set training.precision=bf16"),
    "--save-dir": ("--out",),
    "--output-dir": ("--out",),
    "--model-dir": ("--out",),
    "--output": ("--out",),
    "--out": ("--output",),
    "--override": ("--set",),
}
OTHER_COMMANDS = {
    "generate": "translate",
    "decode": "translate",
    "predict": "translate",
    "infer": "translate",
    "interactive": "translate",
    "fit": "train",
    "eval": "evaluate",
    "test": "evaluate",
    "average-checkpoints": "average",
}


def examples(*lines: str) -> str:
    """The end of a command's help: what one would really type."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


class Command(click.Command):
    """A command that says what was probably meant by an option that it does not have."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = error.option_name
            own = [option for parameter in self.get_params(ctx) for option in parameter.opts if option[:2] == "--"]
            meant = _meant(name, own)
            hint = f"Did you mean {meant!r}?" if meant else f"'{ctx.command_path} --help' lists them."
            raise click.UsageError(f"No such option {name!r}. {hint}", ctx) from None


class LazyGroup(click.Group):
    """A group whose commands are named as "module:attribute"."""

    def __init__(self, *, places: Mapping[str, str], **attributes: Any) -> None:  # click's attributes
        super().__init__(**attributes)
        self.places = places

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self.places:
            return None
        module, _, name = self.places[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.places and not name.startswith("-"):
            close = difflib.get_close_matches(name, self.places, n=1)
            meant = OTHER_COMMANDS.get(name) or (close[0] if close else None)
            hint = f"Did you mean {meant!r}?" if meant else f"There are {', '.join(self.places)}."
            raise click.UsageError(f"No such command {name!r}. {hint}", ctx)
        return super().resolve_command(ctx, args)


class Program(LazyGroup):
    """The whole command line: what a user can mend ends with one line, never with a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ReportedError:
            ctx.exit(1)
        except Seq2SeqError as error:
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise click.ClickException(f"output: cannot be written ({error.strerror}); make room") from error


def _meant(name: str, own: list[str]) -> str | None:
    """The option of `own`, perhaps with its value, that somebody who wrote `name` wanted."""
    name = name.lower().replace("_", "-")
    if name in own:
        return name
    for other in OTHER_OPTIONS.get(name, ()):
        if other.split()[0] in own:
            return other
    close = difflib.get_close_matches(name, own, n=1)
    return close[0] if close else None
