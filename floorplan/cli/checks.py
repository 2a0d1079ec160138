"""The reality checks as rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from floorplan.reality import RealityReport, RoutingReport, SteinerReport

__all__ = ["check_rows"]


def check_rows(report: RealityReport) -> dict[str, str]:
    """Return a row for each check, name -> what people want to know of it."""
    c, p, s = report.channels, report.pins, report.soft
    rows = {"channels": f"{c.count}, {c.narrow} below {c.narrow_um:.3g} um"}
    if c.least:
        rows["channels"] += f", least {c.least.gap_um:.4g} um: {c.least.between[0]} to {c.least.between[1]}"
    if c.abutting or c.abutting_edge:
        rows["abutting"] = f"{c.abutting} pairs of macros, {c.abutting_edge} macro sides on the canvas edge"
    rows["boxed-in pins"] = f"{100 * p.share:.2f} % ({p.boxed_in} of {p.pins} with less than {p.reach_um:.3g} um free)"
    if p.worst_macro:
        rows["boxed-in pins"] += f", worst: {p.worst_macro}, {p.worst_boxed_in} of {p.worst_pins}"
    rows["soft area"] = (
        f"{100 * s.on_hard_share:.2f} % on hard macros, {100 * s.overfull_share:.2f} % in overfull cells, "
        f"{100 * s.no_room_share:.2f} % without room"
    )
    rows["Steiner length"] = _steiner(report.steiner)
    rows["routing"] = _routing(report.routing)
    if report.flat:
        rows["flat Steiner"] = _steiner(report.flat.steiner)
        rows["flat routing"] = f"{report.flat.nets} nets, {_routing(report.flat.routing)}"
    return rows


def _steiner(s: SteinerReport) -> str:
    return f"{s.rsmt_um:,.1f} um = {s.ratio:.4f} x HPWL"


def _routing(r: RoutingReport) -> str:
    return (
        f"overflow {r.overflow_tracks:,.1f} tracks (worst edge {r.max_overflow_tracks:,.1f}, "
        f"{100 * r.overflow_edge_share:.2f} % of edges) on {r.columns} x {r.rows} cells, "
        f"peak use {100 * r.peak_utilisation:.1f} %, {r.wirelength_um:,.1f} um"
    )
