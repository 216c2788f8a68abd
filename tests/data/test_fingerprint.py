"""The digest of a made corpus is that of its settings; those of texts are in test_corpus.py, form by form."""

import pytest

from seq2seq.config import parse
from seq2seq.data.corpus import DataConfig
from seq2seq.data.fingerprint import digest
from seq2seq.errors import DataError


@pytest.mark.parametrize("kind", ["toy", "grammar"])
def test_a_digest_of_made_text_depends_on_all_that_makes_it(kind):
    def of(split="train", size=20, **more):
        corpus = {"kind": kind, "sizes": {"train": size, "valid": 20}, **more}
        data = parse(DataConfig, {"source": "de", "target": "en", "corpus": corpus}, "recipe.yaml")
        return digest(data, split)

    assert of() == of()
    assert len({of(), of(seed=1), of("valid"), of(size=21)}) == 4
    if kind == "toy":
        assert len({of(), of(task="copy"), of(max_length=3), of(symbols=5)}) == 4
    with pytest.raises(DataError, match="unknown split 'trian'"):
        of("trian")
