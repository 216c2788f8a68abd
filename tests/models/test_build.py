"""Building: which weights are shared, how they start, and what cannot be built."""

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.testing import assert_close

from seq2seq.errors import ConfigError
from seq2seq.layers.attention import MultiHeadAttention
from seq2seq.models.build import build_model
from seq2seq.models.recurrent import RecurrentConfig
from seq2seq.models.transformer import TransformerConfig

VOCABULARY = 60


def transformer(**changes):
    sizes = {"encoder_layers": 1, "decoder_layers": 1, "model_dim": 32, "feed_forward_dim": 64, "num_heads": 4}
    return TransformerConfig(**{**sizes, **changes})


def recurrent(**changes):
    return RecurrentConfig(**{"embedding_dim": 32, "hidden_dim": 32, **changes})


def built(config, source=VOCABULARY, target=VOCABULARY):
    torch.manual_seed(0)
    return build_model(config, source, target)


def token_tables(module):
    return [m.weight for m in module.modules() if isinstance(m, nn.Embedding) and m.num_embeddings == VOCABULARY]


@pytest.mark.parametrize("family", [transformer, recurrent])
@pytest.mark.parametrize(("tied", "matrices"), [("none", 3), ("target", 2), ("all", 1)])
def test_tied_embeddings_are_one_matrix(family, tied, matrices):
    model = built(family(tied_embeddings=tied))
    (source,), (target,) = token_tables(model.encoder), token_tables(model.decoder)
    assert len({source.data_ptr(), target.data_ptr(), model.output.weight.data_ptr()}) == matrices
    assert (model.output.weight is target) == (tied != "none")
    assert (source is target) == (tied == "all")
    assert sum(parameter.shape == (VOCABULARY, 32) for parameter in model.parameters()) == matrices


@pytest.mark.parametrize("family", [transformer, recurrent])
def test_tied_embeddings_stay_one_while_they_learn(family):
    model = built(family(tied_embeddings="all"))
    ids = torch.randint(4, VOCABULARY, (2, 5))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    model(ids, torch.ones_like(ids, dtype=torch.bool), ids).logsumexp(-1).sum().backward()
    optimizer.step()
    (source,), (target,) = token_tables(model.encoder), token_tables(model.decoder)
    assert torch.equal(source, target)
    assert torch.equal(model.output.weight, target)


@pytest.mark.parametrize("family", [transformer, recurrent])
def test_tying_all_asks_for_one_vocabulary(family):
    with pytest.raises(ConfigError, match=r"tied_embeddings: .*one vocabulary.* not 60 and 61 entries"):
        built(family(tied_embeddings="all"), 60, 61)


@pytest.mark.parametrize("family", [transformer, recurrent])
def test_the_same_seed_gives_the_same_weights(family):
    one, same = built(family()).state_dict(), built(family()).state_dict()
    torch.manual_seed(1)
    other = build_model(family(), VOCABULARY, VOCABULARY).state_dict()
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_the_gates_of_a_recurrence_start_orthogonal_and_a_forget_gate_open():
    for cell, gates in (("rnn", 1), ("lstm", 4), ("gru", 3)):
        model = built(recurrent(cell=cell))
        found = [m for m in model.modules() if isinstance(m, nn.RNNBase)]
        assert found
        for name, parameter in (pair for rnn in found for pair in rnn.named_parameters()):
            pieces = parameter.detach().chunk(gates)
            if "weight_hh" in name:
                for gate in pieces:
                    assert_close(gate @ gate.T, torch.eye(len(gate)), rtol=0, atol=1e-5)
            elif "bias" in name:
                opened = [1.0 if cell == "lstm" and "_ih" in name and i == 1 else 0.0 for i in range(gates)]
                assert [gate.unique().tolist() for gate in pieces] == [[value] for value in opened]


def glorot_bound(fan_in, fan_out):
    return (6 / (fan_in + fan_out)) ** 0.5


@pytest.mark.parametrize("family", [transformer, recurrent])
def test_linear_maps_start_uniform_within_glorots_bound_and_without_bias(family):
    model = built(family())
    joint = {m.key_value for m in model.modules() if isinstance(m, MultiHeadAttention)}
    for module in model.modules():
        if isinstance(module, nn.Linear) and module.weight is not model.output.weight:
            pieces = module.weight.chunk(2) if module in joint else (module.weight,)
            for piece in pieces:
                bound = glorot_bound(piece.size(1), piece.size(0))
                assert 0.8 * bound < piece.abs().max() <= bound
        if isinstance(module, nn.Linear) and module.bias is not None:
            assert not module.bias.any()


@pytest.mark.parametrize("family", [transformer, recurrent])
def test_token_vectors_start_with_a_norm_of_about_one(family):
    model = built(family(tied_embeddings="none"))
    for table in token_tables(model):
        assert 0.9 < table.norm(dim=1).mean() < 1.1


@pytest.mark.parametrize(
    ("family", "changes", "message"),
    [
        (transformer, {"num_heads": 5}, r"model_dim must be a multiple of num_heads \(5\), not 32"),
        (recurrent, {"attention": "none", "input_feeding": True}, "input_feeding must be false where attention"),
        (recurrent, {"attention": "none", "bridge": "none"}, "bridge must be 'last' or 'mean' where attention"),
        (recurrent, {"hidden_dim": 33}, "hidden_dim must be even for two directions, not 33"),
        (recurrent, {"hidden_dim": 48, "tied_embeddings": "target"}, r"embedding_dim must be hidden_dim \(48\) .* 32"),
    ],
)
def test_what_does_not_fit_together_is_refused(family, changes, message):
    with pytest.raises(ValidationError, match=message):
        family(**changes)


@pytest.mark.parametrize("family", [transformer, recurrent])
def test_models_of_other_vocabularies_than_each_other_are_built(family):
    model = built(family(), 50, VOCABULARY)
    ids = torch.full((2, 3), 49)
    logits = model(ids, torch.ones_like(ids, dtype=torch.bool), torch.full((2, 4), 59))
    assert logits.shape == (2, 4, VOCABULARY)
