"""What a model is measured by while it is being trained."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

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
from seq2seq.training.parallel import ALONE, Processes

GREEDY = SearchConfig(beam_size=1)

Item = TypeVar("Item")


@dataclass(frozen=True)
class Validation:
    """Loss over all of the validation set, BLEU of greedy translations of its first sentences."""

    split: TokenizedSplit
    references: Sequence[str]  # of the sentences to translate; none: no BLEU
    tokenizer: Tokenizer  # of the target language
    batch_tokens: int
    search: SearchConfig = GREEDY  # how far a translation may go
    processes: Processes = ALONE  # each measures its share of the batches

    def __call__(self, model: EncoderDecoder[Any]) -> dict[str, float]:
        """The loss in nats a target token, and BLEU where it was asked for."""
        with self.processes.together():
            likelihoods, translations = self._likelihoods(model), self._translations(model)
        tokens = int(self.split.target_lengths.sum()) + len(self.split.target_lengths)
        measured = {"loss": sum(_merged(self.processes.gather(likelihoods))) / tokens}
        found = _merged(self.processes.gather(translations))
        if self.references:
            measured["bleu"] = sacrebleu.corpus_bleu(found, [list(self.references)]).score
        return measured

    def _likelihoods(self, model: EncoderDecoder[Any]) -> dict[int, float]:
        """Of the batches of this process: the negative log-likelihood of each, by number."""
        device = next(model.parameters()).device
        likelihoods = {}
        for number, batch in self._mine(validation_batches(self.split, self.batch_tokens)):
            likelihoods[number] = float(batch_loss(model, batch.to(device), label_smoothing=0.0).likelihood)
        return likelihoods

    def _translations(self, model: EncoderDecoder[Any]) -> dict[int, str]:
        """Of the sentences of this process, by number."""
        device = next(model.parameters()).device
        lengths = self.split.source_lengths[: len(self.references)]
        translations = {}
        for _, numbers in self._mine(in_order(lengths, lengths, self.batch_tokens)):
            source, mask = collate_source([self.split.source(int(number)) for number in numbers])
            found = greedy_search(model, source.to(device), mask.to(device), self.search)
            for number, hypothesis in zip(numbers.tolist(), found, strict=True):
                translations[number] = self.tokenizer.decode(hypothesis.tokens)
        return translations

    def _mine(self, batches: Iterable[Item]) -> Iterator[tuple[int, Item]]:
        return islice(enumerate(batches), self.processes.rank, None, self.processes.size)


def _merged(shares: list[dict[int, Item]]) -> list[Item]:
    """What the processes found, in the order of the numbers, so that it is the same for any number of them."""
    everything = {number: item for share in shares for number, item in share.items()}
    return [everything[number] for number in sorted(everything)]


def first_references(data: DataConfig, count: int) -> list[str]:
    """The first `count` target sentences of the validation split."""
    return [example.target for example in islice(read_split(data, data.valid), count)]
