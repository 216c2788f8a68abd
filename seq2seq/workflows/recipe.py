"""A recipe: all that makes a run, as YAML, checked before anything starts.

A recipe may begin with `extends: common.yaml`, one level deep: its sections are laid over those of the other file,
key by key. `--set training.updates=500` lays one more value over both. Paths in a recipe are relative to the
folder the command is run in.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field

from seq2seq.config import Config, parse
from seq2seq.data.corpus import DataConfig
from seq2seq.data.tokenizer import TokenizerConfig
from seq2seq.errors import ConfigError
from seq2seq.models.build import ModelConfig
from seq2seq.search.limits import SearchConfig
from seq2seq.training.settings import TrainingConfig


class Recipe(Config):
    """The sections of a recipe."""

    data: DataConfig
    tokenizer: TokenizerConfig
    model: ModelConfig
    training: TrainingConfig = TrainingConfig()
    search: SearchConfig = SearchConfig()
    seed: Annotated[int, Field(ge=0)] = 1
    """Of the starting weights, of dropout and of the order of the data."""


class _Loader(yaml.SafeLoader):
    """YAML as people write it: 5e-4 is a number, and `no` is Norwegian, not false."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - a class attribute of the base
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in ("tag:yaml.org,2002:bool",)]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def load_recipe(file: Path, settings: Sequence[str] = ()) -> Recipe:
    """The recipe in `file` with `settings` (KEY=VALUE) laid over it. Raises ConfigError."""
    tree = _read(file)
    base = tree.pop("extends", None)
    if base is not None:
        below = _read(file.parent / str(base))
        if "extends" in below:
            raise ConfigError(f"{file.parent / str(base)}: extends: only one level is possible; write the sections out")
        tree = _laid_over(below, tree)
    for setting in settings:
        tree = _laid_over(tree, _parse_setting(setting))
    return parse(Recipe, tree, str(file))


def recipe_text(recipe: Recipe) -> str:
    """The recipe with every setting spelt out, as YAML."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=110)


def difference(old: str, new: str) -> str:
    """The lines in which two recipe texts differ."""
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), "the run's recipe", "this recipe", lineterm="", n=0
    )
    return "\n".join(line for line in lines if not line.startswith("@@"))


def _read(file: Path) -> dict[str, Any]:
    try:
        tree = yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such recipe; 'seq2seq recipes list' shows those that come along") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read ({error})") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: is not YAML; {error}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{file}: must be sections such as data: and model:, not {tree!r}")
    return tree


def _parse_setting(setting: str) -> dict[str, Any]:
    key, equals, value = setting.partition("=")
    if not equals or not all(key.split(".")):
        raise ConfigError(f"--set {setting}: must be KEY=VALUE such as training.updates=500")
    try:
        tree: Any = yaml.load(value, _Loader)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {setting}: the value is not YAML; {error}") from None
    for part in reversed(key.split(".")):
        tree = {part: tree}
    return tree


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`below` with the values of `above`; a section of another `kind` replaces the one below it whole."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if (
            isinstance(old, Mapping)
            and isinstance(value, Mapping)
            and value.get("kind", old.get("kind")) == old.get("kind")
        ):
            merged[key] = _laid_over(old, value)
        else:
            merged[key] = value
    return merged
