"""Every recipe that comes along can be read and built, and a folder of them compares nothing but models."""

import os
from pathlib import Path

import pytest
import torch
import yaml

from seq2seq.models.build import build_model
from seq2seq.workflows.recipe import load_recipe

RECIPES = Path(__file__).parents[2] / "recipes"
FOLDERS = sorted(path.parent for path in RECIPES.glob("*/common.yaml"))
CONTENDERS = sorted(path for path in RECIPES.glob("*/*.yaml") if path.name != "common.yaml")
EXPECTED = {"transformer", "lstm", "gru", "rnn", "lstm-no-attention"}


def named(path):
    return f"{path.parent.name}/{path.stem}"


def test_the_recipes_that_are_promised_are_there():
    assert {"toy-reverse", "demo", "multi30k-en-de", "multi30k-de-en"} <= {folder.name for folder in FOLDERS}


@pytest.mark.parametrize("file", CONTENDERS, ids=named)
def test_a_recipe_builds(file):
    recipe = load_recipe(file)
    vocabulary = getattr(recipe.tokenizer, "vocabulary", 300)
    with torch.device("meta"):
        model = build_model(recipe.model, vocabulary, vocabulary)
    assert sum(parameter.numel() for parameter in model.parameters()) > 0


@pytest.mark.parametrize("file", CONTENDERS, ids=named)
def test_a_contender_says_only_what_must_differ(file):
    """The model, and of training nothing but the learning rate: text, vocabulary, length and search are shared."""
    tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert tree.pop("extends") == "common.yaml"
    assert tree.keys() <= {"model", "training"}
    assert tree.get("training", {}).keys() <= {"schedule"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_folder_is_complete(folder):
    assert {path.stem for path in folder.glob("*.yaml")} >= EXPECTED | {"common"}
    script = folder / "run.sh"
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf-8")
    assert all(path.stem in text for path in folder.glob("*.yaml") if path.stem != "common")
    assert (folder / "README.md").read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_contenders_share_all_but_the_model(folder):
    recipes = [load_recipe(path) for path in sorted(folder.glob("*.yaml")) if path.stem != "common"]
    first = recipes[0]
    for recipe in recipes[1:]:
        assert (recipe.data, recipe.tokenizer, recipe.search, recipe.seed) == (
            first.data,
            first.tokenizer,
            first.search,
            first.seed,
        )
        assert recipe.training.model_copy(update={"schedule": first.training.schedule}) == first.training


def test_the_hub_gives_way_to_local_files_by_one_setting(tmp_path):
    recipe = load_recipe(RECIPES / "multi30k-en-de/transformer.yaml", [f"data.corpus={tmp_path}"])
    assert recipe.data.corpus.kind == "files"
    assert recipe.data.corpus.folder == tmp_path
