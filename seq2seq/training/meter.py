"""What the updates since the last report came to, and who hears of it; the device is waited for only when asked."""

import math
import time
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

Record = dict[str, int | float]


@runtime_checkable
class Listener(Protocol):
    """Who wants to know how it goes."""

    def updated(self, record: Record) -> None:
        """Every few updates: update, epoch, loss, learning rate, tokens and seconds since the last."""
        ...

    def validated(self, record: Record) -> None:
        """After a validation: update, epoch, and what the validation found."""
        ...


class Place(NamedTuple):
    """Which batches an update was made of."""

    update: int  # from 1
    epoch: int
    batch: int  # of the epoch, the first of the update
    target_tokens: int
    source_tokens: int


class Measured(NamedTuple):
    """An update and what it gave."""

    place: Place
    likelihood: float  # negative log-likelihood, summed over target tokens
    norm: float  # of the gradient, before it is clipped

    @property
    def applied(self) -> bool:
        """Whether the optimiser took the step: it does not when anything is infinite or no number."""
        return math.isfinite(self.likelihood) and math.isfinite(self.norm)


class Meter:
    """Collects; `updates` waits for the device, `add` does not."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.split = 0  # times that memory ran out
        self._known: list[Measured] = []
        self._waiting: list[tuple[Place, Tensor]] = []

    def add(self, place: Place, measured: Float[Tensor, "2"], seconds: float) -> None:
        """Take in an update: its likelihood and the norm of its gradient."""
        self._waiting.append((place, measured))
        self.seconds += seconds

    def updates(self) -> list[Measured]:
        """All since the last `clear`."""
        if self._waiting:
            values = torch.stack([measured for _, measured in self._waiting]).tolist()
            self._known += [Measured(place, *pair) for (place, _), pair in zip(self._waiting, values, strict=True)]
            self._waiting.clear()
        return self._known

    def record(self) -> Record:
        """Mean loss in nats a token and mean norm of the gradient over the updates applied; tokens, seconds, faults."""
        waited = time.perf_counter()
        updates = self.updates()
        applied = [each for each in updates if each.applied]
        tokens = sum(each.place.target_tokens for each in applied)
        return {
            "train_loss": sum(each.likelihood for each in applied) / tokens if applied else math.nan,
            "gradient_norm": sum(each.norm for each in applied) / len(applied) if applied else math.nan,
            "target_tokens": sum(each.place.target_tokens for each in updates),
            "source_tokens": sum(each.place.source_tokens for each in updates),
            "skipped": len(updates) - len(applied),
            "split": self.split,
            "seconds": self.seconds + time.perf_counter() - waited,
        }

    def clear(self) -> None:
        """Begin anew."""
        self.seconds, self.split = 0.0, 0
        self._known.clear()
        self._waiting.clear()

    def state(self) -> dict[str, Any]:
        """All that is open, for a checkpoint."""
        return {
            "seconds": self.seconds,
            "split": self.split,
            "updates": [[*each.place, each.likelihood, each.norm] for each in self.updates()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.clear()
        self.seconds, self.split = state.get("seconds", 0.0), state.get("split", 0)
        for *place, likelihood, norm in state.get("updates", []):
            self._known.append(Measured(Place(*place), likelihood, norm))
