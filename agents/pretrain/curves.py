"""The picture of a pre-training run: cost over reference on what is trained on and on what is held out."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from floorplan.files import atomic_write_bytes

__all__ = ["write_pretrain_png"]

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#882255", "#7F7F7F")
SMOOTH = 0.9


def write_pretrain_png(path: str | Path, rows: Sequence[Mapping[str, Any]], title: str | None = None) -> None:
    """Draw the rows of a run's metrics.jsonl; rows that lack a figure are left out of its line."""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(10.5, 4.2), layout="constrained")
    left, right = fig.subplots(1, 2)
    held = [r for r in rows if r.get("held_out") is not None]
    for i, name in enumerate(sorted({n for r in held for n in r["zero_shot"]})):
        points = [(r["episodes"], r["zero_shot"][name]) for r in held if name in r["zero_shot"]]
        left.plot(*zip(*points, strict=True), color=COLOURS[i % len(COLOURS)], linewidth=1.0, alpha=0.8, label=name)
    if held:
        left.plot(
            [r["episodes"] for r in held],
            [r["held_out"] for r in held],
            color="black",
            linewidth=2.0,
            marker="o",
            markersize=3,
            label="geometric mean",
        )
        left.legend(frameon=False, fontsize=7)
    left.set_title("held out: proxy of one rollout over greedy's", fontsize=9.5, loc="left")

    trained = [(r["episodes"], r["mean_ratio"]) for r in rows if r.get("mean_ratio") is not None]
    if trained:
        xs, ys = zip(*trained, strict=True)
        smooth = [ys[0]]
        for y in ys[1:]:
            smooth.append(SMOOTH * smooth[-1] + (1 - SMOOTH) * y)
        right.plot(xs, ys, color=COLOURS[4], linewidth=0.6, alpha=0.6, label="rounds")
        right.plot(xs, smooth, color=COLOURS[0], linewidth=1.8, label="smoothed")
        right.legend(frameon=False, fontsize=7)
    right.set_title("trained on: proxy of sampled episodes over greedy's", fontsize=9.5, loc="left")
    for ax in (left, right):
        ax.set_xlabel("episodes", fontsize=8.5)
        ax.grid(axis="y", color="#C9D1D9", linewidth=0.5)
        ax.tick_params(labelsize=8)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
    if title:
        fig.suptitle(title, fontsize=11, x=0.01, ha="left", fontweight="bold")
    data = io.BytesIO()
    fig.savefig(data, format="png", dpi=150)
    atomic_write_bytes(path, data.getvalue())
