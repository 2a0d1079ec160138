"""Write the tables of docs/transfer.md from the rows stored beside it: `python docs/write_transfer.py`.

A table stands between `<!-- begin compare FOLDER... baseline=LABEL budget=B only=LABEL at=B -->` and
`<!-- end compare -->`; each FOLDER is one of docs/data/transfer and holds the rows that `floorplan bench` left.
`budget` is the baseline's, `only` names one agent, `at` leaves out all runs of other budgets. `<!-- begin reach -->` is
when fine-tuning had what training from scratch ended with, of the runs of `learning` whose traces are kept. `--figures`
draws their curves anew. `<!-- begin methods -->` is what `floorplan pretrain --method` came to, of the rows of its
metrics that measure held-out netlists, a file for each method.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from floorplan.bench import Row

PAGE = Path(__file__).resolve().parent / "transfer.md"
ROWS = PAGE.parent / "data" / "transfer"
IMAGES = PAGE.parent / "images"
COMPARE = re.compile(r"(<!-- begin compare ([^\n]*?) -->\n).*?(<!-- end compare -->)", re.DOTALL)
PLAIN = re.compile(r"(<!-- begin (reach|methods) -->\n).*?(<!-- end \2 -->)", re.DOTALL)

Curve = list[tuple[float, float]]
"""Seconds and the best proxy since."""


def table(arguments: str) -> str:
    """Return the Markdown of one comparison."""
    from floorplan.bench.compare import compare, markdown

    pairs = re.findall(r"(\w+)=(\"[^\"]*\"|\S+)", arguments)
    known = {key: value.strip('"') for key, value in pairs}
    folders = re.sub(r"\w+=(\"[^\"]*\"|\S+)", "", arguments).split()
    rows = [row for folder in folders for row in read(folder)]
    if "at" in known:
        rows = [row for row in rows if row.budget == known["at"]]
    budget = known.get("budget")
    found = compare(rows, known["baseline"], budget)
    if "only" in known:
        found = [c for c in found if c.label == known["only"]]
    against = known["baseline"] if budget is None else f"{known['baseline']}, {budget}"
    return "\n".join(markdown(c, against) for c in found)


def read(folder: str) -> list[Row]:
    """Return the stored rows of a suite."""
    from floorplan.bench import RowStore

    return list(RowStore(ROWS / folder).read().values())


def curves() -> dict[tuple[str, int], dict[str, Curve]]:
    """Return design and seed -> label -> curve, of the runs of `learning` that have both and whose traces are kept."""
    from floorplan.bench.trace import read_trace

    found: dict[tuple[str, int], dict[str, Curve]] = {}
    for row in read("learning"):
        path = ROWS / "learning" / str(row.trace_file)
        if path.exists():
            found.setdefault((row.design, row.seed), {})[row.label] = [(p.seconds, p.proxy) for p in read_trace(path)]
    return {key: run for key, run in found.items() if {"scratch", "fine-tuned"} <= set(run)}


def reached(curve: Curve, proxy: float) -> float:
    """Return after how many seconds a run had a proxy, infinity if it never had."""
    return next((s for s, best in curve if best <= proxy), math.inf)


def reach() -> str:
    """Return the Markdown table of `begin reach`."""
    lines = ["| | seed | from scratch | found after | fine-tuning has it after | share |", "|-|-|-|-|-|-|"]
    for (design, seed), run in sorted(curves().items()):
        end, goal = run["scratch"][-1][0], run["scratch"][-1][1] * (1 + 1e-12)
        own, tuned = reached(run["scratch"], goal), reached(run["fine-tuned"], goal)
        digits = 0 if end >= 10 * tuned else 1
        text = f"{tuned:.0f} s | 1/{end / tuned:.{digits}f}" if math.isfinite(tuned) else "not in that time | -"
        lines.append(f"| {design} | {seed} | {goal:.4f} | {own:.0f} s | {text} |")
    return "\n".join(lines) + "\n"


def methods() -> str:
    """Return the Markdown table of `begin methods`."""
    lines = ["| method | episodes played | untrained | at the end | best, which is kept | after |", "|-|-|-|-|-|-|"]
    for path in sorted((ROWS / "methods").glob("*.jsonl")):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        best = min(rows, key=lambda row: float(row["held_out"]))
        scores = " | ".join(f"{row['held_out']:.3f}" for row in (rows[0], rows[-1], best))
        lines.append(f"| {path.stem} | {rows[-1]['episodes']:,} | {scores} | {best['seconds']:.0f} s |")
    return "\n".join(lines) + "\n"


def draw(path: Path) -> None:
    """Draw best proxy against time, a panel for each design."""
    from matplotlib.figure import Figure

    from floorplan import figure_style as style

    found = curves()
    designs: Sequence[str] = list(dict.fromkeys(design for design, _ in found))
    zero_shot = {r.design: r.score.proxy for r in read("zero-shot") if r.label == "zero-shot" and r.score is not None}
    fig = Figure(figsize=(2.5 * len(designs), 2.6), layout="constrained")
    for k, design in enumerate(designs):
        ax = fig.add_subplot(1, len(designs), k + 1)
        for (name, _), run in found.items():
            if name == design:
                for label, colour in (("scratch", style.ORANGE), ("fine-tuned", style.BLUE)):
                    s, proxy = zip(*run[label], strict=True)
                    ax.step(s, proxy, where="post", color=colour, linewidth=1.1, label=label)
        ax.axhline(zero_shot[design], color=style.SOFT, linewidth=0.9, linestyle=":", label="zero-shot, one rollout")
        ax.set_xscale("log")
        ax.set_xlim(4, 640)
        ax.set_xticks([10, 60, 600], ["10", "60", "600"])
        ax.minorticks_off()
        style.plain(ax, "seconds", "best proxy" if k == 0 else "")
        ax.set_title(design, fontsize=9, color=style.INK, loc="left")
    handles, labels = fig.axes[0].get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))
    fig.legend(named.values(), named, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    style.save(path, fig)


def rewritten(text: str) -> str:
    """Return the page with every table made anew."""
    text = COMPARE.sub(lambda m: f"{m[1]}\n{table(m[2])}\n{m[3]}", text)
    plain = {"reach": reach, "methods": methods}
    return PLAIN.sub(lambda m: f"{m[1]}\n{plain[m[2]]()}\n{m[3]}", text)


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    if "--figures" in sys.argv:
        draw(IMAGES / "transfer-curves.svg")
