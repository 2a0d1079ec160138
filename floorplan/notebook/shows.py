"""Which class is shown by what; nothing is imported before an object of the class is looked at."""

from __future__ import annotations

from importlib import import_module

__all__ = ["SHOWS", "html_of"]

_LAYOUTS, _FIGURES, _TABLES = "floorplan.notebook.layouts", "floorplan.notebook.figures", "floorplan.notebook.tables"

SHOWS: dict[str, str] = {
    "floorplan.netlist.placement:Placement": f"{_LAYOUTS}:placement_html",
    "floorplan.netlist.problem:Problem": f"{_LAYOUTS}:problem_html",
    "floorplan.formats.design:Design": f"{_LAYOUTS}:design_html",
    "floorplan.cluster.cluster:Clustering": f"{_LAYOUTS}:clustering_html",
    "floorplan.accelerator.chip:Chip": f"{_LAYOUTS}:chip_html",
    "floorplan.cost.terms:Cost": f"{_FIGURES}:cost_html",
    "floorplan.cost.terms:CostMaps": f"{_FIGURES}:maps_html",
    "floorplan.estimate.results:Estimate": f"{_FIGURES}:estimate_html",
    "floorplan.netlist.model:Netlist": f"{_TABLES}:netlist_html",
    "floorplan.netlist.legality:Legality": f"{_TABLES}:legality_html",
    "floorplan.bound.certificate:LowerBound": f"{_TABLES}:bound_html",
    "floorplan.bench.rows:Row": f"{_TABLES}:row_html",
    "floorplan.bench.table:Section": f"{_TABLES}:section_html",
    "floorplan.bench.runner:Outcome": f"{_TABLES}:outcome_html",
}
"""`module:class` -> `module:function` that makes HTML of an object of the class, or of one derived from it."""


def html_of(shown: object) -> str | None:
    """Return an object as HTML; None for one of a class that nothing here shows, which a notebook then prints."""
    for kind in type(shown).__mro__:
        home = SHOWS.get(f"{kind.__module__}:{kind.__qualname__}")
        if home is not None:
            module, _, name = home.partition(":")
            html: str = getattr(import_module(module), name)(shown)
            return html
    return None
