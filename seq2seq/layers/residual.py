"""A residual connection around a sublayer, with its layer norm before or after.

After: Vaswani et al. 2017, section 3.1, norm(x + f(x)). Before: Xiong et al. 2020, section 3.1
(https://arxiv.org/abs/2002.04745), x + f(norm(x)); a stack of these ends in one more norm.
"""

from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from seq2seq.layers.dropout import Dropout

NormPlace = Literal["before", "after"]
Vectors = Float[Tensor, "row time model"]


class NormBefore(nn.Module):
    """x + dropout(f(norm(x))), of which the caller computes f."""

    def __init__(self, model_dim: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(model_dim)
        self.dropout = Dropout(dropout)

    def enter(self, x: Vectors) -> Vectors:
        """What the sublayer reads."""
        return self.norm(x)

    def leave(self, x: Vectors, update: Vectors) -> Vectors:
        """What follows, `update` being what the sublayer made of `enter(x)`."""
        return x + self.dropout(update)


class NormAfter(nn.Module):
    """norm(x + dropout(f(x))), of which the caller computes f."""

    def __init__(self, model_dim: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(model_dim)
        self.dropout = Dropout(dropout)

    def enter(self, x: Vectors) -> Vectors:
        """What the sublayer reads."""
        return x

    def leave(self, x: Vectors, update: Vectors) -> Vectors:
        """What follows, `update` being what the sublayer made of `enter(x)`."""
        return self.norm(x + self.dropout(update))


RESIDUALS: dict[NormPlace, type[NormBefore] | type[NormAfter]] = {"before": NormBefore, "after": NormAfter}


def last_norm(place: NormPlace, model_dim: int) -> nn.Module:
    """What ends a stack of residual layers: a norm, unless each layer already ends in one."""
    return nn.LayerNorm(model_dim) if place == "before" else nn.Identity()
