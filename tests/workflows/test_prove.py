"""The proof of resuming looks at all that a training leaves, and holds only where one was cut."""

import json
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch

from seq2seq.errors import Seq2SeqError
from seq2seq.training.weights import read_file, save_tensors
from seq2seq.workflows import prove
from seq2seq.workflows.prove import Proof, digests, prove_resume
from seq2seq.workflows.train import TrainOptions

from tiny_training import trainer

RECIPE = """
data: {source: a, target: b, corpus: {kind: toy}}
tokenizer: {kind: char}
model: {kind: recurrent, embedding_dim: 8, hidden_dim: 8}
"""


@pytest.fixture
def folder(tmp_path):
    """A training of twelve updates as it is left."""
    made = trainer(tmp_path)
    made.run()
    lines = [*made.listener.updates, *made.listener.validations]
    made.folder.metrics.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return made.folder


def change_checkpoint(part, change):
    """The first tensor of a part by one bit, or the position."""

    def changed(folder):
        path = folder.checkpoints()[-1]
        tensors, header = read_file(path)
        position = json.loads(header["position"])
        if part is None:
            change(position)
        else:
            name = min(name for name in tensors if name.startswith(part) and tensors[name].dim())
            tensors[name].view(torch.int32).view(-1)[0] ^= 1
        save_tensors(path, tensors, {"format": header["format"], "position": json.dumps(position)})

    return changed


def change_metrics(**values):
    def changed(folder):
        first, *others = folder.metrics.read_text(encoding="utf-8").splitlines()
        lines = [json.dumps(json.loads(first) | values), *others]
        folder.metrics.write_text("\n".join(lines), encoding="utf-8")

    return changed


def change_model(folder):
    tensors, _ = read_file(folder.model)
    tensors[min(tensors)].view(torch.int32).view(-1)[0] ^= 1
    save_tensors(folder.model, tensors)


CHANGES = {
    "weights": change_checkpoint("model.", None),
    "moments of the optimiser": change_checkpoint("optimizer.", None),
    "position": change_checkpoint(None, lambda position: position.update(batch=position["batch"] + 1)),
    "metrics": change_metrics(train_loss=0.123),
    "best model": change_model,
}
CLOCKS = [
    change_checkpoint(None, lambda position: position.update(seconds=1e6)),
    change_checkpoint(None, lambda position: position["meter"].update(seconds=1e6)),
    change_metrics(seconds=1e6),
]


@pytest.mark.parametrize("part", CHANGES)
def test_whatever_differs_is_told_by_its_name(folder, part):
    before = digests(folder)
    assert before.keys() == CHANGES.keys()
    assert Proof(before, digests(folder)).holds
    CHANGES[part](folder)
    after = digests(folder)
    assert [name for name in before if before[name] != after[name]] == [part]
    assert not Proof(before, after).holds
    assert [row[0] for row in Proof(before, after).table.rows if row[-1] == "NO"] == [part]


@pytest.mark.parametrize("change", CLOCKS)
def test_clocks_may_differ(folder, change):
    before = digests(folder)
    change(folder)
    assert digests(folder) == before


def test_a_training_that_was_over_before_the_cut_proves_nothing(tmp_path, monkeypatch):
    recipe, begun = tmp_path / "recipe.yaml", []
    recipe.write_text(RECIPE, encoding="utf-8")

    @contextmanager
    def over(command, folder):
        begun.append(folder.root.name)
        yield SimpleNamespace(returncode=0, send_signal=lambda number: None, poll=lambda: 0)

    monkeypatch.setattr(prove, "_begun", over)
    with pytest.raises(Seq2SeqError, match="were over each time before the cut"):
        prove_resume(TrainOptions(recipe, None, (), "cpu"))
    assert begun == ["whole", *(f"cut-{attempt}" for attempt in range(prove.ATTEMPTS))]
