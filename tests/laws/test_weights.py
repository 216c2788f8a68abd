"""Laws of every model: its weights learn, are written and read whole, and its numbers keep their types."""

import torch
from safetensors.torch import load_model, save_model
from torch.testing import assert_close

from seq2seq.models.state import map_tensors

TARGET = torch.tensor([[1, 4, 5, 6], [1, 6, 6, 2], [1, 3, 2, 0]])


def loss(model, sources):
    logits = model(*sources, TARGET)
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), TARGET.roll(-1, dims=1).flatten())


def test_every_parameter_gets_a_gradient(model, sources):
    loss(model, sources).backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not without
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_a_step_down_the_gradient_lowers_the_loss(model, sources):
    before = loss(model, sources)
    before.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= 1e-2 * parameter.grad
    assert loss(model, sources) < before


@torch.no_grad()
def test_a_model_read_from_a_file_gives_what_the_one_written_gave(model, sources, tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(model, str(path))
    expected = model(*sources, TARGET)
    for parameter in model.parameters():
        parameter.add_(1)
    assert not torch.allclose(model(*sources, TARGET), expected)
    load_model(model, path)
    assert_close(model(*sources, TARGET), expected, rtol=0, atol=0)


@torch.no_grad()
def test_evaluation_is_deterministic_and_training_is_not(model, sources):
    assert torch.equal(model(*sources, TARGET), model(*sources, TARGET))
    model.train()
    assert not torch.equal(model(*sources, TARGET), model(*sources, TARGET))
    torch.manual_seed(3)
    one = model(*sources, TARGET)
    torch.manual_seed(3)
    assert torch.equal(model(*sources, TARGET), one)


@torch.no_grad()
def test_numbers_keep_their_precision_where_nothing_asks_for_less(model, sources):
    logits, state = model.advance(TARGET, model.start(*sources))
    types = {logits.dtype}
    map_tensors(lambda tensor: types.add(tensor.dtype) or tensor, state)
    assert types <= {torch.float32, torch.bool}
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_bfloat16_autocast_trains_and_stays_close(model, sources):
    with torch.no_grad():
        exact = model(*sources, TARGET)
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(*sources, TARGET)
    assert_close(rough.float(), exact, rtol=0.05, atol=0.05 * exact.abs().max().item())
    rough.float().logsumexp(-1).sum().backward()
    assert all(p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in model.parameters())


@torch.no_grad()
def test_bfloat16_autocast_reads_step_by_step(model, sources):
    with torch.autocast("cpu", torch.bfloat16):
        whole, state = model(*sources, TARGET), model.start(*sources)
        for time in range(TARGET.size(1)):
            logits, state = model.advance(TARGET[:, time : time + 1], state)
            assert_close(logits[:, 0].float(), whole[:, time].float(), rtol=0.05, atol=0.05 * whole.abs().max().item())


@torch.no_grad()
def test_twice_the_precision_is_as_good(model, sources):
    expected = model(*sources, TARGET)
    found = model.double()(*sources, TARGET)
    assert found.dtype == torch.float64
    assert_close(found.float(), expected, rtol=1e-4, atol=1e-5)
