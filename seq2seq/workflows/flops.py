"""Floating-point operations of training on a text, with the products between tokens inside attention.

Those of weights are counted as in `seq2seq.workflows.info`. A layer of attention multiplies each query with each key
and each weight with each value, 2 operations a number of their width either time, and twice as much backward: 12 in
all (Kaplan et al. 2020, table 1, has the forward part). A causal mask saves nothing, because it is laid over the
whole product. Padding is not counted.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from seq2seq.layers.attention import MultiHeadAttention
from seq2seq.layers.recurrent_attention import RecurrentAttention
from seq2seq.models.interface import EncoderDecoder
from seq2seq.workflows.info import flops_per_token

FLOPS_A_CELL = 12  # of a query and a key, for each number of their width

Lengths = NDArray[np.integer]


def flops_a_target_token(model: EncoderDecoder[Any], source_lengths: Lengths, target_lengths: Lengths) -> float:
    """Operations, forward and backward, a target token over sentences of such lengths."""
    source, target = source_lengths.astype(np.float64), target_lengths.astype(np.float64)
    weights = flops_per_token(model)
    total = weights["source"] * source.sum() + weights["target"] * target.sum()
    cells = {"source": source @ source, "target": target @ target, "both": source @ target}
    for sides in attended_sides(model):
        total += FLOPS_A_CELL * model.decoder.output_dim * cells[sides]
    return float(total / target.sum())


def attended_sides(model: nn.Module) -> list[str]:
    """Of each layer of attention, whether it looks within the source, within the target, or from one to the other."""
    found = []
    for name, module in model.named_modules():
        if isinstance(module, RecurrentAttention) or (isinstance(module, MultiHeadAttention) and "source" in name):
            found.append("both")
        elif isinstance(module, MultiHeadAttention):
            found.append("source" if name.startswith("encoder") else "target")
    return found
