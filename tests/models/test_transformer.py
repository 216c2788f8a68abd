"""The transformer against torch's own, with the same weights."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from seq2seq.models.build import build_model
from seq2seq.models.transformer import LearnedConfig, NoPositionsConfig, TransformerConfig

WIDTH, HEADS, INNER = 12, 3, 20
TARGET = torch.tensor([[1, 4, 5, 6], [1, 6, 6, 2], [1, 3, 2, 0]])


def rough_model(**changes):
    sizes = {
        "encoder_layers": 2,
        "decoder_layers": 3,
        "model_dim": WIDTH,
        "feed_forward_dim": INNER,
        "num_heads": HEADS,
    }
    torch.manual_seed(0)
    model = build_model(TransformerConfig(**{**sizes, **changes}), 11, 11).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model


def twin(model, *, norm_first, activation):
    """torch's encoder and decoder with the weights of ours."""
    sizes = (WIDTH, HEADS, INNER, 0.0, activation)
    shape = {"batch_first": True, "norm_first": norm_first}
    encoder_end, decoder_end = (nn.LayerNorm(WIDTH) if norm_first else None for _ in range(2))
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(*sizes, **shape), 2, encoder_end, enable_nested_tensor=False
    )
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(*sizes, **shape), 3, decoder_end)
    for theirs, ours in zip(encoder.layers, model.encoder.layers, strict=True):
        copy_attention(theirs.self_attn, ours.attention)
        copy_rest(theirs, ours, (ours.around_attention, ours.around_feed_forward))
    for theirs, ours in zip(decoder.layers, model.decoder.layers, strict=True):
        copy_attention(theirs.self_attn, ours.self_attention)
        copy_attention(theirs.multihead_attn, ours.source_attention)
        copy_rest(theirs, ours, (ours.around_self_attention, ours.around_source_attention, ours.around_feed_forward))
    if norm_first:
        encoder_end.load_state_dict(model.encoder.norm.state_dict())
        decoder_end.load_state_dict(model.decoder.norm.state_dict())
    return encoder.eval(), decoder.eval()


@torch.no_grad()
def copy_attention(theirs, ours):
    theirs.in_proj_weight.copy_(torch.cat((ours.query.weight, ours.key_value.weight)))
    theirs.in_proj_bias.copy_(torch.cat((ours.query.bias, ours.key_value.bias)))
    theirs.out_proj.load_state_dict(ours.output.state_dict())


def copy_rest(theirs, ours, residuals):
    theirs.linear1.load_state_dict(ours.feed_forward[0].state_dict())
    theirs.linear2.load_state_dict(ours.feed_forward[-1].state_dict())
    for number, residual in enumerate(residuals, start=1):
        getattr(theirs, f"norm{number}").load_state_dict(residual.norm.state_dict())


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("norm", ["before", "after"])
def test_features_equal_those_of_torchs_transformer(sources, norm, activation):
    ids, mask = sources
    model = rough_model(norm=norm, activation=activation)
    encoder, decoder = twin(model, norm_first=norm == "before", activation=activation)
    memory = encoder(model.encoder.embedding(ids), src_key_padding_mask=~mask)
    later = torch.ones(4, 4, dtype=torch.bool).triu(1)
    expected = decoder(model.decoder.embedding(TARGET), memory, tgt_mask=later, memory_key_padding_mask=~mask)
    assert_close(model.features(ids, mask, TARGET), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("positions", [LearnedConfig(length=9), NoPositionsConfig()])
def test_an_embedding_is_scaled_before_its_position_is_added(positions):
    model = rough_model(positions=positions)
    embedding = model.decoder.embedding
    expected = embedding.tokens.table.weight[TARGET] * WIDTH**0.5
    if isinstance(positions, LearnedConfig):
        expected = expected + embedding.positions.table.weight[:4]
    assert_close(embedding(TARGET), expected)


def test_without_positions_the_order_of_the_source_does_not_matter():
    model, ids = rough_model(positions=NoPositionsConfig()), torch.tensor([[4, 5, 6, 7]])
    mask, order = torch.ones_like(ids, dtype=torch.bool), torch.tensor([2, 0, 3, 1])
    assert_close(model(ids[:, order], mask, TARGET[:1]), model(ids, mask, TARGET[:1]), rtol=1e-4, atol=1e-5)


def test_with_positions_the_order_of_the_source_matters():
    model, ids = rough_model(), torch.tensor([[4, 5, 6, 7]])
    mask, order = torch.ones_like(ids, dtype=torch.bool), torch.tensor([2, 0, 3, 1])
    assert not torch.allclose(model(ids[:, order], mask, TARGET[:1]), model(ids, mask, TARGET[:1]), rtol=1e-2)


@pytest.mark.parametrize("share", ["dropout", "attention_dropout", "activation_dropout", "word_dropout"])
def test_each_dropout_alone_makes_training_random(sources, share):
    none = {"dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0, "word_dropout": 0.0}
    still, random = rough_model(**none).train(), rough_model(**{**none, share: 0.4}).train()
    assert torch.equal(still(*sources, TARGET), still(*sources, TARGET))
    assert not torch.equal(random(*sources, TARGET), random(*sources, TARGET))
