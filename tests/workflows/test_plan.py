"""A plan: what it measures, what it makes of that, and that it leaves nothing behind."""

import json
import math
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from seq2seq.cli.main import program
from seq2seq.data.batches import collate
from seq2seq.data.lengths import Lengths
from seq2seq.training.calibration import BLOCK, Calibration, hungriest
from seq2seq.training.objective import batch_loss
from seq2seq.workflows.advice import Machine
from seq2seq.workflows.calibrate import count_epoch, measure_training, usual_search
from seq2seq.workflows.flops import attended_sides, flops_a_target_token
from seq2seq.workflows.plan import Epoch, Plan
from seq2seq.workflows.recipe import load_recipe
from seq2seq.workflows.text import TrainingText

from architectures import SOURCE_VOCABULARY, TARGET_VOCABULARY, TINY, tiny_model

RECIPE = """
data: {source: a, target: b, corpus: {kind: toy, sizes: {train: 300, valid: 20, test: 20}, max_length: 8}}
tokenizer: {kind: char}
model: {kind: recurrent, encoder_layers: 1, decoder_layers: 1, embedding_dim: 8, hidden_dim: 8}
training: {updates: 100, batch_tokens: 200, validate_every: 30, validation_bleu: 5}
"""
MEASURED = Calibration(
    memory_before=10**8,
    memory_by_budget=((256, 10**8 + 256_000), (512, 10**8 + 512_000), (1024, 10**8 + 1_024_000)),  # 1000 bytes a token
    peak_memory=102 * 10**6,
    memory_growth=0.0,
    updates=40,
    blocks=((1.0, 4_000), (1.0, 4_000), (9.0, 4_000)),  # something else ran during the last
    validation_seconds=3.0,
    saving_seconds=1.0,
    split=0,
)
EPOCH = Epoch(updates=50.0, target_tokens=40_000, source_tokens=40_000, fill=0.9)


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def plan_of(file, *settings, epoch=EPOCH):
    machine = Machine("cpu", memory=10**9, fast_bf16=True)
    return Plan("x", load_recipe(file, settings), "cpu", machine, 1000, 1e6, epoch, MEASURED, 2.0, [])


def test_a_calibration_measures_updates_memory_and_the_validation(file, tmp_path):
    recipe = load_recipe(file)
    measured, startup = measure_training(recipe, "cpu", tmp_path / "run", time.time())
    assert min(measured.tokens_per_second, measured.validation_seconds, measured.saving_seconds, startup) > 0
    assert [size for size, _ in measured.memory_by_budget] == [50, 100, 200]
    peaks = [measured.memory_before, *(peak for _, peak in measured.memory_by_budget), measured.peak_memory]
    assert peaks == sorted(peaks)


def test_a_calibration_reads_whole_groups_of_batches(file, tmp_path):
    recipe = load_recipe(file, ["training.accumulate=3"])
    measured, _ = measure_training(recipe, "cpu", tmp_path / "run", time.time())
    epoch = count_epoch(recipe, TrainingText.prepare(recipe))
    tokens = sum(tokens for _, tokens in measured.blocks)
    assert tokens / (BLOCK * len(measured.blocks)) == pytest.approx(epoch.target_tokens / epoch.updates, rel=0.3)


def test_the_hungriest_batches_are_no_smaller_than_any(file):
    recipe = load_recipe(file)
    data = TrainingText.prepare(recipe)
    batches = data.order(200, seed=1).epoch(0)
    chosen = hungriest(data.train, batches)
    source, target = data.train.source_lengths + 1, data.train.target_lengths + 1

    def cells(rows):
        return len(rows) * (source[rows].max() + target[rows].max())

    for need in (len, cells, lambda rows: target[rows].max()):
        assert max(map(need, chosen)) == max(map(need, batches))


def test_a_translation_is_timed_as_long_as_references_are(file, tmp_path):
    for split, count in {"train": 50, "valid": 20}.items():
        (tmp_path / f"{split}.tsv").write_text("abc\tabcdefghijkl\n" * count, encoding="utf-8")
    recipe = load_recipe(file, [f"data.corpus={tmp_path}", "tokenizer.kind=byte"])
    limits = usual_search(TrainingText.prepare(recipe)).limits(torch.ones(1, 3 + 1, dtype=torch.bool))
    assert 12 + 1 <= limits < 1.5 * (12 + 1)


def test_an_epoch_is_counted_whole(file):
    recipe = load_recipe(file)
    data = TrainingText.prepare(recipe)
    epoch = count_epoch(recipe, data)
    assert epoch.target_tokens == data.train.target_lengths.sum() + 300
    assert epoch.updates * 200 * epoch.fill * 2 >= epoch.target_tokens + epoch.source_tokens
    assert 0.5 < epoch.fill <= 1


def test_the_safe_batch_fills_nine_tenths_of_the_memory(file):
    endless = Epoch(10.0**6, 10**9, 10**9, 0.9)
    assert plan_of(file, epoch=endless).safe_batch_tokens == 800_000  # (0.9 x 1e9 - 1e8) / 1000


def test_the_safe_batch_is_no_larger_than_the_text(file):
    plan = plan_of(file)
    assert plan.safe_batch_tokens == 50 * 200
    assert "the whole text would fit" in plan.text


def test_what_is_accumulated_is_text_too(file):
    grouped = EPOCH._replace(updates=EPOCH.updates / 2)
    assert plan_of(file, "training.accumulate=2", epoch=grouped).safe_batch_tokens == 50 * 200


def test_the_time_is_that_of_start_updates_and_validations(file):
    plan = plan_of(file)
    assert plan.update_seconds == pytest.approx(0.2)  # 800 tokens at 4000 a second
    assert plan.validations == 4  # after 30, 60, 90 and at the end
    assert plan.seconds == pytest.approx(2 + 100 * 0.2 + 4 * (3 + 1))


def test_memory_that_rises_is_taken_to_rise_for_two_epochs(file):
    rising = replace(MEASURED, memory_growth=1e6)
    assert replace(plan_of(file), measured=rising).peak_memory == round(102e6 + 1e6 * math.log(100 / 40))
    longer = plan_of(file, "training.updates=1000000")
    assert replace(longer, measured=rising).peak_memory == round(102e6 + 1e6 * math.log(2 * 50 / 40))


def test_patience_that_may_end_it_is_told(file):
    assert "patience" not in plan_of(file, "training.patience=4").text
    assert "or sooner if patience runs out" in plan_of(file, "training.patience=2").text


def test_an_average_is_validated_too(file):
    assert plan_of(file, "training.average=2").validations == 5


def test_a_time_limit_ends_the_updates(file):
    plan = plan_of(file, "training.minutes=0.1")
    assert plan.updates == 30
    assert plan.validations == 1
    assert "minutes=0.1 ends 100" in plan.text


def test_the_text_and_the_record_hold_the_same(file):
    plan = plan_of(file)
    assert json.loads(json.dumps(plan.record))["peak_memory_mb"] == 102.0
    assert "102 MB of 1.00 GB" in plan.text


@pytest.mark.parametrize("name", [name for name in TINY if "transformer" in name])
def test_flops_of_a_transformer_are_those_that_torch_counts(name):
    model = tiny_model(name)
    rows, source, target = 3, 9, 5  # one length on each side: no padding
    random = np.random.default_rng(1)
    ids = (
        random.integers(4, SOURCE_VOCABULARY, (rows, source)).tolist(),
        random.integers(4, TARGET_VOCABULARY, (rows, target)).tolist(),
    )
    batch = collate(*ids, range(rows))
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        batch_loss(model, batch, 0.1).smoothed.backward()
    lengths = Lengths.of(np.full(rows, source), np.full(rows, target))
    expected = flops_a_target_token(model, lengths) * lengths.target_tokens
    assert counter.get_total_flops() == pytest.approx(expected)


@pytest.mark.parametrize("name", TINY)
def test_each_layer_of_attention_looks_where_the_architecture_says(name):
    config = TINY[name]
    sides = Counter(attended_sides(tiny_model(name)))
    if config.kind == "transformer":
        assert sides == Counter(source=config.encoder_layers, target=config.decoder_layers, both=config.decoder_layers)
    else:
        assert sides == Counter(both=int(config.attention != "none"))


@pytest.mark.slow
def test_the_command_plans_and_leaves_no_run(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(program, ["train", str(file), "--plan", "--json", "--device", "cpu"])
    assert found.exit_code == 0
    plan = json.loads(found.stdout)
    assert plan["seconds"] > 0
    assert {advice["code"] for advice in plan["advice"]} >= {"validation-small"}
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["cache", "recipe.yaml"]


def test_json_without_a_plan_is_a_mistake_of_usage(file):
    assert CliRunner().invoke(program, ["train", str(file), "--json"]).exit_code == 2
