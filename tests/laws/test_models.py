"""Laws that every model keeps, whatever its architecture."""

import pytest
import torch
from torch.testing import assert_close

TARGET = torch.tensor([[1, 4, 5, 6], [1, 6, 6, 2], [1, 3, 2, 0]])
close = dict(rtol=1e-4, atol=1e-5)


def test_step_by_step_equals_all_at_once(model, sources):
    whole = model(*sources, TARGET)
    state, steps = model.start(*sources), []
    for t in range(TARGET.size(1)):
        logits, state = model.advance(TARGET[:, t : t + 1], state)
        steps.append(logits)
    assert_close(torch.cat(steps, dim=1), whole, **close)


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_any_split_equals_all_at_once(model, sources, cut):
    a, state = model.advance(TARGET[:, :cut], model.start(*sources))
    b, _ = model.advance(TARGET[:, cut:], state)
    assert_close(torch.cat((a, b), dim=1), model(*sources, TARGET), **close)


def test_later_tokens_do_not_matter_to_earlier_ones(model, sources):
    changed = TARGET.clone()
    changed[:, 2:] = 3
    assert_close(model(*sources, changed)[:, :2], model(*sources, TARGET)[:, :2], **close)


def test_padding_does_not_matter(model, sources):
    ids, mask = sources
    garbage = ids.masked_fill(~mask, 9)
    wider = torch.nn.functional.pad(garbage, (0, 3), value=5), torch.nn.functional.pad(mask, (0, 3))
    assert_close(model(*wider, TARGET), model(ids, mask, TARGET), **close)


def test_select_is_selecting_the_sentences(model, sources):
    ids, mask = sources
    rows = torch.tensor([2, 0, 0, 1])
    _, state = model.advance(TARGET[:, :2], model.start(ids, mask))
    got, _ = model.advance(TARGET[rows, 2:], state.select(rows))
    assert_close(got, model(ids[rows], mask[rows], TARGET[rows])[:, 2:], **close)


def test_every_parameter_gets_a_gradient(model, sources):
    model(*sources, TARGET).logsumexp(-1).sum().backward()
    assert not [n for n, p in model.named_parameters() if p.grad is None]
