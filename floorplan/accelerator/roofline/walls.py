"""The roofline with three walls: compute, bandwidth, and the memory that decides how many requests fit at all.

The classic roofline has no word for a chip that idles because its memory is full (arXiv 2601.22001, figure 1). Here a
request that does not fit is a state of its own: a batch of 0 and the bound "capacity", never an infinity or a NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from floorplan.accelerator.hardware import Hardware
from floorplan.accelerator.llm import LlmModel, Precision
from floorplan.errors import FloorplanError, UnknownNameError

__all__ = [
    "BOUNDS",
    "USABLE_FRAC",
    "Roof",
    "RooflineError",
    "Step",
    "batch_max",
    "chips_needed",
    "requests_that_fit",
    "roof_of",
    "step",
]

BOUNDS = ("compute", "bandwidth", "capacity")

USABLE_FRAC = 0.9
"""Share of the memory for weights and caches; TensorRT-LLM perf-overview (00f3768) calls 0.90 its default (for the
memory that weights leave; the reference's B_max takes it of all memory, which is the stricter reading)."""


class RooflineError(FloorplanError):
    """A roofline was asked something without an answer: no memory, no batch, negative work."""


@dataclass(frozen=True)
class Roof:
    """The walls of one or several equal chips that serve one model together.

    Attributes:
        name: of the hardware.
        chips: how many.
        flops_per_s: peak of all chips at the weights' precision.
        attention_flops_per_s: peak of all chips for scores and values, which serving stacks keep at 16 bit.
        bytes_per_s: memory bandwidth of all chips.
        capacity_bytes: memory of all chips.
        link_bytes_per_s: chip-to-chip bandwidth of ONE chip, one direction; 0 = unknown.
    """

    name: str
    chips: int
    flops_per_s: float
    attention_flops_per_s: float
    bytes_per_s: float
    capacity_bytes: float
    link_bytes_per_s: float = 0.0

    def __post_init__(self) -> None:
        positive = (self.flops_per_s, self.attention_flops_per_s, self.bytes_per_s, self.capacity_bytes)
        if self.chips < 1 or not all(math.isfinite(v) and v > 0 for v in positive) or self.link_bytes_per_s < 0:
            raise RooflineError(f"roof of {self.name}: chips, peaks, bandwidth and memory must be positive and finite")

    @property
    def ridge(self) -> float:
        """FLOP per byte at which both classic walls meet."""
        return self.flops_per_s / self.bytes_per_s

    @property
    def usable_bytes(self) -> float:
        """Memory that weights and caches may take."""
        return USABLE_FRAC * self.capacity_bytes

    def fits(self, resident_bytes: float) -> bool:
        """Say whether so many bytes of weights and caches fit."""
        return resident_bytes <= self.usable_bytes

    def attainable_flops_per_s(self, oi: float, resident_bytes: float = 0.0) -> float:
        """Return the most FLOP/s at an intensity: min(peak, OI x bandwidth), and 0 behind the capacity wall."""
        if not oi >= 0.0:
            raise RooflineError(f"an operational intensity of {oi}")
        return min(self.flops_per_s, oi * self.bytes_per_s) if self.fits(resident_bytes) else 0.0

    def bound(self, oi: float, resident_bytes: float = 0.0) -> str:
        """Return which wall stops work of this intensity and footprint: one of `BOUNDS`."""
        if not self.fits(resident_bytes):
            return "capacity"
        return "compute" if oi >= self.ridge else "bandwidth"


def roof_of(hardware: Hardware, weights: str | Precision, chips: int = 1) -> Roof:
    """Return the walls of `chips` chips for weights of a precision.

    Raises:
        RooflineError: the hardware's memory size is not known, or `chips` < 1.
        UnknownNameError: it has no peak for the precision, or no bandwidth.
    """
    if hardware.memory_bytes is None:
        raise RooflineError(f"{hardware.name}: the size of its memory is not published")
    peak = hardware.peak(weights).value
    try:
        attention = hardware.peak("bf16").value
    except UnknownNameError:
        attention = peak  # a chip without 16-bit arithmetic computes scores as it computes everything
    return Roof(
        hardware.name,
        chips,
        chips * peak,
        chips * attention,
        chips * hardware.bandwidth(),
        chips * hardware.memory_bytes.value,
        0.0 if hardware.link_bytes_per_s is None else hardware.link_bytes_per_s.value,
    )


def batch_max(usable_bytes: float, weight_bytes: float, request_bytes: float) -> int:
    """Return how many requests fit beside the weights; 0 says that not even one does.

    Raises:
        RooflineError: a request of no bytes, of which any number would fit.
    """
    if request_bytes <= 0.0:
        raise RooflineError("a request that keeps no bytes has no largest batch")
    return max(0, math.floor((usable_bytes - weight_bytes) / request_bytes))


def requests_that_fit(
    roof: Roof,
    model: LlmModel,
    context: int,
    weights: str | Precision,
    kv: str | Precision | None = None,
    *,
    replication: float = 1.0,
) -> int:
    """Return how many requests of a context fit; a request without context still keeps the token it writes.

    `replication` is how often every cached byte is kept (`parallel.kv_replication`).
    """
    request_bytes = replication * model.kv_bytes(max(1, context), weights if kv is None else kv)
    return batch_max(roof.usable_bytes, model.weight_bytes(weights), request_bytes)


def chips_needed(hardware: Hardware, resident_bytes: float) -> int:
    """Return the fewest chips whose usable memory holds so many bytes.

    Raises:
        RooflineError: the hardware's memory size is not known.
    """
    if hardware.memory_bytes is None:
        raise RooflineError(f"{hardware.name}: the size of its memory is not published")
    return max(1, math.ceil(resident_bytes / (USABLE_FRAC * hardware.memory_bytes.value)))


@dataclass(frozen=True)
class Step:
    """One step of a model on a roof, taken apart.

    Attributes:
        compute_s: FLOP at the reachable compute rate.
        memory_s: bytes at the reachable bandwidth.
        comm_s: time on the links between chips.
        overhead_s: what neither compute nor memory explains.
        time_s: of the whole step.
        mfu: share of the peak FLOP/s that the step uses.
        mbu: share of the peak bandwidth that it uses.
        bound: "compute" or "bandwidth", whichever takes longer.
    """

    compute_s: float
    memory_s: float
    comm_s: float
    overhead_s: float
    time_s: float
    mfu: float
    mbu: float
    bound: str


def step(
    roof: Roof,
    flops: float,
    moved_bytes: float,
    *,
    mfu: float = 1.0,
    mbu: float = 1.0,
    comm_s: float = 0.0,
    overhead_s: float = 0.0,
    overlap: float = math.inf,
) -> Step:
    """Return how long a step takes: compute and memory overlapped, then links and overhead.

    Args:
        roof: of all chips that share the step.
        flops: its operations.
        moved_bytes: bytes it moves to and from memory.
        mfu: share of the peak that its operations can reach.
        mbu: share of the bandwidth that its traffic can reach.
        comm_s: time on links, not overlapped.
        overhead_s: launch and host time.
        overlap: exponent p of (compute^p + memory^p)^(1/p); infinite = perfect overlap, the classic max; 1 = none.

    Raises:
        RooflineError: negative work, or a share outside (0, 1].
    """
    if min(flops, moved_bytes, comm_s, overhead_s) < 0.0 or flops + moved_bytes == 0.0:
        raise RooflineError("a step does some work, and none of it is negative")
    if not (0.0 < mfu <= 1.0 and 0.0 < mbu <= 1.0 and overlap >= 1.0):
        raise RooflineError(f"reachable shares {mfu} and {mbu} must lie in (0, 1], the overlap exponent from 1 up")
    compute_s = flops / (roof.flops_per_s * mfu)
    memory_s = moved_bytes / (roof.bytes_per_s * mbu)
    longer, shorter = max(compute_s, memory_s), min(compute_s, memory_s)
    # the longer time is factored out: no overflow at a large exponent, and p = inf is the max itself
    busy_s = longer if math.isinf(overlap) else longer * (1.0 + (shorter / longer) ** overlap) ** (1.0 / overlap)
    time_s = busy_s + comm_s + overhead_s
    return Step(
        compute_s,
        memory_s,
        comm_s,
        overhead_s,
        time_s,
        flops / roof.flops_per_s / time_s,
        moved_bytes / roof.bytes_per_s / time_s,
        "compute" if compute_s >= memory_s else "bandwidth",
    )
