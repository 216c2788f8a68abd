"""Each warning is given to a configuration that deserves it, and none to a recipe that comes along."""

from pathlib import Path

import numpy as np
import pytest
import torch

from seq2seq.data.corpus import read_split
from seq2seq.data.filters import FilterReport
from seq2seq.data.tokenized import Rows, SplitWriter, load_split
from seq2seq.training.weights import parameter_count
from seq2seq.workflows.advice import CODES, Machine, advise, advise_recipe, measure
from seq2seq.workflows.advice.facts import repeated
from seq2seq.workflows.advice.machine import memory_short
from seq2seq.workflows.recipe import load_recipe
from seq2seq.workflows.recipes import untrained_model
from seq2seq.workflows.text import TrainingText

ROOT = Path(__file__).parents[2]
CONTENDERS = sorted(path for path in (ROOT / "recipes").glob("*/*.yaml") if path.name != "common.yaml")
TRANSFORMER, RECURRENT = "toy-reverse/transformer", "toy-reverse/lstm"
SMALL = "data.corpus.sizes={train: 2000, valid: 200, test: 200}"

BAD = {  # code: the recipe, and what is wrong with it
    "no-positions": (TRANSFORMER, "model.positions=none"),
    "post-norm-short-warmup": (TRANSFORMER, "model.norm=after", "model.encoder_layers=6"),
    "post-norm-deep": (TRANSFORMER, "model.norm=after", "model.decoder_layers=18", "training.schedule.warmup=600"),
    "narrow-heads": (TRANSFORMER, "model.num_heads=16"),
    "wide-heads": (TRANSFORMER, "model.model_dim=256", "model.num_heads=1"),
    "narrow-feed-forward": (TRANSFORMER, "model.feed_forward_dim=32"),
    "deep-recurrent": (RECURRENT, "model.encoder_layers=6"),
    "dropout-high": (TRANSFORMER, "model.attention_dropout=0.6"),
    "rate-high": (TRANSFORMER, "training.schedule.peak=0.1"),
    "rate-low": (RECURRENT, "training.schedule.peak=1e-5"),
    "no-warmup": (TRANSFORMER, "training.schedule.warmup=0"),
    "warmup-long": (RECURRENT, "training.schedule.warmup=1000"),
    "schedule-cut-short": (RECURRENT, "training.minutes=5"),
    "beta2-high": (TRANSFORMER, "training.optimizer.beta2=0.999"),
    "betas-swapped": (RECURRENT, "training.optimizer={beta1: 0.98, beta2: 0.9}"),
    "epsilon-high": (RECURRENT, "training.optimizer.epsilon=0.01"),
    "weight-decay-high": (RECURRENT, "training.optimizer.weight_decay=1.0"),
    "no-clipping": (RECURRENT, "training.clip_norm=null"),
    "languages-equal": (RECURRENT, "data.target=letters"),
    "same-file-twice": (RECURRENT, "data.corpus={kind: files, folder: here, pairs: {train: [a.txt, a.txt]}}"),
    "validation-is-test": (RECURRENT, "data.valid=test"),
    "validation-in-training": (RECURRENT, "data.train=[train, valid]"),
    "test-in-training": (RECURRENT, "data.train=[train, test]"),
    "batch-small": (RECURRENT, "training.batch_tokens=64"),
    "smoothing-high": (RECURRENT, "training.label_smoothing=0.5"),
    "no-validation": (RECURRENT, "training.validate_every=5000"),
    "patience-idle": (RECURRENT, "training.patience=20"),
    "patience-short": (RECURRENT, "training.patience=1", "training.validate_every=50"),
    "average-idle": (RECURRENT, "training.average=5", "training.validate_every=1000"),
    "bleu-of-few": (RECURRENT, "training.metric=bleu", "training.validation_bleu=10"),
    "beam-wide": (RECURRENT, "search.beam_size=100"),
    "length-penalty-high": (RECURRENT, "search.length_penalty=5.0"),
}
BAD_TEXT = {  # FOLDER holds flawed copies of the toy corpus
    "length-filter": (RECURRENT, SMALL, "data.filters.max_length=8"),
    "ratio-filter": (RECURRENT, "data.corpus=FOLDER/lopsided"),
    "empty-pairs": (RECURRENT, "data.corpus=FOLDER/gaps"),
    "lengths-unrelated": (RECURRENT, "data.corpus=FOLDER/shuffled"),
    "copied-pairs": (RECURRENT, "data.corpus=FOLDER/copied"),
    "validation-overlap": (RECURRENT, "data.corpus=FOLDER/leaky"),
    "test-overlap": (RECURRENT, "data.corpus=FOLDER/leaky"),
    "validation-test-overlap": (RECURRENT, "data.corpus=FOLDER/leaky"),
    "validation-small": (RECURRENT, "data.corpus.sizes={train: 2000, valid: 20, test: 200}"),
    "validation-heavy": (RECURRENT, SMALL, "training.validate_every=1"),
    "search-short": (RECURRENT, SMALL, "search.max_length_ratio=0.5", "search.max_length_offset=1"),
    "learned-positions-short": (TRANSFORMER, SMALL, "model.positions={kind: learned, length: 6}"),
    "plain-rnn-long": (RECURRENT, SMALL, "model.cell=rnn", "data.corpus.max_length=80"),
    "no-attention-long": (RECURRENT, SMALL, "model.attention=none", "data.corpus.max_length=80"),
    "vocabulary-large": (RECURRENT, "data.corpus.sizes={train: 30, valid: 200, test: 200}"),
    "vocabulary-small": (RECURRENT, SMALL, "data.corpus.symbols=900", "tokenizer.vocabulary=32"),
    "unknown-tokens": (RECURRENT, "data.corpus=FOLDER/foreign"),
    "parameters-many": (RECURRENT, SMALL, "model.hidden_dim=1024"),
    "batch-large": (RECURRENT, SMALL, "training.batch_tokens=8192"),
    "epochs-few": (RECURRENT, SMALL, "training.updates=5"),
    "epochs-many": (RECURRENT, SMALL, "training.updates=50000"),
    "no-dropout": (RECURRENT, SMALL, "training.updates=5000"),
}
CPU = Machine("cpu", memory=8 * 10**9, fast_bf16=False)
GPU = Machine("cuda", memory=8 * 10**9, fast_bf16=True)
BAD_MACHINE = {
    "fp32-on-gpu": (GPU, ()),
    "bf16-slow": (CPU, ("training.precision=bf16",)),
    "memory-short": (Machine("cpu", memory=10**6, fast_bf16=False), ("model.hidden_dim=256",)),
}


def recipe_of(name, settings=()):
    return load_recipe(ROOT / "recipes" / f"{name}.yaml", settings)


def codes(advice):
    return {each.code for each in advice}


def advice_of(recipe, machine):
    text = TrainingText.prepare(recipe)
    model = untrained_model(recipe, "recipe", text.tokenizers.source.size, text.tokenizers.target.size)
    return advise(recipe, measure(recipe, text, parameter_count(model)), machine)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Corpora as people have them, each with one flaw."""
    root = tmp_path_factory.mktemp("corpora")
    recipe = recipe_of(RECURRENT, [SMALL])
    text = {
        split: [(pair.source, pair.target) for pair in read_split(recipe.data, split)]
        for split in ("train", "valid", "test")
    }
    train, valid, test = text.values()
    shifted = train[700:] + train[:700]
    corpora = {
        "lopsided": {"train": [(a, f"{b} " * 40) if i % 5 == 0 else (a, b) for i, (a, b) in enumerate(train)]},
        "gaps": {"train": [(a, "") if i % 20 == 0 else (a, b) for i, (a, b) in enumerate(train)]},
        "shuffled": {"train": [(a, b) for (a, _), (_, b) in zip(train, shifted, strict=True)]},
        "copied": {"train": [(a, a) if i % 2 else (a, b) for i, (a, b) in enumerate(train)]},
        "leaky": {"train": train + valid[:50] + test[:50], "test": test[:150] + valid[150:]},
        "valid-in-train": {"train": train + valid[:50]},
        "test-in-train": {"train": train + test[:50]},
        "valid-in-test": {"test": test + valid[:50]},
        "foreign": {"valid": [(f"{a} ω", b) for a, b in valid]},
    }
    for name, changed in corpora.items():
        (root / name).mkdir()
        for split, pairs in (text | changed).items():
            lines = "".join(f"{source}\t{target}\n" for source, target in pairs)
            (root / name / f"{split}.tsv").write_text(lines, encoding="utf-8")
    return root


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQ2SEQ_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def test_every_code_has_a_bad_configuration_here():
    assert sorted(BAD | BAD_TEXT | BAD_MACHINE) == sorted(CODES)
    assert len(set(CODES)) == len(CODES)


def test_every_code_is_explained():
    text = (ROOT / "docs" / "advice.md").read_text(encoding="utf-8")
    explained = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `")}
    assert explained == set(CODES)


@pytest.mark.parametrize("code", BAD)
def test_a_bad_recipe_is_warned_of(code):
    name, *settings = BAD[code]
    assert code not in codes(advise_recipe(recipe_of(name)))
    (found,) = [each for each in advise_recipe(recipe_of(name, settings)) if each.code == code]
    assert found.reason
    assert found.remedy
    assert "\n" not in str(found)


@pytest.mark.parametrize("code", BAD_TEXT)
def test_a_recipe_that_does_not_fit_its_text_is_warned_of(code, folder):
    name, *settings = BAD_TEXT[code]
    recipe = recipe_of(name, [setting.replace("FOLDER", str(folder)) for setting in settings])
    assert code in codes(advice_of(recipe, CPU))


@pytest.mark.parametrize("code", BAD_MACHINE)
def test_a_recipe_that_does_not_fit_the_machine_is_warned_of(code, folder):
    machine, settings = BAD_MACHINE[code]
    recipe = recipe_of(RECURRENT, [SMALL, *settings])
    assert code in codes(advice_of(recipe, machine))


@pytest.mark.parametrize("file", CONTENDERS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_recipes_that_come_along_are_clean(file):
    assert advise_recipe(load_recipe(file)) == []


@pytest.mark.slow
@pytest.mark.timeout(900)  # with every type checked, 60,000 pairs take minutes to prepare
@pytest.mark.parametrize(
    "file",
    [path for path in CONTENDERS if path.parent.name in ("toy-reverse", "demo")],
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_recipes_with_embedded_corpora_fit_their_text(file):
    recipe = load_recipe(file)
    assert advice_of(recipe, CPU) == []


def test_the_remedies_of_a_bad_recipe_mend_it():
    settings = ["model.positions=none", "training.schedule={peak: 0.1, warmup: 0}", "training.optimizer.beta2=0.999"]
    advice = advise_recipe(recipe_of(TRANSFORMER, settings))
    remedies = [each.remedy.removeprefix("set ") for each in advice]
    assert len(remedies) == 4
    assert advise_recipe(recipe_of(TRANSFORMER, [*settings, *remedies])) == []


def split_of(folder, pairs):
    folder.mkdir()
    writer = SplitWriter(folder, source_size=300, target_size=300)
    writer.add(*(Rows.of(rows, list(map(str, rows)), 300) for rows in zip(*pairs, strict=True)))
    writer.finish(FilterReport(kept=len(pairs)), [len(pairs)])
    return load_split(folder)[0]


GATHERED = [(64, 2), (64, 8), (1024, 4), (2048, 8)]


@pytest.mark.parametrize(("tokens", "batches"), GATHERED)
def test_an_update_is_judged_by_its_tokens_however_they_are_gathered(tokens, batches):
    """Peaks about the limit, of which the batch is a part."""
    for peak in (1e-4, 1e-3, 3e-3, 1e-2, 2e-2):
        one, many = (
            recipe_of(
                TRANSFORMER,
                [
                    SMALL,
                    f"training.schedule.peak={peak}",
                    f"training.batch_tokens={size}",
                    f"training.accumulate={count}",
                ],
            )
            for size, count in ((tokens * batches, 1), (tokens, batches))
        )
        assert advice_of(one, CPU) == advice_of(many, CPU)


@pytest.mark.parametrize("side", ["encoder", "decoder"])
@pytest.mark.parametrize(
    ("code", "name", "layers", "settings"),
    [
        ("deep-recurrent", RECURRENT, 6, []),
        ("post-norm-deep", TRANSFORMER, 18, ["model.norm=after", "training.schedule.warmup=600"]),
        ("post-norm-short-warmup", TRANSFORMER, 6, ["model.norm=after"]),
    ],
)
def test_either_side_may_be_too_deep(side, code, name, layers, settings):
    assert code in codes(advise_recipe(recipe_of(name, [*settings, f"model.{side}_layers={layers}"])))


def test_a_text_of_two_names_is_one_text(folder):
    corpus = (
        f"data.corpus={{kind: files, folder: {folder / 'copied'}, splits: {{dev: valid, held: valid, all: train}}}}"
    )

    def found(valid, tests):
        settings = [corpus, "data.train=all", f"data.valid={valid}", f"data.tests=[{tests}]"]
        return codes(advise_recipe(recipe_of(RECURRENT, settings)))

    assert found("dev", "test") == set()
    assert found("dev", "held") == {"validation-is-test"}
    assert found("train", "test") == {"validation-in-training"}
    assert found("dev", "train") == {"test-in-training"}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("valid-in-train", "validation-overlap"),
        ("test-in-train", "test-overlap"),
        ("valid-in-test", "validation-test-overlap"),
    ],
)
def test_what_overlaps_is_told_of_and_nothing_else(folder, name, code):
    recipe = recipe_of(RECURRENT, [f"data.corpus={folder / name}"])
    assert {each for each in codes(advice_of(recipe, CPU)) if each.endswith("overlap")} == {code}


def test_training_needs_four_numbers_of_four_bytes_for_each_parameter():
    """Itself, its gradient and two moments."""
    for memory, short in ((15_999, True), (16_000, False)):
        found = memory_short(recipe_of(RECURRENT), Machine("cpu", memory=memory, fast_bf16=False), 1000)
        assert (found is not None) == short


def facts_of(tmp_path, valid, *settings):
    """The facts of a corpus of letters whose validation text is `valid`; the longest is its test, of 20."""
    texts = {"train": [("ab", "ba")] * 200, "valid": valid, "test": [("b", "b" * 20)]}
    for split, pairs in texts.items():
        lines = "".join(f"{source}\t{target}\n" for source, target in pairs)
        (tmp_path / f"{split}.tsv").write_text(lines, encoding="utf-8")
    recipe = recipe_of(RECURRENT, [f"data.corpus={tmp_path}", *settings])
    return measure(recipe, TrainingText.prepare(recipe), 1000)


def test_a_target_is_cut_where_it_is_longer_than_its_limit_with_the_end_marker(tmp_path):
    valid = [("a" * source, "b" * target) for source in (1, 3) for target in range(1, 9)]
    found = facts_of(tmp_path, valid, "search.max_length_ratio=1.0", "search.max_length_offset=2")
    assert found.cut_share == np.mean([len(b) + 1 > len(a) + 1 + 2 for a, b in valid])


def test_what_training_leaves_out_is_translated_all_the_same(tmp_path):
    assert facts_of(tmp_path, [("a", "b")], "data.filters.max_length=4").longest == 20 + 1


@pytest.mark.parametrize("valid", [[("aω", "b")], [("a", "bω")]])
def test_unknown_tokens_are_those_of_both_sides(tmp_path, valid):
    text = "".join(a + b for a, b in valid)
    assert facts_of(tmp_path, valid).unknown_share == text.count("ω") / len(text)


def test_overlap_is_that_of_the_sets_of_pairs(tmp_path):
    random = np.random.default_rng(1)
    drawn = [
        tuple(tuple(map(int, random.integers(4, 7, size=random.integers(0, 4)))) for _ in range(2)) for _ in range(900)
    ]
    train, held_out = drawn[:600], drawn[600:]
    found = repeated({"test": split_of(tmp_path / "b", held_out)}, split_of(tmp_path / "a", train))
    expected = sum(pair in set(train) for pair in held_out) / len(held_out)
    assert 0 < expected < 1
    assert found["test"] == pytest.approx(expected)


def test_the_machine_is_measured():
    machine = Machine.of(torch.device("cpu"))
    assert machine.device == "cpu"
    assert machine.memory > 10**8
