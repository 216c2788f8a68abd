"""The fused loss is the plain one: cross entropy of all logits, with label smoothing, padding left out."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.testing import assert_close

from seq2seq.data.batches import collate
from seq2seq.tokens import SPECIAL
from seq2seq.training import objective
from seq2seq.training.objective import batch_loss, projected_loss

from architectures import TINY, tiny_model


def problem(tokens, width, vocabulary, seed, dtype=torch.float64):
    draw = torch.Generator().manual_seed(seed)
    features, weight = (torch.randn(n, width, generator=draw, dtype=dtype) for n in (tokens, vocabulary))
    bias = torch.randn(vocabulary, generator=draw, dtype=dtype)
    target = torch.randint(0, vocabulary, (tokens,), generator=draw)
    return [t.requires_grad_() for t in (features, weight, bias)], target


def plain_loss(features, weight, bias, target, epsilon):
    logits = F.linear(features, weight, bias)
    return F.cross_entropy(logits, target, ignore_index=SPECIAL.padding, label_smoothing=epsilon, reduction="sum")


@settings(deadline=None, max_examples=40)
@given(
    tokens=st.integers(1, 9),
    vocabulary=st.integers(4, 12),
    epsilon=st.sampled_from([0.0, 0.1, 0.5]),
    cells=st.integers(1, 60),
    seed=st.integers(0, 999),
)
def test_value_and_gradients_are_those_of_torch(tokens, vocabulary, epsilon, cells, seed):
    variables, target = problem(tokens, 3, vocabulary, seed)
    expected = plain_loss(*variables, target, epsilon)
    expected_gradients = torch.autograd.grad(expected, variables)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objective, "CHUNK_CELLS", cells)
        found = projected_loss(*variables, target, epsilon)
        gradients = torch.autograd.grad(found.smoothed, variables)
    assert_close(found.smoothed, expected)
    assert_close(found.likelihood, plain_loss(*variables, target, 0.0).detach())
    for gradient, wanted in zip(gradients, expected_gradients, strict=True):
        assert_close(gradient, wanted)


def test_the_gradient_scales_with_what_follows():
    variables, target = problem(5, 3, 7, seed=1)
    halved = torch.autograd.grad(projected_loss(*variables, target, 0.1).smoothed / 2, variables)
    whole = torch.autograd.grad(projected_loss(*variables, target, 0.1).smoothed, variables)
    for half, full in zip(halved, whole, strict=True):
        assert_close(2 * half, full)


def test_bfloat16_products_keep_a_float32_sum():
    variables, target = problem(64, 16, 50, seed=2, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        found = projected_loss(*variables, target, 0.1)
    assert found.smoothed.dtype == torch.float32
    assert_close(found.smoothed, plain_loss(*variables, target, 0.1), rtol=0.02, atol=0.0)
    assert all(gradient.dtype == torch.float32 for gradient in torch.autograd.grad(found.smoothed, variables))


@pytest.mark.parametrize("name", TINY)
def test_gradients_under_autocast_point_where_those_of_float32_do(name):
    model = tiny_model(name)
    batch = collate([[4, 5, 6, 7], [5, 6]], [[4, 6, 5], [4, 5, 7, 8, 9]], [0, 1])

    def gradient(*, low):
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            loss = batch_loss(model, batch, 0.1).smoothed
        found = torch.autograd.grad(loss, [*model.parameters()], materialize_grads=True)
        return torch.cat([each.flatten() for each in found])

    assert F.cosine_similarity(gradient(low=True), gradient(low=False), dim=0) > 0.98


@pytest.mark.parametrize("name", ["transformer-sinusoidal-before-relu", "lstm-general", "gru-general-feeding"])
def test_a_batch_costs_the_sum_of_its_sentences(name):
    assert name in TINY
    model = tiny_model(name)
    sources, targets = [[4, 5, 6], [7], [8, 9]], [[5, 4], [6, 6, 6, 6], [10]]
    together = batch_loss(model, collate(sources, targets, [0, 1, 2]), 0.1)
    alone = [batch_loss(model, collate([s], [t], [0]), 0.1) for s, t in zip(sources, targets, strict=True)]
    assert_close(together.smoothed, torch.stack([loss.smoothed for loss in alone]).sum())
    assert_close(together.likelihood, torch.stack([loss.likelihood for loss in alone]).sum())


def test_the_loss_asks_for_the_next_token_and_the_end():
    model = tiny_model("transformer-sinusoidal-before-relu")
    batch = collate([[4, 5]], [[7, 8]], [0])
    source, mask = batch.source, batch.source_mask
    log_probabilities = model(source, mask, torch.tensor([[SPECIAL.start, 7, 8]])).log_softmax(-1)[0]
    expected = -(log_probabilities[0, 7] + log_probabilities[1, 8] + log_probabilities[2, SPECIAL.end])
    assert_close(batch_loss(model, batch, 0.0).smoothed, expected)
