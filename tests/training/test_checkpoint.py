"""Checkpoints and weights on a disk that fails: what is damaged is refused, what was there stays, nothing is left."""

import json
import logging
import os
import resource
import shutil
import subprocess
import sys
from dataclasses import asdict

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from seq2seq.errors import CheckpointError
from seq2seq.training.meter import Meter
from seq2seq.training.weights import read_file, read_tensors, save_tensors

from architectures import TINY
from tiny_training import MODELS, digest, trainer, without_clock

TENSORS = {
    "a": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "b": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "c": torch.tensor(7),
}


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "tensors.safetensors"
    save_tensors(path, TENSORS, {"note": "as it was"})
    return path


def assert_written(path):
    tensors, header = read_file(path)
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert header["note"] == "as it was"


def test_tensors_come_back_bit_by_bit(written):
    assert_written(written)


def test_a_flipped_bit_is_noticed_in_every_byte(written):
    whole = written.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        written.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"tensors\.safetensors: (cannot be read|is damaged: its SHA-256 is)"):
            read_tensors(written)


def test_every_cut_is_noticed(written):
    whole = written.read_bytes()
    for length in range(len(whole)):
        written.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"tensors\.safetensors: cannot be read"):
            read_tensors(written)


def test_a_damaged_file_is_refused_with_both_sums(written):
    with safe_open(written, framework="pt") as file:
        expected = file.metadata()["sha256"]
    whole = bytearray(written.read_bytes())
    whole[-1] ^= 1
    written.write_bytes(whole)
    with pytest.raises(CheckpointError, match=rf"its SHA-256 is [0-9a-f]{{64}}, expected is {expected}; copy it again"):
        read_tensors(written)


def test_the_sum_covers_names_types_shapes_bytes_and_the_rest_of_the_header(tmp_path, written):
    with safe_open(written, framework="pt") as file:
        header = file.metadata()
    swapped = {"a": TENSORS["a"], "b": TENSORS["c"], "c": TENSORS["b"]}
    for tensors, metadata in [
        ({"x": TENSORS["a"], "b": TENSORS["b"], "c": TENSORS["c"]}, header),
        (TENSORS | {"a": TENSORS["a"].view(torch.int32)}, header),
        (TENSORS | {"a": TENSORS["a"].reshape(3, 2)}, header),
        (TENSORS | {"a": TENSORS["a"].roll(1)}, header),
        (swapped, header),
        (TENSORS, header | {"note": "otherwise"}),
    ]:
        save_file(tensors, written, metadata)
        with pytest.raises(CheckpointError, match="is damaged"):
            read_tensors(written)


def test_a_file_without_a_sum_is_read_with_a_warning(tmp_path, caplog):
    save_file(TENSORS, tmp_path / "old.safetensors")
    assert read_tensors(tmp_path / "old.safetensors").keys() == TENSORS.keys()
    assert "has no SHA-256" in caplog.text


def test_a_disk_that_writes_otherwise_is_noticed_before_the_old_file_is_gone(written, monkeypatch):
    def wrong(tensors, path, metadata):
        save_file(tensors, path, metadata)
        with path.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"\xff")

    monkeypatch.setattr("seq2seq.training.weights.save_file", wrong)
    with pytest.raises(CheckpointError, match="what was written reads otherwise; it is unchanged; check the disk"):
        save_tensors(written, {"a": TENSORS["a"]})
    assert_written(written)
    assert [path.name for path in written.parent.iterdir()] == [written.name]


def damage(path):
    content = bytearray(path.read_bytes())
    content[-5] ^= 16
    path.write_bytes(content)


@pytest.mark.parametrize("how", [damage, lambda path: path.write_bytes(path.read_bytes()[:-1])], ids=["bit", "cut"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path, caplog, how):
    """And the training ends as it would have."""
    whole = trainer(tmp_path / "whole", updates=21)
    whole.run()
    made = trainer(tmp_path / "cut", updates=21)
    made.config = made.config.model_copy(update={"updates": 15})
    made.run()
    newest = made.folder.checkpoints()[-1]
    assert [path.name for path in made.folder.checkpoints()] == [
        f"checkpoint-{update:08d}.safetensors" for update in (10, 15)
    ]
    how(newest)
    again = trainer(tmp_path / "cut", updates=21)
    with caplog.at_level(logging.WARNING):
        assert again.resume()
    assert [record.getMessage().startswith(str(newest)) for record in caplog.records] == [True]
    assert caplog.records[0].getMessage().endswith("going on from the one before, at update 10")
    assert again.folder.snapshots()[-1] == again.folder.snapshot(10)
    assert again.run()
    assert digest(again) == digest(whole)
    assert without_clock(again.listener.updates) == without_clock(whole.listener.updates[1:])


def test_where_all_checkpoints_are_damaged_the_training_does_not_begin_anew_in_silence(tmp_path):
    made = trainer(tmp_path)
    made.run()
    for path in made.folder.checkpoints():
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=r"checkpoint-00000012\.safetensors: cannot be read"):
        trainer(tmp_path).resume()


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    trainer(tmp_path).run()
    with pytest.raises(CheckpointError, match="does not fit the model of its recipe"):
        trainer(tmp_path, TINY["lstm-general"]).resume()


@pytest.fixture
def format_1(tmp_path):
    """A run as the first versions left it at update 5: one file without a sum, and states of the generators in it."""
    made = trainer(tmp_path / "old", MODELS["lstm"], updates=5)
    made.run()
    newest = made.folder.checkpoints()[-1]
    known = asdict(made.position)
    later = {"validated", "finished", "skipped", "skipped_in_a_row", "split", "recent_losses", "records", "meter"}
    position = json.dumps({key: known[key] for key in known.keys() - later})
    tensors = load_file(newest) | {"random.cpu": torch.get_rng_state()}
    save_file(tensors, made.folder.training / "checkpoint.safetensors", {"format": "1", "position": position})
    for path in made.folder.checkpoints()[1:]:
        path.unlink()
    return made


def test_a_checkpoint_of_the_first_versions_is_gone_on_from(format_1, caplog):
    made = trainer(format_1.folder.root, MODELS["lstm"], updates=12)
    assert made.resume()
    assert digest(made) == digest(format_1)
    assert "has no SHA-256" in caplog.text
    assert made.run()
    assert [path.name for path in made.folder.checkpoints()] == [
        f"checkpoint-{update:08d}.safetensors" for update in (10, 12)
    ]


def test_a_checkpoint_of_a_later_version_is_refused(format_1):
    path = format_1.folder.training / "checkpoint.safetensors"
    save_tensors(format_1.folder.checkpoint(6), load_file(path), {"format": "99"})
    with pytest.raises(
        CheckpointError, match=r"has format '99', and this version reads 1 and 2; go on with the version"
    ):
        trainer(format_1.folder.root, MODELS["lstm"]).resume()


def test_what_the_meter_holds_goes_through_a_checkpoint_unchanged(tmp_path):
    made = trainer(tmp_path)
    for group in list(made._groups())[:3]:
        made.meter.add(made._place(group), made._update(group), 0.25)
    again = Meter()
    again.restore(json.loads(json.dumps(made.meter.state())))
    assert without_clock([again.record()]) == without_clock([made.meter.record()])


SAVE = """
import sys, torch
from pathlib import Path
from seq2seq.training.weights import save_tensors
save_tensors(Path(sys.argv[1]), {"a": torch.ones(50_000)}, {"note": "new"})
"""


@pytest.mark.slow
def test_a_file_is_synced_before_it_takes_its_place_and_its_folder_after(tmp_path):
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    path, trace = tmp_path / "a.safetensors", tmp_path / "trace"
    calls = "trace=openat,write,fsync,fdatasync,rename,renameat,renameat2,close"
    command = ["strace", "-f", "-y", "--seccomp-bpf", "-e", calls, "-o", trace, sys.executable, "-c", SAVE, path]
    traced = subprocess.run(command, check=False, capture_output=True, text=True)
    if not path.exists():
        pytest.skip(f"strace may not run here: {traced.stderr[-200:]}")
    temporary = f"{tmp_path}/.a.safetensors."
    lines = [line for line in trace.read_text().splitlines() if str(tmp_path) in line]
    written = max(i for i, line in enumerate(lines) if "write(" in line)
    synced = next(i for i, line in enumerate(lines) if "fsync(" in line and temporary in line)
    opened = [i for i, line in enumerate(lines) if "openat(" in line and temporary in line and "O_RDONLY" in line]
    renamed = next(i for i, line in enumerate(lines) if "rename" in line and f'"{path}"' in line)
    folder = next(i for i, line in enumerate(lines) if "fsync(" in line and f"<{tmp_path}>" in line)
    assert written < synced < renamed < folder
    assert any(synced < i < renamed for i in opened)  # it is read back


@pytest.mark.parametrize("limit", [0, 100, 65_536, 199_999])
def test_a_limit_on_the_size_of_files_leaves_what_was_there(written, limit):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(CheckpointError, match=r"tensors\.safetensors: cannot be written \(.*it is unchanged"):
            save_tensors(written, {"a": torch.ones(50_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert_written(written)
    assert [path.name for path in written.parent.iterdir()] == [written.name]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place]
    if shutil.which("mount") is None or subprocess.run(mounting, check=False, capture_output=True).returncode:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_leaves_what_was_there(small_disk):
    path = small_disk / "a.safetensors"
    save_tensors(path, TENSORS, {"note": "as it was"})
    with pytest.raises(CheckpointError, match=r"a\.safetensors: cannot be written \(.*it is unchanged"):
        save_tensors(path, {"a": torch.ones(100_000)})
    assert_written(path)
    assert [each.name for each in small_disk.iterdir()] == [path.name]


def test_a_disk_that_may_only_be_read_is_said(small_disk):
    path = small_disk / "a.safetensors"
    save_tensors(path, TENSORS, {"note": "as it was"})
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(CheckpointError, match=r"a\.safetensors: cannot be written \(Read-only file system\)"):
        save_tensors(path, TENSORS)
    assert_written(path)
