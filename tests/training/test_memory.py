"""When memory runs out the update is the same in smaller parts."""

import gc
import json
import logging
import subprocess
import sys

import pytest
import torch
from torch.testing import assert_close

from seq2seq.data.batches import collate
from seq2seq.errors import Seq2SeqError
from seq2seq.training.memory import halved, is_out_of_memory, told_when_full

from architectures import TINY, tiny_recurrent, tiny_transformer
from tiny_training import MODELS, digest, trainer

SAID_BY_TORCH = "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"
ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError(SAID_BY_TORCH),
    MemoryError(),
]
GROUP = [
    collate([[4, 5, 6, 7], [8], [9, 4], [5]], [[4, 5], [8, 4, 4], [9], [5, 5]], [0, 1, 2, 3]),
    collate([[8]] * 3, [[8, 9], [8], [8]], [4, 5, 6]),
]


def limit_rows(made, rows, error, *, late=False):
    """Memory is enough for so many rows; `late`: only in the backward pass there is none, some gradients being made."""
    features = made.model.features
    inputs = next(iter(made.model.encoder.parameters()))

    def limited(source, mask, target):
        if source.size(0) > rows and not late:
            raise error
        made.rows = source.size(0)
        return features(source, mask, target)

    def hook(gradient):
        if made.rows > rows:
            raise error
        return gradient

    made.model.features = limited
    if late:
        inputs.register_hook(hook)


def gradients(made):
    made.optimizer.step = lambda: None
    made.optimizer.zero_grad = lambda set_to_none: None
    measured = made._update(GROUP)
    return measured, [parameter.grad.clone() for parameter in made.model.parameters()]


@pytest.mark.parametrize("name", TINY)
def test_an_update_looks_for_no_cycles_of_garbage_and_leaves_none(tmp_path, name):
    made = trainer(tmp_path, TINY[name])
    looked = []
    made.accumulator.loss.register_forward_hook(lambda *_: looked.append(gc.isenabled()))
    made._update(GROUP)
    assert looked == [False, False]
    assert gc.isenabled()
    gc.disable()
    try:
        gc.collect()
        made._update(GROUP)
        assert gc.collect() == 0
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "config", [tiny_transformer(dropout=0.0), tiny_recurrent(dropout=0.0)], ids=["transformer", "lstm"]
)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("late", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("rows", [1, 2])
def test_the_gradient_is_that_of_the_whole_batch(tmp_path, config, error, late, rows):
    expected = gradients(trainer(tmp_path / "whole", config, clip_norm=None))
    made = trainer(tmp_path / "split", config, clip_norm=None)
    limit_rows(made, rows, error, late=late)
    made.optimizer.step = lambda: None
    found = []
    clear = made.optimizer.zero_grad

    def keep_then_clear(set_to_none):
        if made.rows <= rows:
            found[:] = [parameter.grad.clone() for parameter in made.model.parameters() if parameter.grad is not None]
        clear(set_to_none=set_to_none)

    made.rows = 99
    made.optimizer.zero_grad = keep_then_clear
    measured = made._update(GROUP)
    assert_close(found, expected[1])
    assert_close(measured, expected[0])
    assert made.position.split == (2 if rows == 1 else 1)


def test_running_out_of_memory_is_counted_and_told_with_sizes(tmp_path, caplog):
    made = trainer(tmp_path)
    limit_rows(made, 2, ERRORS[0])
    with caplog.at_level(logging.WARNING):
        made._update(GROUP)
    assert [record.getMessage() for record in caplog.records] == [
        "update 1: out of memory over batches of 4 x 5, 5; 3 x 2, 4 (rows x source, target tokens);"
        " done anew in parts of 2 rows"
    ]
    assert made.meter.record()["split"] == made.position.split == 1


@pytest.mark.parametrize("name", MODELS)
def test_an_update_done_anew_draws_the_same_each_time(tmp_path, name):
    found = []
    for attempt in range(2):
        made = trainer(tmp_path / str(attempt), MODELS[name])
        limit_rows(made, 2, ERRORS[1])
        torch.manual_seed(attempt)
        made._update(GROUP)
        found.append(digest(made))
    assert found[0] == found[1]


def test_a_single_pair_that_is_too_long_is_said(tmp_path):
    made = trainer(tmp_path)
    limit_rows(made, 0, ERRORS[1])
    with pytest.raises(Seq2SeqError, match="update 1: out of memory over a single pair of 5 and 5 tokens"):
        made._update(GROUP)


def test_other_errors_are_none_of_its_business(tmp_path):
    made = trainer(tmp_path)
    limit_rows(made, 2, RuntimeError("shapes do not fit"))
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        made._update(GROUP)
    assert not is_out_of_memory(ValueError("out of memory"))


def test_a_bug_is_not_told_as_too_little_memory(tmp_path):
    bug = RuntimeError("shapes do not fit")
    with pytest.raises(RuntimeError) as found, told_when_full(trainer(tmp_path).position):
        raise bug
    assert found.value is bug


def test_halves_hold_every_row_once():
    parts = [[batch] for batch in GROUP]
    whole = [batch.indices for batch in GROUP]
    for _ in range(2):
        parts = halved(parts, 1)
        assert [tuple(index for part in batch for index in part.indices) for batch in parts] == whole
        for kind in ("source_tokens", "target_tokens"):
            counted = [sum(getattr(part, kind) for part in batch) for batch in parts]
            assert counted == [getattr(batch, kind) for batch in GROUP]


def test_where_no_smaller_batch_helps_it_is_said(tmp_path):
    made = trainer(tmp_path)
    made.validate = lambda model: (_ for _ in ()).throw(ERRORS[0])
    with (
        pytest.raises(Seq2SeqError, match="update 5: out of memory in the optimiser, the validation or a checkpoint"),
        told_when_full(made.position),
    ):
        made.run()


RECIPE = """
data: {source: a, target: b, corpus: {kind: toy, sizes: {train: 4000, valid: 20, test: 20}, max_length: 12}}
tokenizer: {kind: char}
model: {kind: transformer, encoder_layers: 2, decoder_layers: 2, model_dim: 64, num_heads: 4, feed_forward_dim: 512,
  dropout: 0.0}
training: {updates: 3, batch_tokens: 20000, validate_every: 3, validation_bleu: 4}
"""
TRAIN_WITHIN = """
import re, resource, sys
from pathlib import Path
from seq2seq.workflows.train import TrainOptions, train

def address_space():
    return 1024 * int(re.search(r"VmPeak:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1))

recipe, out, share = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
small = address_space()
if share:
    limit = small + int(share)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
train(TrainOptions(recipe, out, device="cpu"))
print(address_space() - small)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit and its measure are Linux's")
def test_where_the_machine_has_less_memory_a_training_ends_as_where_it_has_more(tmp_path, monkeypatch):
    """No error is made up here: the system refuses what is asked of it."""
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE)

    def trained(name, limit):
        words = [sys.executable, "-c", TRAIN_WITHIN, str(recipe), str(tmp_path / name), str(limit)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode == 0, done.stderr
        return int(done.stdout), json.loads((tmp_path / name / "summary.json").read_text())

    peak, free = trained("free", 0)
    _, limited = trained("limited", 0.7 * peak)
    assert free["split"] == 0 < limited["split"]
    assert limited["target_tokens"] == free["target_tokens"]
    assert limited["best"] == pytest.approx(free["best"], rel=1e-4)
