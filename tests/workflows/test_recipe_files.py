"""Reading recipes: what lies over what, what is a number, and what the mistakes get."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.config import parse
from seq2seq.errors import ConfigError
from seq2seq.training.settings import TrainingConfig
from seq2seq.workflows.recipe import Recipe, difference, load_recipe, recipe_text

TEXT = """
data: {source: en, target: no, corpus: {kind: toy}}
tokenizer: {kind: byte}
model: {kind: transformer, model_dim: 16, num_heads: 2, feed_forward_dim: 32}
training: {schedule: {peak: 5e-4, warmup: 10}}
"""


@pytest.fixture
def recipe_file(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_numbers_and_languages_are_read_as_they_are_meant(recipe_file):
    recipe = load_recipe(recipe_file)
    assert recipe.training.schedule.peak == 0.0005
    assert recipe.data.target == "no"  # Norwegian


def test_a_resolved_recipe_reads_as_the_same_recipe(recipe_file):
    recipe = load_recipe(recipe_file, ["model.positions={kind: learned, length: 7}", "training.minutes=2.5"])
    recipe_file.write_text(recipe_text(recipe), encoding="utf-8")
    assert load_recipe(recipe_file) == recipe


def test_settings_lie_over_the_recipe_and_that_over_what_it_extends(recipe_file, tmp_path):
    above = tmp_path / "above.yaml"
    above.write_text("extends: recipe.yaml\nmodel: {kind: transformer, num_heads: 4}\n", encoding="utf-8")
    recipe = load_recipe(above, ["model.dropout=0.3", "training.schedule.warmup=5"])
    assert (recipe.model.model_dim, recipe.model.num_heads, recipe.model.dropout) == (16, 4, 0.3)
    assert (recipe.training.schedule.peak, recipe.training.schedule.warmup) == (0.0005, 5)


def test_a_section_of_another_kind_replaces_the_one_below(recipe_file):
    recipe = load_recipe(recipe_file, ["model={kind: recurrent, cell: gru}"])
    assert recipe.model.kind == "recurrent"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("model.dorpout=0.1", "model: unknown key 'dorpout'; did you mean 'dropout'?"),
        ("trainig.updates=5", "unknown key 'trainig'; did you mean 'training'?"),
        ("training.updates=many", "training: updates: must be a valid integer, not 'many'"),
        ("training.updates=0", "training: updates: must be greater than or equal to 1, not 0"),
        ("model.dropout=1.0", "model: dropout: must be less than 1, not 1.0"),
        ("model.num_heads=3", "model: model_dim must be a multiple of num_heads (3), not 16"),
        ("model.kind=transformr", "'kind' must be one of 'transformer', 'recurrent', not 'transformr'"),
        ("training.metric=bleu", None),
        (
            "training={metric: bleu, validation_bleu: 0}",
            "validation_bleu must be above 0 where metric is 'bleu', not 0",
        ),
        ("training.average=9", "keep_snapshots must be at least average (9), not 5"),
        ("training", "--set training: must be KEY=VALUE such as training.updates=500"),
        ("training.updates=[", "--set training.updates=[: the value is not YAML"),
    ],
)
def test_what_a_wrong_value_gets(recipe_file, setting, message):
    if message is None:
        assert load_recipe(recipe_file, [setting]).training.metric == "bleu"
        return
    with pytest.raises(ConfigError) as error:
        load_recipe(recipe_file, [setting])
    assert message in str(error.value)


def test_a_missing_section_is_named(recipe_file):
    recipe_file.write_text("data: {source: en, target: de, corpus: {kind: toy}}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="'tokenizer' is missing"):
        load_recipe(recipe_file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not YAML"),
        ("just words", "must be sections such as data: and model:, not 'just words'"),
        ("extends: nowhere.yaml", "nowhere.yaml: no such recipe"),
    ],
)
def test_a_file_that_is_no_recipe(recipe_file, text, message):
    recipe_file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_recipe(recipe_file)
    assert message in str(error.value)


def test_only_one_level_of_extends(recipe_file, tmp_path):
    (tmp_path / "middle.yaml").write_text("extends: recipe.yaml\n", encoding="utf-8")
    (tmp_path / "top.yaml").write_text("extends: middle.yaml\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="only one level is possible"):
        load_recipe(tmp_path / "top.yaml")


def test_the_difference_shows_the_lines_that_differ(recipe_file):
    old, new = (recipe_text(load_recipe(recipe_file, [f"training.updates={n}"])) for n in (5, 6))
    assert difference(old, new).splitlines()[-2:] == ["-  updates: 5", "+  updates: 6"]


@given(
    settings=st.fixed_dictionaries(
        {},
        optional={
            "updates": st.integers(1, 10**9),
            "minutes": st.none() | st.floats(0.001, 1e6),
            "label_smoothing": st.floats(0, 0.99),
            "clip_norm": st.none() | st.floats(1e-6, 1e6),
            "precision": st.sampled_from(["fp32", "bf16"]),
        },
    )
)
def test_to_yaml_and_back(settings, tmp_path_factory):
    training = TrainingConfig(**settings)
    tree = {
        "data": {"source": "a", "target": "b", "corpus": {"kind": "toy"}},
        "tokenizer": {"kind": "byte"},
        "model": {"kind": "recurrent"},
        "training": training.model_dump(mode="json"),
    }
    recipe = parse(Recipe, tree, "recipe")
    path = tmp_path_factory.mktemp("recipe") / "recipe.yaml"
    path.write_text(recipe_text(recipe), encoding="utf-8")
    assert load_recipe(path) == recipe
