"""`floorplan roofline`: where a model on a chip stands under a workload, before anything is placed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from floorplan.cli.options import OptionError, need_folders

if TYPE_CHECKING:
    from floorplan.accelerator.roofline import OperatingPoint

__all__ = ["Roofline"]


@dataclass(frozen=True)
class Roofline:
    """Say which wall stops a model on a chip under a workload, how many requests fit and how fast it runs."""

    model: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MODEL")]
    """Language model, e.g. llama3-70b, deepseek-v3, gpt-oss-120b."""

    hardware: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="HARDWARE")]
    """Accelerator, e.g. h100, b200, ironwood, groq-lp30."""

    workload: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="WORKLOAD")]
    """What is asked: chatbot, coding, web-use or computer-use."""

    chips: int = 1
    """Accelerators that serve the model together."""

    stages: int = 1
    """Pipeline stages; the chips of a stage are tensor-parallel."""

    precision: str | None = None
    """Number format of the weights: fp16, bf16, fp8, int8, int4, mxfp4, nvfp4; bf16, or the chip's widest, if none."""

    kv_precision: str | None = None
    """Number format of the KV cache; that of the weights, fp8 for 4-bit ones, where none is given."""

    batch: int | None = None
    """Requests in a step; as many as fit where none is given."""

    claim: Annotated[float | None, tyro.conf.arg(metavar="TOKENS_PER_S")] = None
    """A published rate of decoding; says why these chips cannot reach it, if they cannot."""

    cache_hits: float = 1.0
    """Share of the repeated input that the prompt cache holds."""

    seed: int = 1
    """Seed of the workload's generator."""

    plot: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also draw a figure here; .png, .svg or .pdf."""

    figure: str = "roofline"
    """Which one: roofline; serving (predicted against measured); kv, agents, moe (arXiv 2601.22001, 3, 2, 4)."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON object instead of a table."""

    def run(self) -> int:
        """Work out, draw, print; a model that does not fit is a result, not an error.

        Raises:
            OptionError: --figure is given without a file to draw to.
        """
        from floorplan.accelerator.hardware import hardware
        from floorplan.accelerator.llm import model
        from floorplan.accelerator.roofline import operate
        from floorplan.accelerator.workloads import workload
        from floorplan.cli.result import print_json

        if self.figure != "roofline" and self.plot is None:
            raise OptionError("--figure needs --plot FILE")
        need_folders(self.plot)
        point = operate(
            model(self.model),
            hardware(self.hardware),
            workload(self.workload, self.seed).cached(self.cache_hits),
            chips=self.chips,
            weights=self.precision,
            kv=self.kv_precision,
            batch=self.batch,
            stages=self.stages,
        )
        if self.plot:
            from floorplan.accelerator.roofline.figures import write_figure

            write_figure(self.plot, self.figure, point)
        verdict = None if self.claim is None else self._verdict(point, self.claim)
        if self.json:
            said = {} if self.claim is None else {"claim": {"tokens_per_s": self.claim, "impossible_because": verdict}}
            print_json({**result_object(point), **said})
        else:
            _print_table(point, None if self.claim is None else f"{self.claim:,.4g} tokens/s: {verdict or 'possible'}")
        return 0

    def _verdict(self, point: OperatingPoint, claim: float) -> str | None:
        """Return why no such rate is possible, read most generously; None if it may be."""
        from floorplan.accelerator.hardware.gate import refuse_claim

        return refuse_claim(
            point.model,
            point.hardware,
            point.roof.chips,
            point.weights,
            max(1, point.batch),
            round(point.context),
            claim,
            kv_precision=point.kv,
        )


def result_object(point: OperatingPoint) -> dict[str, object]:
    """Return an operating point as plain values; what does not exist is null, and a rate of 0 says nothing runs."""
    trace, constants = point.workload, point.constants
    return {
        "model": point.model.name,
        "hardware": point.hardware.name,
        "workload": trace.name,
        "workload_source": trace.source,
        "chips": point.roof.chips,
        "stages": point.stages,
        "precision": point.weights,
        "kv_precision": point.kv,
        "total_params": point.model.total_params,
        "active_params": point.model.active_params,
        "weight_bytes": point.weight_bytes,
        "kv_bytes_per_token": point.kv_bytes_per_token,
        "context": {"mean_decode": point.context, "peak": trace.peak_context},
        "capacity_footprint_bytes": point.capacity_footprint_bytes,
        "usable_bytes": point.roof.usable_bytes,
        "cache_copies": point.cache_copies,
        "fits": point.batch_max > 0,
        "chips_needed": point.chips_needed,
        "batch_max": point.batch_max,
        "batch": point.batch,
        "batch_at_ridge": point.batch_at_ridge,
        "operational_intensity": {"prefill": point.oi_prefill, "decode": point.oi_decode},
        "ridge": point.ridge,
        "bound": point.bound,
        "bound_prefill": point.bound_prefill,
        "capacity_limited": point.capacity_limited,
        "tokens_per_s": point.tokens_per_s,
        "tokens_per_s_roof": point.tokens_per_s_roof,
        "tokens_per_s_user": point.tokens_per_s_user,
        "ttft_s": point.ttft_s,
        "decode_step_s": point.decode_step_s,
        "mfu": point.mfu,
        "mbu": point.mbu,
        "cache_hit_rate": trace.hit_rate,
        "serving_model": {
            "mfu": constants.mfu,
            "mbu": constants.mbu,
            "refill_bytes_per_flop": constants.refill_bytes_per_flop,
            "step_s": constants.step_s,
            "token_s": constants.token_s,
            "link": constants.link,
            "validated": point.validated,
        },
    }


def _print_table(point: OperatingPoint, claim: str | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in [*rows(point), *([] if claim is None else [("claim", claim)])]:
        table.add_row(name, Text(text, style="bold" if name in ("bound", "tokens/s") else ""))
    Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 1000).print(table)


def rows(point: OperatingPoint) -> list[tuple[str, str]]:
    """Return the table's rows."""
    model, trace, roof = point.model, point.workload, point.roof
    stages = f", {point.stages} stages" if point.stages > 1 else ""
    longest = f"{trace.peak_context:,} tokens"
    found = [
        ("model", f"{model.name}: {_big(model.total_params)} parameters, {_big(model.active_params)} a token"),
        ("hardware", f"{roof.chips} x {point.hardware.name}{stages}: {_walls(point)}"),
        ("workload", f"{trace.name}: {trace.about}"),
        ("", f"{_requests(len(trace))}, {trace.hit_rate:.1%} of the input repeats an earlier request"),
        ("precision", f"{point.weights} weights, {point.kv} cache"),
        ("weights", f"{point.weight_bytes / 1e9:,.1f} GB"),
        ("KV cache", f"{point.kv_bytes_per_token:,.0f} B a token"),
        ("footprint", f"{point.capacity_footprint_bytes / 1e9:,.1f} GB for one request of {longest}"),
        ("ridge", f"{point.ridge:,.0f} FLOP/B"),
        ("prefill", f"{point.oi_prefill:,.0f} FLOP/B: {point.bound_prefill}"),
        ("decode", f"{point.oi_decode:,.1f} FLOP/B at a batch of {max(1, point.batch)} and {point.context:,} tokens"),
    ]
    if not point.batch_max:
        found += [
            ("batch", "0: does not fit"),
            ("bound", "capacity"),
            ("tokens/s", f"0; {_remedy(point)}"),
        ]
        return found
    end = "no batch reaches the ridge" if point.batch_at_ridge is None else f"{point.batch_at_ridge:,} reach the ridge"
    limited = "; memory ends the batch" if point.capacity_limited else ""
    trust = "" if point.validated else "; constants fitted on dense models and HBM GPUs, here extrapolated"
    found += [
        ("batch", f"{point.batch:,}; {point.batch_max:,} fit, {end}"),
        ("bound", f"{point.bound}{limited}"),
        ("tokens/s", f"{point.tokens_per_s:,.1f}"),
        ("", f"{point.tokens_per_s_roof:,.1f} if nothing were lost{trust}"),
        ("one user", f"{point.tokens_per_s_user:,.1f} tokens/s, first token after {point.ttft_s * 1e3:,.0f} ms"),
        ("utilisation", f"MFU {point.mfu:.1%}, MBU {point.mbu:.1%}"),
    ]
    return found


def _remedy(point: OperatingPoint) -> str:
    if point.chips_needed > point.roof.chips:
        return f"{point.chips_needed} chips would hold one request"
    return f"tensor parallelism keeps the cache {point.cache_copies:.3g} times; --stages spreads it"


def _walls(point: OperatingPoint) -> str:
    roof = point.roof
    rates = f"{roof.flops_per_s / 1e12:,.0f} TFLOP/s, {roof.bytes_per_s / 1e12:,.2f} TB/s"
    return f"{rates}, {roof.capacity_bytes / 1e9:,.4g} GB"


def _big(count: float) -> str:
    return f"{count / 1e9:,.2f} billion"


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count:,} requests"
