"""Recurrent encoder-decoders: RNN, LSTM or GRU, with or without attention, with or without input feeding.

Without attention: Sutskever et al. 2014 (https://arxiv.org/abs/1409.3215), with a bidirectional encoder. With it:
Luong et al. 2015 (https://arxiv.org/abs/1508.04025), section 3, whose section 3.3 is input feeding; scores of
Bahdanau et al. 2015 too. Each of the three is a decoder of its own; a decoder without feeding reads the whole
target in one call of the recurrence, one with it has to go step by step.

Shapes: B row, S source, T target, L layer, M hidden width, E embedding width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor, nn

from seq2seq.config import Config
from seq2seq.layers.dropout import Dropout
from seq2seq.layers.embedding import TokenEmbedding
from seq2seq.layers.recurrent_attention import (
    AdditiveAttention,
    AttendedSource,
    ConcatAttention,
    DotAttention,
    GeneralAttention,
    RecurrentAttention,
    WalkedSource,
)
from seq2seq.layers.recurrent_layers import CELLS, Cell, last_vectors, recurrent_layers
from seq2seq.layers.recurrent_steps import Hidden, SharedLinear, Walk
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


class RecurrentConfig(Config):
    """A recurrent encoder and decoder of one width."""

    kind: Literal["recurrent"] = "recurrent"
    cell: Cell = "lstm"
    encoder_layers: Count = 2
    decoder_layers: Count = 2
    embedding_dim: Count = 512
    hidden_dim: Count = 512
    """Of the decoder, and of the encoder's output: half for each direction where there are two."""
    bidirectional: bool = True
    """Whether the encoder also reads from right to left."""
    attention: Literal["none", "additive", "dot", "general", "concat"] = "general"
    input_feeding: bool = False
    """Whether each step also reads what attention found at the step before; costs parallel training."""
    bridge: Literal["none", "last", "mean"] = "last"
    """What of the encoder's vectors sets the decoder's first state: nothing, the last of each direction, the mean."""
    dropout: Share = 0.2
    """Of embeddings, between layers, and of the decoder's features."""
    word_dropout: Share = 0.0
    """Of whole token vectors."""
    tied_embeddings: Literal["none", "target", "all"] = "none"
    """Which of source embedding, target embedding and output share one matrix: none, the last two, all three."""

    @model_validator(mode="after")
    def _parts_fit(self) -> "RecurrentConfig":
        if self.attention == "none" and self.input_feeding:
            raise ValueError("input_feeding must be false where attention is 'none', not true")
        if self.attention == "none" and self.bridge == "none":
            raise ValueError("bridge must be 'last' or 'mean' where attention is 'none', not 'none'")
        if self.bidirectional and self.hidden_dim % 2:
            raise ValueError(f"hidden_dim must be even for two directions, not {self.hidden_dim}")
        if self.tied_embeddings != "none" and self.embedding_dim != self.hidden_dim:
            raise ValueError(
                f"embedding_dim must be hidden_dim ({self.hidden_dim}) for tied embeddings, not {self.embedding_dim}"
            )
        return self


@dataclass(frozen=True)
class FeedingHistory:
    """Where the recurrence stands, and what attention found last."""

    hidden: Hidden
    attentional: Float[Tensor, "row hidden"]


PlainState = DecoderState[tuple[()], Hidden]
AttentionState = DecoderState[AttendedSource, Hidden]
FeedingState = DecoderState[AttendedSource, FeedingHistory]


class RecurrentEncoder(Encoder):
    """One vector per source token, of what stands before it and, in two directions, after it."""

    def __init__(self, config: RecurrentConfig, vocabulary: int) -> None:
        super().__init__()
        self.output_dim = config.hidden_dim
        self.embedding = TokenEmbedding(vocabulary, config.embedding_dim, word_dropout=config.word_dropout)
        self.dropout = Dropout(config.dropout)
        self.layers = recurrent_layers(
            config.cell,
            (config.embedding_dim, config.hidden_dim),
            config.encoder_layers,
            bidirectional=config.bidirectional,
        )

    def forward(self, source: SourceTokens, source_mask: SourceMask) -> Encoded:
        x = self.embedding(source)
        for layer in self.layers:
            x = layer(self.dropout(x), source_mask)
        return x


class Bridge(nn.Module):
    """The decoder's first state from the encoder's vectors: tanh(W x + b) for each layer and part of it."""

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__()
        self.parts = 2 if config.cell == "lstm" else 1
        self.layers = config.decoder_layers
        self.bidirectional = config.bidirectional
        self.mean = config.bridge == "mean"
        self.linear = nn.Linear(config.hidden_dim, self.parts * self.layers * config.hidden_dim)

    def forward(self, encoded: Encoded, source_mask: SourceMask) -> Hidden:
        first = torch.tanh(self.linear(self._summary(encoded, source_mask)))
        return first.unflatten(1, (self.parts, self.layers, -1)).unbind(dim=1)  # B (P L M) -> P times B L M

    def _summary(self, encoded: Encoded, source_mask: SourceMask) -> Float[Tensor, "row width"]:
        if not self.mean:
            return last_vectors(encoded, source_mask, bidirectional=self.bidirectional)
        total = (encoded * source_mask.unsqueeze(-1)).sum(dim=1)
        return total / source_mask.sum(dim=1, keepdim=True)


class NoBridge(nn.Module):
    """A first state of zeros."""

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__()
        self.parts = 2 if config.cell == "lstm" else 1
        self.layers = config.decoder_layers

    def forward(self, encoded: Encoded, source_mask: SourceMask) -> Hidden:  # noqa: ARG002
        return tuple(encoded.new_zeros(encoded.size(0), self.layers, encoded.size(2)) for _ in range(self.parts))


class TargetReader(nn.Module):
    """Embedding and recurrence of a decoder: what all of them share."""

    def __init__(self, config: RecurrentConfig, vocabulary: int, fed_dim: int) -> None:
        super().__init__()
        self.embedding = TokenEmbedding(vocabulary, config.embedding_dim, word_dropout=config.word_dropout)
        self.dropout = Dropout(config.dropout)
        self.rnn = CELLS[config.cell](
            config.embedding_dim + fed_dim,
            config.hidden_dim,
            config.decoder_layers,
            dropout=config.dropout if config.decoder_layers > 1 else 0.0,
            batch_first=True,
        )
        self.bridge = NoBridge(config) if config.bridge == "none" else Bridge(config)

    def embed(self, target: TargetTokens) -> Float[Tensor, "row time embedding"]:
        return self.dropout(self.embedding(target))

    def read(self, x: Float[Tensor, "row time input"], hidden: Hidden) -> tuple[Features, Hidden]:
        """The recurrence's outputs over `x`, and where it then stands."""
        layers_first = tuple(part.transpose(0, 1).contiguous() for part in hidden)  # as torch.nn wants it
        outputs, last = self.rnn(x, layers_first if len(layers_first) > 1 else layers_first[0])
        parts = last if isinstance(last, tuple) else (last,)
        return outputs, tuple(part.transpose(0, 1) for part in parts)


class PlainDecoder(Decoder[PlainState]):
    """All it knows of the source is its first state."""

    def __init__(self, config: RecurrentConfig, vocabulary: int) -> None:
        super().__init__()
        self.output_dim = config.hidden_dim
        self.reader = TargetReader(config, vocabulary, fed_dim=0)

    def start(self, encoded: Encoded, source_mask: SourceMask) -> PlainState:
        return DecoderState((), self.reader.bridge(encoded, source_mask))

    def forward(self, target: TargetTokens, state: PlainState) -> tuple[Features, PlainState]:
        outputs, hidden = self.reader.read(self.reader.embed(target), state.history)
        return self.reader.dropout(outputs), DecoderState((), hidden)


class AttentionalVector(nn.Module):
    """tanh(W [context; output]) (Luong et al. 2015, equation 5)."""

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__()
        self.attention = _attention(config)
        self.combine = nn.Linear(2 * config.hidden_dim, config.hidden_dim)

    def forward(self, outputs: Features, source: AttendedSource) -> Features:
        context = self.attention(outputs, source)
        return torch.tanh(self.combine(torch.cat((context, outputs), dim=-1)))

    def walk(self, source: AttendedSource) -> Callable[[Float[Tensor, "row hidden"]], Float[Tensor, "row hidden"]]:
        """The same for one output after another, the gradients of what they share made at once."""
        walked, combine = WalkedSource(source), SharedLinear(self.combine.weight, self.combine.bias)

        def step(output: Tensor) -> Tensor:
            context = self.attention(output.unsqueeze(1), walked).squeeze(1)
            return torch.tanh(combine(torch.cat((context, output), dim=1)))

        return step


class AttentionDecoder(Decoder[AttentionState]):
    """Reads the target, then looks back at the source from all its positions at once."""

    def __init__(self, config: RecurrentConfig, vocabulary: int) -> None:
        super().__init__()
        self.output_dim = config.hidden_dim
        self.reader = TargetReader(config, vocabulary, fed_dim=0)
        self.attentional = AttentionalVector(config)

    def start(self, encoded: Encoded, source_mask: SourceMask) -> AttentionState:
        source = self.attentional.attention.read(encoded, source_mask)
        return DecoderState(source, self.reader.bridge(encoded, source_mask))

    def forward(self, target: TargetTokens, state: AttentionState) -> tuple[Features, AttentionState]:
        outputs, hidden = self.reader.read(self.reader.embed(target), state.history)
        return self.reader.dropout(self.attentional(outputs, state.memory)), DecoderState(state.memory, hidden)


class FeedingDecoder(Decoder[FeedingState]):
    """Looks back at every step and reads, with the next token, what it found (Luong et al. 2015, section 3.3)."""

    def __init__(self, config: RecurrentConfig, vocabulary: int) -> None:
        super().__init__()
        self.output_dim = config.hidden_dim
        self.reader = TargetReader(config, vocabulary, fed_dim=config.hidden_dim)
        self.attentional = AttentionalVector(config)

    def start(self, encoded: Encoded, source_mask: SourceMask) -> FeedingState:
        source = self.attentional.attention.read(encoded, source_mask)
        nothing = encoded.new_zeros(encoded.size(0), self.output_dim)
        return DecoderState(source, FeedingHistory(self.reader.bridge(encoded, source_mask), nothing))

    def forward(self, target: TargetTokens, state: FeedingState) -> tuple[Features, FeedingState]:
        attentional = state.history.attentional
        walk = Walk(self.reader.rnn, self.reader.embed(target), state.history.hidden, self.reader.dropout)
        look = self.attentional.walk(state.memory)
        found = []
        for time in range(target.size(1)):
            attentional = self.reader.dropout(look(walk.step(time, attentional)))  # B M
            found.append(attentional)
        return torch.stack(found, dim=1), DecoderState(state.memory, FeedingHistory(walk.hidden, attentional))


def _attention(config: RecurrentConfig) -> RecurrentAttention:
    width = config.hidden_dim
    match config.attention:
        case "additive":
            return AdditiveAttention(width, width, width)
        case "dot":
            return DotAttention()
        case "general":
            return GeneralAttention(width, width)
        case "concat":
            return ConcatAttention(width, width, width)
        case "none":
            raise ValueError("a decoder without attention asks for one")


def recurrent_decoder(config: RecurrentConfig, vocabulary: int) -> Decoder[Any]:
    """The decoder that `config` describes."""
    if config.attention == "none":
        return PlainDecoder(config, vocabulary)
    return FeedingDecoder(config, vocabulary) if config.input_feeding else AttentionDecoder(config, vocabulary)


def initialise_recurrent(model: nn.Module) -> None:
    """Set the starting weights: all in one place.

    linear, and from input to gates: Glorot uniform (Glorot & Bengio 2010); all biases zero
    from state to gates: orthogonal, gate by gate (Saxe et al. 2014), so that a plain RNN's memory starts out lossless
    LSTM forget gate: bias one (Jozefowicz et al. 2015, section 2.2)
    embeddings: normal, deviation width ** -0.5
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)
        elif isinstance(module, nn.RNNBase):
            _initialise_gates(module)


@torch.no_grad()
def _initialise_gates(rnn: nn.RNNBase) -> None:
    for name, parameter in rnn.named_parameters():
        gates = parameter.split(rnn.hidden_size)
        if name.startswith("bias"):
            nn.init.zeros_(parameter)
            if isinstance(rnn, nn.LSTM) and name.startswith("bias_ih"):
                gates[1].fill_(1.0)  # torch's order: input, forget, cell, output
        for gate in gates if parameter.dim() > 1 else ():
            (nn.init.orthogonal_ if "weight_hh" in name else nn.init.xavier_uniform_)(gate)
