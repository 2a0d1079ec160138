"""Write the tables of docs/studies.md from the rows in docs/data/studies: `python docs/write_studies.py`.

A table stands between `<!-- begin study NAME -->` and `<!-- end study -->`. `--figures` also draws the pictures anew.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent / "studies.md"
ROWS = PAGE.parent / "data" / "studies"
IMAGES = PAGE.parent / "images"
BLOCK = re.compile(r"(<!-- begin study ([\w-]+) -->\n).*?(<!-- end study -->)", re.DOTALL)
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#7F7F7F")
PARTS = ("wire", "sram", "mac", "memory", "link", "clock", "leakage")

Row = dict[str, Any]


def read(study: str) -> list[Row]:
    """Return the stored rows of a study."""
    return [json.loads(line) for line in (ROWS / f"{study}.jsonl").read_text(encoding="utf-8").splitlines()]


def markdown(head: list[str], body: Iterable[list[str]]) -> str:
    """Return a table."""
    lines = [head, ["-"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def distinct(rows: list[Row], key: str) -> list[Any]:
    """Return the values of a column, each once, in order."""
    return list(dict.fromkeys(r[key] for r in rows))


def mean(rows: list[Row], key: str) -> float:
    """Return the mean of a column."""
    return statistics.fmean(r[key] for r in rows)


def spread(rows: list[Row], key: str, scale: float = 1.0) -> str:
    """Return mean and range of a column."""
    values = [scale * r[key] for r in rows]
    return f"{statistics.fmean(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def paths() -> str:
    """Return traffic x path x energy, a line for each template, mapping and placement."""
    head = ["template", "", "placed", "TB/s", "mean path, mm", "wire, W", "die, W", "clock, GHz"]
    body = [
        [
            r["template"],
            r["variant"] or (f"{r['stages']} stages" if r["stages"] > 1 else ""),
            r["agent"],
            *(f"{r[key]:.3g}" for key in ("tb_per_s", "path_mm", "wire_w", "die_w")),
            f"{r['clock_ghz']:.2f}",
            f"{r['j_per_token']:.3g}",
            f"{r['wire_pct']:.0f} %",
            f"{r['clock_pct'] + r['leakage_pct']:.0f} %",
        ]
        for r in read("paths")
        if r["kind"] == "sum"
    ]
    return markdown([*head, "J/token", "of it wire", "clock, leakage"], body)


def buses() -> str:
    """Return the kinds of buses of two annealed templates."""
    rows = [r for r in read("paths") if r["kind"] == "bus" and r["agent"] == "anneal" and not r["variant"]]
    rows = [r for r in rows if r["template"] in ("gpu_tile", "sram_first")]
    rows.sort(key=lambda r: (r["template"], -r["wire_w"]))
    head = ["template", "bus", "TB/s", "mean path, mm", "W", "of J/token"]
    body = []
    for r in rows:
        figures = [f"{r[key]:.3g}" for key in ("tb_per_s", "path_mm", "wire_w")]
        body.append([r["template"], r["bus"].replace("_", " "), *figures, f"{r['wire_pct']:.1f} %"])
    return markdown(head, body)


def correlation(target: str) -> str:
    """Return Spearman's rho of the proxy and its parts with J or ns a token, and Kendall's tau of the proxy."""
    rows = [r for r in read("correlation") if r["kind"] == "correlation" and r["target"] == target]
    parts = distinct(rows, "part")
    body = []
    for template in distinct(rows, "template"):
        for among in distinct(rows, "among"):
            found = {r["part"]: r for r in rows if r["template"] == template and r["among"] == among}
            first = found[parts[0]]
            cells = [_rho(found[p], "spearman") for p in parts]
            body.append(
                [template, f"{among}, {first['count']}", f"{first['spread_pct']:.2g} %", *cells, _rho(first, "kendall")]
            )
    return markdown(["template", "among", "spread", *parts, "tau of the proxy"], body)


def _rho(row: Row, name: str) -> str:
    if row[name] is None:
        return "constant"
    return f"{row[name]:.2f} ({row[name + '_low']:.2f} to {row[name + '_high']:.2f})"


def elasticity() -> str:
    """Return d log(tokens/J) / d log(length) of annealed placements, batches side by side."""
    rows = [r for r in read("elasticity") if r["agent"] == "anneal"]
    batches = distinct(rows, "batch")
    head = ["template", "model", "workload", *(f"batch {b}" if b else "what fits" for b in batches), "10 % shorter"]
    body = []
    for template in distinct(rows, "template"):
        for served in distinct(rows, "model"):
            for asked in distinct(rows, "workload"):
                found = {
                    r["batch"]: r
                    for r in rows
                    if (r["template"], r["model"], r["workload"]) == (template, served, asked)
                }
                cells = [f"{found[b]['tokens_per_j']:.3f}" for b in batches]
                body.append([template, served, asked, *cells, f"+{found[0]['shorter_pct']:.1f} % tokens/J"])
    return markdown(head, body)


def elasticity_check() -> str:
    """Return how far the exact derivative and the scaled estimate are apart, and what it is made of."""
    rows = read("elasticity")
    gap = max(abs(r["tokens_per_j"] - r["near"]) for r in rows)
    lines = []
    for template in distinct(rows, "template"):
        found = [r for r in rows if r["template"] == template and r["agent"] == "anneal"]
        cells = [spread(found, key) for key in ("by_wire", "by_clock", "by_leakage")]
        lines.append([template, *cells, spread(found, "ns")])
    table = markdown(["template", "by wire energy", "by clock", "by leakage", "d log(ns) / d log(length)"], lines)
    agree = "agree in all six stored digits" if gap == 0 else f"differ by at most {gap:.1g}"
    return f"{table}\nDerivative and scaling all lengths by a millionth {agree}, in {len(rows)} rows.\n"


def swap() -> str:
    """Return wire energy, J and ns a token of chips placed for one phase under both."""
    rows = read("swap")
    body = []
    for template in distinct(rows, "template"):
        for under in distinct(rows, "under"):
            for placed_for in distinct(rows, "placed_for"):
                found, own = (
                    [r for r in rows if (r["template"], r["under"], r["placed_for"]) == (template, under, p)]
                    for p in (placed_for, under)
                )
                cells = []
                for key in ("wire_j", "j_per_token", "ns_per_token"):
                    change = 100 * (mean(found, key) / mean(own, key) - 1)
                    cells += [spread(found, key), "" if placed_for == under else f"{change:+.0f} %"]
                body.append([template, under, placed_for, *cells])
    return markdown(["template", "load", "placed for", "wire, J", "", "J/token", "", "ns/token", ""], body)


def reward() -> str:
    """Return J and ns a token by what was annealed, and the change against the width of buses."""
    rows = read("reward")
    body = []
    for template in distinct(rows, "template"):
        base = [r for r in rows if r["template"] == template and r["reward"] == "wires"]
        for kind in distinct(rows, "reward"):
            found = [r for r in rows if r["template"] == template and r["reward"] == kind]
            cells = [f"{mean(found, 'proxy'):.3f}"]
            for key in ("wire_j", "j_per_token", "ns_per_token"):
                change = [100 * (a[key] / b[key] - 1) for a, b in zip(found, base, strict=True)]
                cells.append(spread(found, key))
                if key != "wire_j":
                    each = f"{statistics.fmean(change):+.1f} % ({min(change):+.1f} to {max(change):+.1f})"
                    cells.append("" if kind == "wires" else each)
            body.append([template, kind, *cells])
    return markdown(["template", "weights", "stock proxy", "wire, J", "J/token", "", "ns/token", ""], body)


def measured() -> str:
    """Return the regression of power on wirelength."""
    rows = read("measured")
    body = [
        [
            f"{r['design']}, {r['clock_ns']:g} ns, {r['utilisation_pct']} %",
            str(r["placements"]),
            f"{r['correlation']:.2f}",
            f"{r['c_ff_per_um']:.3f}",
            f"{r['measured_mw_per_m']:.2f}",
            f"{r['predicted_mw_per_m']:.2f}",
            f"{r['ratio']:.2f}",
        ]
        for r in rows
        if r["kind"] == "group"
    ]
    (signs,) = (r for r in rows if r["kind"] == "signs")
    table = markdown(
        ["design left out", "placements", "r", "aC, fF/um", "slope, mW/m", "predicted", "predicted / measured"], body
    )
    share = signs["right"] / signs["pairs"]
    return (
        f"{table}\nOf {signs['pairs']} pairs within a group whose wire differs by more than a tenth, {signs['right']} "
        f"have more power where there is more wire ({100 * share:.0f} %).\n"
    )


def rankings() -> str:
    """Return J and ns a token of three placers with error bars."""
    rows = [r for r in read("rankings") if r["kind"] == "placement"]
    body = []
    for template in distinct(rows, "template"):
        for placer in distinct(rows, "placer"):
            found = [r for r in rows if r["template"] == template and r["placer"] == placer]
            bar = f"{mean(found, 'j_low'):.3g} to {mean(found, 'j_high'):.3g}"
            cells = [f"{mean(found, 'proxy'):.3f}", spread(found, "j"), bar, f"{mean(found, 'wire_pct'):.0f} %"]
            cells += [spread(found, "ns", 1e-3), f"{mean(found, 'temperature_max_c'):.0f}"]
            body.append([template, placer, *cells])
    return markdown(["template", "placer", "proxy", "J/token", "5 to 95 %", "wire", "us/token", "hottest, degC"], body)


def survival() -> str:
    """Return the share of the draws in which a ranking stands, least of the seeds."""
    rows = [r for r in read("rankings") if r["kind"] == "pair"]
    body = []
    for template in distinct(rows, "template"):
        cells = []
        for first, second in dict.fromkeys((r["first"], r["second"]) for r in rows):
            found = [r for r in rows if (r["template"], r["first"], r["second"]) == (template, first, second)]
            ratios = spread(found, "j_ratio")
            cells += [ratios, f"{100 * min(r['j_survival'] for r in found):.0f} %"]
            cells += [f"{100 * min(r['ns_survival'] for r in found):.0f} %"]
        body.append([template, *cells])
    head = ["template"]
    for first, second in dict.fromkeys((r["first"], r["second"]) for r in rows):
        head += [f"J, {second} / {first}", "stands", "ns stands"]
    return markdown(head, body)


TABLES: dict[str, Callable[[], str]] = {
    "paths": paths,
    "buses": buses,
    "correlation-j": lambda: correlation("j_per_token"),
    "correlation-ns": lambda: correlation("ns_per_token"),
    "elasticity": elasticity,
    "elasticity-check": elasticity_check,
    "swap": swap,
    "reward": reward,
    "measured": measured,
    "rankings": rankings,
    "survival": survival,
}


def rewritten(text: str) -> str:
    """Return the page with every table made anew."""
    return BLOCK.sub(lambda m: f"{m[1]}\n{TABLES[m[2]]()}\n{m[3]}", text)


def draw() -> None:
    """Draw all figures."""
    import matplotlib as mpl
    import numpy as np
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "floorplan"

    def save(fig: Figure, name: str) -> None:
        options: dict[str, Any] = {"metadata": {"Date": None}} if name.endswith("svg") else {"dpi": 100}
        fig.savefig(IMAGES / name, facecolor="white", **options)

    rows = [r for r in read("paths") if r["kind"] == "sum"]
    fig = Figure(figsize=(8.6, 0.34 * len(rows) + 1.0), layout="constrained")
    ax = fig.subplots()
    labels = [f"{r['template']}, {r['agent']}" + (f"\n{r['variant']}" if r["variant"] else "") for r in rows]
    left = np.zeros(len(rows))
    for part, colour in zip(PARTS, PALETTE, strict=True):
        width = np.array([r[f"{part}_pct"] for r in rows])
        ax.barh(range(len(rows)), width, left=left, color=colour, label=part)
        left += width
    ax.set_yticks(range(len(rows)), labels, fontsize=6.5)
    ax.invert_yaxis()
    ax.set_xlabel("share of J per decoded token, %")
    ax.legend(ncols=len(PARTS), fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    save(fig, "studies-paths.svg")

    found = [r for r in read("correlation") if r["kind"] == "placement"]
    fig = Figure(figsize=(9.0, 5.4), layout="constrained")
    depths = sorted({r["proposals"] for r in found})
    for ax, template in zip(fig.subplots(2, 3).flat, distinct(found, "template"), strict=False):
        for depth, colour in zip(depths, PALETTE, strict=False):
            some = [r for r in found if r["template"] == template and r["proposals"] == depth]
            label = f"{depth:,} proposals" if depth else "random"
            proxies, joules = [r["proxy"] for r in some], [r["j_per_token"] for r in some]
            ax.scatter(proxies, joules, s=7, color=colour, label=label, linewidths=0)
        ax.set_title(template, fontsize=9)
        ax.tick_params(labelsize=7)
        ax.set_ylim(bottom=0)
    fig.supxlabel("proxy cost (1.0 wirelength + 0.5 density + 0.5 congestion)", fontsize=9)
    fig.supylabel("J per token", fontsize=9)
    handles, names = ax.get_legend_handles_labels()
    fig.legend(handles, names, ncols=len(depths), loc="outside upper center", fontsize=8, frameon=False)
    save(fig, "studies-correlation.png")

    found = [r for r in read("measured") if r["kind"] == "group"]
    fig = Figure(figsize=(9.0, 2.4), layout="constrained")
    for ax, r in zip(fig.subplots(1, len(found)), found, strict=True):
        x, y = np.array(r["wirelength_m"]), np.array(r["power_mw"])
        ax.scatter(x, y, s=10, color=PALETTE[0], linewidths=0)
        line = np.array([x.min(), x.max()])
        for slope, colour, style in (("measured_mw_per_m", PALETTE[1], "-"), ("predicted_mw_per_m", PALETTE[5], "--")):
            ax.plot(line, y.mean() + r[slope] * (line - x.mean()), style, color=colour, linewidth=1.2)
        ax.set_title(f"{r['design']}\n{r['clock_ns']:g} ns, {r['utilisation_pct']} %", fontsize=7.5)
        ax.tick_params(labelsize=6)
    fig.supxlabel("routed wire, m (full: fit to these points; dashed: from the other designs)", fontsize=8)
    fig.supylabel("power, mW", fontsize=8)
    save(fig, "studies-measured.svg")

    found = [r for r in read("rankings") if r["kind"] == "placement"]
    fig = Figure(figsize=(9.0, 3.2), layout="constrained")
    templates, placers = distinct(found, "template"), distinct(found, "placer")
    ax = fig.subplots()
    for k, (placer, colour) in enumerate(zip(placers, PALETTE, strict=False)):
        some = [r for r in found if r["placer"] == placer]
        at = np.array([templates.index(r["template"]) + 0.26 * (k - 1) + 0.06 * (r["seed"] - 2) for r in some])
        value, low, high = (np.array([r[key] for r in some]) for key in ("j", "j_low", "j_high"))
        ax.errorbar(at, value, [value - low, high - value], fmt="o", ms=3, lw=0.9, color=colour, label=placer)
    ax.set_yscale("log")
    ax.set_xticks(range(len(templates)), templates, fontsize=8)
    ax.set_ylabel("J per token, 5 to 95 %", fontsize=8)
    ax.tick_params(axis="y", labelsize=7)
    ax.legend(fontsize=8, ncols=3, loc="upper right", frameon=False)
    save(fig, "studies-rankings.svg")

    found = [r for r in read("elasticity") if r["agent"] == "anneal"]
    fig = Figure(figsize=(9.0, 3.0), layout="constrained")
    ax = fig.subplots()
    for k, (served, colour) in enumerate(zip(distinct(found, "model"), PALETTE, strict=False)):
        for asked, marker in zip(distinct(found, "workload"), "os", strict=True):
            some = [r for r in found if r["model"] == served and r["workload"] == asked]
            place = [templates.index(r["template"]) + 0.24 * (k - 1) + (0.05 if marker == "s" else -0.05) for r in some]
            gain = [r["tokens_per_j"] for r in some]
            ax.scatter(place, gain, s=14, marker=marker, color=colour, label=f"{served}, {asked}", linewidths=0)
    ax.axhline(0, color="#7F7F7F", linewidth=0.6)
    ax.set_xticks(range(len(templates)), templates, fontsize=8)
    ax.set_ylabel("d log(tokens/J) / d log(length)", fontsize=8)
    ax.tick_params(axis="y", labelsize=7)
    ax.legend(fontsize=7, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    save(fig, "studies-elasticity.svg")


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    if "--figures" in sys.argv[1:]:
        draw()
