"""The one interface of all models: `start` reads the source, `advance` reads the target.

Training reads the whole target at once, a search one position at a time; the same code runs, so what is
trained is what is searched. A decoder returns *features*; the projection to the vocabulary stands apart,
so that the training loss can be computed without the `row x time x vocabulary` logits.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, runtime_checkable

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from seq2seq.models.state import DecoderState

State = TypeVar("State", bound=DecoderState[Any, Any])

SourceTokens = Int[Tensor, "row source"]
SourceMask = Bool[Tensor, "row source"]  # True at a token, False at padding; no row is all False
TargetTokens = Int[Tensor, "row time"]
Encoded = Float[Tensor, "row source width"]
Features = Float[Tensor, "row time width"]
Logits = Float[Tensor, "row time vocabulary"]


@runtime_checkable
class Seq2SeqModel(Protocol[State]):
    """What a search needs of a model, or of several that vote."""

    def start(self, source: SourceTokens, source_mask: SourceMask) -> State:
        """The state before the first target token."""
        ...

    def advance(self, target: TargetTokens, state: State) -> tuple[Logits, State]:
        """Read `target` as the tokens that come next: the logits after each, and the new state."""
        ...


class Encoder(nn.Module, ABC):
    """Turns source tokens into one vector each."""

    output_dim: int

    @abstractmethod
    def forward(self, source: SourceTokens, source_mask: SourceMask) -> Encoded: ...

    if TYPE_CHECKING:
        __call__ = forward


class Decoder(nn.Module, ABC, Generic[State]):
    """Says, of each target position, what the next token's scores are computed from."""

    output_dim: int

    @abstractmethod
    def start(self, encoded: Encoded, source_mask: SourceMask) -> State:
        """The state before the first target token."""

    @abstractmethod
    def forward(self, target: TargetTokens, state: State) -> tuple[Features, State]:
        """Read `target` as the tokens that come next: the features after each, and the new state."""

    if TYPE_CHECKING:
        __call__ = forward


class EncoderDecoder(nn.Module, Generic[State]):
    """An encoder, a decoder and a projection to the target vocabulary as one model."""

    def __init__(self, encoder: Encoder, decoder: Decoder[State], output: nn.Linear) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.output = output

    def start(self, source: SourceTokens, source_mask: SourceMask) -> State:
        return self.decoder.start(self.encoder(source, source_mask), source_mask)

    def advance(self, target: TargetTokens, state: State) -> tuple[Logits, State]:
        features, state = self.decoder(target, state)
        return self.output(features), state

    def features(self, source: SourceTokens, source_mask: SourceMask, target: TargetTokens) -> Features:
        """What `output` turns into logits, for the whole target at once."""
        return self.decoder(target, self.start(source, source_mask))[0]

    def forward(self, source: SourceTokens, source_mask: SourceMask, target: TargetTokens) -> Logits:
        return self.output(self.features(source, source_mask, target))

    if TYPE_CHECKING:
        __call__ = forward
