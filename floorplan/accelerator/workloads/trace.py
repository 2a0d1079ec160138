"""A workload as a trace of requests: what each one brings, finds in the cache and writes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from floorplan.errors import FloorplanError

__all__ = ["MAIN_AGENT", "Workload", "WorkloadError"]

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

MAIN_AGENT = 0


class WorkloadError(FloorplanError):
    """A trace contradicts itself: negative tokens, arrays of unequal length, a share outside 0..1."""


@dataclass(frozen=True, eq=False)
class Workload:
    """Requests in the order in which they were sent; R of them.

    Attributes:
        name: key in `WORKLOADS`.
        about: what is done, in one sentence.
        source: where the numbers come from; assumptions are called so.
        new_tokens: (R,) int64, input that no earlier request of the session has sent.
        prefix_tokens: (R,) int64, input that repeats an earlier request and may sit in a prompt cache.
        output_tokens: (R,) int64, tokens that the model writes.
        agent: (R,) int64, who asks: `MAIN_AGENT`, or the number of a sub-agent.
        duration_s: how long one session takes; 0 = unknown.
        measured: whether the totals are those of a published measurement.
    """

    name: str
    about: str
    source: str
    new_tokens: I64
    prefix_tokens: I64
    output_tokens: I64
    agent: I64
    duration_s: float = 0.0
    measured: bool = False

    def __post_init__(self) -> None:
        arrays = (self.new_tokens, self.prefix_tokens, self.output_tokens, self.agent)
        if len({a.shape for a in arrays}) != 1 or self.new_tokens.ndim != 1 or len(self.new_tokens) == 0:
            raise WorkloadError(f"workload {self.name}: the arrays of a trace have one equal, positive length")
        if any((a < 0).any() for a in arrays):
            raise WorkloadError(f"workload {self.name}: negative token counts")
        if (self.input_tokens < 1).any() or (self.output_tokens < 1).any():
            raise WorkloadError(f"workload {self.name}: every request reads and writes at least one token")
        for a in arrays:
            a.setflags(write=False)

    def __len__(self) -> int:
        return len(self.new_tokens)

    @property
    def input_tokens(self) -> I64:
        """(R,) all input of a request: the context it arrives with."""
        return self.new_tokens + self.prefix_tokens

    @property
    def final_tokens(self) -> I64:
        """(R,) context when a request has been answered; what its cache must be able to hold."""
        return self.input_tokens + self.output_tokens

    @property
    def peak_context(self) -> int:
        """The longest context that any request reaches."""
        return int(self.final_tokens.max())

    @property
    def mean_decode_context(self) -> int:
        """The context that a decoded token sees on average, over all tokens that are written."""
        seen = (self.input_tokens + self.output_tokens / 2.0) * self.output_tokens
        return round(float(seen.sum() / self.output_tokens.sum()))

    @property
    def hit_rate(self) -> float:
        """Share of the input that repeats an earlier request: the best rate a prompt cache can have."""
        return float(self.prefix_tokens.sum() / self.input_tokens.sum())

    @property
    def input_per_output(self) -> float:
        """Input tokens, repeated ones included, for each token written."""
        return float(self.input_tokens.sum() / self.output_tokens.sum())

    def of(self, agent: int) -> Workload:
        """Return only what one agent asked."""
        return self._pick(self.agent == agent, f"{self.name}:{agent}")

    def main(self) -> Workload:
        """Return only what the main agent asked."""
        return self.of(MAIN_AGENT)

    def cached(self, found_frac: float) -> Workload:
        """Return the same requests to a server that finds only this share of every prefix in its cache.

        Raises:
            WorkloadError: `found_frac` is outside 0..1.
        """
        if not 0.0 <= found_frac <= 1.0:
            raise WorkloadError(f"a share of {found_frac} found in the cache is outside 0..1")
        found = np.floor(self.prefix_tokens * found_frac).astype(np.int64)
        return replace(self, new_tokens=self.input_tokens - found, prefix_tokens=found)

    def uncached(self) -> Workload:
        """Return the same requests to a server without a prompt cache: all input is new."""
        return self.cached(0.0)

    def _pick(self, which: npt.NDArray[np.bool_], name: str) -> Workload:
        return replace(
            self,
            name=name,
            new_tokens=self.new_tokens[which],
            prefix_tokens=self.prefix_tokens[which],
            output_tokens=self.output_tokens[which],
            agent=self.agent[which],
        )
