"""What a model is measured by while it is being trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sacrebleu

from seq2seq.data.batches import collate_source, validation_batches
from seq2seq.data.cache import TokenizedSplit
from seq2seq.data.corpus import DataConfig, read_split
from seq2seq.data.order import in_order
from seq2seq.data.symbols import Tokenizer
from seq2seq.models.interface import EncoderDecoder
from seq2seq.search.greedy import greedy_search
from seq2seq.search.limits import SearchConfig
from seq2seq.training.objective import batch_loss

GREEDY = SearchConfig(beam_size=1)


@dataclass(frozen=True)
class Validation:
    """Loss over all of the validation set, BLEU of greedy translations of its first sentences."""

    split: TokenizedSplit
    references: Sequence[str]  # of the sentences to translate; none: no BLEU
    tokenizer: Tokenizer  # of the target language
    batch_tokens: int
    search: SearchConfig = GREEDY  # how far a translation may go

    def __call__(self, model: EncoderDecoder[Any]) -> dict[str, float]:
        """The loss in nats a target token, and BLEU where it was asked for."""
        measured = {"loss": self._loss(model)}
        if self.references:
            measured["bleu"] = sacrebleu.corpus_bleu(self._translations(model), [list(self.references)]).score
        return measured

    def _loss(self, model: EncoderDecoder[Any]) -> float:
        device = next(model.parameters()).device
        likelihood, tokens = 0.0, 0
        for batch in validation_batches(self.split, self.batch_tokens):
            likelihood += float(batch_loss(model, batch.to(device), label_smoothing=0.0).likelihood)
            tokens += batch.target_tokens
        return likelihood / tokens

    def _translations(self, model: EncoderDecoder[Any]) -> list[str]:
        device = next(model.parameters()).device
        count = len(self.references)
        translations = [""] * count
        lengths = self.split.source_lengths[:count]
        for numbers in in_order(lengths, lengths, self.batch_tokens):
            source, mask = collate_source([self.split.source(int(number)) for number in numbers])
            found = greedy_search(model, source.to(device), mask.to(device), self.search)
            for number, hypothesis in zip(numbers, found, strict=True):
                translations[number] = self.tokenizer.decode(hypothesis.tokens)
        return translations


def first_references(data: DataConfig, count: int) -> list[str]:
    """The first `count` target sentences of the validation split."""
    return [example.target for example in islice(read_split(data, data.valid), count)]
