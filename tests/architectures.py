"""A tiny model of every architecture, for laws that all of them keep."""

import itertools

import torch

from seq2seq.models.build import build_model
from seq2seq.models.recurrent import RecurrentConfig
from seq2seq.models.transformer import LearnedConfig, NoPositionsConfig, SinusoidalConfig, TransformerConfig

SOURCE_VOCABULARY, TARGET_VOCABULARY = 11, 11


def tiny_transformer(**changes):
    sizes = {"encoder_layers": 2, "decoder_layers": 2, "model_dim": 16, "feed_forward_dim": 32, "num_heads": 2}
    return TransformerConfig(**{**sizes, **changes})


def tiny_recurrent(**changes):
    sizes = {"encoder_layers": 2, "decoder_layers": 2, "embedding_dim": 16, "hidden_dim": 16}
    return RecurrentConfig(**{**sizes, **changes})


def _transformers():
    positions = {"sinusoidal": SinusoidalConfig(), "learned": LearnedConfig(length=32), "none": NoPositionsConfig()}
    for (name, place), norm, activation in itertools.product(positions.items(), ("before", "after"), ("relu", "gelu")):
        yield (
            f"transformer-{name}-{norm}-{activation}",
            tiny_transformer(positions=place, norm=norm, activation=activation),
        )
    for tied in ("none", "all"):
        yield f"transformer-tied-{tied}", tiny_transformer(tied_embeddings=tied)
    yield "transformer-1+3", tiny_transformer(encoder_layers=1, decoder_layers=3)


def _recurrent():
    for cell in ("rnn", "lstm", "gru"):
        yield f"{cell}-no-attention", tiny_recurrent(cell=cell, attention="none")
        for attention, feeding in itertools.product(("additive", "dot", "general", "concat"), (False, True)):
            name = f"{cell}-{attention}" + ("-feeding" if feeding else "")
            yield name, tiny_recurrent(cell=cell, attention=attention, input_feeding=feeding)
        for bridge in ("none", "mean"):
            yield f"{cell}-bridge-{bridge}", tiny_recurrent(cell=cell, bridge=bridge)
    yield "lstm-one-direction", tiny_recurrent(bidirectional=False)
    yield "lstm-no-attention-one-direction", tiny_recurrent(attention="none", bidirectional=False)
    yield "lstm-tied-all", tiny_recurrent(tied_embeddings="all")
    yield "gru-tied-target-feeding", tiny_recurrent(cell="gru", tied_embeddings="target", input_feeding=True)
    yield "lstm-1+3", tiny_recurrent(encoder_layers=1, decoder_layers=3, embedding_dim=12)


TINY = dict(itertools.chain(_transformers(), _recurrent()))


def tiny_model(name):
    torch.manual_seed(0)
    return build_model(TINY[name], SOURCE_VOCABULARY, TARGET_VOCABULARY).eval()
