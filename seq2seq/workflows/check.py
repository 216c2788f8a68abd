"""Recipes checked without training them: what cannot be, and what runs but may not learn."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2seq.devices import choose_device
from seq2seq.errors import ConfigError, DataError
from seq2seq.training.weights import parameter_count
from seq2seq.workflows.advice import Advice, Machine, advise, advise_recipe, measure
from seq2seq.workflows.recipe import Recipe, load_recipe
from seq2seq.workflows.recipes import recipe_files, untrained_model
from seq2seq.workflows.text import TrainingText

ANY_SIZE = 1000  # of a vocabulary, where only the model matters


@dataclass(frozen=True)
class Checked:
    """What was found of one recipe that can be trained."""

    advice: Sequence[Advice]
    not_run: str  # which checks could not be run, and why; empty: all were

    @property
    def record(self) -> dict[str, Any]:
        return {"advice": [each._asdict() for each in self.advice], "not_run": self.not_run or None}

    @property
    def text(self) -> str:
        """`ok`, or a line for each warning."""
        count = len(self.advice)
        head = f"{count} warning{'s' if count > 1 else ''}" if count else "ok"
        lines = [f"  {each}" for each in self.advice]
        return "\n".join([head, *lines, *([f"  not run: {self.not_run}"] if self.not_run else [])])


def check_files(paths: Iterable[Path], settings: Sequence[str]) -> Iterator[tuple[Path, Checked | ConfigError]]:
    """What was found of each recipe, and of each recipe in each folder; an error for one that cannot be."""
    for path in paths:
        try:
            files = recipe_files(path)
        except ConfigError as error:
            yield path, error
            continue
        for file in files:
            try:
                yield file, check_recipe(file, settings)
            except ConfigError as error:
                yield file, error


def check_recipe(file: Path, settings: Sequence[str] = ()) -> Checked:
    """What is to be said of the recipe in `file`. Raises ConfigError when it, or its model, cannot be."""
    recipe = load_recipe(file, settings)
    untrained_model(recipe, str(file), ANY_SIZE, ANY_SIZE)
    if recipe.data.corpus.kind == "hub":
        return _by_itself(recipe, "the corpus is on the Hub; --set data.corpus=FOLDER reads files instead")
    try:
        text = TrainingText.prepare(recipe)
    except DataError as error:
        return _by_itself(recipe, str(error))
    sizes = text.tokenizers.source.size, text.tokenizers.target.size
    facts = measure(recipe, text, parameter_count(untrained_model(recipe, str(file), *sizes)))
    unread = "; ".join(f"the overlap of {name}, {reason}" for name, reason in facts.unread.items())
    return Checked(advise(recipe, facts, Machine.of(choose_device())), unread)


def _by_itself(recipe: Recipe, reason: str) -> Checked:
    return Checked(advise_recipe(recipe), f"the checks that need the text: {reason}")
