"""Serving throughput under full load: continuous batching on a smooth roofline with six global constants.

In a steady state every step decodes one token of each of B requests and processes the input of the B / output requests
that take the places of finished ones. Its work is counted, not fitted: FLOP of the layers and of attention, weights and
caches read, bytes of the all-reduces. Six constants, the same for every model, chip and precision, turn work into time:

    t = (compute^2 + memory^2)^(1/2) + links + step_s + token_s * tokens
    compute = (layers / peak + attention / peak at 16 bit) / mfu
    memory  = (weights + caches + refill * layer FLOP) / bandwidth / mbu
    links   = all-reduce bytes / link bandwidth / link

`refill` is traffic that grows with arithmetic: tiles fetched again, activations written and read between kernels. The
exponent 2, partial overlap, stands between the classic max and a plain sum; it was chosen among 1, 1.5, 2 and infinity.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import astuple, dataclass, fields
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from floorplan.accelerator.llm import LlmModel, Precision
from floorplan.accelerator.roofline.parallel import cache_copies, pipeline_bytes, ranks_of, tensor_parallel_bytes
from floorplan.accelerator.roofline.walls import Roof, RooflineError, requests_that_fit

__all__ = ["IDEAL", "MAX_BATCH", "OVERLAP", "Constants", "Load", "load_of", "loads_of", "stored", "throughput"]

F64 = npt.NDArray[np.float64]

MAX_BATCH = 2048
"""Most requests in one step: the default of TensorRT-LLM's max_batch_size (recalled, not verified)."""

OVERLAP = 2.0

_ACTIVATION_BYTES = 2.0


@dataclass(frozen=True)
class Constants:
    """What turns counted work into time.

    Attributes:
        mfu: share of the peak FLOP/s that matrix work reaches.
        mbu: share of the memory bandwidth that traffic reaches.
        refill_bytes_per_flop: memory traffic for each FLOP of the layers, beyond weights and caches.
        step_s: time of a step that no token causes (launches, scheduling).
        token_s: time that each token in a step adds (host, sampling, small kernels).
        link: share of the links' bandwidth that all-reduces reach.
    """

    mfu: float
    mbu: float
    refill_bytes_per_flop: float
    step_s: float
    token_s: float
    link: float

    def __post_init__(self) -> None:
        shares = (self.mfu, self.mbu, self.link)
        if not all(0.0 < v <= 1.0 for v in shares) or min(self.refill_bytes_per_flop, self.step_s, self.token_s) < 0:
            raise RooflineError(f"constants of the serving model out of range: {astuple(self)}")

    def vector(self) -> F64:
        """Return the constants in the order of their declaration."""
        return np.array(astuple(self), np.float64)


IDEAL = Constants(1.0, 1.0, 0.0, 0.0, 0.0, 1.0)
"""Nothing lost: with perfect overlap, the naive roofline."""


@dataclass(frozen=True, eq=False)
class Load:
    """Work of one step in steady state, of P operating points side by side; a batch of 0 does not fit.

    Attributes:
        batch: (P,) requests that decode in a step.
        tokens: (P,) decoded and prefilled tokens of a step.
        layers_s: (P,) FLOP of the layers at the peak.
        attention_s: (P,) FLOP of scores and values at the 16-bit peak.
        memory_s: (P,) weights and caches at the full bandwidth.
        layer_flops_per_bandwidth: (P,) FLOP of the layers per byte/s: times refill it is a time.
        links_s: (P,) all-reduces at the full link bandwidth.
    """

    batch: F64
    tokens: F64
    layers_s: F64
    attention_s: F64
    memory_s: F64
    layer_flops_per_bandwidth: F64
    links_s: F64

    def step_time_s(self, constants: Constants, overlap: float = OVERLAP) -> F64:
        """Return (P,) the time of a step; of an empty one it is only the overhead."""
        compute = (self.layers_s + self.attention_s) / constants.mfu
        memory = (self.memory_s + constants.refill_bytes_per_flop * self.layer_flops_per_bandwidth) / constants.mbu
        busy = (
            np.maximum(compute, memory)
            if math.isinf(overlap)
            else (compute**overlap + memory**overlap) ** (1 / overlap)
        )
        time: F64 = busy + self.links_s / constants.link + constants.step_s + constants.token_s * self.tokens
        return time

    def tokens_per_s(self, constants: Constants, overlap: float = OVERLAP) -> F64:
        """Return (P,) output tokens per second of all chips together; 0 where no request fits."""
        time = self.step_time_s(constants, overlap)
        rate: F64 = np.divide(self.batch, time, out=np.zeros_like(time), where=self.batch > 0)
        return rate


def load_of(
    roof: Roof,
    model: LlmModel,
    weights: str | Precision,
    kv: str | Precision,
    *,
    new_tokens: float,
    prefix_tokens: int,
    output_tokens: float,
    decode_context: int,
    batch: int,
    prefill_flops: float | None = None,
    stages: int = 1,
) -> Load:
    """Return the work of a step that serves `batch` like requests, as a `Load` of one point.

    With pipeline stages a step is one round of as many micro-batches as there are stages: each stage reads its weights
    once for every micro-batch, and chips / stages ranks share its layers. A batch below the stages leaves bubbles,
    which cost the same.

    Args:
        roof: all chips.
        model: what is served; tensor-parallel over all chips.
        weights: their precision.
        kv: precision of the cache.
        new_tokens: input that a request has processed; 0 = another machine prefills.
        prefix_tokens: input that it finds in the cache.
        output_tokens: that it writes.
        decode_context: what a decoded token sees on average.
        batch: requests in a step; 0 = none fits.
        prefill_flops: of one request, where its requests are not all alike; None = by the tokens given.
        stages: of the pipeline; divides the chips.
    """
    ranks = ranks_of(roof.chips, stages)
    if output_tokens <= 0 or batch < 0 or new_tokens < 0:
        raise RooflineError("a served request writes tokens, and neither batch nor input is negative")
    starts = batch / output_tokens  # requests whose input a step processes
    tokens = batch + starts * new_tokens
    layers = 2.0 * model.active_params * tokens
    if prefill_flops is None:
        prefill_flops = model.prefill_flops(round(new_tokens), prefix_tokens)
    prefill_attention = prefill_flops - 2.0 * model.active_params * new_tokens
    attention = batch * model.attention_flops(decode_context) + starts * max(0.0, prefill_attention)
    caches = cache_copies(model, ranks) * batch * model.kv_bytes(decode_context, kv)
    read = (stages * model.weights_read_bytes(tokens / stages, weights) if batch else 0.0) + caches
    sent = tensor_parallel_bytes(model, tokens, ranks, _ACTIVATION_BYTES) / stages
    sent += pipeline_bytes(model, tokens, 1, _ACTIVATION_BYTES) / ranks if stages > 1 else 0.0
    # an unknown link is charged as none: chips without links in the catalogue are not spread over
    links = sent / roof.link_bytes_per_s if roof.link_bytes_per_s else 0.0
    point = (batch, tokens, layers / roof.flops_per_s, attention / roof.attention_flops_per_s, read / roof.bytes_per_s)
    return Load(*(np.array([v], np.float64) for v in (*point, layers / roof.bytes_per_s, links)))


def loads_of(
    roof: Roof,
    model: LlmModel,
    weights: str | Precision,
    kv: str | Precision,
    input_tokens: npt.ArrayLike,
    output_tokens: npt.ArrayLike,
    limit: npt.ArrayLike = MAX_BATCH,
) -> Load:
    """Return the work of full load at P pairs of input and output length, nothing cached.

    The batch is the largest whose caches fit at their final length, at most `limit` and `MAX_BATCH`.
    """
    inputs, outputs = np.atleast_1d(np.asarray(input_tokens)), np.atleast_1d(np.asarray(output_tokens))
    inputs, outputs, limits = np.broadcast_arrays(inputs, outputs, np.asarray(limit))
    copies = cache_copies(model, roof.chips)
    points = []
    for i, o, most in zip(inputs.tolist(), outputs.tolist(), limits.tolist(), strict=True):
        fits = requests_that_fit(roof, model, i + o, weights, kv, replication=copies)
        points.append(
            load_of(
                roof,
                model,
                weights,
                kv,
                new_tokens=i,
                prefix_tokens=0,
                output_tokens=o,
                decode_context=i + o // 2,
                batch=min(fits, int(most), MAX_BATCH),
            )
        )
    return Load(*(np.concatenate([getattr(p, f.name) for p in points]) for f in fields(Load)))


def throughput(load: Load, constants: Constants | None = None) -> F64:
    """Return (P,) output tokens per second by the stored fit, or by other constants."""
    return load.tokens_per_s(stored() if constants is None else constants)


@cache
def stored() -> Constants:
    """Return the constants that the package ships, fitted on all 70 points."""
    text = (
        resources.files("floorplan.accelerator.roofline").joinpath("data/serving_fit.toml").read_text(encoding="utf-8")
    )
    return Constants(**tomllib.loads(text)["constants"])
