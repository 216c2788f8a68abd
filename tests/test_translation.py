"""The translator: order, blanks, batches, windows, scores, and what a broken run folder gets."""

import itertools
import json
import logging
import random

import pytest
import torch
import yaml

from seq2seq.data.example import Example
from seq2seq.data.symbols import ByteConfig, CharacterConfig
from seq2seq.data.tokenizer import TokenizerPair, train_tokenizers
from seq2seq.devices import choose_device
from seq2seq.errors import CheckpointError, ConfigError, DataError
from seq2seq.files import RunFolder
from seq2seq.loading import load_run
from seq2seq.models.build import build_model
from seq2seq.search.limits import SearchConfig
from seq2seq.tokens import SPECIAL
from seq2seq.training.weights import save_tensors, weights
from seq2seq.translation import Translator, batches_by_length, load_model

from architectures import TINY

ARCHITECTURES = ("transformer-sinusoidal-before-relu", "lstm-additive-feeding", "gru-no-attention")
SEARCH = {"beam_size": 3, "max_length_ratio": 1.0, "max_length_offset": 6}
ALPHABET = "abcdefghij "


def write_run(root, architecture, tokenizer_config=None, *, seed=0):
    """A run folder with a model that knows nothing but is sure of what it says."""
    folder = RunFolder(root)
    tokenizers = train_tokenizers(tokenizer_config or CharacterConfig(), [Example(ALPHABET, ALPHABET.upper())])
    tokenizers.save(folder.tokenizer)
    torch.manual_seed(seed)
    model = build_model(TINY[architecture], tokenizers.source.size, tokenizers.target.size)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    save_tensors(folder.model, weights(model))
    tree = {"model": TINY[architecture].model_dump(mode="json"), "search": SEARCH, "seed": 1}
    folder.recipe.write_text(yaml.safe_dump(tree))
    return folder


@pytest.fixture(params=ARCHITECTURES, scope="module")
def run(request, tmp_path_factory):
    return write_run(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture
def folder(tmp_path):
    return write_run(tmp_path / "run", ARCHITECTURES[0])


@pytest.fixture
def translator(run):
    return Translator.load(run.root, device="cpu")


def some_lines(count, seed=0):
    chance = random.Random(seed)
    lines = ["".join(chance.choices(ALPHABET, k=chance.randint(0, 18))) for _ in range(count)]
    return [*lines, "", "  \t", "a", "b\n"]


def texts(translations):
    return [translation.text for translation in translations]


def test_translations_do_not_depend_on_batches_windows_or_neighbours(translator):
    lines = some_lines(12)
    expected = translator.translate(lines)
    assert len(set(expected)) > len(lines) / 2  # or the comparison would prove little
    for batch_tokens in (1, 70, 100_000):
        assert translator.translate(lines, batch_tokens=batch_tokens) == expected
    for window in (5, 1000):
        assert texts(translator.stream(iter(lines), window=window)) == expected
    assert translator.translate(lines[::-1]) == expected[::-1]
    assert [translator.translate([line])[0] for line in lines] == expected


def test_blank_lines_stay_blank_and_never_reach_the_model(translator, monkeypatch):
    lines = ["", "abc", " ", "\t\n", "cab", "\u00a0"]
    found = translator.translate_detailed(lines)
    assert [bool(translation.text) for translation in found] == [False, True, False, False, True, False]
    assert (found[0].score, found[0].tokens, len(found[0].n_best)) == (0.0, (), 1)
    monkeypatch.setattr(translator.model, "start", None)
    assert translator.translate(["", " "]) == ["", ""]
    assert translator.translate([]) == []


def test_candidates_are_sorted_and_their_scores_hold(translator):
    lines = [line.strip() for line in some_lines(6) if line.strip()]
    for line, found in zip(lines, translator.translate_detailed(lines, n_best=3), strict=True):
        assert 1 <= len(found.n_best) <= 3
        scores = [candidate.score for candidate in found.n_best]
        assert scores == sorted(scores, reverse=True)
        assert found.text == found.n_best[0].text == "".join(found.tokens).replace("<unk>", "\N{REPLACEMENT CHARACTER}")
        for candidate in found.n_best:
            if candidate.ended:
                (scored,) = translator.score([line], [candidate.text])
                assert scored.log_probability == pytest.approx(candidate.log_probability, abs=1e-3)
                assert scored.tokens == len(candidate.tokens) + 1


def test_scores_do_not_depend_on_batches(translator):
    sources = [line.strip() for line in some_lines(12)]
    targets = [line.strip().upper() for line in some_lines(12, seed=1)]
    expected = translator.score(sources, targets, batch_tokens=1)
    together = translator.score(sources, targets)
    assert [score.tokens for score in together] == [len(target) + 1 for target in targets]
    assert [s.log_probability for s in together] == pytest.approx([s.log_probability for s in expected], abs=1e-3)
    with pytest.raises(DataError, match="2 sources do not fit 1 targets"):
        translator.score(["a", "b"], ["A"])


def test_settings_override_the_run_and_are_checked(translator):
    assert translator.search_config == SearchConfig(**SEARCH)
    lines = some_lines(4)
    assert len(translator.translate_detailed(["abc"], beam_size=5, n_best=5)[0].n_best) > SEARCH["beam_size"]
    greedy = translator.translate_detailed(lines, beam_size=1, length_penalty=0.0)
    assert all(found.score == found.log_probability for found in greedy)
    for wrong, message in (
        ({"beam_size": 0}, "search: beam_size: must be greater than or equal to 1, not 0"),
        ({"length_penalty": -1.0}, "search: length_penalty: must be greater than or equal to 0, not -1.0"),
        ({"n_best": 4}, "n_best must be from 1 to the beam size 3, not 4"),
        ({"batch_tokens": 0}, "batch_tokens: must be at least 1, not 0"),
        ({"window": 0}, "window: must be at least 1, not 0"),
    ):
        with pytest.raises(ConfigError, match=message):
            translator.stream(iter(lines), **wrong)
    with pytest.raises(TypeError, match="not one string"):
        translator.translate_detailed("abc")


def test_progress_counts_every_line_once(translator):
    told = []
    translator.translate(some_lines(20), batch_tokens=60, progress=told.append)
    assert sum(told) == len(some_lines(20))
    assert len(told) > 3


def test_a_stream_holds_no_more_than_its_window(translator):
    read = []
    stream = translator.stream((read.append(line) or line for line in itertools.cycle(some_lines(3))), window=5)
    for index, _ in enumerate(itertools.islice(stream, 12)):
        assert len(read) <= index // 5 * 5 + 5


def test_long_lines_are_translated_whole_and_counted(run, caplog):
    run.summary.write_text(json.dumps({"longest_source": 18}))
    translator = Translator.load(run.root, device="cpu")
    run.summary.unlink()
    lines = ["a" * 18, "abc " * 20, "", "ab" * 40]
    with caplog.at_level(logging.WARNING):
        found = list(translator.stream(iter(lines), window=2, batch_tokens=10))
    assert translator.long_lines == 2
    (record,) = caplog.records
    assert record.getMessage().startswith("2 lines have more than 18 tokens")
    assert all(found[row].text for row in (0, 1, 3))
    # The last token of a source that is cut nowhere matters.
    assert translator.score(["ab" * 40], ["A"]) != translator.score(["ab" * 39 + "aa"], ["A"])


def test_no_warning_where_the_longest_source_is_not_known_or_not_passed(translator, caplog):
    translator.translate(["abc " * 20])
    translator.longest_source = 80
    translator.translate(["abc " * 20])
    assert not caplog.records


def test_one_line_stays_one_line_whatever_the_model_writes(tmp_path):
    translator = Translator.load(write_run(tmp_path, ARCHITECTURES[0], ByteConfig()).root, device="cpu")
    with torch.no_grad():
        translator.model.output.bias[4 + ord("\n")] = 15.0
        translator.model.output.bias[4 + ord("x")] = 14.0
    found = translator.translate_detailed(some_lines(10))
    assert any("\\n" in "".join(f.tokens) or "0A" in "".join(f.tokens).upper() for f in found)
    assert all(len(translation.text.splitlines()) <= 1 for translation in found)


def test_half_precision_translates_as_the_full_one_scores(run):
    half = Translator.load(run.root, device="cpu", precision="bf16")
    full = Translator.load(run.root, device="cpu")
    assert next(half.model.parameters()).dtype == torch.bfloat16
    with torch.no_grad():
        for translator in (half, full):
            translator.model.output.bias[SPECIAL.end] = 4.0  # so that most translations end
    lines = [line.strip() for line in some_lines(20) if line.strip()]
    written = {line: found.n_best[0] for line, found in zip(lines, half.translate_detailed(lines), strict=True)}
    ended = {line: found for line, found in written.items() if found.ended}
    scored = full.score(list(ended), [found.text for found in ended.values()])
    strayed = [abs(f.log_probability - s.log_probability) for f, s in zip(ended.values(), scored, strict=True)]
    assert len(ended) > 3
    assert sum(strayed) / sum(score.tokens for score in scored) < 0.25  # nats per token
    with pytest.raises(ConfigError, match="precision: must be one of fp32, bf16, not 'int4'"):
        Translator.load(run.root, precision="int4")


def test_a_moved_run_loads_the_same_model(folder, tmp_path):
    before = Translator.load(folder.root, device="cpu").translate(some_lines(5))
    folder.root.rename(tmp_path / "moved")
    assert Translator.load(str(tmp_path / "moved"), device="cpu").translate(some_lines(5)) == before
    assert not load_model(tmp_path / "moved", "cpu").training


def test_the_length_of_training_comes_from_the_summary(folder):
    assert load_run(folder.root, "cpu").longest_source is None
    folder.summary.write_text(json.dumps({"longest_source": 31}))
    assert load_run(folder.root, "cpu").longest_source == 31


def test_what_is_no_run_is_said(folder, tmp_path):
    for root, message in (
        (tmp_path / "nowhere", "no such run folder"),
        (folder.recipe, "is a file, not a run folder"),
        (tmp_path, "has no recipe.yaml"),
    ):
        with pytest.raises(CheckpointError, match=message):
            Translator.load(root)


def _without_model(folder):
    folder.model.unlink()


def _cut_model(folder):
    folder.model.write_bytes(folder.model.read_bytes()[:-100])


def _other_model(folder):
    tree = yaml.safe_load(folder.recipe.read_text())
    tree["model"]["decoder_layers"] += 1
    folder.recipe.write_text(yaml.safe_dump(tree))


def _no_yaml(folder):
    folder.recipe.write_text("model: [")


def _no_model_section(folder):
    folder.recipe.write_text("seed: 1")


def _no_tokenizer(folder):
    for file in folder.tokenizer.iterdir():
        file.unlink()


def _cut_summary(folder):
    folder.summary.write_text("{")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_without_model, "training is unfinished and has left no model yet; go on with"),
        (_cut_model, "model.safetensors: cannot be read"),
        (_other_model, r"does not fit .*decoder\.\S+"),
        (_no_yaml, "recipe.yaml: cannot be read"),
        (_no_model_section, "recipe.yaml: has no section 'model'"),
        (_no_tokenizer, "tokenizer.json: no such file"),
        (_cut_summary, "summary.json: cannot be read"),
    ],
)
def test_a_broken_run_is_said_to_be_broken(folder, damage, message):
    damage(folder)
    with pytest.raises(CheckpointError, match=message) as error:
        Translator.load(folder.root, device="cpu")
    assert str(folder.root) in str(error.value)


def test_a_model_of_nan_is_an_error_not_a_translation(folder):
    translator = Translator.load(folder.root, device="cpu")
    with torch.no_grad():
        translator.model.output.bias[5] = float("nan")
    for beam_size in (1, 3):
        with pytest.raises(CheckpointError, match="scores are not numbers"):
            translator.translate(["abc"], beam_size=beam_size)


def test_running_out_of_memory_says_what_to_lower(translator, monkeypatch):
    def full(*inputs):
        raise torch.OutOfMemoryError("no")

    monkeypatch.setattr(translator.model, "start", full)
    with pytest.raises(ConfigError, match=r"batch_tokens: 1 lines of 4 tokens need more memory .* use less than 4096"):
        translator.translate(["abc"])


def test_batches_hold_every_row_once_within_the_budget():
    chance = random.Random(0)
    lengths = [chance.randint(1, 40) for _ in range(200)]
    for budget in (1, 30, 100, 10_000):
        batches = list(batches_by_length(lengths, budget))
        assert sorted(itertools.chain(*batches)) == list(range(200))
        assert all(len(b) == 1 or len(b) * (max(lengths[row] for row in b) + 1) <= budget for b in batches)
        firsts = [lengths[batch[0]] + 1 for batch in batches]
        fill = sum(len(b) + 1 for b in batches[:-1]) - sum(budget // f + 1 for f in firsts[:-1] if f <= budget)
        assert budget <= 40 or fill >= 0  # no batch had room for another row
    assert list(batches_by_length([], 10)) == []


def test_devices_that_are_not_there_are_refused(monkeypatch, caplog):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with caplog.at_level(logging.INFO):
        assert choose_device("auto") == torch.device("cpu")
    assert "device: cpu" in caplog.text
    assert choose_device("cpu") == torch.device("cpu")
    for name in ("cuda", "cuda:1"):
        with pytest.raises(ConfigError, match=r"no CUDA device.*use --device cpu"):
            choose_device(name)
    for name in ("gpu", "cpu:0", "cuda:x", ""):
        with pytest.raises(ConfigError, match="unknown device"):
            choose_device(name)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(ConfigError, match="no CUDA device 'cuda:2'"):
        choose_device("cuda:2")


def test_the_package_offers_the_translator():
    import seq2seq

    assert (seq2seq.Translator, seq2seq.load_model) == (Translator, load_model)
    assert TokenizerPair.load is not None
