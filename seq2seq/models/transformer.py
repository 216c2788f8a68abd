"""The transformer (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762).

Departures, each a setting: norms stand before the sublayers unless `norm: after`; positions may be learned or
left out; the inner activation may be GELU.

Shapes: B row, S source, T target, M model width.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from jaxtyping import Bool, Float
from pydantic import BeforeValidator, Discriminator, Field, model_validator
from torch import Tensor, nn

from seq2seq.config import Config
from seq2seq.layers.attention import KeyValue, MultiHeadAttention, causal_mask, padding_mask
from seq2seq.layers.dropout import Dropout
from seq2seq.layers.embedding import TokenEmbedding
from seq2seq.layers.feed_forward import Activation, feed_forward
from seq2seq.layers.positions import LearnedPositions, NoPositions, Positions, SinusoidalPositions
from seq2seq.layers.residual import RESIDUALS, NormPlace, Vectors, last_norm
from seq2seq.layers.stack import Stack
from seq2seq.models.interface import (
    Decoder,
    Encoded,
    Encoder,
    Features,
    SourceMask,
    SourceTokens,
    TargetTokens,
)
from seq2seq.models.state import DecoderState

Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class SinusoidalConfig(Config):
    """Fixed waves (section 3.5 of the paper)."""

    kind: Literal["sinusoidal"] = "sinusoidal"


class LearnedConfig(Config):
    """A trained vector for each position."""

    kind: Literal["learned"] = "learned"
    length: Count = 512
    """Positions that get a vector of their own; later ones share the last."""


class NoPositionsConfig(Config):
    """No order at all."""

    kind: Literal["none"] = "none"


def _named(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


PositionsConfig = Annotated[
    SinusoidalConfig | LearnedConfig | NoPositionsConfig, Discriminator("kind"), BeforeValidator(_named)
]


class TransformerConfig(Config):
    """By default the base model of the paper, with norms before the sublayers."""

    kind: Literal["transformer"] = "transformer"
    encoder_layers: Count = 6
    decoder_layers: Count = 6
    model_dim: Count = 512
    feed_forward_dim: Count = 2048
    num_heads: Count = 8
    norm: NormPlace = "before"
    positions: PositionsConfig = SinusoidalConfig()
    """`sinusoidal`, `learned` or `none`; `{kind: learned, length: 256}` sets the length of the table."""
    activation: Activation = "relu"
    dropout: Share = 0.1
    """Of embeddings and of what each sublayer adds."""
    attention_dropout: Share = 0.0
    """Of attention weights."""
    activation_dropout: Share = 0.0
    """Of the inner activations of the feed-forward networks."""
    word_dropout: Share = 0.0
    """Of whole token vectors."""
    tied_embeddings: Literal["none", "target", "all"] = "target"
    """Which of source embedding, target embedding and output share one matrix: none, the last two, all three."""

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> "TransformerConfig":
        if self.model_dim % self.num_heads:
            raise ValueError(f"model_dim must be a multiple of num_heads ({self.num_heads}), not {self.model_dim}")
        return self


@dataclass(frozen=True)
class TransformerMemory:
    """The source, as each decoder layer will look at it."""

    attended: tuple[KeyValue, ...]  # one per layer
    mask: Bool[Tensor, "row 1 1 source"]


TransformerState = DecoderState[TransformerMemory, tuple[KeyValue, ...]]


class TransformerEmbedding(nn.Module):
    """Token vectors times the root of their width (section 3.4), and their positions."""

    def __init__(self, config: TransformerConfig, vocabulary: int) -> None:
        super().__init__()
        self.tokens = TokenEmbedding(
            vocabulary, config.model_dim, word_dropout=config.word_dropout, scale=config.model_dim**0.5
        )
        self.positions = _positions(config)
        self.dropout = Dropout(config.dropout)

    def forward(self, tokens: TargetTokens, offset: int = 0) -> Float[Tensor, "row time model"]:
        return self.dropout(self.positions(self.tokens(tokens), offset))

    if TYPE_CHECKING:
        __call__ = forward


def _positions(config: TransformerConfig) -> Positions:
    match config.positions:
        case SinusoidalConfig():
            return SinusoidalPositions()
        case LearnedConfig(length=length):
            return LearnedPositions(length, config.model_dim)
        case NoPositionsConfig():
            return NoPositions()


def _attention(config: TransformerConfig) -> MultiHeadAttention:
    return MultiHeadAttention(config.model_dim, config.num_heads, config.attention_dropout)


def _feed_forward(config: TransformerConfig) -> nn.Sequential:
    return feed_forward(config.model_dim, config.feed_forward_dim, config.activation, config.activation_dropout)


class EncoderLayer(nn.Module):
    """Every source position looks at every other, then thinks for itself."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        residual = RESIDUALS[config.norm]
        self.attention = _attention(config)
        self.around_attention = residual(config.model_dim, config.dropout)
        self.feed_forward = _feed_forward(config)
        self.around_feed_forward = residual(config.model_dim, config.dropout)

    def forward(self, x: Vectors, mask: Bool[Tensor, "row 1 1 time"]) -> Vectors:
        inner = self.around_attention.enter(x)
        queries, seen = self.attention.project_all(inner)
        x = self.around_attention.leave(x, self.attention.mix(queries, seen, mask))
        inner = self.around_feed_forward.enter(x)
        return self.around_feed_forward.leave(x, self.feed_forward(inner))

    if TYPE_CHECKING:
        __call__ = forward


class TransformerEncoder(Encoder):
    """The whole source at once."""

    def __init__(self, config: TransformerConfig, vocabulary: int) -> None:
        super().__init__()
        self.output_dim = config.model_dim
        self.embedding = TransformerEmbedding(config, vocabulary)
        self.layers: Stack[EncoderLayer] = Stack(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.norm = last_norm(config.norm, config.model_dim)

    def forward(self, source: SourceTokens, source_mask: SourceMask) -> Encoded:
        x = self.embedding(source)
        for layer in self.layers:
            x = layer(x, padding_mask(source_mask))
        return self.norm(x)


class DecoderLayer(nn.Module):
    """Every target position looks at those before it, then at the source, then thinks for itself."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        residual = RESIDUALS[config.norm]
        self.self_attention = _attention(config)
        self.around_self_attention = residual(config.model_dim, config.dropout)
        self.source_attention = _attention(config)
        self.around_source_attention = residual(config.model_dim, config.dropout)
        self.feed_forward = _feed_forward(config)
        self.around_feed_forward = residual(config.model_dim, config.dropout)

    def read(self, encoded: Encoded) -> KeyValue:
        """The source, as this layer will look at it."""
        return self.source_attention.project(encoded)

    def forward(
        self, x: Vectors, source: KeyValue, source_mask: Bool[Tensor, "row 1 1 source"], past: KeyValue
    ) -> tuple[Vectors, KeyValue]:
        """What follows `x`, and the keys and values of the past and of `x`."""
        inner = self.around_self_attention.enter(x)
        queries, new = self.self_attention.project_all(inner)
        seen = past.append(new)
        mask = causal_mask(x.size(1), past.length, x.device)
        x = self.around_self_attention.leave(x, self.self_attention.mix(queries, seen, mask))
        inner = self.around_source_attention.enter(x)
        x = self.around_source_attention.leave(x, self.source_attention(inner, source, source_mask))
        inner = self.around_feed_forward.enter(x)
        return self.around_feed_forward.leave(x, self.feed_forward(inner)), seen

    if TYPE_CHECKING:
        __call__ = forward


class TransformerDecoder(Decoder[TransformerState]):
    """All target positions at once in training; one after another, with cached keys, in a search."""

    def __init__(self, config: TransformerConfig, vocabulary: int) -> None:
        super().__init__()
        self.output_dim = config.model_dim
        self.embedding = TransformerEmbedding(config, vocabulary)
        self.layers: Stack[DecoderLayer] = Stack(DecoderLayer(config) for _ in range(config.decoder_layers))
        self.norm = last_norm(config.norm, config.model_dim)

    def start(self, encoded: Encoded, source_mask: SourceMask) -> TransformerState:
        attended = tuple(layer.read(encoded) for layer in self.layers)
        memory = TransformerMemory(attended, padding_mask(source_mask))
        return DecoderState(memory, tuple(layer.before_first() for layer in attended))

    def forward(self, target: TargetTokens, state: TransformerState) -> tuple[Features, TransformerState]:
        x = self.embedding(target, offset=state.history[0].length)
        history = []
        for layer, source, past in zip(self.layers, state.memory.attended, state.history, strict=True):
            x, seen = layer(x, source, state.memory.mask, past)
            history.append(seen)
        return self.norm(x), DecoderState(state.memory, tuple(history))


def initialise_transformer(model: nn.Module) -> None:
    """Set the starting weights: all in one place.

    linear: Glorot uniform (Glorot & Bengio 2010), biases zero; keys and values each as a map of their own
    embeddings: normal, deviation width ** -0.5, so that scaled ones (section 3.4) have unit variance
    norms: one and zero, as torch makes them
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)
    for module in model.modules():
        if isinstance(module, MultiHeadAttention):
            for half in module.key_value.weight.chunk(2):
                nn.init.xavier_uniform_(half)
