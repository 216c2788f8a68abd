"""Beam search over any model that can `start` and `advance`.

At every position each sentence has K live hypotheses. Of their continuations the best 2K are candidates:
at most K of those can end, so K remain to go on, and a beam never starves. A candidate that ends, or that
reaches its sentence's limit, is finished if it is among the best K; the rest of the 2K only refill the beam.
A sentence leaves the batch when no live hypothesis can overtake the worst of its K finished ones:
log-probabilities only fall, so a live one can at best keep its own under the penalty of the limit.

Texts are never copied while they grow. Every candidate gets a number, and remembers its token and the number
of the one that it continues; the texts are read backwards at the end.

Shapes: N sentence (those still open), K beam, C candidate (2K, or all there are), V vocabulary. The rows of a
state are the N x K live hypotheses, those of a sentence together. Before the first token K is 1.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from seq2seq.models.interface import Seq2SeqModel, SourceMask, SourceTokens, State
from seq2seq.models.state import map_tensors
from seq2seq.search.greedy import greedy_search
from seq2seq.search.hypothesis import Hypothesis, next_log_probabilities
from seq2seq.search.limits import SearchConfig, length_penalty
from seq2seq.tokens import SPECIAL, SpecialTokens

_NONE = float("-inf")


def search(
    model: Seq2SeqModel[State],
    source: SourceTokens,
    source_mask: SourceMask,
    config: SearchConfig,
    special: SpecialTokens = SPECIAL,
) -> list[list[Hypothesis]]:
    """Up to `config.beam_size` hypotheses for each sentence, best first; a beam of one is greedy search."""
    if config.beam_size == 1:
        return [[found] for found in greedy_search(model, source, source_mask, config, special)]
    return beam_search(model, source, source_mask, config, special)


class Beam(NamedTuple):
    """Hypotheses of each sentence, best first; those whose total is -inf are none."""

    tokens: Int[Tensor, "sentence hypothesis"]  # the last of each
    totals: Float[Tensor, "sentence hypothesis"]  # log-probabilities
    numbers: Int[Tensor, "sentence hypothesis"]  # in the trellis
    rows: Int[Tensor, "sentence hypothesis"]  # of the state that read all but the last token

    def best(self, count: int, *, excluded: Bool[Tensor, "sentence hypothesis"]) -> "Beam":
        """The best `count`, or all there are; what is excluded comes last and as none."""
        totals, slots = self.totals.masked_fill(excluded, _NONE).topk(min(count, self.totals.size(1)))
        tokens, numbers, rows = (part.gather(1, slots) for part in (self.tokens, self.numbers, self.rows))
        return Beam(tokens, totals, numbers, rows)


class Finished(NamedTuple):
    """The best K hypotheses that are finished, best first; those that score -inf are none."""

    scores: Float64[Tensor, "sentence beam"]
    numbers: Int[Tensor, "sentence beam"]  # in the trellis

    def merge(self, scores: Float64[Tensor, "sentence new"], numbers: Int[Tensor, "sentence new"]) -> "Finished":
        """The best K of these and those."""
        best, slots = torch.cat((self.scores, scores), dim=1).topk(self.scores.size(1))
        return Finished(best, torch.cat((self.numbers, numbers), dim=1).gather(1, slots))


class Open(NamedTuple):
    """The sentences that are still searched."""

    places: Int[Tensor, " sentence"]  # in the batch as it came
    limits: Int[Tensor, " sentence"]  # tokens
    live: Beam
    finished: Finished

    def can_improve(self, alpha: float) -> Bool[Tensor, " sentence"]:
        """Whether the best live hypothesis, if its log-probability stayed, could end among the finished."""
        hoped_for = self.live.totals[:, 0] / length_penalty(self.limits, alpha)
        return hoped_for > self.finished.scores[:, -1]

    def select(self, sentences: Int[Tensor, " new"]) -> "Open":
        return map_tensors(lambda tensor: tensor[sentences], self)


class Trellis:
    """All candidates of a search by number; each is the text of another one and a token more."""

    empty = -1  # the number of the empty text

    def __init__(self) -> None:
        self._steps: list[tuple[Tensor, Tensor, Tensor]] = []
        self._size = 0

    def grow(self, live: Beam, log_probabilities: Float[Tensor, "row vocabulary"], count: int) -> Beam:
        """The best `count` continuations of the `live` hypotheses by one token, or all there are."""
        sentences, width = live.totals.shape
        vocabulary = log_probabilities.size(1)
        totals = log_probabilities.add_(live.totals.view(-1, 1)).view(sentences, width * vocabulary)
        totals, slots = totals.topk(min(count, totals.size(1)))  # N C
        beams, tokens = slots // vocabulary, slots % vocabulary
        numbers = torch.arange(self._size, self._size + slots.numel(), device=slots.device).view_as(slots)
        rows = torch.arange(sentences, device=slots.device).unsqueeze(1) * width + beams
        self._steps.append((live.numbers.gather(1, beams).flatten(), tokens.flatten(), totals.flatten()))
        self._size += slots.numel()
        return Beam(tokens, totals, numbers, rows)

    def read(self, finished: Finished, alpha: float, special: SpecialTokens) -> list[list[Hypothesis]]:
        """The finished hypotheses of each sentence, best first."""
        parents, tokens, totals = (torch.cat(steps).tolist() for steps in zip(*self._steps, strict=True))

        def hypothesis(number: int) -> Hypothesis:
            path, at = [], number
            while at != self.empty:
                path.append(tokens[at])
                at = parents[at]
            return Hypothesis.of(path[::-1], totals[number], alpha, special)

        return [
            [hypothesis(number) for score, number in zip(*slots, strict=True) if score > _NONE]
            for slots in zip(finished.scores.tolist(), finished.numbers.tolist(), strict=True)
        ]


@torch.inference_mode()
def beam_search(
    model: Seq2SeqModel[State],
    source: SourceTokens,
    source_mask: SourceMask,
    config: SearchConfig,
    special: SpecialTokens = SPECIAL,
) -> list[list[Hypothesis]]:
    """Up to `config.beam_size` hypotheses for each sentence, best first and no two alike.

    Without a length penalty a beam of one is greedy search; with one it may look past an early end.
    """
    if source.size(0) == 0:
        return []
    trellis, now = Trellis(), _opened(source, source_mask, config, special)
    result = Finished(*(part.clone() for part in now.finished))
    state = model.start(source, source_mask)
    length = 0
    while now.places.numel() > 0:
        length += 1
        logits, state = model.advance(now.live.tokens.view(-1, 1), state)
        candidates = trellis.grow(now.live, next_log_probabilities(logits, special), 2 * config.beam_size)
        before, now = now, _sift(now, candidates, length, config, special)

        still_open = now.can_improve(config.length_penalty).nonzero().squeeze(1)
        somebody_left = still_open.numel() < now.places.numel()
        if somebody_left:
            result.scores[now.places], result.numbers[now.places] = now.finished
            now = now.select(still_open)
        rows = now.live.rows.flatten()
        widened = now.live.rows.size(1) > before.live.rows.size(1)
        state = state.select(rows) if somebody_left or widened else state.reorder(rows)
    return trellis.read(result, config.length_penalty, special)


def _opened(source: Tensor, source_mask: Tensor, config: SearchConfig, special: SpecialTokens) -> Open:
    """Every sentence with one live hypothesis, the empty one."""
    sentences = source.size(0)
    totals = torch.zeros(sentences, 1, device=source.device)
    rows = torch.arange(sentences, device=source.device)
    none = torch.full((sentences, config.beam_size), _NONE, dtype=torch.float64, device=source.device)
    return Open(
        places=rows,
        limits=config.limits(source_mask),
        live=Beam(
            tokens=torch.full_like(totals, special.start, dtype=torch.long),
            totals=totals,
            numbers=torch.full_like(totals, Trellis.empty, dtype=torch.long),
            rows=rows.unsqueeze(1),
        ),
        finished=Finished(none, torch.full_like(none, Trellis.empty, dtype=torch.long)),
    )


def _sift(now: Open, candidates: Beam, length: int, config: SearchConfig, special: SpecialTokens) -> Open:
    """`now` with its finished hypotheses, and live ones, after `candidates` of `length` tokens."""
    finishing = (candidates.tokens == special.end) | (now.limits == length).unsqueeze(1)  # N C
    scores = candidates.totals.double() / length_penalty(length, config.length_penalty)
    scores = scores.masked_fill(~finishing, _NONE)[:, : config.beam_size]
    return now._replace(
        live=candidates.best(config.beam_size, excluded=finishing),
        finished=now.finished.merge(scores, candidates.numbers[:, : config.beam_size]),
    )
