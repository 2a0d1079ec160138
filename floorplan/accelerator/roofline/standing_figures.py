"""The figures of arXiv 2601.22001 that can be drawn again, and the serving model against what was measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from floorplan.accelerator.hardware import hardware
from floorplan.accelerator.roofline.paper import FIGURE_3, FIGURE_4_CONTEXTS, FIGURE_4_MODELS, figure_2, figure_4
from floorplan.accelerator.roofline.serving_data import measured
from floorplan.accelerator.roofline.serving_fit import geomean_error, hold_out
from floorplan.figure_style import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PINK,
    RED,
    SKY,
    SOFT,
    mark,
    plain,
    title,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["STANDING_FIGURES"]


def _memories() -> list[tuple[str, float]]:
    found = []
    for name in ("a100", "h200", "b200"):
        figure = hardware(name).memory_bytes
        if figure is not None:
            found.append((name.upper(), figure.value / 1e9))
    return found


def _kv() -> Figure:
    from matplotlib.figure import Figure

    fig = Figure(figsize=(11.0, 4.7), layout="constrained")
    axes = fig.subplots(1, 2, sharey=True)
    x = np.geomspace(1024, 1 << 20, 60)
    for ax, reading in zip(axes, (64, 128), strict=True):
        schemes = [s for s in FIGURE_3 if s.reading == reading]
        for scheme, colour in zip(schemes, (RED, BLUE, SKY, GREEN), strict=True):
            label = f"{scheme.label}: {scheme.bytes_per_token:,} B/token"
            ax.loglog(x, x * scheme.bytes_per_token / 1e9, color=colour, linewidth=1.9, label=label)
        for name, size in _memories():
            label = f"{name} {size:.0f} GB" if reading == 128 else ""
            mark(ax, size, label, {"B200": "bottom", "A100": "top"}.get(name, "center"))
        what = "head width 64 = 2048 / 32" if reading == 64 else "head width 128, as Qwen3-30B-A3B has it"
        ax.set_title(what, fontsize=9.5, color=INK, loc="left")
        ax.set_xticks([1024, 4096, 16384, 65536, 262144, 1048576], ["1K", "4K", "16K", "64K", "256K", "1M"])
        ax.minorticks_off()
        ax.legend(frameon=False, fontsize=8, labelcolor=INK, loc="lower right")
        plain(ax, "context (tokens)", "KV cache of one request (GB)" if reading == 64 else "")
    title(fig, "KV cache by attention scheme: 48 layers, hidden 2048, 32 heads, 16 bit")
    return fig


def _agents() -> Figure:
    from matplotlib.figure import Figure

    bars = figure_2()
    names = [b.workload for b in bars]
    at = np.arange(len(bars))
    fig = Figure(figsize=(12.0, 4.4), layout="constrained")
    tokens, footprint, intensity = fig.subplots(1, 3)
    width = 0.27
    for k, (label, colour, values) in enumerate(
        (
            ("prefill, as sent", BLUE, [b.prefill_tokens for b in bars]),
            ("prefill, not in the cache", SKY, [b.new_tokens for b in bars]),
            ("decode", ORANGE, [b.decode_tokens for b in bars]),
        )
    ):
        tokens.bar(at + (k - 1) * width, values, width * 0.92, color=colour, label=label)
    tokens.set_yscale("log")
    tokens.set_title("tokens of a session", fontsize=9.5, color=INK, loc="left")
    plain(tokens, "", "tokens")
    weights = np.array([b.weight_bytes for b in bars]) / 1e9
    caches = np.array([b.kv_bytes for b in bars]) / 1e9
    footprint.bar(at, weights, 0.55, color=FAINT, label="weights")
    footprint.bar(at, caches, 0.55, bottom=weights, color=BLUE, label="KV cache at the longest context")
    for name, size in _memories()[1:]:
        mark(footprint, size, f"{name}\n{size:.0f} GB")
    footprint.set_ylim(0, 1.32 * float((weights + caches).max()))
    footprint.set_title("capacity footprint, batch 1", fontsize=9.5, color=INK, loc="left")
    plain(footprint, "", "GB")
    intensity.bar(at - 0.2, [b.oi_prefill for b in bars], 0.37, color=BLUE, label="prefill, prompt cache used")
    intensity.bar(at + 0.2, [b.oi_decode for b in bars], 0.37, color=ORANGE, label="decode, batch 1")
    ridge = hardware("b200").ridge("bf16")
    mark(intensity, ridge, f"B200\nridge {ridge:.0f}")
    intensity.set_yscale("log")
    intensity.set_ylim(0.5, 30 * max(b.oi_prefill for b in bars))
    intensity.set_title("operational intensity", fontsize=9.5, color=INK, loc="left")
    plain(intensity, "", "FLOP per byte")
    for ax in (tokens, footprint, intensity):
        ax.set_xticks(at, names)
        ax.legend(frameon=False, fontsize=8, labelcolor=INK, loc="upper left")
    tokens.set_ylim(100, 60 * max(b.prefill_tokens for b in bars))
    title(fig, "Agents on LLaMA3-70B, 16 bit (layout of Figure 2; tokens assumed but for coding's main totals)")
    return fig


def _moe() -> Figure:
    from matplotlib.figure import Figure

    bars = figure_4()
    fig = Figure(figsize=(12.0, 6.4), layout="constrained")
    axes = fig.subplots(2, 3)
    at = np.arange(len(FIGURE_4_MODELS))
    for row, context in zip(axes, FIGURE_4_CONTEXTS, strict=True):
        here = [b for b in bars if b.context == context]
        by_batch = {batch: [b for b in here if b.batch == batch] for batch in (1, 16)}
        for ax, (batch, some) in zip(row[:2], by_batch.items(), strict=True):
            weights = np.array([b.weight_bytes for b in some]) / 1e9
            caches = np.array([b.kv_bytes for b in some]) / 1e9
            ax.bar(at, weights, 0.6, color=FAINT, label="weights / batch")
            ax.bar(at, caches, 0.6, bottom=weights, color=BLUE, label="KV cache of a request")
            for k, total in enumerate((weights + caches).tolist()):
                ax.text(k, total, f"{total:,.0f}", fontsize=7.5, color=SOFT, ha="center", va="bottom")
            ax.set_title(f"footprint, batch {batch}, {context // 1024}K context", fontsize=9.5, color=INK, loc="left")
            plain(ax, "", "GB per request")
        for k, (batch, some) in enumerate(by_batch.items()):
            colour = (SKY, ORANGE)[k]
            row[2].bar(at + (k - 0.5) * 0.38, [b.oi_decode for b in some], 0.36, color=colour, label=f"batch {batch}")
        row[2].set_yscale("log")
        row[2].set_title(f"decode intensity, {context // 1024}K context", fontsize=9.5, color=INK, loc="left")
        plain(row[2], "", "FLOP per byte")
        for ax in row:
            ax.set_xticks(at, [_two_lines(name) for name in FIGURE_4_MODELS], fontsize=7.5)
            ax.legend(frameon=False, fontsize=8, labelcolor=INK, loc="upper left")
        for ax in row[:2]:
            ax.set_ylim(top=1.25 * ax.get_ylim()[1])
        row[2].set_ylim(0.3, 10 * row[2].get_ylim()[1])
    title(fig, "Dense models and mixtures of experts, 16 bit (layout of Figure 4; models, contexts are assumptions)")
    return fig


def _two_lines(name: str) -> str:
    family, _, size = name.rpartition("-")
    return f"{family}\n{size}"


def _serving() -> Figure:
    from matplotlib.figure import Figure

    held = hold_out()
    rates = {p.configuration: p.tokens_per_s for p in measured()}
    fig = Figure(figsize=(11.6, 5.2), layout="constrained")
    axes = fig.subplots(1, 2, sharex=True, sharey=True)
    colours = (BLUE, ORANGE, GREEN, PINK, SKY, RED, SOFT)
    for ax, naive in zip(axes, (True, False), strict=True):
        logs = [h.naive_log_ratio if naive else h.log_ratio for h in held]
        for h, ratio, colour in zip(held, logs, colours, strict=True):
            points = rates[h.configuration]
            label = f"{h.configuration}: {geomean_error(ratio):.0%}"
            ax.loglog(points, points * np.exp(ratio), "o", color=colour, markersize=4.5, label=label)
        ends = np.array([200.0, 100_000.0])
        ax.loglog(ends, ends, color=INK, linewidth=1.0)
        ax.fill_between(ends, ends / 1.2, ends * 1.2, color=FAINT, alpha=0.5, linewidth=0, label="within 20 %")
        name = "naive roofline" if naive else "six constants, each configuration left out of its fit"
        ax.set_title(
            f"{name}: {geomean_error(np.concatenate(logs)):.1%} geometric mean", fontsize=9.5, color=INK, loc="left"
        )
        ax.legend(frameon=False, fontsize=7.5, labelcolor=INK, loc="lower right")
        plain(ax, "measured output tokens/s", "predicted output tokens/s" if naive else "")
    title(fig, "Serving throughput: 70 published points of TensorRT-LLM, and what is predicted for them")
    return fig


STANDING_FIGURES: dict[str, Callable[[], Figure]] = {"kv": _kv, "agents": _agents, "moe": _moe, "serving": _serving}
"""Figures that need no operating point."""
