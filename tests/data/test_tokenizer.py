"""Text comes back from ids, ids from a saved folder, and what cannot be learnt or loaded says why."""

import json
import logging
import re
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.config import parse
from seq2seq.data.example import Example
from seq2seq.data.subwords import learn_pieces
from seq2seq.data.tokenizer import (
    ByteConfig,
    ByteTokenizer,
    CharacterConfig,
    CharacterTokenizer,
    SentencePieceConfig,
    TokenizerConfig,
    TokenizerPair,
    train_tokenizers,
)
from seq2seq.errors import CheckpointError, ConfigError, DataError
from seq2seq.tokens import SPECIAL

NOUNS = ("dog", "cat", "house", "tree", "river", "mountain", "window", "teacher", "garden", "letter")
VERBS = ("sees", "finds", "paints", "forgets", "carries", "remembers", "answers", "opens")
ENGLISH = [f"The {one} {verb} the {other}." for one in NOUNS for verb in VERBS for other in NOUNS[::3]]
GERMAN = [sentence.upper().replace("THE", "Größe") for sentence in ENGLISH]
EXAMPLES = [Example(source, target) for source, target in zip(ENGLISH, GERMAN, strict=True)]

text_of_unicode = st.text(st.characters(exclude_categories=["Cs"]))
hard_texts = st.one_of(
    text_of_unicode,
    st.lists(st.sampled_from(["<s>", "</s>", "<pad>", "<unk>", "<0x41>", "\0", "\n", "\u2028", "The", " ", "ß"])).map(
        "".join
    ),
)


def pieces(kind, **more):
    return SentencePieceConfig(kind=kind, vocabulary=400, **more)


@pytest.fixture(scope="module", params=["unigram", "bpe"])
def subwords(request):
    return train_tokenizers(pieces(request.param), EXAMPLES).source


@pytest.fixture(scope="module", params=["unigram", "bpe", "char", "byte"])
def tokenizer(request):
    configs = {"char": CharacterConfig(), "byte": ByteConfig()}
    return train_tokenizers(configs.get(request.param) or pieces(request.param), EXAMPLES).source


# --- every kind ------------------------------------------------------------------------------------------


@given(text=hard_texts)
def test_ids_are_of_text_and_within_the_size(tokenizer, text):
    ids = tokenizer.encode(text)
    assert all(0 <= index < tokenizer.size for index in ids)
    assert not {SPECIAL.padding, SPECIAL.start, SPECIAL.end} & set(ids)
    assert len(tokenizer.pieces(ids)) == len(ids)


@given(texts=st.lists(hard_texts, max_size=5))
def test_all_at_once_is_one_by_one(tokenizer, texts):
    assert tokenizer.encode_all(texts, threads=2) == [tokenizer.encode(text) for text in texts]


def test_training_text_comes_back(tokenizer):
    for text in ENGLISH + GERMAN:
        assert tokenizer.decode(tokenizer.encode(text)) == text
        assert SPECIAL.unknown not in tokenizer.encode(text)


def test_special_ids_are_silent_but_for_the_unknown(tokenizer):
    ids = tokenizer.encode("The dog")
    framed = [SPECIAL.start, *ids, SPECIAL.end, SPECIAL.padding, SPECIAL.padding]
    assert tokenizer.decode(framed) == "The dog"
    assert tokenizer.pieces([*SPECIAL]) == ["<pad>", "<s>", "</s>", "<unk>"]
    assert "\N{REPLACEMENT CHARACTER}" in tokenizer.decode([*ids, SPECIAL.unknown])


@given(st.data())
def test_whatever_a_model_writes_becomes_text(tokenizer, data):
    ids = data.draw(st.lists(st.integers(0, tokenizer.size - 1), max_size=20))
    tokenizer.decode(ids).encode("utf-8")


def test_half_a_surrogate_pair_is_refused(tokenizer):
    if tokenizer.kind == "char":
        assert tokenizer.encode("a\ud800")[-1] == SPECIAL.unknown
        return
    for encode in (tokenizer.encode, lambda text: tokenizer.encode_all([text])):
        with pytest.raises(DataError, match=r"character 2 is U\+D800, half a character"):
            encode("a\ud800")


@pytest.mark.parametrize("text", ["x" * 1_000_000, " ".join(["dog"] * 250_000), "\U0001f600" * 250_000], ids=len)
def test_a_megabyte_in_one_line_is_a_line(tokenizer, text):
    ids = tokenizer.encode(text)
    if SPECIAL.unknown not in ids:
        assert tokenizer.decode(ids) == text


# --- bytes, characters -----------------------------------------------------------------------------------


@given(text_of_unicode)
def test_bytes_come_back_exactly(text):
    tokenizer = ByteTokenizer()
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert len(tokenizer.encode(text)) == len(text.encode())


@given(text_of_unicode, text_of_unicode)
def test_characters_come_back_exactly_where_they_were_seen(seen, text):
    tokenizer = CharacterTokenizer.learn([seen])
    assert tokenizer.decode(tokenizer.encode(seen)) == seen
    expected = "".join(one if one in seen else "\N{REPLACEMENT CHARACTER}" for one in text)
    assert tokenizer.decode(tokenizer.encode(text)) == expected
    assert tokenizer.size == len(SPECIAL) + len(set(seen))


# --- SentencePiece ---------------------------------------------------------------------------------------


def single_spaced(text):
    return re.sub(" +", " ", text).strip(" ")


@settings(max_examples=300)
@given(text=hard_texts)
def test_subwords_come_back_but_for_surplus_spaces_and_their_own_sign(subwords, text):
    back = subwords.decode(subwords.encode(text))
    if "\u2581" in text:
        assert single_spaced(back) == single_spaced(text.replace("\u2581", " "))
    else:
        assert back == single_spaced(text)


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_learning_is_deterministic_and_quiet(kind, capfd):
    first = train_tokenizers(pieces(kind), EXAMPLES)
    again = train_tokenizers(pieces(kind), iter(EXAMPLES))
    assert first.fingerprint == again.fingerprint
    assert capfd.readouterr() == ("", "")


def test_joint_is_one_and_separate_are_two():
    joint = train_tokenizers(pieces("unigram"), EXAMPLES)
    assert joint.joint
    assert joint.source is joint.target
    apart = train_tokenizers(pieces("unigram", joint=False), iter(EXAMPLES))
    assert not apart.joint
    assert len(apart.source.encode(ENGLISH[0])) < len(apart.target.encode(ENGLISH[0]))
    assert len(apart.target.encode(GERMAN[0])) < len(apart.source.encode(GERMAN[0]))


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_a_vocabulary_larger_than_the_text_allows_is_reduced_with_a_warning(kind, caplog):
    with caplog.at_level(logging.WARNING):
        tokenizer = train_tokenizers(SentencePieceConfig(kind=kind), EXAMPLES[:5]).source
    assert tokenizer.size < 8000
    assert f"vocabulary of {tokenizer.size} pieces instead of 8000" in caplog.text


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_a_vocabulary_smaller_than_the_characters_is_refused_with_the_smallest(kind, caplog):
    def learn(size):
        return train_tokenizers(SentencePieceConfig(kind=kind, vocabulary=size), EXAMPLES)

    with pytest.raises(ConfigError, match=r"tokenizer: vocabulary: must be at least (\d+), .* not 50") as caught:
        learn(50)
    smallest = int(re.search(r"at least (\d+)", str(caught.value))[1])
    assert learn(smallest).source.size == smallest
    with pytest.raises(ConfigError, match=f"at least {smallest}"):
        learn(smallest - 1)


def test_without_byte_fallback_unseen_characters_are_unknown():
    tokenizer = train_tokenizers(SentencePieceConfig(vocabulary=120, byte_fallback=False), EXAMPLES).source
    assert SPECIAL.unknown in tokenizer.encode("The 漢 dog")


@pytest.mark.parametrize("texts", [[], [""], ["", "  "], ["\u2581"]])
def test_no_text_to_learn_from_is_refused(texts):
    with pytest.raises(DataError, match="training text is empty"):
        learn_pieces(SentencePieceConfig(), texts)


@pytest.mark.parametrize("line", ["a\0b", "\0", "a\nb", "\ufeffa", "a\u2028b", "\x85", "<s> a </s>"])
def test_odd_lines_do_not_disturb_learning(line):
    tokenizer = learn_pieces(SentencePieceConfig(vocabulary=330), [*ENGLISH, line])
    assert tokenizer.decode(tokenizer.encode(line)) == line


def test_lines_too_long_to_learn_from_are_counted(caplog):
    with caplog.at_level(logging.WARNING):
        learn_pieces(SentencePieceConfig(vocabulary=300), [*ENGLISH, "y" * 30_000, "z" * 30_000])
    assert "2 lines of more than 20000 bytes are not learnt from" in caplog.text


def test_a_long_text_is_sampled_evenly():
    examples = [Example("a b", "a b")] * 500 + [Example("c d", "c d")] * 500
    config = SentencePieceConfig(vocabulary=280, sentences=100, character_coverage=1.0)
    tokenizer = train_tokenizers(config, examples).source
    assert {"a", "b", "c", "d"} <= set("".join(tokenizer.pieces(range(260, tokenizer.size))))


# --- saved pairs -----------------------------------------------------------------------------------------

CONFIGS = [
    pieces("unigram"),
    pieces("bpe", joint=False),
    CharacterConfig(),
    CharacterConfig(joint=False),
    ByteConfig(),
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_a_pair_comes_back_from_its_folder_wherever_that_is_moved(config, tmp_path):
    pair = train_tokenizers(config, EXAMPLES)
    pair.save(tmp_path / "here")
    shutil.move(tmp_path / "here", tmp_path / "there")
    again = TokenizerPair.load(tmp_path / "there")
    assert again.fingerprint == pair.fingerprint
    assert again.joint == pair.joint
    assert (again.source is again.target) == pair.joint
    for example in EXAMPLES:
        assert again.source.encode(example.source) == pair.source.encode(example.source)
        assert again.target.encode(example.target) == pair.target.encode(example.target)


def test_fingerprints_tell_pairs_apart():
    pairs = [train_tokenizers(config, EXAMPLES) for config in CONFIGS]
    assert len({pair.fingerprint for pair in pairs}) == len(CONFIGS)
    assert pairs[2].fingerprint != train_tokenizers(CharacterConfig(), EXAMPLES[:1]).fingerprint


def _drop(folder):
    (folder / "both.model").unlink()


def _flip(folder):
    content = bytearray((folder / "both.model").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "both.model").write_bytes(content)


def _cut(folder):
    (folder / "both.model").write_bytes((folder / "both.model").read_bytes()[:-1])


def _reindex(**changes):
    def change(folder):
        index = json.loads((folder / "tokenizer.json").read_text())
        index["both"].update(changes.pop("both", {}))
        (folder / "tokenizer.json").write_text(json.dumps({**index, **changes}))

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (shutil.rmtree, r"tokenizer\.json: no such file"),
        (_drop, r"both\.model: cannot be read"),
        (_flip, r"both\.model: damaged \(SHA-256 must be \w+, not \w+\)"),
        (_cut, r"both\.model: damaged"),
        (lambda folder: (folder / "tokenizer.json").write_text("{"), r"tokenizer\.json: not JSON"),
        (lambda folder: (folder / "tokenizer.json").write_bytes(b"\xff"), r"tokenizer\.json: not JSON"),
        (lambda folder: (folder / "tokenizer.json").write_text("[]"), r"tokenizer\.json: not the index"),
        (lambda folder: (folder / "tokenizer.json").write_text('{"format": 1}'), r"source: broken at 'source'"),
        (_reindex(format=2), r"tokenizer\.json: format must be 1, not 2"),
        (_reindex(both={"kind": "magic"}), r"both: broken at 'magic'"),
        (_reindex(both={"kind": "byte"}), r"both\.model: a byte tokenizer has no content"),
        (_reindex(both={"kind": "char"}), r"both\.model: "),
        (_reindex(both={"file": "../../secret"}), r"secret: cannot be read"),
    ],
)
def test_a_damaged_folder_is_refused(damage, message, tmp_path):
    folder = tmp_path / "tokenizer"
    train_tokenizers(pieces("bpe"), EXAMPLES).save(folder)
    damage(folder)
    with pytest.raises(CheckpointError, match=message) as caught:
        TokenizerPair.load(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"kind": "bpe", "vocabulary": 500}, SentencePieceConfig(kind="bpe", vocabulary=500)),
        ({"kind": "char"}, CharacterConfig()),
        ({"kind": "byte"}, ByteConfig()),
    ],
)
def test_a_configuration_is_told_by_its_kind(tree, expected):
    assert parse(TokenizerConfig, tree, "recipe.yaml") == expected


def test_a_setting_that_a_kind_would_ignore_is_refused():
    with pytest.raises(ConfigError, match="unknown key 'vocabulary'"):
        parse(TokenizerConfig, {"kind": "byte", "vocabulary": 8000}, "recipe.yaml")
