"""Laws of every model: a row is a sentence of its own, whatever its padding, its neighbours, its place."""

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.testing import assert_close

from seq2seq.models.state import map_tensors

TARGET = torch.tensor([[1, 4, 5, 6], [1, 6, 6, 2], [1, 3, 2, 0]])
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
any_few = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
any_rows = st.lists(st.integers(0, 2), min_size=1, max_size=5).map(torch.tensor)


def tensors(tree):
    found = []
    map_tensors(lambda tensor: found.append(tensor) or tensor, tree)
    return found


@torch.no_grad()
def test_what_stands_under_the_mask_does_not_matter(model, sources):
    ids, mask = sources
    one, other = ids.masked_fill(~mask, 0), ids.masked_fill(~mask, 9)
    assert_close(model(other, mask, TARGET), model(one, mask, TARGET), **CLOSE)


@torch.no_grad()
def test_the_width_of_the_padding_does_not_matter(model, sources):
    ids, mask = sources
    wider = F.pad(ids, (0, 3), value=5), F.pad(mask, (0, 3))
    assert_close(model(*wider, TARGET), model(ids, mask, TARGET), **CLOSE)


@torch.no_grad()
def test_a_sentence_alone_gives_what_it_gives_among_others(model, sources):
    ids, mask = sources
    together = model(ids, mask, TARGET)
    for row, length in enumerate(mask.sum(dim=1).tolist()):
        alone = model(ids[row : row + 1, :length], mask[row : row + 1, :length], TARGET[row : row + 1])
        assert_close(alone, together[row : row + 1], **CLOSE)


@torch.no_grad()
def test_every_source_token_matters(model, sources):
    ids, mask = sources
    whole = model(ids, mask, TARGET)
    for row, column in mask.nonzero().tolist():
        changed = ids.clone()
        changed[row, column] = 4 if ids[row, column] != 4 else 5
        other = model(changed, mask, TARGET)
        assert not torch.allclose(other[row], whole[row], rtol=1e-4, atol=1e-6)
        assert_close(other[torch.arange(3) != row], whole[torch.arange(3) != row], **CLOSE)


@any_few
@given(rows=any_rows)
@torch.no_grad()
def test_select_commutes_with_start(model, sources, rows):
    ids, mask = sources
    got, _ = model.advance(TARGET[rows], model.start(ids, mask).select(rows))
    expected, _ = model.advance(TARGET[rows], model.start(ids[rows], mask[rows]))
    assert_close(got, expected, **CLOSE)


@any_few
@given(rows=any_rows)
@torch.no_grad()
def test_select_commutes_with_advance(model, sources, rows):
    _, state = model.advance(TARGET[:, :2], model.start(*sources))
    got, after = model.advance(TARGET[rows, 2:], state.select(rows))
    expected, whole = model.advance(TARGET[:, 2:], state)
    assert_close(got, expected[rows], **CLOSE)
    for one, other in zip(tensors(after), tensors(whole.select(rows)), strict=True):
        assert_close(one, other, **CLOSE)


@any_few
@given(choices=st.lists(st.integers(0, 1), min_size=6, max_size=6))
@torch.no_grad()
def test_reorder_among_rows_of_the_same_source_is_select(model, sources, choices):
    beams = torch.arange(3).repeat_interleave(2)  # sources 0 0 1 1 2 2
    rows = torch.tensor([i // 2 * 2 + choice for i, choice in enumerate(choices)])
    read = torch.tensor([[1, 4], [1, 5], [1, 6], [1, 7], [1, 8], [1, 9]])
    _, state = model.advance(read, model.start(*sources).select(beams))
    then = TARGET[beams, 2:]
    got, _ = model.advance(then, state.reorder(rows))
    assert_close(got, model.advance(then, state.select(rows))[0], **CLOSE)
    ids, mask = sources
    whole = model(ids[beams], mask[beams], torch.cat((read[rows], then), dim=1))
    assert_close(got, whole[:, 2:], **CLOSE)


@torch.no_grad()
def test_every_tensor_of_a_state_has_a_row_per_hypothesis(model, sources):
    _, state = model.advance(TARGET, model.start(*sources))
    assert tensors(state.history)
    assert {tensor.size(0) for tensor in tensors(state)} == {3}
