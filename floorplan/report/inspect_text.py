"""What is in a design, as tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from floorplan.inspection import Inspection, Spread, Suspicion
from floorplan.report.inspect_bins import bins

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

__all__ = ["inspection_tables"]

_SIZES_SHOWN = 20
_ITEMS_SHOWN = 5
_BAR = 32
_STYLE = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def inspection_tables(found: Inspection) -> Iterator[RenderableType]:
    """Yield the tables one after the other: facts, macro sizes, histograms, suspicions."""
    yield _facts(found)
    if found.sizes:
        yield ""
        yield _sizes(found)
    for title, spread in (("pins of a net", found.degree), ("sinks of a driving node", found.fan_out)):
        if spread.histogram:
            yield ""
            yield _histogram(title, spread)
    yield ""
    yield from _suspicions(found.suspicions)


def _grid(*columns: tuple[str, str]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim", title_style="bold", title_justify="left")
    for name, justify in columns:
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]  # "left" and "right" only
    return table


def _facts(found: Inspection) -> Table:
    from rich.table import Table

    d, c, a, w = found.design, found.counts, found.areas, found.weights
    p = d.problem
    cv, nl = p.canvas, p.netlist
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("netlist", f"{nl.name} ({d.format}: {', '.join(path.name for path in d.paths)})")
    table.add_row("hash", nl.content_hash)
    table.add_row(
        "nodes",
        f"{c.hard_macros:,} hard macros ({c.fixed_hard_macros:,} fixed, {c.placed_hard_macros:,} placed), "
        f"{c.soft_macros:,} soft macros, {c.cells:,} cells, {c.ports:,} ports",
    )
    table.add_row(
        "nets", f"{c.nets:,} with {c.terminals:,} ends; {c.pins:,} pins, {c.hard_macro_pins:,} of hard macros"
    )
    weights = (
        "all 1" if w.not_one == 0 else f"{w.least:g} to {w.largest:g}, mean {w.mean:.4g}, {w.distinct:,} different"
    )
    table.add_row("net weights", weights)
    table.add_row(
        "canvas",
        f"{cv.width_um:.6g} x {cv.height_um:.6g} um, {cv.columns} x {cv.rows} cells, "
        f"{cv.h_tracks_per_um:g} / {cv.v_tracks_per_um:g} tracks a um",
    )
    table.add_row(
        "utilisation",
        f"{a.hard_utilisation:.4f} by hard macros ({a.hard:,.6g} um2), {a.utilisation:.4f} by all",
    )
    if found.rent is None:
        table.add_row("Rent exponent", found.rent_reason)
    else:
        r = found.rent
        table.add_row(
            "Rent exponent",
            f"{r.exponent:.3f} (T = {r.coefficient:.3g} B^p over blocks of {_fitted(found)} nodes, R2 {r.r2:.3f})",
        )
    parts, largest = found.components
    table.add_row("connected parts", f"{parts:,}, the largest of {largest:,} nodes")
    table.add_row("constraints", _constraints(found))
    return table


def _fitted(found: Inspection) -> str:
    nodes = [v.nodes for v in found.rent.levels] if found.rent else []
    return f"{min(nodes):,.4g} to {max(nodes):,.4g}"


def _constraints(found: Inspection) -> str:
    said = []
    for key, value in found.constraints.items():
        name = key.removesuffix("_um").replace("_", " ")
        if isinstance(value, int | float):
            said.append(f"{name} {value:g}{' um' if key.endswith('_um') else ''}")
        elif isinstance(value, list):
            said.append(f"{name} {', '.join(_plain(v) for v in value)}")
    return "; ".join(said) or "none"


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return f"{value['name']} ({value['macros']:,} macros{', a fence' if value['exclusive'] else ''})"
    return f"{value:g} um" if isinstance(value, int | float) else str(value)


def _sizes(found: Inspection) -> Table:
    table = _grid(
        ("hard macros", "left"), ("count", "right"), ("fixed", "right"), ("width um", "right"), ("height um", "right"),
        ("pins", "right"), ("area share", "right"),
    )  # fmt: skip
    for g in found.sizes[:_SIZES_SHOWN]:
        share = g.area_um2 / found.areas.hard
        table.add_row(
            g.label, f"{g.count:,}", f"{g.fixed:,}", f"{g.width_um:.6g}", f"{g.height_um:.6g}", f"{g.pins:.4g}",
            f"{share:.1%}",
        )  # fmt: skip
    rest = found.sizes[_SIZES_SHOWN:]
    if rest:
        share = sum(g.area_um2 for g in rest) / found.areas.hard
        table.add_row(f"{len(rest):,} more sizes", f"{sum(g.count for g in rest):,}", "", "", "", "", f"{share:.1%}")
    return table


def _histogram(title: str, spread: Spread) -> Table:
    table = _grid((title, "right"), ("count", "right"), (_summary(spread), "left"))
    rows = bins(spread.histogram)
    most = max(n for _, n in rows)
    for label, n in rows:
        # a bin that holds anything shows a mark
        table.add_row(label, f"{n:,}", "█" * max(round(_BAR * n / most), 1 if n else 0))
    return table


def _summary(spread: Spread) -> str:
    return f"mean {spread.mean:.3g}, median {spread.median:g}, most {spread.largest:,}"


def _suspicions(found: Sequence[Suspicion]) -> Iterator[RenderableType]:
    from rich.text import Text

    if not found:
        yield Text("nothing suspicious", style="green")
        return
    yield Text(f"suspicious: {len(found)}", style="bold")
    for s in found:
        yield Text.assemble((f"{s.severity} ", _STYLE[s.severity]), (f"{s.kind}: ", "bold"), s.what)
        names = _names(s)
        if names:
            yield names


def _names(s: Suspicion) -> Text | None:
    from rich.text import Text

    shown = [f"{i.name} ({i.value:,.6g} {s.unit})" if s.unit else i.name for i in s.items[:_ITEMS_SHOWN]]
    more = s.count - len(shown)
    said = ", ".join(shown) + (f", and {more:,} more" if more > 0 else "")
    return Text("  " + said, style="dim") if shown else None
