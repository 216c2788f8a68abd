"""Recurrent models against the equations of the papers in NumPy."""

import itertools

import equations
import numpy as np
import pytest
import torch
from torch import nn

from seq2seq.models.build import build_model
from seq2seq.models.recurrent import RecurrentConfig

TARGET = torch.tensor([[1, 4, 5, 6], [1, 6, 6, 2], [1, 3, 2, 0]])
CELLS = tuple(equations.CELLS)


def rough_model(**changes):
    """A small model in float64, all of its weights random, biases too."""
    sizes = {"encoder_layers": 2, "decoder_layers": 2, "embedding_dim": 5, "hidden_dim": 6}
    config = RecurrentConfig(**{**sizes, **changes})
    torch.manual_seed(0)
    model = build_model(config, 11, 11).double().eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    return config, model, {name: tensor.numpy() for name, tensor in model.state_dict().items()}


@torch.no_grad()
def assert_decodes_by_the_equations(sources, **changes):
    ids, mask = sources
    config, model, weights = rough_model(**changes)
    found, encoded = model.features(ids, mask, TARGET), model.encoder(ids, mask)
    for row in range(len(ids)):
        tokens = encoded[row][mask[row]].numpy()
        expected = equations.features(config, weights, tokens, TARGET[row].tolist())
        np.testing.assert_allclose(found[row].numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("bridge", ["last", "mean"])
@pytest.mark.parametrize("cell", CELLS)
def test_without_attention_the_first_state_is_all_that_is_known(sources, cell, bridge):
    assert_decodes_by_the_equations(sources, cell=cell, attention="none", bridge=bridge)


ATTENTIONS = ("additive", "dot", "general", "concat")


@pytest.mark.parametrize(("cell", "attention", "feeding"), itertools.product(CELLS, ATTENTIONS, (False, True)))
def test_attention_and_input_feeding_are_those_of_luong(sources, cell, attention, feeding):
    assert_decodes_by_the_equations(sources, cell=cell, attention=attention, input_feeding=feeding)


@pytest.mark.parametrize("bridge", ["none", "mean"])
@pytest.mark.parametrize("cell", CELLS)
def test_the_bridge_sets_the_first_state(sources, cell, bridge):
    assert_decodes_by_the_equations(sources, cell=cell, attention="dot", bridge=bridge)


@pytest.mark.parametrize("feeding", [False, True])
def test_depths_and_directions_are_as_configured(sources, feeding):
    changes = {"encoder_layers": 1, "decoder_layers": 3, "bidirectional": False}
    assert_decodes_by_the_equations(sources, input_feeding=feeding, **changes)


@torch.no_grad()
@pytest.mark.parametrize("cell", CELLS)
def test_the_encoder_is_torchs_bidirectional_one_over_the_embeddings(sources, cell):
    ids, mask = sources
    _, model, weights = rough_model(cell=cell)
    theirs = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell](5, 3, 2, bidirectional=True, batch_first=True)
    theirs.double().load_state_dict(
        {
            f"{kind}_l{layer}{end}": torch.from_numpy(weights[f"encoder.layers.{layer}.{side}.{kind}_l0"])
            for layer in range(2)
            for end, side in (("", "rightward"), ("_reverse", "leftward"))
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        }
    )
    table = torch.from_numpy(weights["encoder.embedding.table.weight"])
    encoded = model.encoder(ids, mask)
    for row, length in enumerate(mask.sum(dim=1).tolist()):
        expected, _ = theirs(table[ids[row : row + 1, :length]])
        torch.testing.assert_close(encoded[row : row + 1, :length], expected)


@torch.no_grad()
def test_what_is_fed_is_what_dropout_left(sources):
    """Input feeding hands on the vector that the features are: in training with its zeros."""
    _, model, _ = rough_model(input_feeding=True, dropout=0.5)
    model.train()
    state = model.start(*sources)
    features, state = model.decoder(TARGET[:, :2], state)
    assert (features == 0).any()
    assert torch.equal(state.history.attentional, features[:, -1])


@torch.no_grad()
def test_the_vocabulary_of_each_side_has_its_own_size(sources):
    config = RecurrentConfig(embedding_dim=4, hidden_dim=6)
    model = build_model(config, 40, 13).eval()
    assert model(*sources, TARGET).shape == (3, 4, 13)
