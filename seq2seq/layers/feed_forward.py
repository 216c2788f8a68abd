"""Position-wise feed-forward networks (Vaswani et al. 2017, section 3.3)."""

from typing import Literal

from torch import nn

from seq2seq.layers.dropout import Dropout

Activation = Literal["relu", "gelu"]
ACTIVATIONS: dict[Activation, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU}


def feed_forward(model_dim: int, inner_dim: int, activation: Activation, dropout: float) -> nn.Sequential:
    """Two linear maps with `activation` and, in training, `dropout` of the activations between."""
    return nn.Sequential(
        nn.Linear(model_dim, inner_dim),
        ACTIVATIONS[activation](),
        Dropout(dropout),
        nn.Linear(inner_dim, model_dim),
    )
