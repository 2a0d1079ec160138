"""What a chip has to do for a token: bits on its buses, operations, and how many chips and requests share it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from floorplan.estimate.errors import DoesNotFitError, EstimateError
from floorplan.estimate.technology import system_constants

if TYPE_CHECKING:
    from floorplan.accelerator.chip import Chip
    from floorplan.accelerator.llm.model import LlmModel
    from floorplan.accelerator.workloads import Workload

__all__ = ["MIX", "Demand", "Load", "Mix", "load_of"]

F64 = npt.NDArray[np.float64]
Mix = Literal["both", "decode", "prefill"]
MIX: tuple[Mix, ...] = ("both", "decode", "prefill")

_MOST_REQUESTS = 64
"""Requests in a decode step unless asked for: what servers run with, and beyond it the weights hardly count."""


@dataclass(frozen=True, eq=False)
class Demand:
    """One phase, per token and chip.

    Attributes:
        tokens: in a step.
        bits: (E,) bits on every net.
        flops: operations.
        memory_bytes: to and from external memory.
        link_bytes: to other chips.
        passes: dependent passes over the chip in a step.
        hops: dependent hops between chips in a step.
    """

    tokens: float
    bits: F64
    flops: float
    memory_bytes: float
    link_bytes: float
    passes: float
    hops: float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.tokens, self.flops, self.memory_bytes, self.link_bytes, self.passes, self.hops)
        if not all(math.isfinite(v) and v >= 0 for v in numbers) or self.tokens <= 0:
            raise EstimateError("a phase has at least one token a step, and no demand is negative or endless")
        if not (np.isfinite(self.bits).all() and (self.bits >= 0).all()):
            raise EstimateError("bits a token are finite and not negative")
        self.bits.flags.writeable = False


@dataclass(frozen=True, eq=False)
class Load:
    """Decode and prefill together, for one chip of those that share the model.

    Attributes:
        name: model, workload and sizes in one line.
        decode: the step that writes one token for each of `batch` requests.
        prefill: one request's new tokens; None where only decode counts.
        prefill_per_output: tokens prefilled for each one written.
        chips: that share the model.
        batch: requests decoded together, on each stage.
        context: tokens that a decoded one sees on average.
        stages: groups of chips that hold successive layers, each with its own requests in hand.
    """

    name: str
    decode: Demand
    prefill: Demand | None
    prefill_per_output: float
    chips: int
    batch: int
    context: int
    stages: int = 1

    @property
    def bits_per_output(self) -> F64:
        """(E,) bits that all chips together move on each net for a token written, with its share of prefill."""
        bits = self.decode.bits
        if self.prefill is not None:
            bits = bits + self.prefill_per_output * self.prefill.bits
        return np.asarray(self.chips * bits, np.float64)


def load_of(
    chip: Chip,
    model: LlmModel,
    workload: Workload,
    precision: str | None = None,
    batch: int | None = None,
    chips: int | None = None,
    mix: Mix = "both",
    stages: int | None = None,
) -> Load:
    """Return the load of serving a workload's average request.

    Args:
        chip: one of those that serve.
        model: what is served.
        workload: whose mean context, new tokens and cached prefix count.
        precision: of weights and KV cache; None takes what the chip's MAC units multiply.
        batch: requests decoded together, on each stage; None takes what fits, at most 64.
        chips: that share the model evenly; None takes the fewest that hold it and one request a stage.
        mix: `both` phases as the workload has them; or one alone, per token of that phase.
        stages: pipeline of groups of chips, each with an equal part of the layers; within a group each layer is split
            evenly. None takes 1 for chips with external memory and as many as fit for chips without, which would
            otherwise wait for each other most of the time.

    Raises:
        DoesNotFitError: the model and `batch` requests exceed the memory of the chips.
        EstimateError: several chips are needed and the chip has no link, or a count is below one.
    """
    from floorplan.accelerator.chip import OPERAND_PRECISIONS, TRAFFIC
    from floorplan.accelerator.roofline.walls import USABLE_FRAC, batch_max
    from floorplan.accelerator.traffic import class_bytes_per_token

    if mix not in MIX:
        raise EstimateError(f"mix must be one of {', '.join(MIX)}, got {mix!r}")
    if (batch is not None and batch < 1) or (chips is not None and chips < 1):
        raise EstimateError("batch and chips must be at least 1")
    name = precision or OPERAND_PRECISIONS[round(8 * chip.dataflow.operand_bytes)][0]
    context = max(1, workload.mean_decode_context)
    memory = float(chip.block_memory_bytes.sum()) if chip.dataflow.has_memory else float(chip.sram_bytes)
    request = model.kv_bytes(context, name)
    weights = model.weight_bytes(name)
    usable = USABLE_FRAC * memory
    count, groups = _sizes(chip, model.layers, weights, request, usable, batch or 1, chips, stages)
    ranks = count // groups
    # Each stage has requests of its own in hand, and holds its layers' part of their cache.
    fits = batch_max(usable * ranks, weights / groups, request)
    if fits < (batch or 1):
        raise DoesNotFitError(
            f"{model.name} in {name} needs {weights / 1e9:.4g} GB and {request / 1e9:.3g} GB a request of {context} "
            f"tokens; {count} x {memory / 1e9:.4g} GB in {groups} stages hold {fits} requests a stage, {batch or 1} "
            "are asked for: does not fit"
        )
    requests = batch or min(_MOST_REQUESTS, fits)
    if count > 1 and chip.link_bytes_per_s <= 0:
        raise EstimateError(f"{model.name} needs {count} chips of {chip.name}, which has no link to others")
    passes = model.layers / groups * system_constants()["syncs_per_layer"].value
    hops = model.layers / groups * system_constants()["all_reduces"].value * math.ceil(math.log2(ranks))
    flow = chip.dataflow
    # All-reduces among the chips of a stage, and each token handed on to the next stage, over all of its chips.
    collective = 2 * model.layers / groups * 2 * (ranks - 1) / ranks * model.hidden * flow.operand_bytes
    if groups > 1:
        hops += 1
        collective += model.hidden * flow.operand_bytes / ranks

    def demand(tokens: float, by_class: dict[str, float], flops: float) -> Demand:
        by_class["collective"] = collective
        bits = chip.net_mix @ (8.0 * np.array([by_class[c] for c in TRAFFIC]))
        return Demand(tokens, bits, flops / count, by_class["offchip"], by_class["collective"], passes, hops)

    decode = demand(
        requests,
        class_bytes_per_token(model, name, "decode", requests, context, count, dataflow=flow),
        model.decode_flops(context),
    )
    out = workload.output_tokens.sum()
    new = max(1, round(float(workload.new_tokens.mean())))
    total_new = float(workload.new_tokens.sum())
    prefix = round(float((workload.new_tokens * workload.prefix_tokens).sum() / total_new)) if total_new else 0

    def prompt_bytes(tokens: int) -> dict[str, float]:
        return class_bytes_per_token(model, name, "prefill", 1, tokens, count, dataflow=flow)

    def turn_bytes() -> dict[str, float]:
        """Bytes per new token of a turn behind a cached prefix: the whole context's less the prefix's."""
        alone = prompt_bytes(new)
        if not prefix:
            return alone
        whole, part = prompt_bytes(prefix + new), prompt_bytes(prefix)
        turn = {c: (whole[c] * (prefix + new) - part[c] * prefix) / new for c in whole}
        # Weights pass for the new tokens alone; the prefix's cache is read from memory, and the new part goes there.
        turn["weights"] = alone["weights"]
        turn["kv_offchip"] = whole["kv_offchip"] * (prefix + new) / new
        turn["offchip"] = alone["offchip"] - alone["kv_offchip"] + turn["kv_offchip"]
        return turn

    prefill = demand(float(new), turn_bytes(), model.prefill_flops(new, prefix) / new)
    staged = f" in {groups} stages" if groups > 1 else ""
    label = f"{model.name} {name}, {workload.name}, {count} x {chip.name}{staged}, batch {requests}, context {context}"
    if mix == "decode":
        return Load(f"{label}, decode only", decode, None, 0.0, count, requests, context, groups)
    if mix == "prefill":
        return Load(f"{label}, prefill only", prefill, None, 0.0, count, 1, prefix + new, groups)
    return Load(label, decode, prefill, total_new / float(out), count, requests, context, groups)


def _sizes(
    chip: Chip,
    layers: int,
    weights: float,
    request: float,
    usable: float,
    batch: int,
    chips: int | None,
    stages: int | None,
) -> tuple[int, int]:
    """Return (chips, stages): what was asked for, else the fewest chips, without memory PHYs in the most stages."""
    if stages is not None:
        if not 1 <= stages <= layers:
            raise EstimateError(f"stages must be 1 to the model's {layers} layers, got {stages}")
        if chips is None:
            part = weights / stages + batch * request
            return stages * max(1, math.ceil(part / usable)), stages
        if chips % stages:
            raise EstimateError(f"{chips} chips do not make {stages} equal stages")
        return chips, stages
    if chip.dataflow.has_memory:
        return chips or max(1, math.ceil((weights + batch * request) / usable)), 1
    if chips is not None:
        for groups in range(min(layers, chips), 1, -1):
            if chips % groups == 0 and weights / groups + batch * request <= usable * (chips // groups):
                return chips, groups
        return chips, 1
    # At most half of the SRAM is left to the cache: with less room for weights many more chips would be needed.
    ranks = 2 ** math.ceil(math.log2(max(1.0, 2.0 * batch * request / usable)))
    while (groups := math.ceil(weights / (ranks * usable - batch * request))) > layers:
        ranks *= 2
    return ranks * groups, groups
