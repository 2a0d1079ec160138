"""What the command line says about a placement: one JSON object, or the same as a table."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from floorplan.netlist import Legality, Problem

if TYPE_CHECKING:
    from rich.text import Text

    from floorplan.cost import Cost, CostOptions

__all__ = ["cost_line", "print_json", "print_table", "result_object"]

_SHOWN = 8
"""Violations that the table names."""


def result_object(problem: Problem, cost: Cost, options: CostOptions, legality: Legality) -> dict[str, object]:
    """Return everything that must stand beside a proxy for it to mean something, as plain values."""
    canvas = problem.canvas
    return {
        "netlist": problem.netlist.name,
        "netlist_hash": problem.netlist.content_hash,
        "proxy": cost.proxy,
        "wirelength": cost.wirelength,
        "density": cost.density,
        "congestion": cost.congestion,
        "wirelength_um": cost.wirelength_um,
        "weights": options.weights.to_dict(),
        "density_top": options.density_top,
        "congestion_top": options.congestion_top,
        "square_soft": options.square_soft,
        "grid": {"columns": canvas.columns, "rows": canvas.rows},
        "canvas_um": [canvas.width_um, canvas.height_um],
        "constraints": problem.constraints(),
        "legal": legality.legal,
        "violations": [v.to_dict() for v in legality.violations],
        "warnings": [v.to_dict() for v in legality.warnings],
    }


def cost_line(cost: Cost, options: CostOptions) -> str:
    """Return the proxy with its parts and weights in one line."""
    w = options.weights
    return (
        f"proxy {cost.proxy:.4f} = {w.wirelength:g} x wirelength {cost.wirelength:.4f} "
        f"+ {w.density:g} x density {cost.density:.4f} + {w.congestion:g} x congestion {cost.congestion:.4f}"
    )


def print_json(result: dict[str, object]) -> None:
    """Write one JSON object and a line end to stdout."""
    sys.stdout.write(json.dumps(result, allow_nan=False) + "\n")


def print_table(
    problem: Problem, cost: Cost, options: CostOptions, legality: Legality, extra: dict[str, str] | None = None
) -> None:
    """Write the result to stdout for people, `extra` rows last."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    nl, canvas, w = problem.netlist, problem.canvas, options.weights
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(
        "netlist",
        f"{nl.name}: {len(nl.hard)} hard macros, {len(nl.soft)} soft, {len(nl.ports)} ports, {nl.num_nets} nets",
    )
    table.add_row("hash", nl.content_hash)
    table.add_row(
        "grid", f"{canvas.columns} x {canvas.rows} cells on {canvas.width_um:.6g} x {canvas.height_um:.6g} um"
    )
    table.add_row("wirelength", f"{cost.wirelength:.6f}   ({cost.wirelength_um:,.1f} um)")
    table.add_row("density", f"{cost.density:.6f}")
    table.add_row("congestion", f"{cost.congestion:.6f}")
    table.add_row(
        "proxy",
        Text.assemble(
            (f"{cost.proxy:.6f}", "bold"),
            f"   (weights {w.wirelength:g} / {w.density:g} / {w.congestion:g})",
        ),
    )
    for name, value in (extra or {}).items():
        table.add_row(name, value)
    binding = problem.constraints()
    if binding:
        table.add_row("constraints", _binding(binding))
    table.add_row("legality", _verdict(legality))
    for kind, what in (("outside", "soft macros centred off the canvas"), ("soft_blockage", "soft blockages covered")):
        found = [v for v in legality.warnings if v.kind == kind]
        if found:
            worst = max(found, key=lambda v: v.amount_um)
            table.add_row("warning", f"{len(found)} {what}, worst: {worst}")
    # without a terminal there is no width to fit into, and a name broken over two lines cannot be searched for
    Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 1000).print(table)


def _binding(constraints: dict[str, object]) -> str:
    """Return what binds the macros in one line."""
    parts = []
    for key, value in constraints.items():
        if key == "regions" and isinstance(value, list):
            words = [f"{r['name']!r}{' (exclusive)' if r['exclusive'] else ''}: {r['macros']} macros" for r in value]
            parts.append(f"regions {', '.join(words)}")
        else:
            parts.append(f"{key.replace('_', ' ')} {value}")
    return "; ".join(parts)


def _verdict(legality: Legality) -> Text:
    """Return `legal`, or `ILLEGAL` with the number of violations and the worst ones, one a line."""
    from rich.text import Text

    if legality.legal:
        return Text("legal", style="green")
    worst = sorted(legality.violations, key=lambda v: -v.amount_um)[:_SHOWN]
    lines = [str(v) for v in worst]
    more = len(legality.violations) - len(worst)
    if more:
        lines.append(f"and {more} more; --json lists all")
    return Text("\n").join([Text(f"ILLEGAL ({len(legality.violations)})", style="bold red"), *map(Text, lines)])
