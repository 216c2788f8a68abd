"""From a configuration to a model: the one place that lists the architectures."""

from typing import Annotated, Any, assert_never

from pydantic import Discriminator
from torch import nn

from seq2seq.errors import ConfigError
from seq2seq.layers.embedding import TokenEmbedding
from seq2seq.models.interface import Decoder, Encoder, EncoderDecoder
from seq2seq.models.recurrent import (
    RecurrentConfig,
    RecurrentEncoder,
    initialise_recurrent,
    recurrent_decoder,
)
from seq2seq.models.transformer import (
    TransformerConfig,
    TransformerDecoder,
    TransformerEncoder,
    initialise_transformer,
)

ModelConfig = Annotated[TransformerConfig | RecurrentConfig, Discriminator("kind")]


def build_model(
    config: TransformerConfig | RecurrentConfig, source_vocabulary: int, target_vocabulary: int
) -> EncoderDecoder[Any]:
    """The model that `config` describes, with its starting weights.

    Raises ConfigError when all embeddings are to be tied and the two vocabularies differ in size.
    """
    encoder, decoder = _halves(config, source_vocabulary, target_vocabulary)
    output = nn.Linear(decoder.output_dim, target_vocabulary)
    model = EncoderDecoder(encoder, decoder, output)
    match config:
        case TransformerConfig():
            initialise_transformer(model)
        case RecurrentConfig():
            initialise_recurrent(model)
        case _:
            assert_never(config)
    _tie(model, config.tied_embeddings)
    return model


def _halves(
    config: TransformerConfig | RecurrentConfig, source_vocabulary: int, target_vocabulary: int
) -> tuple[Encoder, Decoder[Any]]:
    match config:
        case TransformerConfig():
            return TransformerEncoder(config, source_vocabulary), TransformerDecoder(config, target_vocabulary)
        case RecurrentConfig():
            return RecurrentEncoder(config, source_vocabulary), recurrent_decoder(config, target_vocabulary)
        case _:
            assert_never(config)


def _tie(model: EncoderDecoder[Any], tied: str) -> None:
    """Let the output share the target embedding's matrix, or all three one (Press & Wolf 2017)."""
    if tied == "none":
        return
    (source,) = (m for m in model.encoder.modules() if isinstance(m, TokenEmbedding))
    (target,) = (m for m in model.decoder.modules() if isinstance(m, TokenEmbedding))
    model.output.weight = target.table.weight
    if tied == "all":
        if source.table.weight.shape != target.table.weight.shape:
            raise ConfigError(
                "model: tied_embeddings: 'all' needs one vocabulary for both languages,"
                f" not {source.table.num_embeddings} and {target.table.num_embeddings} entries;"
                " set tokenizer.joint: true, or tied_embeddings: target"
            )
        source.table.weight = target.table.weight
