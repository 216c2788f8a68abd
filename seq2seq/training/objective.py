"""Cross entropy with label smoothing, as a sum and a token count, fused with the projection to the vocabulary.

Label smoothing: Szegedy et al. 2016, section 7 (https://arxiv.org/abs/1512.00567): the target distribution is
1 - epsilon on the reference token and epsilon spread evenly over the vocabulary. The `token x vocabulary` logits
exist for one chunk of tokens at a time, and their gradient is made in the same pass (as in Hsu et al. 2024,
section 3, https://arxiv.org/abs/2410.10989): less memory, and the chunk stays in cache.

torch.nn.functional.linear_cross_entropy does the same without smoothing; with it, it makes all logits.

Shapes: N token (of all rows), C token of a chunk, M width, V vocabulary.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from seq2seq.data.batches import Batch
from seq2seq.models.interface import EncoderDecoder
from seq2seq.tokens import SPECIAL

CHUNK_CELLS = 4_000_000  # logits at a time: 16 MB in float32


class LossSum(NamedTuple):
    """What training minimises and what is reported, summed over target tokens, in nats."""

    smoothed: Float[Tensor, ""]
    likelihood: Float[Tensor, ""]  # negative log-likelihood, without smoothing and without a gradient


def batch_loss(model: EncoderDecoder[Any], batch: Batch, label_smoothing: float) -> LossSum:
    """The loss of each target token of `batch` given those before it, summed; padding costs nothing."""
    features = model.features(batch.source, batch.source_mask, batch.target[:, :-1])
    projection = model.output
    return projected_loss(
        features.flatten(0, 1), projection.weight, projection.bias, batch.target[:, 1:].flatten(), label_smoothing
    )


class BatchLoss(nn.Module):
    """`batch_loss` as a module, for those that have to see the forward pass begin."""

    def __init__(self, model: EncoderDecoder[Any], label_smoothing: float) -> None:
        super().__init__()
        self.model, self.label_smoothing = model, label_smoothing

    def forward(self, batch: Batch) -> LossSum:
        return batch_loss(self.model, batch, self.label_smoothing)


def projected_loss(
    features: Float[Tensor, "token width"],
    weight: Float[Tensor, "vocabulary width"],
    bias: Float[Tensor, " vocabulary"],
    target: Int[Tensor, " token"],
    label_smoothing: float,
) -> LossSum:
    """Cross entropy of softmax(features weight' + bias) with `target`; where that is padding it is zero.

    Under autocast the two large products run in its type, the softmax and the sums in float32.
    """
    device = features.device.type
    low = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else features.dtype
    with torch.autocast(device, enabled=False):
        return LossSum(*_ProjectedLoss.apply(features, weight, bias, target, label_smoothing, low))


class _ProjectedLoss(torch.autograd.Function):
    """Computes the gradients in `forward`, chunk by chunk, and hands them out in `backward`.

    The gradient of the logits is softmax - (1 - epsilon) onehot - epsilon / V for a token that counts, else zero. The
    last term and the zeros are brought in where the matrices are `width` wide: a pass over the logits costs far more.
    """

    @staticmethod
    def forward(  # noqa: PLR0913, PLR0917 - autograd passes everything by position
        ctx: Any, features: Tensor, weight: Tensor, bias: Tensor, target: Tensor, epsilon: float, low: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        exact = torch.promote_types(features.dtype, torch.float32)
        counts = (target != SPECIAL.padding).to(exact)
        counted, mean_weight = features * counts.unsqueeze(1), weight.mean(dim=0, dtype=exact)
        low_counted, low_weight, summed = counted.to(low), weight.to(low), counted.sum(dim=0, dtype=exact)
        d_features, d_weight, d_bias = torch.empty_like(features), torch.zeros_like(weight), torch.zeros_like(bias)
        reference, normaliser = torch.empty_like(counts), torch.empty_like(counts)
        wanted = any(ctx.needs_input_grad)
        for chunk in _chunks(len(target), max(1, CHUNK_CELLS // len(weight))):
            logits = (features[chunk].to(low) @ low_weight.T).to(exact).add_(bias)
            reference[chunk], normaliser[chunk], d_logits = _chunk_loss(logits, target[chunk], epsilon)
            if wanted:
                d_low = d_logits.to(low)
                d_features[chunk] = d_low @ low_weight
                d_weight += d_low.T @ low_counted[chunk]
                d_bias += d_logits.T @ counts[chunk]
        if wanted:
            d_features.sub_(epsilon * mean_weight).mul_(counts.unsqueeze(1))
            d_weight.sub_(epsilon / len(weight) * summed)
            d_bias.sub_(epsilon / len(weight) * counts.sum())
        ctx.save_for_backward(d_features, d_weight, d_bias)
        likelihood = (normaliser - reference) @ counts
        uniform = normaliser @ counts - summed @ mean_weight - bias.mean() * counts.sum()
        ctx.mark_non_differentiable(likelihood)
        return (1 - epsilon) * likelihood + epsilon * uniform, likelihood

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_smoothed: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        gradients = (saved * d_smoothed.to(saved.dtype) for saved in ctx.saved_tensors)
        return (*gradients, None, None, None)


def _chunks(length: int, size: int) -> Iterator[slice]:
    return (slice(first, first + size) for first in range(0, length, size))


def _chunk_loss(
    logits: Float[Tensor, "chunk vocabulary"], target: Int[Tensor, " chunk"], epsilon: float
) -> tuple[Float[Tensor, " chunk"], Float[Tensor, " chunk"], Float[Tensor, "chunk vocabulary"]]:
    """The logit of each `target`, the logarithm of the softmax's denominator, and softmax - (1 - epsilon) onehot."""
    places = target.unsqueeze(1)
    reference, highest = logits.gather(1, places).squeeze(1), logits.amax(dim=1)
    softmax = torch.softmax(logits, dim=1, out=logits)  # one pass, and one `exp` a logit
    normaliser = highest - softmax.amax(dim=1).log()
    return reference, normaliser, softmax.scatter_add_(1, places, softmax.new_full((), epsilon - 1).expand_as(places))
