"""Greedy search: the likeliest token at every position, over any model that can `start` and `advance`.

Sentences that are done leave the batch, so the rows of a state are the sentences still open.

Shapes: N sentence, R sentences still open, V vocabulary.
"""

import torch
from torch import Tensor

from seq2seq.models.interface import Seq2SeqModel, SourceMask, SourceTokens, State
from seq2seq.search.hypothesis import Hypothesis, next_log_probabilities
from seq2seq.search.limits import SearchConfig
from seq2seq.tokens import SPECIAL, SpecialTokens

_UNWRITTEN = -1


@torch.inference_mode()
def greedy_search(
    model: Seq2SeqModel[State],
    source: SourceTokens,
    source_mask: SourceMask,
    config: SearchConfig,
    special: SpecialTokens = SPECIAL,
) -> list[Hypothesis]:
    """One hypothesis for each sentence, in their order; `config.beam_size` does not matter."""
    if source.size(0) == 0:
        return []
    limits = config.limits(source_mask)
    written = source.new_full((source.size(0), int(limits.max())), _UNWRITTEN)
    reached = torch.zeros(source.size(0), dtype=torch.float64, device=source.device)
    state = model.start(source, source_mask)
    rows = torch.arange(source.size(0), device=source.device)  # the sentence that each row of the state is of
    tokens, totals = source.new_full((source.size(0),), special.start), reached.float()

    length = 0
    while rows.numel() > 0:
        length += 1
        logits, state = model.advance(tokens.unsqueeze(1), state)
        totals, tokens = next_log_probabilities(logits, special).add_(totals.unsqueeze(1)).max(dim=1)
        written[rows, length - 1] = tokens
        reached[rows] = totals.double()

        still_open = ((tokens != special.end) & (limits > length)).nonzero().squeeze(1)
        if still_open.numel() < rows.numel():
            rows, limits, tokens, totals = (part[still_open] for part in (rows, limits, tokens, totals))
            state = state.select(still_open)
    return _hypotheses(written, reached, config, special)


def _hypotheses(
    written: Tensor, log_probabilities: Tensor, config: SearchConfig, special: SpecialTokens
) -> list[Hypothesis]:
    return [
        Hypothesis.of([token for token in tokens if token != _UNWRITTEN], total, config.length_penalty, special)
        for tokens, total in zip(written.tolist(), log_probabilities.tolist(), strict=True)
    ]
