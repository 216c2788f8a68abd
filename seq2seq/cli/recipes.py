"""`seq2seq recipes`."""

from pathlib import Path

import click

from seq2seq.cli.console import show
from seq2seq.cli.group import Command, LazyGroup, examples
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
    epilog=examples("seq2seq recipes check mine/lstm.yaml", "seq2seq recipes check recipes/demo"),
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.pass_context
def check_recipes(ctx: click.Context, *, files: tuple[Path, ...]) -> None:
    """Read recipes and build their models, untrained.

    A FILE may also be a folder of recipes. Nothing is read of the data.
    """
    from seq2seq.workflows.recipes import check_recipe, recipe_files

    failed = False
    waiting = list(files)
    while waiting:
        try:
            file, *others = recipe_files(waiting.pop(0))
            waiting[:0] = others
            check_recipe(file)
        except ConfigError as error:
            failed = True
            click.echo(f"Error: {error}", err=True)
        else:
            click.echo(f"{file}: ok")
    ctx.exit(1 if failed else 0)
