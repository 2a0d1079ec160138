"""Attention of one layer: what it stores per token, what it computes per query-key pair, what it weighs."""

from __future__ import annotations

from dataclasses import dataclass

from floorplan.accelerator.llm.operators import attended_keys
from floorplan.errors import FloorplanError

__all__ = ["Attention", "ShapeError"]

_KINDS = ("mha", "gqa", "mqa", "mla")


class ShapeError(FloorplanError):
    """A model's shape contradicts itself, or a token count is negative."""


@dataclass(frozen=True)
class Attention:
    """Shape of a model's attention layers.

    MLA keeps one latent and one rotary key per token for all heads. Its `absorbed` form multiplies queries into the
    latent; its naive form stores and reads the keys and values of every head (DeepSeek-V3 inference/model.py has both).

    Attributes:
        kind: "mha", "gqa", "mqa" or "mla".
        heads: query heads.
        kv_heads: heads of keys and values; for "mla" that of the naive form, i.e. `heads`.
        head_dim: width of a query head (for "mla" nope + rope).
        latent_dim: compressed width of keys and values ("mla").
        rope_dim: width of the shared rotary key ("mla").
        nope_dim: width of a head's key without position ("mla").
        value_dim: width of a head's value ("mla").
        q_rank: compressed width of queries ("mla"); 0 = full rank.
        window: tokens that a windowed layer sees, itself included; 0 = no layer is windowed.
        windowed_layers: how many layers see no further than `window`.
    """

    kind: str
    heads: int
    kv_heads: int
    head_dim: int
    latent_dim: int = 0
    rope_dim: int = 0
    nope_dim: int = 0
    value_dim: int = 0
    q_rank: int = 0
    window: int = 0
    windowed_layers: int = 0

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ShapeError(f"attention kind {self.kind!r} is none of {', '.join(_KINDS)}")
        if min(self.heads, self.kv_heads, self.head_dim) < 1 or self.heads % self.kv_heads:
            raise ShapeError(f"{self.heads} query heads do not divide over {self.kv_heads} key-value heads")
        if self.kind in ("mha", "mla") and self.kv_heads != self.heads:
            raise ShapeError(f"{self.kind} has as many key-value heads as query heads, not {self.kv_heads}")
        if self.kind == "mqa" and self.kv_heads != 1:
            raise ShapeError(f"mqa has one key-value head, not {self.kv_heads}")
        if (self.kind == "mla") != (min(self.latent_dim, self.nope_dim, self.value_dim) > 0):
            raise ShapeError("latent, nope and value widths belong to mla, which needs all three")
        if self.kind == "mla" and self.nope_dim + self.rope_dim != self.head_dim:
            raise ShapeError(f"nope {self.nope_dim} + rope {self.rope_dim} is not the head's {self.head_dim}")
        if (self.window > 0) != (self.windowed_layers > 0) or min(self.window, self.windowed_layers) < 0:
            raise ShapeError("a window needs windowed layers, and they a window")

    def params(self, hidden: int) -> int:
        """Return the weights of one layer's projections (norms of the ranks included, biases not)."""
        if self.kind != "mla":
            return 2 * hidden * self.heads * self.head_dim + 2 * hidden * self.kv_heads * self.head_dim
        query = self.heads * self.head_dim
        q = hidden * self.q_rank + self.q_rank * query + self.q_rank if self.q_rank else hidden * query
        down = hidden * (self.latent_dim + self.rope_dim) + self.latent_dim
        return q + down + self.expand_params + self.heads * self.value_dim * hidden

    @property
    def expand_params(self) -> int:
        """Weights that turn a latent into every head's key and value; 0 without a latent."""
        return self.latent_dim * self.heads * (self.nope_dim + self.value_dim)

    def kv_elements(self, *, absorbed: bool = True) -> int:
        """Return the elements that one layer caches for a token."""
        if self.kind != "mla":
            return 2 * self.kv_heads * self.head_dim
        return self.latent_dim + self.rope_dim if absorbed else self.heads * (self.head_dim + self.value_dim)

    def flops_per_key(self, *, absorbed: bool = True) -> int:
        """Return the FLOP of one token's query against one cached token, scores and values, in one layer."""
        if self.kind != "mla":
            return 4 * self.heads * self.head_dim
        return 2 * self.heads * (2 * self.latent_dim + self.rope_dim if absorbed else self.head_dim + self.value_dim)

    def cached_tokens(self, layers: int, context: int) -> int:
        """Return the tokens that all layers together hold at a context: a windowed layer keeps no more than that."""
        if context < 0:
            raise ShapeError(f"a context of {context} tokens")
        return (layers - self.windowed_layers) * context + self.windowed_layers * min(context, self.window)

    def query_key_pairs(self, layers: int, new_tokens: int, prefix_tokens: int) -> int:
        """Return the causal query-key pairs of all layers together for new tokens behind a cached prefix."""
        if min(new_tokens, prefix_tokens) < 0:
            raise ShapeError(f"{new_tokens} new tokens behind a prefix of {prefix_tokens}")
        pairs = (layers - self.windowed_layers) * attended_keys(new_tokens, prefix_tokens)
        if self.windowed_layers:
            pairs += self.windowed_layers * attended_keys(new_tokens, prefix_tokens, self.window)
        return pairs
