"""A recipe's weights and temperature are checked, and reach the order of training."""

from collections import Counter

import pytest

from seq2seq.config import parse
from seq2seq.data.corpus import DataConfig, count_pairs
from seq2seq.data.mixture import Part
from seq2seq.errors import ConfigError
from seq2seq.workflows.recipe import load_recipe
from seq2seq.workflows.text import TrainingText


def config(**more):
    return parse(
        DataConfig, {"source": "a", "target": "b", "corpus": "x", "train": ["news", "web"], **more}, "recipe.yaml"
    )


def test_splits_without_a_weight_are_seen_once():
    assert config(weights={"web": 0.5}).parts([10, 20]) == (Part(10, 1.0), Part(20, 0.5))
    assert config(train="news").parts([10]) == (Part(10, 1.0),)


def test_a_temperature_repeats_the_smaller_corpus():
    small, large = config(temperature=2).parts([100, 10_000])
    assert (small.weight, large.weight) == (pytest.approx(10), pytest.approx(1))
    assert [part.weight for part in config(temperature=1).parts([100, 10_000])] == [1, 1]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"weights": {"nwes": 2}}, "weights: unknown split 'nwes'; did you mean 'news'"),
        ({"weights": {"news": 0}}, "must be greater than 0, not 0"),
        ({"temperature": 0.5}, "temperature: must be greater than or equal to 1, not 0.5"),
        ({"weights": {"news": 2}, "temperature": 5}, "exclude each other"),
    ],
)
def test_what_cannot_be_is_refused(more, message):
    with pytest.raises(ConfigError, match=message):
        config(**more)


def test_pairs_are_counted_where_that_is_cheap(tmp_path):
    for name, text in {"news.a": "1\n2\n", "news.b": "1\n2\n", "web.tsv": "1\t1\n"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert count_pairs(config(corpus=str(tmp_path)), ("news", "web")) == 3
    (tmp_path / "web.tsv").rename(tmp_path / "web.tsv.gz")
    assert count_pairs(config(corpus=str(tmp_path)), ("news", "web")) is None
    toy = config(corpus={"kind": "toy", "sizes": {"train": 7, "valid": 2}}, train="train")
    assert count_pairs(toy, ("train", "valid")) == 9


RECIPE = """
data:
  source: a
  target: b
  corpus: {folder}
  train: [web, news]
  weights: {{news: 3, web: 2}}
  filters: {{duplicates: true}}
tokenizer: {{kind: byte}}
model: {{kind: recurrent}}
"""


def test_an_epoch_of_training_sees_each_corpus_as_often_as_the_recipe_says(tmp_path, monkeypatch):
    """Pairs that the filters left out are of no corpus."""
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))
    corpora = {"web": ["1", "1", "2", "", "1", "3"], "news": ["4", "2", "5", "4"], "valid": ["6"]}
    for name, lines in corpora.items():
        (tmp_path / f"{name}.tsv").write_text("".join(f"{line}\t{line}\n" for line in lines), encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(folder=tmp_path), encoding="utf-8")
    text = TrainingText.prepare(load_recipe(tmp_path / "recipe.yaml", []))
    seen = Counter(number for rows in text.order(20, seed=1).epoch(0) for number in rows.tolist())
    words = {text.tokenizers.source.decode(text.train.source(number).tolist()): times for number, times in seen.items()}
    assert words == {"1": 2, "2": 2, "3": 2, "4": 3, "5": 3}
