"""The recipes that come along: finding, showing, copying and checking them.

In a checkout they lie beside the package, in an installation inside it.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from seq2seq.config import unknown
from seq2seq.errors import CheckpointError, ConfigError
from seq2seq.models.build import build_model
from seq2seq.models.interface import EncoderDecoder
from seq2seq.workflows.recipe import Recipe

SHARED = "common.yaml"  # what the contenders of a folder have in common; no recipe by itself
README = "README.md"


@dataclass(frozen=True)
class RecipeFolder:
    """Recipes for one task, which differ in their models."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def contenders(self) -> list[Path]:
        """The recipes, by name."""
        paths = (path for path in self.path.glob("*.yaml") if path.name != SHARED)
        return sorted(paths, key=lambda path: path.stem)

    @property
    def files(self) -> list[Path]:
        return sorted(path for path in self.path.rglob("*") if path.is_file() and "__pycache__" not in path.parts)

    @property
    def readme(self) -> str:
        path = self.path / README
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def description(self) -> str:
        """The first line of its README after the title."""
        lines = (line.strip() for line in self.readme.splitlines())
        return next((line for line in lines if line and not line.startswith("#")), "")


def recipes_folder() -> Path:
    """Where the recipes lie; raises ConfigError when they were left out of the installation."""
    package = Path(__file__).resolve().parent.parent
    for path in (package / "recipes", package.parent / "recipes"):
        if path.is_dir():
            return path
    raise ConfigError(f"{package / 'recipes'}: the recipes are missing; install the package again")


def recipe_folders() -> list[RecipeFolder]:
    """All of them, by name."""
    folders = (RecipeFolder(path) for path in sorted(recipes_folder().iterdir()))
    return [folder for folder in folders if folder.contenders]


def recipe_folder(name: str) -> RecipeFolder:
    """The one of that name; raises ConfigError, with a near miss, when there is none."""
    known = {folder.name: folder for folder in recipe_folders()}
    if name not in known:
        raise ConfigError(f"recipes: {unknown('recipe', name, known)}")
    return known[name]


def copy_recipe(name: str, destination: Path) -> list[Path]:
    """Copy a recipe's files into a new folder and return them; raises ConfigError when something is there."""
    folder = recipe_folder(name)
    if destination.exists() and not (destination.is_dir() and not any(destination.iterdir())):
        raise ConfigError(
            f"{destination}: is already there; give a folder that is not, such as {destination / name}"
            if destination.is_dir()
            else f"{destination}: is a file; give the name of a new folder"
        )
    copied = []
    try:
        for path in folder.files:
            copy = destination / path.relative_to(folder.path)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copied.append(Path(shutil.copy(path, copy)))
    except OSError as error:
        raise CheckpointError(f"{destination}: cannot be written ({error.strerror or error})") from None
    return copied


def recipe_files(path: Path) -> list[Path]:
    """The recipe at `path`, or those in the folder at `path`; raises ConfigError when there are none."""
    if not path.is_dir():
        return [path]
    if not (contenders := RecipeFolder(path).contenders):
        raise ConfigError(f"{path}: holds no recipes (*.yaml but {SHARED}); give a recipe or its folder")
    return contenders


def untrained_model(recipe: Recipe, where: str, source: int, target: int) -> EncoderDecoder[Any]:
    """The model of a recipe for vocabularies of such sizes, on the device that holds no numbers."""
    if recipe.model.tied_embeddings == "all" and not getattr(recipe.tokenizer, "joint", True):
        raise ConfigError(
            f"{where}: model: tied_embeddings must be 'target' or 'none' where each language has its own vocabulary,"
            " not 'all'; or set tokenizer.joint: true"
        )
    with torch.device("meta"):
        return build_model(recipe.model, source, target)
