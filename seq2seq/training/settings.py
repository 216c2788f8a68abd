"""What a recipe says of training."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from seq2seq.config import Config
from seq2seq.training.optimizer import OptimizerConfig
from seq2seq.training.schedule import ScheduleConfig

Count = Annotated[int, Field(ge=1)]
Metric = Literal["loss", "bleu"]
Precision = Literal["fp32", "bf16"]


class TrainingConfig(Config):
    """How long, how fast and by which measure a model is trained."""

    updates: Count = 10_000
    """Optimiser steps in all; the linear and cosine schedules end here."""
    minutes: Annotated[float, Field(gt=0)] | None = None
    """Stop earlier, after so much time in training (validation not counted)."""
    batch_tokens: Count = 4096
    """Cells a batch may have on its longer side: rows times the longest sentence in tokens, padding included."""
    accumulate: Count = 1
    """Batches whose gradients make one update."""
    optimizer: OptimizerConfig = OptimizerConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1
    clip_norm: Annotated[float, Field(gt=0)] | None = 1.0
    """Longest gradient; longer ones are scaled down to it (Pascanu et al. 2013). null: never."""
    max_skipped: Count = 10
    """Updates in a row without a finite loss and gradient, which are not applied, until the training gives up."""
    precision: Precision = "fp32"
    """`bf16`: matrix products in bfloat16 by autocast; weights and sums stay float32."""
    validate_every: Count = 500
    """Updates between validations, each of which also writes a checkpoint."""
    validation_bleu: Annotated[int, Field(ge=0)] = 500
    """Validation sentences translated greedily for BLEU at each validation; 0: none."""
    metric: Metric = "loss"
    """What on the validation set makes a model the best so far."""
    patience: Count | None = None
    """Stop after so many validations without a better one; null: never."""
    average: Annotated[int, Field(ge=0)] = 0
    """At the end average the weights of the last so many validations, and keep that if it is better; 0: no."""
    keep_snapshots: Annotated[int, Field(ge=0)] = 5
    """Validations whose weights are kept for `seq2seq average`."""

    sharded: bool = False
    """Each process keeps only its share of weights, gradients and optimiser state; for models too large for one GPU."""
    deterministic: bool = False
    """On a GPU, only algorithms that give the same bits each time; slower. A CPU has no others here."""
    tensorboard: bool = False
    """Also write the measurements for TensorBoard; needs the extra of that name."""

    @model_validator(mode="after")
    def _parts_fit(self) -> "TrainingConfig":
        if self.metric == "bleu" and self.validation_bleu == 0:
            raise ValueError("validation_bleu must be above 0 where metric is 'bleu', not 0")
        if self.average > self.keep_snapshots:
            raise ValueError(f"keep_snapshots must be at least average ({self.average}), not {self.keep_snapshots}")
        return self
