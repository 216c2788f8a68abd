"""Configurations: what a recipe may say, and how it is told that it is wrong."""

import json
from pathlib import Path
from typing import Literal

import pytest
import yaml
from pydantic import ValidationError

from seq2seq.config import Config, parse, unknown
from seq2seq.errors import ConfigError
from seq2seq.models.build import ModelConfig
from seq2seq.models.recurrent import RecurrentConfig
from seq2seq.models.transformer import LearnedConfig, NoPositionsConfig, SinusoidalConfig, TransformerConfig


class Filter(Config):
    name: str = "a"
    share: float = 0.5


class Recipe(Config):
    corpus: Path
    steps: int
    rate: float = 1e-3
    pairs: tuple[str, ...] = ()
    shares: tuple[float, float] = (0.9, 0.98)
    filters: tuple[Filter, ...] = ()
    device: Literal["cpu", "cuda"] = "cpu"
    note: str | None = None
    model: ModelConfig = TransformerConfig()


def recipe(**tree):
    return parse(Recipe, {"corpus": "a.txt", "steps": 3, **tree}, "r.yaml")


def test_what_is_left_out_is_the_default():
    assert recipe() == Recipe(corpus=Path("a.txt"), steps=3)
    assert recipe().model == TransformerConfig()


def test_lists_are_tuples_strings_are_paths_and_whole_numbers_are_floats():
    made = recipe(pairs=["a", "b"], shares=[1, 0.5], rate=1, note=None, filters=[{"name": "b"}, {}])
    assert made.corpus == Path("a.txt")
    assert made.pairs == ("a", "b")
    assert made.shares == (1.0, 0.5)
    assert isinstance(made.rate, float)
    assert made.filters == (Filter(name="b"), Filter())


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"kind": "recurrent", "cell": "gru"}, RecurrentConfig(cell="gru")),
        ({"kind": "transformer", "norm": "after"}, TransformerConfig(norm="after")),
        ({"kind": "transformer", "positions": "sinusoidal"}, TransformerConfig(positions=SinusoidalConfig())),
        ({"kind": "transformer", "positions": "none"}, TransformerConfig(positions=NoPositionsConfig())),
        (
            {"kind": "transformer", "positions": {"kind": "learned", "length": 9}},
            TransformerConfig(positions=LearnedConfig(length=9)),
        ),
    ],
)
def test_the_kind_says_which_model(tree, expected):
    assert recipe(model=tree).model == expected


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"stpes": 4}, "r.yaml: unknown key 'stpes'; did you mean 'steps'?"),
        (
            {"model": {"kind": "recurrent", "dorpout": 0.1}},
            "r.yaml: model: unknown key 'dorpout'; did you mean 'dropout'?",
        ),
        ({"filters": [{}, {"nmae": "a"}]}, "r.yaml: filters[1]: unknown key 'nmae'; did you mean 'name'?"),
        ({"filters": [{"xyzzy": 1}]}, "r.yaml: filters[0]: unknown key 'xyzzy'; known: 'name', 'share'"),
        (
            {"model": {"kind": "transformer", "positions": {"kind": "learned", "lenght": 9}}},
            "r.yaml: model: positions: unknown key 'lenght'; did you mean 'length'?",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_its_place_and_a_near_miss(tree, message):
    with pytest.raises(ConfigError) as error:
        recipe(**tree)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("tree", "start", "parts"),
    [
        ({"steps": "many"}, "r.yaml: steps: must be ", ["integer", "'many'"]),
        ({"steps": True}, "r.yaml: steps: must be ", ["integer", "True"]),
        ({"steps": 1.5}, "r.yaml: steps: must be ", ["integer", "1.5"]),
        ({"rate": "1e-3"}, "r.yaml: rate: must be ", ["number", "'1e-3'"]),
        ({"device": "gpu"}, "r.yaml: device: must be ", ["'cpu' or 'cuda'", "'gpu'"]),
        ({"pairs": "ab"}, "r.yaml: pairs: must be ", ["a list", "'ab'"]),
        ({"filters": [{"share": "x"}]}, "r.yaml: filters[0]: share: must be ", ["number", "'x'"]),
        ({"model": {"kind": "recurrent", "cell": "gruu"}}, "r.yaml: model: cell: must be ", ["'gru'", "'gruu'"]),
        ({"model": {"kind": "recurrent", "dropout": 1.0}}, "r.yaml: model: dropout: must be ", ["less than 1", "1.0"]),
        ({"model": {"kind": "transformer", "num_heads": 0}}, "r.yaml: model: num_heads: must be ", ["1", "not 0"]),
        ({"model": {"cell": "gru"}}, "r.yaml: model: 'kind' is missing", []),
        ({"shares": [0.5]}, "r.yaml: shares: entry 2 is missing", []),
        ({"rate": float("inf")}, "r.yaml: rate: must be ", ["finite", "inf"]),
        ({"rate": float("nan")}, "r.yaml: rate: must be ", ["finite", "nan"]),
        ({"model": {"kind": "lstm"}}, "r.yaml: model: 'kind' must be one of ", ["'recurrent'", "not 'lstm'"]),
        ({"model": {"kind": "transformer", "positions": "waves"}}, "r.yaml: model: positions: 'kind' ", ["'waves'"]),
        ({"model": 3}, "r.yaml: model: must be a mapping, not 3", []),
        (
            {"model": {"kind": "transformer", "model_dim": 100, "num_heads": 7}},
            "r.yaml: model: model_dim must be ",
            ["multiple of num_heads (7)", "not 100"],
        ),
        (
            {"model": {"kind": "recurrent", "attention": "none", "input_feeding": True}},
            "r.yaml: model: input_feeding must be false",
            ["attention is 'none'"],
        ),
        ({"model": {"kind": "recurrent", "hidden_dim": 7}}, "r.yaml: model: hidden_dim must be even", ["not 7"]),
        (
            {"model": {"kind": "recurrent", "embedding_dim": 8, "tied_embeddings": "all"}},
            "r.yaml: model: embedding_dim must be hidden_dim (512)",
            ["not 8"],
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_place_and_the_rule(tree, start, parts):
    with pytest.raises(ConfigError) as error:
        recipe(**tree)
    message = str(error.value)
    assert message.startswith(start)
    assert all(part in message for part in parts)
    assert "\n" not in message


def test_a_missing_key_is_named():
    with pytest.raises(ConfigError) as error:
        parse(Recipe, {"corpus": "a"}, "r.yaml")
    assert str(error.value) == "r.yaml: 'steps' is missing"


@pytest.mark.parametrize("tree", [3, None, [], "text"])
def test_what_is_no_mapping_is_refused(tree):
    with pytest.raises(ConfigError, match=r"^r\.yaml: "):
        parse(Recipe, tree, "r.yaml")


def test_unknown_names_the_nearest_or_all():
    assert unknown("corpus", "gramar", ["toy", "grammar"]) == "unknown corpus 'gramar'; did you mean 'grammar'?"
    assert unknown("corpus", "wmt", ["toy", "grammar"]) == "unknown corpus 'wmt'; known: 'toy', 'grammar'"


@pytest.mark.parametrize(
    "made",
    [
        recipe(),
        recipe(model={"kind": "recurrent", "cell": "rnn", "input_feeding": True}, pairs=["x"], note="n"),
        recipe(model={"kind": "transformer", "positions": {"kind": "learned", "length": 7}}, filters=[{"name": "é"}]),
    ],
)
def test_a_configuration_survives_yaml(made):
    text = yaml.safe_dump(json.loads(made.model_dump_json()), allow_unicode=True)
    assert parse(Recipe, yaml.safe_load(text), "r.yaml") == made


def test_configurations_cannot_be_changed():
    with pytest.raises(ValidationError):
        recipe().steps = 4
    with pytest.raises(ValidationError):
        recipe().model.dropout = 0.5
