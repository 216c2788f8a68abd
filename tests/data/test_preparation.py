"""What is prepared depends on the text alone: not on chunks, processes, or how often it was stopped."""

import os
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seq2seq
from seq2seq.config import parse
from seq2seq.data import cache as caching
from seq2seq.data import duplicates, mapped, preparation
from seq2seq.data.cache import cached_tokenizers, tokenize_split
from seq2seq.data.corpus import DataConfig
from seq2seq.data.duplicates import overlap, repeated
from seq2seq.data.example import Example
from seq2seq.data.filters import FilterConfig
from seq2seq.data.preparation import Encoder, prepare
from seq2seq.data.tokenizer import ByteConfig, SentencePieceConfig, train_tokenizers
from seq2seq.errors import DataError

BYTES = train_tokenizers(ByteConfig(), [])
FILTERS = FilterConfig(max_length=9, duplicates=True)
texts = st.text("ab ", max_size=10)
pairs = st.lists(st.tuples(texts, texts), max_size=30)


def numbered(count, *, repeats=7):
    return [Example(f"Satz {number % (count - count // repeats)}", f"line {number}"[:6]) for number in range(count)]


def made(folder, corpora, encoder, workers=1):
    folder.mkdir()
    report = prepare(folder, corpora, encoder, workers=workers, watch=lambda _: None)
    return {path.name: path.read_bytes() for path in folder.iterdir()}, report


def kept_by_hand(corpora):
    """The pairs that `FILTERS` leave, one at a time."""
    seen, kept = set(), []
    for example in (example for corpus in corpora for example in corpus):
        pair = (example.source, example.target)
        lengths = [len(text.encode()) for text in pair]
        if all(text.strip() for text in pair) and max(lengths) < 9 and pair not in seen:
            seen.add(pair)
            kept.append(pair)
    return kept


@settings(deadline=None)
@given(st.lists(pairs, min_size=1, max_size=3), st.integers(1, 9), st.integers(1, 40), st.integers(1, 5))
def test_chunks_and_passes_do_not_show_and_the_first_of_equals_stays(
    tmp_path_factory, corpora, chunk, characters, some
):
    folder = tmp_path_factory.mktemp("made")
    corpora = [[Example(*pair) for pair in corpus] for corpus in corpora]
    encoder = Encoder(BYTES, FILTERS)
    whole = made(folder / "whole", corpora, encoder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preparation, "CHUNK", chunk)
        patch.setattr(preparation, "CHARACTERS", characters)
        patch.setattr(duplicates, "PASS", some)
        assert made(folder / "parts", corpora, encoder) == whole
    assert whole[1].kept == len(kept_by_hand(corpora))
    assert whole[1].read == sum(map(len, corpora))
    split = b"".join(source.encode() for source, _ in kept_by_hand(corpora))
    ids = np.frombuffer(whole[0]["source.ids"], dtype="<u2")
    assert bytes((ids - 4).astype(np.uint8)) == split


def test_the_number_of_processes_does_not_show(tmp_path, monkeypatch):
    monkeypatch.setattr(preparation, "CHUNK", 100)
    monkeypatch.setattr(preparation, "ALONE", 1)
    corpora = [numbered(1050), numbered(333, repeats=2)]
    encoder = Encoder(train_tokenizers(SentencePieceConfig(kind="bpe", vocabulary=290), corpora[0]), FILTERS)
    assert made(tmp_path / "two", corpora, encoder, workers=2) == made(tmp_path / "one", corpora, encoder)


def test_a_worker_that_dies_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(preparation, "CHUNK", 10)
    monkeypatch.setattr(preparation, "ALONE", 0)
    monkeypatch.setattr(preparation, "_begin_work", os._exit)  # which takes no encoder, so no worker begins
    (tmp_path / "made").mkdir()
    with pytest.raises(DataError, match="a worker process died"):
        prepare(tmp_path / "made", [numbered(50)], Encoder(BYTES, None), workers=2, watch=lambda _: None)


class Stopped(BaseException):
    """As Ctrl-C is."""


@pytest.mark.parametrize("after", [0, 1, 7, 15])
def test_going_on_is_never_having_stopped(tmp_path, monkeypatch, after):
    monkeypatch.setattr(preparation, "CHUNK", 10)
    encoder = Encoder(BYTES, FILTERS)
    whole = made(tmp_path / "whole", [numbered(155)], encoder)
    (folder := tmp_path / "stopped").mkdir()
    encoded = []
    write = Encoder.write

    def counted(self, path, chunk):
        encoded.append(path)
        return write(self, path, chunk)

    def cut_short(self, path, chunk):
        if len(encoded) == after:
            path.with_suffix(".tmp").write_bytes(b"half")
            raise Stopped
        return counted(self, path, chunk)

    monkeypatch.setattr(Encoder, "write", cut_short)
    with pytest.raises(Stopped):
        prepare(folder, [numbered(155)], encoder, workers=1, watch=lambda _: None)
    monkeypatch.setattr(Encoder, "write", counted)
    done = []
    report = prepare(folder, [numbered(155)], encoder, workers=1, watch=done.append)
    assert ({path.name: path.read_bytes() for path in folder.iterdir()}, report) == whole
    assert len(encoded) == len(set(encoded)) == 16
    assert sum(done) == 155


@pytest.mark.parametrize("damage", [lambda raw: raw[:-9], lambda raw: raw[:300] + b"?" + raw[301:], lambda raw: b""])
def test_a_damaged_shard_is_made_again(tmp_path, damage, monkeypatch):
    encoder = Encoder(BYTES, None)
    whole = made(tmp_path / "whole", [numbered(40)], encoder)
    shard = tmp_path / "damaged" / preparation.SHARDS / "0000000.npz"
    shard.parent.mkdir(parents=True)
    encoder.write(shard, next(preparation._chunks([numbered(40)])))
    shard.write_bytes(damage(shard.read_bytes()))
    report = prepare(tmp_path / "damaged", [numbered(40)], encoder, workers=1, watch=lambda _: None)
    assert {path.name: path.read_bytes() for path in (tmp_path / "damaged").iterdir()} == whole[0]
    assert report == whole[1]


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(seq2seq.__file__).parents[1])}
SCRIPT = """
import sys
from pathlib import Path
from seq2seq.config import parse
from seq2seq.data import cache as caching, preparation
from seq2seq.data.cache import cached_tokenizers, tokenize_split
from seq2seq.data.corpus import DataConfig
from seq2seq.data.tokenizer import ByteConfig

if __name__ == "__main__":
    preparation.CHUNK = 500
    preparation.ALONE = 2
    caching.available_cores = lambda: 2
    config = parse(DataConfig, {"source": "a", "target": "b", "corpus": sys.argv[1]}, "test")
    tokenizers = cached_tokenizers(ByteConfig(), config, None)
    def watch(_):
        print("done", flush=True)
    tokenize_split(config, "train", tokenizers, Path(sys.argv[2]), apply_filters=True, watch=watch)
"""


def write_corpus(folder, lines):
    folder.mkdir(exist_ok=True)
    for side, word in (("a", "eins"), ("b", "one")):
        (folder / f"train.{side}").write_text("".join(f"{word} {n} {n * n}\n" for n in range(lines)), encoding="utf-8")
    return parse(DataConfig, {"source": "a", "target": "b", "corpus": str(folder)}, "test")


@pytest.mark.slow
def test_a_killed_preparation_goes_on_and_leaves_no_process(tmp_path):
    config = write_corpus(tmp_path / "text", 200_000)
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "text"), str(tmp_path / "cache")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        for _ in range(12):
            assert process.stdout.readline() == "done\n"
        children = [int(pid) for pid in _children(process.pid)]
        process.send_signal(signal.SIGKILL)
    assert children
    building, _ = sorted((tmp_path / "cache" / "tokenized").iterdir())  # and its lock
    assert len(list((building / preparation.SHARDS).glob("*.npz"))) >= 12
    deadline = time.monotonic() + 20
    while any(_alive(child) for child in children):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.1)
    tokenizers = cached_tokenizers(ByteConfig(), config, None)
    assert subprocess.run(command, check=True, capture_output=True, env=ENVIRONMENT).returncode == 0
    (entry,) = (tmp_path / "cache" / "tokenized").iterdir()
    tokenize_split(config, "train", tokenizers, tmp_path / "fresh", apply_filters=True)
    (fresh,) = (tmp_path / "fresh" / "tokenized").iterdir()
    assert {p.name: p.read_bytes() for p in entry.iterdir()} == {p.name: p.read_bytes() for p in fresh.iterdir()}


def _children(pid):
    return [child for task in Path(f"/proc/{pid}/task").iterdir() for child in _read(task / "children")]


def _read(path):
    return Path(path).read_text(encoding="utf-8").split()


def _alive(pid):
    try:
        return _read(f"/proc/{pid}/stat")[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_wrong_is_told_where_it_stands_whoever_works(tmp_path, monkeypatch, workers):
    monkeypatch.setattr(preparation, "CHUNK", 50)
    monkeypatch.setattr(preparation, "ALONE", 1)
    monkeypatch.setattr(caching, "available_cores", lambda: workers)
    config = write_corpus(tmp_path / "text", 400)
    path = tmp_path / "text" / "train.b"
    path.write_bytes(path.read_bytes().replace(b"one 333 ", b"\xff"))
    tokenizers = train_tokenizers(ByteConfig(), [])
    with pytest.raises(DataError, match=r"train\.b:334: not UTF-8 \(byte 0xFF at column 1\)"):
        tokenize_split(config, "train", tokenizers, tmp_path / "kept", apply_filters=True)
    assert list((tmp_path / "kept" / "tokenized").iterdir()) == []


# --- duplicates and overlap ------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=50), st.integers(1, 9), st.integers(1, 60))
def test_a_pair_is_repeated_if_it_came_before(keys, block, some):
    array = np.array(keys, dtype=np.uint64).reshape(-1, 2)

    def blocks():
        return ((array[n : n + block, 0], array[n : n + block, 1]) for n in range(0, len(array), block))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "PASS", some)
        found = repeated(blocks, len(array))
    assert found.tolist() == [pair in keys[:number] for number, pair in enumerate(keys)]


@settings(deadline=None)
@given(pairs, pairs, st.integers(1, 9))
def test_overlap_counts_what_stands_word_for_word_in_the_training_text(tmp_path_factory, train, other, block):
    corpus = tmp_path_factory.mktemp("corpus")
    train, other = ([Example(*pair) for pair in some] for some in ([("x", "y"), *train], [("x", "z"), *other]))
    (corpus / "train.tsv").write_text("".join(f"{e.source}\t{e.target}\n" for e in train), encoding="utf-8")
    config = parse(DataConfig, {"source": "a", "target": "b", "corpus": str(corpus)}, "test")
    split, _ = tokenize_split(config, "train", BYTES, None, apply_filters=True)
    (corpus / "test.tsv").write_text("".join(f"{e.source}\t{e.target}\n" for e in other), encoding="utf-8")
    held_out, _ = tokenize_split(config, "test", BYTES, None, apply_filters=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mapped, "BLOCK", block)
        found = overlap(split, held_out)
    kept = [(e.source, e.target) for e in train if e.source.strip() and e.target.strip()]
    sources, targets = {source for source, _ in kept}, {target for _, target in kept}
    assert found.pairs == sum((e.source, e.target) in kept for e in other)
    assert found.sources == sum(e.source in sources for e in other)
    assert found.targets == sum(e.target in targets for e in other)
    assert found.of == len(other)


# --- words -----------------------------------------------------------------------------------------------


CORPUS = [Example(f"der {a} Hund {b}", f"the {b} dogs {a}") for a, b in product(("alte", "grüne", "große"), "xyz.")]


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_many_texts_are_encoded_as_each_alone(kind):
    tokenizer = train_tokenizers(SentencePieceConfig(kind=kind, vocabulary=300), CORPUS).source

    @given(st.lists(st.text(st.sampled_from("der Hundgrüßt .  ▁\t\n\u00a0\0日") | st.characters(codec="utf-8"))))
    def law(lines):
        for _ in range(2):  # what was remembered does not show
            assert tokenizer.encode_all(lines) == [tokenizer.encode(line) for line in lines]

    law()


# --- memory ----------------------------------------------------------------------------------------------


PEAK = """
import sys, tracemalloc
from pathlib import Path
from seq2seq.data import duplicates, preparation
from seq2seq.data.example import Example
from seq2seq.data.filters import FilterConfig
from seq2seq.data.tokenizer import ByteConfig, train_tokenizers

preparation.CHUNK, duplicates.PASS = 1000, 4000
encoder = preparation.Encoder(train_tokenizers(ByteConfig(), []), FilterConfig(duplicates=True))
for count in (10_000, 10_000, 100_000):
    folder = Path(sys.argv[1], str(count))
    folder.mkdir(exist_ok=True)
    examples = (Example(f"{number} {number}", f"{number}") for number in range(count))
    tracemalloc.start()
    preparation.prepare(folder, [examples], encoder, workers=1, watch=lambda _: None)
    print(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_text(tmp_path):
    command = [sys.executable, "-c", PEAK, str(tmp_path)]  # by itself, because checks of types take memory too
    found = subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT).stdout
    _, small, large = map(int, found.split())
    assert large < small + 8 * 90_000  # a verdict on each pair; the text and ids of a pair take 150 bytes
