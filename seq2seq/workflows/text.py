"""A recipe's text as ids, ready to train on."""

import logging
from dataclasses import dataclass
from pathlib import Path

from seq2seq.data.cache import TokenizedSplit, cache_folder, cached_tokenizers, tokenize_split
from seq2seq.data.corpus import count_pairs
from seq2seq.data.filters import FilterReport
from seq2seq.data.mixture import Part
from seq2seq.data.order import BatchOrder
from seq2seq.data.tokenizer import INDEX, TokenizerPair
from seq2seq.errors import DataError
from seq2seq.training.parallel import Processes
from seq2seq.workflows.progress import PairsBar
from seq2seq.workflows.recipe import Recipe

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingText:
    """What is learnt from, and what is validated on."""

    tokenizers: TokenizerPair
    train: TokenizedSplit
    valid: TokenizedSplit
    report: FilterReport
    """What the filters left out of the training text."""
    parts: tuple[Part, ...] = ()
    """How often an epoch sees which of the training pairs; all of them once where nothing is said."""

    @classmethod
    def prepare(cls, recipe: Recipe, tokenizer: Path | None = None) -> "TrainingText":
        """The text of `recipe`, by the tokenizers in the folder `tokenizer` where there are some already."""
        cache = cache_folder()
        if tokenizer is not None and (tokenizer / INDEX).exists():
            tokenizers = TokenizerPair.load(tokenizer)
        else:
            tokenizers = cached_tokenizers(recipe.tokenizer, recipe.data, cache)
        splits = recipe.data.train_splits
        name = " + ".join(splits)
        with PairsBar(f"preparing {name}", lambda: count_pairs(recipe.data, splits)) as bar:
            train, report = tokenize_split(recipe.data, splits, tokenizers, cache, apply_filters=True, watch=bar)
        logger.info("%s: %s", name, report)
        parts = recipe.data.parts(train.parts)
        if any(part.weight != 1 for part in parts):
            for split, part in zip(splits, parts, strict=True):
                logger.info("%s: an epoch sees each of %s pairs %.3g times", split, f"{part.pairs:,}", part.weight)
        valid, _ = tokenize_split(recipe.data, recipe.data.valid, tokenizers, cache, apply_filters=False)
        return cls(tokenizers, train, valid, report, parts)

    @classmethod
    def shared(cls, recipe: Recipe, tokenizer: Path, processes: Processes) -> "TrainingText":
        """The same in all processes: main prepares it, and the others find it in the cache or prepare their own.

        Raises DataError when it is not the same.
        """
        made: list[TrainingText] = []
        for mains_turn in (True, False):
            with processes.together():
                if processes.is_main == mains_turn:
                    made.append(cls.prepare(recipe, tokenizer))
        [text] = made
        signs = processes.gather(text._signs)
        if odd := [rank for rank, sign in enumerate(signs) if sign != signs[0]]:
            raise processes.agreed(
                DataError(f"data: process {odd[0]} reads other text than process 0; give each machine the same")
            )
        return text

    @property
    def _signs(self) -> tuple[str | int, ...]:
        """What differs where the text does."""
        lengths = self.train.lengths, self.valid.lengths
        sizes = [size for each in lengths for size in (each.pairs, each.source_tokens, each.target_tokens)]
        return (self.tokenizers.fingerprint, *sizes)

    def order(self, batch_tokens: int, seed: int) -> BatchOrder:
        """The order of the training text in batches of so many tokens."""
        train = self.train
        return BatchOrder(
            train.source_lengths, train.target_lengths, batch_tokens, seed, self.parts, after_pool=train.give_back
        )
