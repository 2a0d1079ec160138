"""What a prompt cache saves: price, and arithmetic, of a session whose requests repeat their prefix."""

from __future__ import annotations

from dataclasses import dataclass

from floorplan.accelerator.llm import LlmModel
from floorplan.accelerator.workloads.trace import Workload, WorkloadError

__all__ = ["READ_PRICE_FRAC", "WRITE_PRICE_FRAC", "CacheSaving", "compute_saving", "input_price_frac"]

READ_PRICE_FRAC = 0.1
"""Price of a cached input token over a fresh one: "approximately 90 %" off (NVIDIA, agentic inference blog, 2026)."""

WRITE_PRICE_FRAC = 1.25
"""Price of writing a token into the cache over a fresh one (reference/accelerator.md 1.5; a provider's price list)."""


def input_price_frac(
    hit_rate: float, *, read_price_frac: float = READ_PRICE_FRAC, write_price_frac: float = 1.0
) -> float:
    """Return the price of input with a prompt cache over that without one: (1 - h) write + h read.

    At a hit rate of 0.95 it is 0.145, i.e. 6.9 times cheaper; 6.35 times where writing into the cache costs
    `WRITE_PRICE_FRAC`, the one reading under which "about 85 %" and "roughly 6x" of the source both hold.

    Raises:
        WorkloadError: the hit rate is no share, or a price is negative.
    """
    if not 0.0 <= hit_rate <= 1.0:
        raise WorkloadError(f"a hit rate of {hit_rate} is outside 0..1")
    if read_price_frac < 0.0 or write_price_frac < 0.0:
        raise WorkloadError("a price is negative")
    return (1.0 - hit_rate) * write_price_frac + hit_rate * read_price_frac


@dataclass(frozen=True)
class CacheSaving:
    """Prefill arithmetic of a trace with and without its prompt cache.

    Attributes:
        cached_flops: with every repeated prefix found in the cache.
        uncached_flops: with all input processed anew on every request.
    """

    cached_flops: float
    uncached_flops: float

    @property
    def factor(self) -> float:
        """How many times less is computed with the cache."""
        return self.uncached_flops / self.cached_flops


def compute_saving(workload: Workload, model: LlmModel) -> CacheSaving:
    """Return what a prompt cache saves in FLOP, which is not what it saves in price: attention to the prefix stays."""
    cached = uncached = 0.0
    for new, prefix in zip(workload.new_tokens.tolist(), workload.prefix_tokens.tolist(), strict=True):
        cached += model.prefill_flops(new, prefix)
        uncached += model.prefill_flops(new + prefix, 0)
    return CacheSaving(cached, uncached)
