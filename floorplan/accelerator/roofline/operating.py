"""A model on a chip under a workload: which wall stops it, how many requests fit, how fast it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from floorplan.accelerator.hardware import Hardware
from floorplan.accelerator.llm import LlmModel, precision
from floorplan.accelerator.llm.operators import speculative_tokens
from floorplan.accelerator.roofline.parallel import Disaggregation, balance_pools, cache_copies, ranks_of
from floorplan.accelerator.roofline.serving import IDEAL, MAX_BATCH, OVERLAP, Constants, Load, load_of, stored
from floorplan.accelerator.roofline.walls import (
    Roof,
    RooflineError,
    chips_needed,
    requests_that_fit,
    roof_of,
    step,
)
from floorplan.accelerator.workloads import Workload

__all__ = ["OperatingPoint", "default_precision", "operate"]


@dataclass(frozen=True)
class OperatingPoint:
    """Where a workload stands between the three walls.

    The batch is sized for the longest context of the trace (nothing is evicted); speeds hold at the mean context of a
    decoded token. With a batch of 0, nothing runs: rates and times are 0, the decode intensity is that of one request.

    Attributes:
        model: served model.
        hardware: of each chip.
        workload: what is asked.
        roof: walls of all chips.
        weights: precision of the weights.
        kv: precision of the cache.
        batch_max: requests that fit at the longest context; 0 = does not fit.
        batch: requests in a step.
        context: mean context of a decoded token.
        weight_bytes: all weights.
        kv_bytes_per_token: cache of a token.
        capacity_footprint_bytes: what one request alone needs at the longest context: W + KV.
        chips_needed: fewest chips whose memory holds the weights and one such request, no part of a cache kept twice.
        oi_decode: FLOP per byte of a decode step.
        oi_prefill: FLOP per byte of the workload's prefill, prompt cache used.
        cache_copies: how often the chips keep each cached byte.
        ridge: FLOP per byte where compute and bandwidth meet.
        bound: "capacity" where nothing fits, else what a decode step waits for.
        bound_prefill: the same of prefill.
        batch_at_ridge: batch at which decode would turn compute-bound; None where its attention never lets it.
        capacity_limited: memory, not the ridge, ends the batch: more of it would raise the throughput.
        tokens_per_s: output tokens of all chips by the fitted serving model, prefill included.
        tokens_per_s_roof: the same where nothing is lost: no chip of these figures can be faster.
        tokens_per_s_user: of one request while it decodes.
        ttft_s: prefill of the workload's mean request alone on the chips.
        decode_step_s: one decode step without prefill.
        mfu: share of the peak that serving uses.
        mbu: share of the bandwidth that serving uses for weights and caches.
        stages: of the pipeline.
        constants: of the serving model.
        validated: the hardware is of the kind that the serving constants were fitted on.
    """

    model: LlmModel
    hardware: Hardware
    workload: Workload
    roof: Roof
    weights: str
    kv: str
    batch_max: int
    batch: int
    context: int
    weight_bytes: float
    kv_bytes_per_token: float
    capacity_footprint_bytes: float
    chips_needed: int
    cache_copies: float
    oi_decode: float
    oi_prefill: float
    ridge: float
    bound: str
    bound_prefill: str
    batch_at_ridge: int | None
    capacity_limited: bool
    tokens_per_s: float
    tokens_per_s_roof: float
    tokens_per_s_user: float
    ttft_s: float
    decode_step_s: float
    mfu: float
    mbu: float
    stages: int
    constants: Constants
    validated: bool

    def speculative_gain(self, drafted: int, acceptance: float, draft_cost_frac: float = 0.05) -> float:
        """Return tokens per second with drafts over without, at the same batch; below 1 where drafts do not pay.

        Weights and caches are read once for all drafts of a request, FLOP are spent on each; a draft model costs
        `draft_cost_frac` of a plain decode step for each token that it proposes (assumption).

        Raises:
            RooflineError: nothing fits, or the arguments are out of range.
        """
        if self.batch == 0:
            raise RooflineError(f"{self.model.name} does not fit; there is no step to speculate in")
        if drafted < 0 or not 0.0 <= acceptance <= 1.0 or draft_cost_frac < 0.0:
            raise RooflineError(f"{drafted} drafts accepted at {acceptance}")
        c = self.constants

        def step_s(per_request: int) -> float:
            flops = self.batch * per_request * self.model.decode_flops(self.context)
            moved = self.stages * self.model.weights_read_bytes(self.batch * per_request / self.stages, self.weights)
            moved += self.batch * self.model.kv_bytes(self.context, self.kv)
            overhead = c.step_s + c.token_s * self.batch * per_request
            took = step(self.roof, flops, moved, mfu=c.mfu, mbu=c.mbu, overhead_s=overhead, overlap=OVERLAP)
            return took.time_s

        plain = step_s(1)
        drafting = step_s(drafted + 1) + drafted * draft_cost_frac * plain
        return speculative_tokens(acceptance, drafted) * plain / drafting

    def disaggregated(self, prefill: Roof, link_bytes_per_s: float) -> Disaggregation:
        """Return how many prefill servers of `prefill` each decode server of this point keeps busy.

        Raises:
            RooflineError: nothing fits, or there is no link.
        """
        if self.batch == 0:
            raise RooflineError(f"{self.model.name} does not fit; no pool of these chips decodes it")
        c = self.constants
        flops, moved = _prefill_means(self.model, self.workload, self.weights, self.kv)
        prefill_s = step(prefill, flops, moved, mfu=c.mfu, mbu=c.mbu, overhead_s=c.step_s, overlap=OVERLAP).time_s
        outputs = float(self.workload.output_tokens.mean())
        fresh = float(self.workload.new_tokens.mean())
        kv = fresh * self.kv_bytes_per_token
        return balance_pools(prefill_s, self.batch / self.decode_step_s / outputs, kv, link_bytes_per_s)


def operate(
    model: LlmModel,
    hardware: Hardware,
    workload: Workload,
    *,
    chips: int = 1,
    weights: str | None = None,
    kv: str | None = None,
    batch: int | None = None,
    stages: int = 1,
    constants: Constants | None = None,
) -> OperatingPoint:
    """Return where a workload stands on `chips` chips with a perfect prompt cache.

    Args:
        model: served.
        hardware: of each chip.
        workload: what is asked; its requests are mixed evenly in time.
        chips: how many.
        weights: their precision; None = `default_precision`.
        kv: precision of the cache; None = that of the weights, fp8 where those are narrower than a byte.
        batch: requests in a step; None = as many as fit, up to `MAX_BATCH`.
        stages: of a pipeline; the chips / stages ranks of each are tensor-parallel.
        constants: of the serving model; None = the stored fit, on chips that serve from SRAM without its overheads of
            step and token, which are those of a host (assumption: such chips run a static schedule).

    Raises:
        RooflineError: `batch` is below one or over what fits, or the hardware's figures are not known.
        UnknownNameError: the hardware has no peak for the precision.
    """
    weights = default_precision(hardware) if weights is None else weights
    if kv is None:
        kv = weights if precision(weights).element_bits >= 8 else "fp8"
    constants = _constants_for(hardware) if constants is None else constants
    roof = roof_of(hardware, weights, chips)
    copies = cache_copies(model, ranks_of(chips, stages))
    weight_bytes = model.weight_bytes(weights)
    peak, context = workload.peak_context, workload.mean_decode_context
    fits = requests_that_fit(roof, model, peak, weights, kv, replication=copies)
    if batch is not None and batch < 1:
        raise RooflineError(f"a batch of {batch}")
    if batch is not None and 0 < fits < batch:
        raise RooflineError(f"a batch of {batch} does not fit: {fits} requests of {peak} tokens do")
    used = 0 if fits == 0 else min(fits, MAX_BATCH) if batch is None else batch
    shown = max(1, used)
    oi_decode = model.decode_oi(context, shown, weights, kv)
    flops, moved = _prefill_means(model, workload, weights, kv)
    at_ridge = _batch_at_ridge(model, context, weights, kv, roof.ridge)
    outputs, fresh = float(workload.output_tokens.mean()), float(workload.new_tokens.mean())

    def load_with(new_tokens: float, prefill_flops: float) -> Load:
        return load_of(
            roof,
            model,
            weights,
            kv,
            new_tokens=new_tokens,
            prefix_tokens=0,
            output_tokens=outputs,
            decode_context=context,
            batch=used,
            prefill_flops=prefill_flops,
            stages=stages,
        )

    load, decode = load_with(fresh, flops), load_with(0.0, 0.0)
    rate, step_s = float(load.tokens_per_s(constants)[0]), float(load.step_time_s(constants)[0])
    decode_s = float(decode.step_time_s(constants)[0]) if used else 0.0
    prefill = step(
        roof,
        flops,
        moved,
        mfu=constants.mfu,
        mbu=constants.mbu,
        overhead_s=constants.step_s + constants.token_s * fresh,
        overlap=OVERLAP,
    )
    return OperatingPoint(
        model=model,
        hardware=hardware,
        workload=workload,
        roof=roof,
        weights=weights,
        kv=kv,
        batch_max=fits,
        batch=used,
        context=context,
        weight_bytes=weight_bytes,
        kv_bytes_per_token=model.kv_bytes_per_token(kv),
        capacity_footprint_bytes=model.capacity_footprint_bytes(peak, 1, weights, kv),
        chips_needed=chips_needed(hardware, weight_bytes + model.kv_bytes(peak, kv)),
        cache_copies=copies,
        oi_decode=oi_decode,
        oi_prefill=flops / moved,
        ridge=roof.ridge,
        bound=roof.bound(oi_decode) if used else "capacity",
        bound_prefill=roof.bound(flops / moved) if fits else "capacity",
        batch_at_ridge=at_ridge,
        capacity_limited=fits < MAX_BATCH and (at_ridge is None or fits < at_ridge),
        tokens_per_s=rate,
        tokens_per_s_roof=float(load.tokens_per_s(IDEAL, math.inf)[0]),
        tokens_per_s_user=1.0 / decode_s if used else 0.0,
        ttft_s=prefill.time_s if fits else 0.0,
        decode_step_s=decode_s,
        mfu=float(load.layers_s[0] + load.attention_s[0]) / step_s if used else 0.0,
        mbu=float(load.memory_s[0]) / step_s if used else 0.0,
        stages=stages,
        constants=constants,
        validated=hardware.memory == "hbm" and not model.experts,
    )


def default_precision(hardware: Hardware) -> str:
    """Return bf16, or the widest format that the chip multiplies where it has no 16-bit arithmetic.

    Raises:
        UnknownNameError: the chip has no peak for any format.
    """
    for name in ("bf16", "fp16", "fp8", "int8"):
        if name in hardware.peak_flops:
            return name
    hardware.peak("nvfp4")
    return "nvfp4"


def _prefill_means(model: LlmModel, workload: Workload, weights: str, kv: str) -> tuple[float, float]:
    """Return FLOP and bytes of the mean request's prefill, its prefix taken from the cache."""
    flops = moved = 0.0
    for new, prefix in zip(workload.new_tokens.tolist(), workload.prefix_tokens.tolist(), strict=True):
        if new:
            flops += model.prefill_flops(new, prefix)
            moved += model.prefill_bytes(new, prefix, weights, kv)
    return flops / len(workload), moved / len(workload)


def _constants_for(hardware: Hardware) -> Constants:
    return replace(stored(), step_s=0.0, token_s=0.0) if hardware.memory == "sram" else stored()


def _batch_at_ridge(model: LlmModel, context: int, weights: str, kv: str, ridge: float) -> int | None:
    """Return the smallest batch whose decode intensity reaches the ridge, None where 2^20 requests do not."""
    if model.decode_oi(context, 1 << 20, weights, kv) < ridge:
        return None
    low, high = 1, 1 << 20
    while low < high:
        middle = (low + high) // 2
        if model.decode_oi(context, middle, weights, kv) >= ridge:
            high = middle
        else:
            low = middle + 1
    return low
