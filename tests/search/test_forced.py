"""Forced decoding against the chain rule."""

import pytest
import torch

from seq2seq.search.forced import forced_scores
from seq2seq.tokens import SPECIAL

from table_models import Table, sources


def test_log_probabilities_are_sums_over_tokens_without_padding():
    model = Table(8, seed=1)
    bodies = [(3, 5, 4, SPECIAL.end), (7, SPECIAL.end), (SPECIAL.end,), (4, 4, 4, 4, 6)]
    width = max(map(len, bodies))
    target = torch.tensor([[1, *body, *[SPECIAL.padding] * (width - len(body))] for body in bodies])
    scored = forced_scores(model, *sources(1, 2, 3, 4), target)
    expected = [model.log_probability(token, body) for token, body in zip((1, 2, 3, 4), bodies, strict=True)]
    assert scored.log_probabilities.tolist() == pytest.approx(expected, abs=1e-5)
    assert scored.token_counts.tolist() == [len(body) for body in bodies]


def test_half_precision_logits_are_summed_in_float32():
    model = Table(50, seed=2, dtype=torch.bfloat16)
    target = torch.randint(3, 50, (1, 400), generator=torch.Generator().manual_seed(0))
    target[0, 0] = SPECIAL.start
    scored = forced_scores(model, *sources(5), target)
    expected = model.log_probability(5, target[0, 1:].tolist())
    assert scored.log_probabilities.dtype == torch.float32
    assert scored.log_probabilities.item() == pytest.approx(expected, rel=1e-5)
