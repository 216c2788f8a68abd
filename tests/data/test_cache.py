"""What is kept is used again, never when something changed, and made anew when it is damaged."""

import errno
import fcntl
import logging
import mmap
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.config import parse
from seq2seq.data import cache as caching
from seq2seq.data import preparation
from seq2seq.data.cache import cache_folder, cached_tokenizers, tokenize_split
from seq2seq.data.corpus import DataConfig
from seq2seq.data.filters import FilterReport
from seq2seq.data.tokenized import Rows, SplitWriter, load_split
from seq2seq.data.tokenizer import ByteConfig, CharacterConfig, SentencePieceConfig
from seq2seq.errors import DataError

SOURCES = ["Ein Hund.", "", "Zwei Hunde laufen.", "Drei", "Ein Hund.", "x" * 300]
TARGETS = ["A dog.", "Nothing.", "Two dogs run.", "Three", "A dog.", "y"]


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "train.de").write_text("".join(f"{line}\n" for line in SOURCES), encoding="utf-8")
    (folder / "train.en").write_text("".join(f"{line}\n" for line in TARGETS), encoding="utf-8")
    return folder


@pytest.fixture
def kept(tmp_path):
    return tmp_path / "kept"


def data(folder, **filters):
    tree = {"source": "de", "target": "en", "corpus": str(folder), "filters": filters}
    return parse(DataConfig, tree, "recipe.yaml")


def byte_pair(corpus, cache=None):
    return cached_tokenizers(ByteConfig(), data(corpus), cache)


def rows(split, pair):
    return [
        (pair.source.decode(split.source(index).tolist()), pair.target.decode(split.target(index).tolist()))
        for index in range(len(split))
    ]


def forbid(monkeypatch, *names):
    def never(*arguments, **named):
        raise AssertionError(f"called again: {names}")

    for name in names:
        monkeypatch.setattr(caching, name, never)


def files_in(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


# --- what a split holds ----------------------------------------------------------------------------------


@pytest.mark.parametrize("cached", [True, False])
def test_without_filters_every_line_has_its_place(corpus, kept, cached):
    pair = byte_pair(corpus)
    split, report = tokenize_split(data(corpus), "train", pair, kept if cached else None, apply_filters=False)
    assert rows(split, pair) == list(zip(SOURCES, TARGETS, strict=True))
    assert report == FilterReport(kept=6)
    assert split.source_lengths.tolist() == [len(line.encode()) for line in SOURCES]
    assert split.target_lengths.tolist() == [len(line.encode()) for line in TARGETS]


@pytest.mark.parametrize("cached", [True, False])
def test_filters_leave_out_and_count(corpus, kept, cached):
    pair, config = byte_pair(corpus), data(corpus, duplicates=True)
    split, report = tokenize_split(config, "train", pair, kept if cached else None, apply_filters=True)
    assert rows(split, pair) == [(SOURCES[index], TARGETS[index]) for index in (0, 2, 3)]
    assert str(report) == "kept 3 of 6 pairs: 1 empty, 1 longer than 256 tokens, 1 seen before"


def test_splits_come_one_after_the_other(corpus):
    (corpus / "more.tsv").write_text("vier\tfour\n")
    pair = byte_pair(corpus)
    split, report = tokenize_split(data(corpus), ("more", "train", "more"), pair, None, apply_filters=False)
    assert rows(split, pair) == [("vier", "four"), *zip(SOURCES, TARGETS, strict=True), ("vier", "four")]
    assert report.kept == 8
    assert split.parts == (1, 6, 1)


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_the_parts_it_is_written_in_do_not_show(corpus, chunk, monkeypatch):
    monkeypatch.setattr(preparation, "CHUNK", chunk)
    pair = byte_pair(corpus)
    split, report = tokenize_split(data(corpus, duplicates=True), "train", pair, None, apply_filters=True)
    assert rows(split, pair) == [(SOURCES[index], TARGETS[index]) for index in (0, 2, 3)]
    assert report.read == 6


def test_nothing_left_is_an_error_with_the_counts(corpus, kept):
    config = data(corpus, max_length=2)
    with pytest.raises(DataError, match=r"train: kept 0 of 6 pairs: 1 empty, 5 longer than 2 tokens; loosen"):
        tokenize_split(config, "train", byte_pair(corpus), kept, apply_filters=True)
    assert files_in(kept) == []


@given(st.lists(st.lists(st.lists(st.integers(0, 70_000), max_size=5), max_size=4), max_size=4), st.booleans())
def test_ids_come_back_from_disk(tmp_path_factory, parts, wide):
    limit = 70_000 if wide else 2**16 - 1
    parts = [[[min(index, limit) for index in row] for row in part] for part in parts]
    folder = tmp_path_factory.mktemp("split")
    writer = SplitWriter(folder, source_size=limit + 1, target_size=limit + 1)
    for part in parts:
        sides = (Rows.of(rows, ["text"] * len(rows), limit + 1) for rows in (part, part[::-1]))
        writer.add(*sides)
    writer.finish(FilterReport(kept=3, max_ratio=2.5), [2, 1])
    split, report = load_split(folder)
    sources, targets = [row for part in parts for row in part], [row for part in parts for row in part[::-1]]
    assert [split.source(index).tolist() for index in range(len(split))] == sources
    assert [split.target(index).tolist() for index in range(len(split))] == targets
    assert report == FilterReport(kept=3, max_ratio=2.5)
    assert split.source_lengths.tolist() == [len(row) for row in sources]
    assert split.target_lengths.tolist() == [len(row) for row in targets]
    assert split.parts == (2, 1)
    assert split.source_ids.dtype == (np.int32 if wide else np.uint16)


def test_ids_stay_on_disk(corpus, kept):
    split, _ = tokenize_split(data(corpus), "train", byte_pair(corpus), kept, apply_filters=False)
    arrays = [array for array in vars(split).values() if isinstance(array, np.ndarray)]
    assert len(arrays) == 8
    assert all(isinstance(array.base.obj, mmap.mmap) for array in arrays)


# --- reuse -----------------------------------------------------------------------------------------------


def test_the_second_time_nothing_is_read_or_learnt(corpus, kept, monkeypatch):
    config = data(corpus)
    pair = cached_tokenizers(SentencePieceConfig(vocabulary=300), config, kept)
    first = tokenize_split(config, "train", pair, kept, apply_filters=True)
    forbid(monkeypatch, "read_split", "train_tokenizers", "prepare")
    again = cached_tokenizers(SentencePieceConfig(vocabulary=300), config, kept)
    assert again.fingerprint == pair.fingerprint
    second = tokenize_split(config, "train", again, kept, apply_filters=True)
    assert rows(second[0], pair) == rows(first[0], pair)
    assert second[1] == first[1]


@pytest.mark.parametrize("change", ["text", "direction", "filters", "no filters", "tokenizer"])
def test_whatever_changes_makes_another_entry(corpus, kept, change):
    pair, config, filtered = byte_pair(corpus), data(corpus), True
    tokenize_split(config, "train", pair, kept, apply_filters=True)
    match change:
        case "text":
            path = corpus / "train.en"
            path.write_bytes(path.read_bytes().replace(b"Three", b"three"))  # as long as before
            os.utime(path, (1, 1))
        case "direction":
            config = config.model_copy(update={"source": "en", "target": "de"})
        case "filters":
            config = data(corpus, max_length=9)
        case "no filters":
            filtered = False
        case "tokenizer":
            pair = cached_tokenizers(CharacterConfig(), config, None)
    split, report = tokenize_split(config, "train", pair, kept, apply_filters=filtered)
    fresh, fresh_report = tokenize_split(config, "train", pair, None, apply_filters=filtered)
    assert rows(split, pair) == rows(fresh, pair)
    assert report == fresh_report
    assert len(list((kept / "tokenized").iterdir())) == 2


def test_tokenizers_are_learnt_anew_for_other_text_and_settings(corpus, kept):
    config = data(corpus)
    first = cached_tokenizers(CharacterConfig(), config, kept)
    apart = cached_tokenizers(CharacterConfig(joint=False), config, kept)
    (corpus / "train.en").write_text("Q\n" * 6)
    other = cached_tokenizers(CharacterConfig(), config, kept)
    assert len({first.fingerprint, apart.fingerprint, other.fingerprint}) == 3


def test_names_do_not_matter_where_the_text_is_the_same(corpus, kept, tmp_path, monkeypatch):
    cached_tokenizers(CharacterConfig(), data(corpus), kept)
    moved = corpus.rename(tmp_path / "elsewhere")
    forbid(monkeypatch, "train_tokenizers")
    cached_tokenizers(CharacterConfig(), data(moved), kept)


# --- damage ----------------------------------------------------------------------------------------------


def _flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


DAMAGES = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-3]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "flipped": _flip,
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("number", range(9))
def test_a_damaged_split_is_made_anew_and_said(corpus, kept, damage, number, caplog):
    pair, config = byte_pair(corpus), data(corpus)
    tokenize_split(config, "train", pair, kept, apply_filters=False)
    path = files_in(kept)[number]
    whole = path.read_bytes()
    DAMAGES[damage](path)
    split, _ = tokenize_split(config, "train", pair, kept, apply_filters=False)
    assert rows(split, pair) == list(zip(SOURCES, TARGETS, strict=True))
    assert path.read_bytes() == whole
    assert "it is made anew" in caplog.text


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["both.characters.json", "tokenizer.json"])
def test_a_damaged_tokenizer_is_learnt_anew_and_said(corpus, kept, damage, name, caplog):
    first = cached_tokenizers(CharacterConfig(), data(corpus), kept)
    (path,) = (path for path in files_in(kept) if path.name == name)
    DAMAGES[damage](path)
    again = cached_tokenizers(CharacterConfig(), data(corpus), kept)
    assert again.fingerprint == first.fingerprint
    assert "it is made anew" in caplog.text


# --- writing ---------------------------------------------------------------------------------------------


def test_a_build_that_fails_leaves_nothing(corpus, kept):
    (corpus / "train.en").write_bytes(b"ok\n" * 5 + b"\xff\n")
    with pytest.raises(DataError, match=r"train\.en:6"):
        tokenize_split(data(corpus), "train", byte_pair(corpus), kept, apply_filters=True)
    assert list((kept / "tokenized").iterdir()) == []


def test_many_may_make_the_same_entry_at_once(corpus, kept):
    pair, config = byte_pair(corpus), data(corpus)

    def make(_):
        split, report = tokenize_split(config, "train", pair, kept, apply_filters=True)
        return rows(split, pair), report

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(16)))
    assert all(one == made[0] for one in made)
    assert len(list((kept / "tokenized").iterdir())) == 1


def test_leftovers_of_a_killed_build_are_swept_but_not_those_at_work(corpus, kept):
    old, new, held = (kept / "tokenized" / f".building-{name}" for name in ("old", "new", "held"))
    for folder in (old, new, held):
        folder.mkdir(parents=True)
        lock = folder.with_name(f"{folder.name}.lock")
        lock.touch()
        if folder != new:
            os.utime(lock, (time.time() - 10**6,) * 2)
    with held.with_name(f"{held.name}.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tokenize_split(data(corpus), "train", byte_pair(corpus), kept, apply_filters=True)
    left = [name for name in sorted(path.name for path in (kept / "tokenized").iterdir()) if name.startswith(".")]
    assert left == [".building-held", ".building-held.lock", ".building-new", ".building-new.lock"]


def test_a_folder_that_cannot_be_written_names_the_way_round_it(corpus, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(DataError, match=r"the cache cannot be written \(Not a directory\); .*SEQ2SEQ_CACHE"):
        tokenize_split(data(corpus), "train", byte_pair(corpus), blocked, apply_filters=True)


@pytest.mark.parametrize("cached", [True, False])
def test_a_full_disk_is_named_and_leaves_nothing(corpus, kept, cached, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(SplitWriter, "add", full)
    with pytest.raises(DataError, match="No space left on device"):
        tokenize_split(data(corpus), "train", byte_pair(corpus), kept if cached else None, apply_filters=True)
    assert files_in(kept) == []


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SEQ2SEQ_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "seq2seq"
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_folder() == Path("/xdg/seq2seq")
    monkeypatch.setenv("SEQ2SEQ_CACHE", "~/own")
    assert cache_folder() == tmp_path / "own"


def test_reuse_is_silent(corpus, kept, caplog):
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            tokenize_split(data(corpus), "train", byte_pair(corpus, kept), kept, apply_filters=True)
    assert caplog.text == ""


def test_a_home_that_cannot_be_written_means_no_cache_and_a_warning(monkeypatch, caplog):
    for name in ("SEQ2SEQ_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/proc/nowhere")
    assert cache_folder() is None
    assert "/proc/nowhere/.cache/seq2seq: cannot be written (No such file or directory), so text is" in caplog.text
