"""Where parallel text comes from: files, the Hugging Face Hub, or the corpora that the toolkit makes itself.

The text is handed on as it is, a stream of examples with nothing left out and nothing normalised;
`seq2seq.data.readers` says what counts as a line, and `seq2seq.data.filters` what training leaves out.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, assert_never

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from seq2seq.config import Config, unknown
from seq2seq.data.example import Example
from seq2seq.data.filters import FilterConfig
from seq2seq.data.folder import SplitFiles, find_split
from seq2seq.data.hub import hub_examples
from seq2seq.data.mixture import Part, temperature_weights
from seq2seq.errors import DataError

TOY_SIZES = {"train": 10_000, "valid": 500, "test": 500}
GRAMMAR_SIZES = {
    "train": 50_000,
    "valid": 500,
    "test": 1_000,
    "test_long": 500,
    "test_unseen": 500,
    "test_pronoun": 500,
}
Count = Annotated[int, Field(ge=1)]


class FilesCorpus(Config):
    """Files in a folder of one's own."""

    kind: Literal["files"] = "files"
    folder: Path
    """Holds, for a split S, S.SOURCE and S.TARGET, S.tsv, S.jsonl (all of them also .gz), or S.parquet."""
    splits: dict[str, str] = Field(default_factory=dict)
    """Our name of a split: its name in the folder."""
    pairs: dict[str, tuple[Path, Path]] = Field(default_factory=dict)
    """Name of a split in the folder: its source and target file, where they are named otherwise."""


class HubCorpus(Config):
    """A dataset of the Hugging Face Hub, with a column for each language or a column "translation"."""

    kind: Literal["hub"] = "hub"
    name: str
    """Such as bentrevett/multi30k."""
    config: str | None = None
    """The dataset's configuration, where it has several."""
    revision: str | None = None
    """A commit or tag of the dataset; the newest when not given."""
    splits: dict[str, str] = Field(default_factory=dict)
    """Our name of a split: its name in the dataset."""


def _sizes(default: Mapping[str, int]) -> Any:
    """A field of sizes that fills up what is not given from `default` and knows no other split."""

    def complete(sizes: dict[str, int]) -> dict[str, int]:
        for name in sizes:
            if name not in default:
                raise ValueError(unknown("split", name, default))
        return {**default, **sizes}

    return AfterValidator(complete)


class ToyCorpus(Config):
    """Rows of letters to copy, reverse or sort."""

    kind: Literal["toy"] = "toy"
    task: Literal["copy", "reverse", "sort"] = "reverse"
    sizes: Annotated[dict[str, Count], _sizes(TOY_SIZES)] = TOY_SIZES
    """Examples a split."""
    symbols: Annotated[int, Field(ge=2)] = 26
    """Different letters, or groups of letters where there are more than 26."""
    min_length: Count = 1
    """Letters of the shortest row."""
    max_length: Count = 12
    """Letters of the longest row."""
    seed: int = 0


class GrammarCorpus(Config):
    """English sentences with correct German translations from the toolkit's own grammar."""

    kind: Literal["grammar"] = "grammar"
    sizes: Annotated[dict[str, Count], _sizes(GRAMMAR_SIZES)] = GRAMMAR_SIZES
    """Sentence pairs a split."""
    seed: int = 0


def _folder(value: Any) -> Any:
    return {"kind": "files", "folder": value} if isinstance(value, str) else value


Corpus = Annotated[
    Annotated[FilesCorpus | HubCorpus | ToyCorpus | GrammarCorpus, Field(discriminator="kind")],
    BeforeValidator(_folder),
]


class DataConfig(Config):
    """What is translated into what, and which text is for what."""

    source: str
    """Code of the source language: the ending of its files, the name of its column."""
    target: str
    """Code of the target language."""
    corpus: Corpus
    """Where the text is; a plain string is a folder of files."""
    train: str | tuple[str, ...] = "train"
    """The split, or the splits one after the other, to learn from."""
    weights: dict[str, Annotated[float, Field(gt=0, le=10_000)]] = Field(default_factory=dict)
    """A split of `train`: how often an epoch sees each of its pairs, 0.5 for every other epoch; once where not said."""
    temperature: Annotated[float, Field(ge=1)] | None = None
    """Instead of weights: the splits' shares of an epoch go by size ** (1 / temperature); the largest is seen once."""
    valid: str = "valid"
    """The split that chooses among checkpoints."""
    tests: tuple[str, ...] = ("test",)
    """The splits that are reported."""
    filters: FilterConfig = FilterConfig()
    """What training leaves out."""

    @property
    def train_splits(self) -> tuple[str, ...]:
        return (self.train,) if isinstance(self.train, str) else self.train

    @model_validator(mode="after")
    def _weigh_splits_of_training(self) -> "DataConfig":
        for name in self.weights:
            if name not in self.train_splits:
                raise ValueError(f"weights: {unknown('split', name, self.train_splits)}; it must be one of train")
        if self.weights and self.temperature is not None:
            raise ValueError("weights and temperature exclude each other; leave one out")
        return self

    def parts(self, sizes: Sequence[int]) -> tuple[Part, ...]:
        """How often an epoch sees the pairs of each training split, which are as many as `sizes` says."""
        if self.temperature is not None:
            times = temperature_weights(sizes, self.temperature)
        else:
            times = [self.weights.get(name, 1.0) for name in self.train_splits]
        return tuple(map(Part, sizes, times))


def read_split(config: DataConfig, split: str) -> Iterator[Example]:
    """Every example of a split, in order, as a stream; raises DataError, also while it is read."""
    corpus = config.corpus
    match corpus:
        case FilesCorpus():
            return split_files(config, corpus, split).read(config.source, config.target)
        case HubCorpus():
            name = corpus.splits.get(split, split)
            return hub_examples(
                corpus.name, name, config.source, config.target, config=corpus.config, revision=corpus.revision
            )
        case ToyCorpus():
            from seq2seq.data.toy import toy_examples  # here, because few runs need a maker of text

            count = split_size(corpus.sizes, split)
            return toy_examples(
                corpus.task,
                split,
                count=count,
                seed=corpus.seed,
                symbols=corpus.symbols,
                min_length=corpus.min_length,
                max_length=corpus.max_length,
            )
        case GrammarCorpus():
            from seq2seq.data.grammar import grammar_examples

            count = split_size(corpus.sizes, split)
            return grammar_examples(split, count=count, seed=corpus.seed)
        case _:
            assert_never(corpus)


def count_pairs(config: DataConfig, splits: Sequence[str]) -> int | None:
    """How many pairs the splits hold, None where only reading them would tell."""
    corpus = config.corpus
    match corpus:
        case FilesCorpus():
            counts = [split_files(config, corpus, split).count() for split in splits]
        case HubCorpus():
            return None
        case ToyCorpus() | GrammarCorpus():
            counts = [split_size(corpus.sizes, split) for split in splits]
        case _:
            assert_never(corpus)
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def split_files(config: DataConfig, corpus: FilesCorpus, split: str) -> SplitFiles:
    """Where a split lies in a folder; raises DataError when it is not there."""
    name = corpus.splits.get(split, split)
    return find_split(corpus.folder, name, config.source, config.target, pairs=corpus.pairs)


def split_size(sizes: Mapping[str, int], split: str) -> int:
    """How many examples of a split are made; raises DataError when there is no such split."""
    if split not in sizes:
        raise DataError(f"data.corpus: {unknown('split', split, sizes)}")
    return sizes[split]
