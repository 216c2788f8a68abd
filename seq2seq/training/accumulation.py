"""The gradient of an update: a sum over its batches, over processes, and over parts of a batch where memory is short.

All are parts of one sum, divided by the target tokens of the whole update: however its rows are spread, the gradient is
the same. Dropout is drawn by place (see `randomness.py`), so that a pass done anew draws what it drew before.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from seq2seq.data.batches import Batch
from seq2seq.training.memory import beyond_help, cycles_left_alone, halved, is_out_of_memory, release
from seq2seq.training.parallel import Processes
from seq2seq.training.randomness import seed_generators
from seq2seq.training.settings import Precision


class Accumulated(NamedTuple):
    """What is told of an update's gradient."""

    likelihood: Float[Tensor, ""]  # of the target tokens of all processes, summed
    split: int  # times that memory ran out


@dataclass(frozen=True)
class Accumulator:
    """Leaves gradients in the weights of `loss`."""

    loss: nn.Module  # of a batch; its backward pass leaves the mean of all processes' gradients
    device: torch.device
    precision: Precision
    seed: int  # of dropout
    processes: Processes

    def gradient(self, group: list[Batch], update: int) -> Accumulated:
        """Leave the gradient of the mean loss over the target tokens of `group`, after so many updates.

        Where memory runs out it is made anew in smaller parts of each batch; Seq2SeqError where that cannot be.
        """
        found = self._in_parts([[batch] for batch in group], sum(batch.target_tokens for batch in group), update)
        self.processes.add_up(found.likelihood)
        return found

    def _in_parts(self, parts: list[list[Batch]], tokens: int, update: int) -> Accumulated:
        """The same of this process's rows, in parts no larger than there is memory for."""
        split = 0
        while True:
            try:
                with cycles_left_alone():
                    return Accumulated(self._passes(parts, tokens, update), split)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                if self.processes.size > 1:  # the others may have been sent a part of the gradient
                    raise beyond_help(update + 1, self.processes.rank) from None
            # Here, because until it is forgotten the error keeps all that was computed.
            self.loss.zero_grad()
            release(self.device)
            parts = halved(parts, update + 1)
            split += 1

    def _passes(self, parts: list[list[Batch]], tokens: int, update: int) -> Tensor:
        """The likelihood of this process's rows; the gradient is that of all processes."""
        likelihood = torch.zeros((), dtype=torch.float64, device=self.device)
        places = [(index, number) for index, batch in enumerate(parts) for number in range(len(batch))]
        for index, number in places:
            share = index * self.processes.size + self.processes.rank  # so that no two processes draw the same dropout
            seed_generators(self.device, self.seed, update, share, number)
            with self.processes.sending(self.loss, now=(index, number) == places[-1]):
                with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
                    loss = self.loss(parts[index][number].to(self.device))
                # Processes send the mean of their gradients, so that of the sum is divided by that much less.
                (loss.smoothed / (tokens / self.processes.size)).backward()
            likelihood += loss.likelihood
        return likelihood
