"""`seq2seq recipes`: listing, showing, copying and checking those that come along."""

import json

import pytest

from seq2seq.workflows import recipes
from seq2seq.workflows.recipe import load_recipe


@pytest.fixture
def shipped(tmp_path, monkeypatch, run):
    """A folder of recipes as it is shipped: `small` with two contenders, and a folder that holds none."""
    folder = tmp_path / "shipped" / "small"
    folder.mkdir(parents=True)
    (tmp_path / "shipped" / "notes").mkdir()
    (folder / "README.md").write_text("# Small\n\nRows of letters, backward.\n\nMore of it.\n")
    whole = (run / "recipe.yaml").read_text()
    (folder / "common.yaml").write_text(whole)
    (folder / "transformer.yaml").write_text("extends: common.yaml\n")
    (folder / "wide.yaml").write_text("extends: common.yaml\nmodel: {model_dim: 16}\n")
    monkeypatch.setattr(recipes, "recipes_folder", lambda: tmp_path / "shipped")
    return folder


def test_the_list_has_names_models_and_descriptions(shipped, seq2seq):
    found = seq2seq("recipes", "list")
    assert found.exit_code == 0
    (line,) = [line for line in found.stdout.splitlines() if line.startswith("small")]
    assert "transformer, wide" in line
    assert "Rows of letters, backward." in line
    assert "notes" not in found.stdout


def test_the_recipes_that_come_along_are_found(seq2seq):
    found = seq2seq("recipes", "list")
    assert found.exit_code == 0
    for name in ("demo", "multi30k-en-de", "multi30k-de-en", "toy-reverse"):
        assert any(line.startswith(name) for line in found.stdout.splitlines()), name


def test_a_recipe_is_shown_with_all_its_files(shipped, seq2seq):
    found = seq2seq("recipes", "show", "small")
    assert found.stdout.index("# Small") < found.stdout.index("--- common.yaml")
    for path in shipped.iterdir():
        assert f"--- {path.name}\n{path.read_text()}" in found.stdout


def test_a_copy_is_the_same_and_can_be_used(shipped, seq2seq, tmp_path):
    found = seq2seq("recipes", "copy", "small", tmp_path / "mine" / "own")
    assert found.exit_code == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "mine" / "own").iterdir()} == {
        path.name: path.read_bytes() for path in shipped.iterdir()
    }
    assert load_recipe(tmp_path / "mine" / "own" / "wide.yaml").model.model_dim == 16


def test_a_copy_overwrites_nothing(shipped, seq2seq, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "wide.yaml").write_text("my own work")
    found = seq2seq("recipes", "copy", "small", mine)
    assert found.exit_code == 1
    assert f"Error: {mine}: is already there" in found.stderr
    assert [path.name for path in mine.iterdir()] == ["wide.yaml"]
    assert seq2seq("recipes", "copy", "small", mine / "wide.yaml").exit_code == 1
    assert (mine / "wide.yaml").read_text() == "my own work"


@pytest.mark.parametrize("words", [["show", "smal"], ["copy", "smal", "x"]])
def test_an_unknown_name_gets_the_near_miss(words, shipped, seq2seq):
    found = seq2seq("recipes", *words)
    assert found.exit_code == 1
    assert "unknown recipe 'smal'; did you mean 'small'?" in found.stderr


CLEAN = """
data: {source: forward, target: backward, corpus: {kind: toy, sizes: {train: 500, valid: 100, test: 100}}}
tokenizer: {kind: char}
model: {kind: transformer, encoder_layers: 1, decoder_layers: 1, model_dim: 16, feed_forward_dim: 16, num_heads: 1}
training: {updates: 100, batch_tokens: 300, validate_every: 50, schedule: {warmup: 10}}
"""


@pytest.fixture
def clean(shipped, tmp_path, monkeypatch):
    """The same folder, of recipes that nothing is to be said of."""
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))
    (shipped / "common.yaml").write_text(CLEAN)
    return shipped


def test_all_is_checked_and_every_mistake_told(clean, seq2seq, tmp_path):
    (clean / "wide.yaml").write_text("extends: common.yaml\nmodel: {model_dmi: 16}\n")
    found = seq2seq("recipes", "check", tmp_path / "none.yaml", clean)
    assert found.exit_code == 1
    assert found.stdout == f"{clean / 'transformer.yaml'}: ok\n"
    first, second = (line for line in found.stderr.splitlines() if line.startswith("Error"))
    assert first.startswith(f"Error: {tmp_path / 'none.yaml'}: no such recipe")
    assert second == f"Error: {clean / 'wide.yaml'}: model: unknown key 'model_dmi'; did you mean 'model_dim'?"


def test_recipes_without_mistakes_pass_the_check(clean, seq2seq):
    found = seq2seq("recipes", "check", clean)
    assert found.exit_code == 0
    assert found.stdout.splitlines() == [f"{clean / name}: ok" for name in ("transformer.yaml", "wide.yaml")]


def test_the_check_builds_the_model(shipped, seq2seq):
    (shipped / "wide.yaml").write_text(
        "extends: common.yaml\ntokenizer: {kind: char, joint: false}\nmodel: {tied_embeddings: all}\n"
    )
    found = seq2seq("recipes", "check", shipped / "wide.yaml")
    assert found.exit_code == 1
    assert "tied_embeddings" in found.stderr


def test_what_would_not_learn_is_told_and_is_no_failure(clean, seq2seq):
    found = seq2seq("recipes", "check", clean / "wide.yaml", "--set", "model.positions=none")
    assert found.exit_code == 0
    head, warning = found.stdout.splitlines()
    assert head == f"{clean / 'wide.yaml'}: 1 warning"
    assert warning.startswith("  no-positions: ")


def test_checks_that_lack_their_text_are_told_of(clean, seq2seq):
    found = seq2seq("recipes", "check", clean / "wide.yaml", "--set", "data.corpus=nowhere", "--json")
    assert found.exit_code == 0
    (row,) = json.loads(found.stdout)["recipes"]
    assert row["advice"] == []
    assert "the folder nowhere does not exist" in row["not_run"]


def test_a_recipe_that_was_not_checked_with_its_text_does_not_look_as_if(clean, seq2seq):
    found = seq2seq("recipes", "check", clean / "wide.yaml", "--set", "data.corpus=nowhere")
    assert "  not run: the checks that need the text: " in found.stdout
    assert "not run" not in seq2seq("recipes", "check", clean / "wide.yaml").stdout


@pytest.mark.parametrize("corpus", ["nowhere", "{kind: hub, name: nobody/nothing}"])
def test_a_model_that_cannot_be_is_told_without_its_text(clean, seq2seq, corpus):
    settings = (
        "--set",
        f"data.corpus={corpus}",
        "--set",
        "tokenizer.joint=false",
        "--set",
        "model.tied_embeddings=all",
    )
    found = seq2seq("recipes", "check", clean / "wide.yaml", *settings)
    assert found.exit_code == 1
    assert "tied_embeddings" in found.stderr
