"""Floating-point operations of training: forward and backward, padding not counted.

Each weight that a token meets in a matrix product is 6: 2 forward and 4 backward (Kaplan et al. 2020, "Scaling Laws
for Neural Language Models", section 2.1). Look-ups of embeddings are none; what is done once a sentence (a bridge)
counts as done for each target token, and so does all of the matrix of `concat` attention.

A layer of attention multiplies each query with each key and each weight with each value, 2 operations a number of
their width either time, and twice as much backward: 12 in all (the same, table 1, has the forward part). A causal mask
saves nothing, because it is laid over the whole product.
"""

from typing import Any

from torch import nn

from seq2seq.data.lengths import Lengths
from seq2seq.layers.attention import MultiHeadAttention
from seq2seq.layers.recurrent_attention import RecurrentAttention
from seq2seq.models.interface import EncoderDecoder

FLOPS_A_WEIGHT = 6  # of a token
FLOPS_A_CELL = 12  # of a query and a key, for each number of their width

READ_SOURCE = ("source_attention.key_value.", "attention.key.", "attention.weight.")  # maps of a decoder's memory


def flops_per_token(model: nn.Module) -> dict[str, int]:
    """Operations of a token on either side for the weights that it meets."""
    weights = {"source": 0, "target": 0}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if parameter.dim() > 1 and ".embedding." not in name:
            of_source = name.startswith("encoder.") or any(part in name for part in READ_SOURCE)
            weights["source" if of_source else "target"] += parameter.numel()
    return {side: FLOPS_A_WEIGHT * count for side, count in weights.items()}


def flops_a_target_token(model: EncoderDecoder[Any], lengths: Lengths) -> float:
    """Operations, forward and backward, a target token over sentences of such lengths."""
    weights = flops_per_token(model)
    total = weights["source"] * lengths.source_tokens + weights["target"] * lengths.target_tokens
    cells = {"source": lengths.source_squares, "target": lengths.target_squares, "both": lengths.products}
    for sides in attended_sides(model):
        total += FLOPS_A_CELL * model.decoder.output_dim * cells[sides]
    return total / lengths.target_tokens


def attended_sides(model: nn.Module) -> list[str]:
    """Of each layer of attention, whether it looks within the source, within the target, or from one to the other."""
    found = []
    for name, module in model.named_modules():
        if isinstance(module, RecurrentAttention) or (isinstance(module, MultiHeadAttention) and "source" in name):
            found.append("both")
        elif isinstance(module, MultiHeadAttention):
            found.append("source" if name.startswith("encoder") else "target")
    return found
