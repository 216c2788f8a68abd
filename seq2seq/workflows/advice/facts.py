"""What is measured of a recipe's text, once, for all checks that need it."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch

from seq2seq.data.cache import cache_folder, tokenize_split
from seq2seq.data.corpus import read_split
from seq2seq.data.duplicates import overlap
from seq2seq.data.filters import FilterReport
from seq2seq.data.lengths import Lengths
from seq2seq.data.tokenized import TokenizedSplit
from seq2seq.data.tokenizer import TokenizerPair
from seq2seq.errors import DataError
from seq2seq.search.limits import SearchConfig
from seq2seq.tokens import SPECIAL
from seq2seq.workflows.recipe import Recipe
from seq2seq.workflows.text import TrainingText

SAMPLE = 1000  # pairs of which the text itself is looked at

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Facts:
    """The numbers that checks go by."""

    report: FilterReport
    vocabulary: tuple[int, int]  # source, target
    parameters: int
    lengths: Lengths  # of the training pairs
    valid_pairs: int
    valid_tokens: int  # of the longer sides
    unknown_share: float  # of the validation tokens
    cut_share: float  # of the validation targets: longer than the search may go
    copied_share: float  # of a sample of training pairs: target equal to source
    characters_a_token: float  # in that sample
    repeated: Mapping[str, float]  # held-out split: share of its pairs that training holds
    valid_in_tests: Mapping[str, float]  # test: share of its pairs that validation holds
    unread: Mapping[str, str]  # a test that could not be read: why
    longest: int  # of all splits, either side

    def updates_an_epoch(self, recipe: Recipe) -> float:
        return self.lengths.longer_tokens / (recipe.training.batch_tokens * recipe.training.accumulate)

    def epochs(self, recipe: Recipe) -> float:
        return recipe.training.updates / self.updates_an_epoch(recipe)


def measure(recipe: Recipe, text: TrainingText, parameters: int) -> Facts:
    """The facts of a recipe's text, and that its model has so many `parameters`; reads every id once."""
    valid = text.valid
    tests, unread = _tests(recipe, text.tokenizers)
    copied, characters = _sample(recipe, text.tokenizers)
    return Facts(
        report=text.report,
        vocabulary=(text.tokenizers.source.size, text.tokenizers.target.size),
        parameters=parameters,
        lengths=text.train.lengths,
        valid_pairs=len(valid),
        valid_tokens=int(np.maximum(valid.source_lengths, valid.target_lengths).sum()) + len(valid),
        unknown_share=_unknown_share(valid),
        cut_share=_cut_share(valid, recipe.search),
        copied_share=copied,
        characters_a_token=characters,
        repeated=_tell_of_overlap({recipe.data.valid: valid, **tests}, text.train),
        valid_in_tests=repeated(tests, valid),
        unread=unread,
        longest=max(split.lengths.longest for split in (text.train, valid, *tests.values())),
    )


def _tests(recipe: Recipe, tokenizers: TokenizerPair) -> tuple[dict[str, TokenizedSplit], dict[str, str]]:
    """The tests, and why one could not be read: training does without them."""
    found, unread = {}, {}
    for name in recipe.data.tests:
        try:
            found[name], _ = tokenize_split(recipe.data, name, tokenizers, cache_folder(), apply_filters=False)
        except DataError as error:
            unread[name] = str(error)
    return found, unread


def repeated(held_out: Mapping[str, TokenizedSplit], train: TokenizedSplit) -> dict[str, float]:
    """The share of each held-out split's pairs that `train` holds too."""
    return {name: overlap(train, split).share for name, split in held_out.items()}


def _tell_of_overlap(held_out: Mapping[str, TokenizedSplit], train: TokenizedSplit) -> dict[str, float]:
    """`repeated`, with a line for each split of which something stands in the training text."""
    found = {name: overlap(train, split) for name, split in held_out.items()}
    for name, each in found.items():
        if each:
            logger.info("%s: %s", name, each)
    return {name: each.share for name, each in found.items()}


def _sample(recipe: Recipe, tokenizers: TokenizerPair) -> tuple[float, float]:
    """Of the first training pairs: the share of copies, and characters a token on both sides."""
    train = recipe.data.train
    pairs = list(islice(read_split(recipe.data, train if isinstance(train, str) else train[0]), SAMPLE))
    copies = sum(pair.source == pair.target for pair in pairs)
    sources = tokenizers.source.encode_all([pair.source for pair in pairs])
    targets = tokenizers.target.encode_all([pair.target for pair in pairs])
    characters = sum(len(pair.source) + len(pair.target) for pair in pairs)
    return copies / len(pairs), characters / max(1, _total(sources) + _total(targets))


def _total(rows: Iterable[list[int]]) -> int:
    return sum(map(len, rows))


def _unknown_share(split: TokenizedSplit) -> float:
    unknown = sum(int((ids == SPECIAL.unknown).sum()) for ids in (split.source_ids, split.target_ids))
    return unknown / max(1, len(split.source_ids) + len(split.target_ids))


def _cut_share(split: TokenizedSplit, search: SearchConfig) -> float:
    mask = torch.arange(int(split.source_lengths.max()) + 1) <= torch.tensor(split.source_lengths)[:, None]
    limits = search.limits(mask).numpy()
    return float((split.target_lengths + 1 > limits).mean())
