"""Every kind of corpus gives the same examples, whole, and says where it is wrong."""

import gzip
import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.config import parse
from seq2seq.data.corpus import DataConfig, FilesCorpus, read_split
from seq2seq.data.fingerprint import digest
from seq2seq.data.readers import lines, two_files
from seq2seq.errors import ConfigError, DataError

PAIRS = [
    ("Ein Hund.", "A dog."),
    ("", "Nothing"),
    ("zwei  Räume\u2028hier", "two\x0brooms\x0c\x85\x1c"),
    ("NUL\0", "é"),
]


def data(corpus, **more):
    tree = {"source": "de", "target": "en", "corpus": str(corpus) if isinstance(corpus, Path) else corpus, **more}
    return parse(DataConfig, tree, "recipe.yaml")


def pairs(corpus, split="train", **more):
    return [(example.source, example.target) for example in read_split(data(corpus, **more), split)]


def write(folder, files):
    for name, content in files.items():
        raw = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return folder


def write_pairs(folder, form, examples=PAIRS, split="train"):
    source, target = ("".join(f"{pair[side]}\n" for pair in examples) for side in (0, 1))
    table = "".join(f"{one}\t{other}\n" for one, other in examples)
    rows = [{"de": one, "en": other, "id": number} for number, (one, other) in enumerate(examples)]
    match form:
        case "files":
            write(folder, {f"{split}.de": source, f"{split}.en": target})
        case "one packed":
            write(folder, {f"{split}.de.gz": source, f"{split}.en": target})
        case "tsv" | "tsv.gz":
            write(folder, {f"{split}.{form}": table})
        case "tsv with header":
            swapped = "".join(f"{other}\tx\t{one}\n" for one, other in examples)
            write(folder, {f"{split}.tsv": "en\tnote\tde\n" + swapped})
        case "jsonl" | "jsonl.gz":
            write(folder, {f"{split}.{form}": "".join(json.dumps(row) + "\n" for row in rows)})
        case "jsonl nested":
            nested = "".join(json.dumps({"translation": row}, ensure_ascii=False) + "\n" for row in rows)
            write(folder, {f"{split}.jsonl": nested})
        case "parquet":
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / f"{split}.parquet")
        case "parquet nested":
            nested_rows = [{"translation": {"de": row["de"], "en": row["en"]}} for row in rows]
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(nested_rows), folder / f"{split}.parquet")
    return folder


FORMS = [
    "files",
    "one packed",
    "tsv",
    "tsv.gz",
    "tsv with header",
    "jsonl",
    "jsonl.gz",
    "jsonl nested",
    "parquet",
    "parquet nested",
]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_pairs(form, tmp_path):
    assert pairs(write_pairs(tmp_path, form)) == PAIRS


@pytest.mark.parametrize("form", ["files", "tsv with header", "jsonl", "parquet nested"])
def test_languages_can_be_read_the_other_way_round(form, tmp_path):
    write_pairs(tmp_path, form)
    turned = [(target, source) for source, target in PAIRS]
    assert pairs(tmp_path, source="en", target="de") == turned


def test_the_hub_library_gives_the_same_pairs(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "corpus"
    folder.mkdir()
    write_pairs(folder, "jsonl", split="validation")
    corpus = {"kind": "hub", "name": str(folder), "splits": {"valid": "validation"}}
    assert pairs(corpus, "valid") == PAIRS
    with pytest.raises(DataError, match=r"unknown split 'validaton'; did you mean 'validation'\?"):
        pairs(corpus, "validaton")
    with pytest.raises(DataError, match=r"row 1: no key 'fr'"):
        pairs(corpus, "valid", source="fr")


def test_a_hub_out_of_reach_names_the_way_round_it():
    with pytest.raises(DataError, match=r"'nobody/nothing' cannot be had .*--set data\.corpus=FOLDER"):
        pairs({"kind": "hub", "name": "nobody/nothing"})


@pytest.mark.parametrize("corpus", [{"kind": "toy", "sizes": {"train": 7}}, {"kind": "grammar", "sizes": {"train": 7}}])
def test_made_corpora_have_the_size_asked_for(corpus):
    assert len(pairs(corpus)) == 7
    assert pairs(corpus) == pairs(corpus)
    with pytest.raises(DataError, match=r"data\.corpus: unknown split 'tets'; did you mean 'test'\?"):
        pairs(corpus, "tets")


# --- text ------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=8)


@given(
    st.lists(texts.filter(lambda text: not text.endswith("\r")), min_size=1, max_size=6), st.sampled_from(["", "\r"])
)
def test_only_a_line_feed_ends_a_line(tmp_path_factory, texts, carriage_return):
    path = tmp_path_factory.mktemp("text") / "a.de"
    path.write_bytes("".join(f"{text}{carriage_return}\n" for text in texts).encode())
    expected = [texts[0].removeprefix("\ufeff"), *texts[1:]]
    assert list(lines(path)) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xef\xbb\xbfeins\nzwei\n", ["eins", "zwei"]),
        (b"eins\n\xef\xbb\xbfzwei\n", ["eins", "\ufeffzwei"]),
        (b"eins\r\nzwei", ["eins", "zwei"]),
        (b"eins\rzwei\n\n", ["eins\rzwei", ""]),
        (b"e\xcc\x81\n", ["e\u0301"]),
        (b"\n", [""]),
    ],
    ids=["mark", "mark inside", "no last end", "carriage return inside", "not composed", "one blank"],
)
def test_text_is_taken_as_it_is(content, expected, tmp_path):
    (tmp_path / "a").write_bytes(content)
    assert list(lines(tmp_path / "a")) == expected


def test_line_feeds_in_json_stay(tmp_path):
    write(tmp_path, {"train.jsonl": json.dumps({"de": "a\nb", "en": "c\r\n"}) + "\r\n"})
    assert pairs(tmp_path) == [("a\nb", "c\r\n")]


def test_reading_is_lazy(tmp_path):
    good = "".join(f"line {number}\n" for number in range(50_000)).encode()
    write(tmp_path, {"train.de": good + b"\xff\n", "train.en": good + b"x\n"})
    examples = read_split(data(tmp_path), "train")
    assert next(examples).source == "line 0"


# --- where the files are ---------------------------------------------------------------------------------


def test_splits_and_pairs_rename(tmp_path):
    write(tmp_path, {"val.de": "a\n", "val.en": "b\n", "odd.txt": "c\n", "even.txt": "d\n"})
    corpus = {
        "kind": "files",
        "folder": str(tmp_path),
        "splits": {"valid": "val", "test": "final"},
        "pairs": {"final": ["odd.txt", "even.txt"]},
    }
    assert pairs(corpus, "valid") == [("a", "b")]
    assert pairs(corpus, "test") == [("c", "d")]
    corpus["pairs"]["final"] = ["odd.txt", "uneven.txt"]
    with pytest.raises(DataError, match=r"uneven\.txt: no such file, but data\.corpus\.pairs names it for 'final'"):
        pairs(corpus, "test")


def test_a_plain_string_is_a_folder(tmp_path):
    assert data(tmp_path).corpus == FilesCorpus(folder=tmp_path)
    assert data({"kind": "files", "folder": str(tmp_path)}) == data(tmp_path)


def test_a_configuration_comes_back_from_its_own_tree(tmp_path):
    pairs_ = {"a": ["b", "c"]}
    for corpus in (tmp_path, {"kind": "files", "folder": "x", "pairs": pairs_}, {"kind": "toy"}, {"kind": "grammar"}):
        config = data(corpus, train=["one", "two"], tests=["test"])
        assert parse(DataConfig, config.model_dump(mode="json"), "again") == config


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"corpus": {"kind": "fils"}}, r"recipe\.yaml: corpus: 'kind' must be one of .*'files'.*, not 'fils'"),
        ({"corpus": {"kind": "hub", "nmae": "x"}}, "recipe.yaml: corpus: unknown key 'nmae'; did you mean 'name'"),
        ({"corpus": {"kind": "toy", "sizes": {"trian": 3}}}, "sizes: unknown split 'trian'; did you mean 'train'"),
        ({"corpus": {"kind": "toy", "sizes": {"train": 0}}}, "train: must be greater than or equal to 1, not 0"),
        ({"corpus": "x", "sourc": "de"}, "unknown key 'sourc'; did you mean 'source'"),
    ],
)
def test_a_wrong_configuration_is_refused(tree, message):
    with pytest.raises(ConfigError, match=message):
        parse(DataConfig, {"source": "de", "target": "en", **tree}, "recipe.yaml")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match=r"the folder .*nowhere does not exist"):
        pairs(tmp_path / "nowhere")


def test_a_missing_split_names_what_was_looked_for_and_what_is_near(tmp_path):
    write_pairs(tmp_path, "files", split="val")
    with pytest.raises(
        DataError, match=r"no split 'valid'; looked for valid\.de with valid\.en, .*did you mean 'val'\?"
    ):
        pairs(tmp_path, "valid")
    with pytest.raises(DataError, match=r"no split 'xyz'; .*there is 'val'"):
        pairs(tmp_path, "xyz")


def test_a_folder_without_any_split_says_so(tmp_path):
    with pytest.raises(DataError, match="the folder holds none"):
        pairs(tmp_path)


@pytest.mark.parametrize(("there", "missing"), [("train.de", "train.en"), ("train.en.gz", "train.de")])
def test_half_a_pair_names_the_other_half(there, missing, tmp_path):
    write(tmp_path, {there: "a\n"})
    with pytest.raises(DataError, match=rf"{there}: its pair .*{missing} is missing"):
        pairs(tmp_path)


def test_a_split_that_is_there_twice_is_not_guessed(tmp_path):
    write_pairs(tmp_path, "files")
    write_pairs(tmp_path, "tsv")
    with pytest.raises(DataError, match=r"'train' is there as train\.tsv and train\.de\+train\.en"):
        pairs(tmp_path)


# --- what can be wrong in them ---------------------------------------------------------------------------


def test_unequal_files_are_refused_with_both_counts_and_the_lone_empty_line(tmp_path):
    write(tmp_path, {"train.de": "a b c\n\nd\ne\n", "train.en": "a b c\nwords here\nd\n"})
    with pytest.raises(DataError) as caught:
        pairs(tmp_path)
    message = str(caught.value)
    assert "train.de: 4 lines, but" in message
    assert "train.en has 3" in message
    assert "train.de:2 is empty, its pair in train.en has 10 characters" in message


@pytest.mark.parametrize("cut", [40, 200, 301])
def test_unequal_files_are_refused_with_the_line_where_they_go_apart(cut, tmp_path):
    source = [f"{'wort ' * (1 + number * 7 % 11)}" for number in range(400)]
    target = [f"{'word ' * (1 + number * 7 % 11)}" for number in range(400)]
    del target[cut]
    write(tmp_path, {"train.de": "\n".join(source), "train.en": "\n".join(target)})
    with pytest.raises(DataError, match=r"400 lines, but .* has 399") as caught:
        pairs(tmp_path)
    line = int(str(caught.value).rsplit("about line ", 1)[1])
    assert abs(line - (cut + 1)) <= 3


def test_one_line_more_is_noticed_at_either_side(tmp_path):
    write(tmp_path, {"a": "x\n" * 3, "b": "x\n" * 2})
    for one, other in (("a", "b"), ("b", "a")):
        with pytest.raises(DataError, match=r"lines, but"):
            list(two_files(tmp_path / one, tmp_path / other))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"train.de": "", "train.en": "x\n"}, r"train\.de: the file is empty"),
        ({"train.de": "x\n", "train.en": ""}, r"train\.en: the file is empty"),
        ({"train.tsv": ""}, r"train\.tsv: the file is empty"),
        ({"train.de": b"gut\nb\xe4h\n", "train.en": "a\nb\n"}, r"train\.de:2: not UTF-8 \(byte 0xE4 at column 2\)"),
        ({"train.de": "gut\n".encode("utf-16"), "train.en": "a\n"}, r"train\.de:1: .* UTF-16; convert"),
        ({"train.de": b"\xed\xa0\x80\n", "train.en": "a\n"}, r"train\.de:1: not UTF-8"),
        ({"train.tsv": "a\tb\na\tb\tc\n"}, r"train\.tsv:2: must have 2 columns between tabs, not 3"),
        ({"train.tsv": "a b\n"}, r"train\.tsv:1: must have 2 columns between tabs, not 1"),
        ({"train.tsv": "id\tde\ten\n1\ta\n"}, r"train\.tsv:2: must have 3 columns between tabs, not 2"),
        ({"train.jsonl": '{"de": "a", "en": "b"}\n{"de": "a"\n'}, r"train\.jsonl:2: not JSON"),
        ({"train.jsonl": '["a", "b"]\n'}, r"train\.jsonl:1: must be a JSON object, not \['a', 'b'\]"),
        ({"train.jsonl": '{"DE": "a", "en": "b"}\n'}, r"train\.jsonl:1: no key 'de'; did you mean 'DE'\?"),
        ({"train.jsonl": '{"x": "a", "y": "b"}\n'}, r"train\.jsonl:1: no key 'de'; there is 'x', 'y'"),
        ({"train.jsonl": '{"translation": {"de": "a"}}\n'}, r"train\.jsonl:1: no key 'en'"),
        ({"train.jsonl": '{"de": null, "en": "b"}\n'}, r"train\.jsonl:1: 'de' must be text, not None"),
        ({"train.jsonl": '{"de": "a\\ud800", "en": "b"}\n'}, r"train\.jsonl:1: 'de' holds U\+D800, half a character"),
        ({"train.parquet": "no table"}, r"train\.parquet: cannot be read as Parquet"),
    ],
)
def test_broken_files_are_refused_with_their_line(files, message, tmp_path):
    with pytest.raises(DataError, match=message):
        pairs(write(tmp_path, files))


@pytest.mark.parametrize("damage", [lambda raw: raw[:-12], lambda raw: raw[:40] + b"????" + raw[44:], lambda raw: b"x"])
def test_a_broken_archive_is_refused(damage, tmp_path):
    raw = gzip.compress("".join(f"{number * 7919}\n" for number in range(500)).encode())
    write(tmp_path, {"train.en": "a\n" * 500})
    (tmp_path / "train.de.gz").write_bytes(damage(raw))
    with pytest.raises(DataError, match=r"train\.de\.gz: broken after line"):
        pairs(tmp_path)


def test_a_table_without_the_column_or_without_rows_is_refused(tmp_path):
    table = pyarrow.Table.from_pylist([{"De": "a", "en": "b"}])
    pyarrow.parquet.write_table(table, tmp_path / "train.parquet")
    with pytest.raises(DataError, match=r"train\.parquet: no column 'de'; did you mean 'De'\?"):
        pairs(tmp_path)
    empty = pyarrow.table({"de": pyarrow.array([], "string"), "en": pyarrow.array([], "string")})
    pyarrow.parquet.write_table(empty, tmp_path / "test.parquet")
    with pytest.raises(DataError, match=r"test\.parquet: the table is empty"):
        pairs(tmp_path, "test")


# --- digest ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_a_digest_changes_with_the_text_alone(form, tmp_path):
    before = digest(data(write_pairs(tmp_path, form)), "train")
    assert digest(data(write_pairs(tmp_path, form)), "train") == before
    write_pairs(tmp_path, form, [*PAIRS[:-1], ("NUL\0", "è")])
    assert digest(data(tmp_path), "train") != before


def test_a_digest_tells_directions_apart(tmp_path):
    write_pairs(tmp_path, "jsonl")
    assert digest(data(tmp_path), "train") != digest(data(tmp_path, source="en", target="de"), "train")


def test_a_digest_of_a_hub_corpus_is_of_its_text(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    folders = [tmp_path / name for name in ("one", "same", "other")]
    for folder, last in zip(folders, "aab", strict=True):
        folder.mkdir()
        write_pairs(folder, "jsonl", [*PAIRS, ("x", last)])
    one, same, other = (digest(data({"kind": "hub", "name": str(folder)}), "train") for folder in folders)
    assert one == same != other
