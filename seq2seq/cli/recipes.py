"""`seq2seq recipes`."""

from pathlib import Path

import click

from seq2seq.cli.console import show, write_json
from seq2seq.cli.group import Command, LazyGroup, examples
from seq2seq.cli.options import json_option, settings_option
from seq2seq.errors import ConfigError

PLACES = {name: f"seq2seq.cli.recipes:{name}_recipes" for name in ("list", "show", "copy", "check")}


@click.command(
    cls=LazyGroup,
    places=PLACES,
    epilog=examples(
        "seq2seq recipes list",
        "seq2seq recipes copy demo mine",
        "seq2seq recipes check mine",
    ),
)
def recipes() -> None:
    """List, show, copy or check recipes."""


@click.command(cls=Command, name="list", epilog=examples("seq2seq recipes list"))
def list_recipes() -> None:
    """The recipes that come along, with their models."""
    from seq2seq.workflows.recipes import recipe_folders
    from seq2seq.workflows.tables import Table

    rows = tuple(
        (folder.name, ", ".join(path.stem for path in folder.contenders), folder.description)
        for folder in recipe_folders()
    )
    show(Table(("recipe", "models", "what it is"), rows, left=frozenset({0, 1, 2})))


@click.command(cls=Command, name="show", epilog=examples("seq2seq recipes show demo"))
@click.argument("name")
def show_recipes(*, name: str) -> None:
    """The README of a recipe and its files."""
    from seq2seq.workflows.recipes import recipe_folder

    folder = recipe_folder(name)
    click.echo(f"{folder.path}\n")
    for path in sorted(folder.files, key=lambda path: (path.suffix != ".md", path)):
        click.echo(f"--- {path.relative_to(folder.path)}\n{path.read_text(encoding='utf-8')}")


@click.command(
    cls=Command,
    name="copy",
    epilog=examples("seq2seq recipes copy demo mine", "seq2seq recipes copy multi30k-en-de recipes/multi30k"),
)
@click.argument("name")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def copy_recipes(*, name: str, folder: Path) -> None:
    """Copy a recipe into DIR, a new folder, to change it there."""
    from seq2seq.workflows.recipes import copy_recipe

    for path in copy_recipe(name, folder):
        click.echo(path)


@click.command(
    cls=Command,
    name="check",
    epilog=examples(
        "seq2seq recipes check mine/lstm.yaml",
        "seq2seq recipes check recipes/demo --json",
        "seq2seq recipes check recipes/multi30k-en-de --set data.corpus=~/multi30k",
    ),
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@settings_option
@json_option
@click.pass_context
def check_recipes(ctx: click.Context, *, files: tuple[Path, ...], settings: tuple[str, ...], as_json: bool) -> None:
    """Read recipes, build their models, warn of bad settings.

    A FILE may also be a folder of recipes. Warnings are of what would run but learn badly, and are no failure;
    docs/advice.md explains each. Text that is at hand is made ready and checked too.
    """
    from seq2seq.workflows.check import check_files

    failed, rows = False, []
    for file, found in check_files(files, settings):
        if isinstance(found, ConfigError):
            failed = True
            click.echo(f"Error: {found}", err=True)
            rows.append({"file": str(file), "error": str(found)})
            continue
        rows.append({"file": str(file), **found.record})
        if not as_json:
            click.echo(f"{file}: {found.text}")
    if as_json:
        write_json({"recipes": rows})
    ctx.exit(1 if failed else 0)
