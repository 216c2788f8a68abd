"""Models without a network, whose best translations can be enumerated."""

import itertools

import torch

from seq2seq.models.state import DecoderState
from seq2seq.search.limits import SearchConfig, length_penalty
from seq2seq.tokens import SPECIAL

USABLE_FROM = 3  # padding, start and end come before


PHASES = 6


class Table:
    """A Markov chain for each first source token, with other probabilities at each position.

    If they were the same at all positions, texts of the same pairs in another order would tie.
    """

    def __init__(self, vocabulary: int, seed: int, dtype: torch.dtype = torch.float32):
        generator = torch.Generator().manual_seed(seed)
        self.table = torch.randn(10, PHASES, vocabulary, vocabulary, generator=generator).to(dtype)

    def start(self, source, source_mask):
        return DecoderState((self.table[source[:, 0]],), (torch.zeros(source.size(0), 0),))

    def advance(self, target, state):
        (table,), (history,) = state.memory, state.history
        assert target.size(0) == table.size(0) == history.size(0)
        phases = torch.arange(history.size(1), history.size(1) + target.size(1)) % PHASES
        logits = table[torch.arange(target.size(0)).unsqueeze(1), phases, target]
        return logits, DecoderState((table,), (torch.cat((history, target.float()), dim=1),))

    def log_probability(self, source_token, tokens):
        steps = zip((SPECIAL.start, *tokens), tokens, strict=False)
        rows = self.table[source_token].double().log_softmax(dim=-1)
        return sum(float(rows[at % PHASES, previous, token]) for at, (previous, token) in enumerate(steps))


class Echo:
    """A second-order chain: the logits depend on the whole history, so that a lost `reorder` shows."""

    def __init__(self, vocabulary: int, seed: int):
        generator = torch.Generator().manual_seed(seed)
        self.mix = torch.randn(64, vocabulary, generator=generator) * 2

    def start(self, source, source_mask):
        return DecoderState((source[:, 0],), (torch.zeros(source.size(0), 1, dtype=torch.long),))

    def advance(self, target, state):
        (source,), (digest,) = state.memory, state.history
        digests = []
        for position in range(target.size(1)):
            digest = (digest * 31 + target[:, position : position + 1] * 7 + source.unsqueeze(1)) % 64
            digests.append(digest)
        return self.mix[torch.cat(digests, dim=1)], DecoderState((source,), (digest,))


def limited(limit: int, **fields) -> SearchConfig:
    """A configuration whose hypotheses have at most `limit` tokens, however long the source is."""
    return SearchConfig(max_length_ratio=0.0, max_length_offset=limit, **fields)


def every_translation(model: Table, source_token: int, limit: int, alpha: float):
    """All (score, tokens, ended) that a search could return, best first."""
    usable = range(USABLE_FROM, model.table.size(-1))
    found = []
    for length in range(limit):
        for body in itertools.product(usable, repeat=length):
            total = model.log_probability(source_token, (*body, SPECIAL.end))
            found.append((total / length_penalty(length + 1, alpha), body, True))
    for body in itertools.product(usable, repeat=limit):
        total = model.log_probability(source_token, body)
        found.append((total / length_penalty(limit, alpha), body, False))
    return sorted(found, reverse=True)


def sources(*tokens: int):
    """One-token sources and their mask."""
    source = torch.tensor(tokens).unsqueeze(1)
    return source, torch.ones_like(source, dtype=torch.bool)
