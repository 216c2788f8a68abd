"""Multi-head attention (Vaswani et al. 2017, section 3.2, https://arxiv.org/abs/1706.03762).

Shapes: B row, Q query, K key, H head, D head width, M model width.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

Queries = Float[Tensor, "row head query width"]


@dataclass(frozen=True)
class KeyValue:
    """The projected positions that queries may attend to."""

    keys: Float[Tensor, "row head key width"]
    values: Float[Tensor, "row head key width"]

    def append(self, new: "KeyValue") -> "KeyValue":
        """These positions and, after them, the `new` ones."""
        if not self.length:
            return new
        return KeyValue(torch.cat((self.keys, new.keys), dim=2), torch.cat((self.values, new.values), dim=2))

    def before_first(self) -> "KeyValue":
        """No position at all, of the same rows, heads and widths."""
        return KeyValue(self.keys[:, :, :0], self.values[:, :, :0])

    @property
    def length(self) -> int:
        """How many positions there are."""
        return self.keys.size(2)


class MultiHeadAttention(nn.Module):
    """Queries from one sequence attend to the projected positions of another, or of the same."""

    def __init__(self, model_dim: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        if model_dim % num_heads:
            raise ValueError(f"model_dim must be a multiple of num_heads ({num_heads}), not {model_dim}")
        self.num_heads = num_heads
        self.joined = True  # whether `project_all` may hold a copy of the weights until the pass backwards
        self.dropout = dropout  # of attention weights
        self.query = nn.Linear(model_dim, model_dim)
        self.key_value = nn.Linear(model_dim, 2 * model_dim)  # one product for both
        self.output = nn.Linear(model_dim, model_dim)

    def project(self, attended: Float[Tensor, "row key model"]) -> KeyValue:
        """What queries will see of the positions of `attended`."""
        keys, values = self.key_value(attended).chunk(2, dim=-1)
        return KeyValue(self._split(keys), self._split(values))

    def forward(
        self,
        querying: Float[Tensor, "row query model"],
        attended: KeyValue,
        mask: Bool[Tensor, "#row 1 #query key"] | None = None,
    ) -> Float[Tensor, "row query model"]:
        """For each query the mix of values its weights ask for; `mask` is True where a query may look."""
        return self.mix(self._split(self.query(querying)), attended, mask)

    def project_all(self, x: Float[Tensor, "row time model"]) -> tuple[Queries, KeyValue]:
        """What the positions of `x` ask, and what they show, of one another: one product where that is cheaper."""
        if x.size(1) == 1 or not self.joined:  # for a step of a search, joining the weights costs more than it saves
            return self._split(self.query(x)), self.project(x)
        weight = torch.cat((self.query.weight, self.key_value.weight))
        bias = torch.cat((self.query.bias, self.key_value.bias))
        queries, keys, values = F.linear(x, weight, bias).chunk(3, dim=-1)
        return self._split(queries), KeyValue(self._split(keys), self._split(values))

    def mix(
        self, queries: Queries, attended: KeyValue, mask: Bool[Tensor, "#row 1 #query key"] | None = None
    ) -> Float[Tensor, "row query model"]:
        """`forward`, of queries that are projected already."""
        mixed = F.scaled_dot_product_attention(
            queries,
            attended.keys,
            attended.values,
            attn_mask=mask,
            dropout_p=self.dropout if self.training else 0.0,
        )
        return self.output(mixed.transpose(1, 2).flatten(2))  # B H Q D -> B Q M

    if TYPE_CHECKING:
        __call__ = forward

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # B Q M -> B H Q D


def causal_mask(new: int, past: int, device: torch.device) -> Bool[Tensor, "1 1 query key"] | None:
    """Query i of the `new` positions sees the `past` ones and the new ones up to itself; None if all see all."""
    if new == 1:
        return None
    return torch.ones(1, 1, new, past + new, dtype=torch.bool, device=device).tril(diagonal=past)


def padding_mask(source_mask: Bool[Tensor, "row source"]) -> Bool[Tensor, "row 1 1 source"]:
    """The mask under which every head and query sees the tokens and none the padding."""
    return source_mask[:, None, None, :]
