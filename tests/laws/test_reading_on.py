"""Laws of every model: a target read in pieces gives what the whole gives, and nothing reaches back."""

import itertools

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

TARGET = torch.tensor([[1, 4, 5, 6, 9, 7], [1, 6, 6, 2, 3, 10], [1, 3, 2, 0, 0, 0]])
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
any_few = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read_in_pieces(model, state, pieces):
    found = []
    for piece in pieces:
        logits, state = model.advance(piece, state)
        found.append(logits)
    return torch.cat(found, dim=1)


@torch.no_grad()
def test_step_by_step_equals_all_at_once(model, sources):
    steps = read_in_pieces(model, model.start(*sources), TARGET.split(1, dim=1))
    assert_close(steps, model(*sources, TARGET), **CLOSE)


@any_few
@given(cuts=st.sets(st.integers(1, TARGET.size(1) - 1), min_size=1))
@torch.no_grad()
def test_any_split_equals_all_at_once(model, sources, cuts):
    edges = itertools.pairwise([0, *sorted(cuts), TARGET.size(1)])
    pieces = read_in_pieces(model, model.start(*sources), [TARGET[:, a:b] for a, b in edges])
    assert_close(pieces, model(*sources, TARGET), **CLOSE)


@torch.no_grad()
def test_a_state_can_be_read_on_from_twice(model, sources):
    """Reading on leaves the state as it was: beams of one parent go different ways."""
    _, state = model.advance(TARGET[:, :2], model.start(*sources))
    before, _ = model.advance(TARGET[:, 2:], state)
    model.advance(TARGET[:, 2:].flip(1), state)
    after, _ = model.advance(TARGET[:, 2:], state)
    assert_close(after, before, rtol=0, atol=0)


@torch.no_grad()
def test_forward_is_what_start_and_advance_and_features_give(model, sources):
    whole = model(*sources, TARGET)
    assert whole.shape == (3, TARGET.size(1), model.output.out_features)
    assert_close(model.advance(TARGET, model.start(*sources))[0], whole)
    assert_close(model.output(model.features(*sources, TARGET)), whole)


@torch.no_grad()
def test_later_tokens_do_not_matter_to_earlier_outputs(model, sources):
    time, changed = 3, TARGET.clone()
    changed[:, time:] = (changed[:, time:] + 3) % 11
    whole, other = model(*sources, TARGET), model(*sources, changed)
    assert_close(other[:, :time], whole[:, :time], **CLOSE)
    assert not torch.allclose(other[:, time:], whole[:, time:], **CLOSE)


def test_an_output_has_a_gradient_at_its_own_and_earlier_tokens_and_at_no_later_one(model, sources):
    vectors = watched_vectors(model.decoder, of=TARGET)
    model(*sources, TARGET)[:, 3].logsumexp(-1).sum().backward()
    (found,) = vectors
    reached = found.grad.abs().sum(dim=-1)  # row time
    assert (reached[:, :4] > 0).all()
    assert (reached[:, 4:] == 0).all()


def test_an_output_has_a_gradient_at_every_source_token_and_at_no_padding(model, sources):
    ids, mask = sources
    vectors = watched_vectors(model.encoder, of=ids)
    model(ids, mask, TARGET).logsumexp(-1).sum().backward()
    (found,) = vectors
    reached = found.grad.abs().sum(dim=-1)  # row source
    assert (reached[mask] > 0).all()
    assert (reached[~mask] == 0).all()


def watched_vectors(module, of):
    """A list that will hold, once `module` has run, the vectors its embedding gave the tokens `of`."""
    found = []

    def keep(embedding, inputs, vectors):
        if inputs[0].shape == of.shape:
            vectors.retain_grad()
            found.append(vectors)

    for embedding in module.modules():
        if isinstance(embedding, nn.Embedding):
            embedding.register_forward_hook(keep)
    return found
