"""Tables of a report: what costs most in a placement, and all its hard macros."""

from __future__ import annotations

from floorplan.report.causes import MAPS, WorstCell
from floorplan.report.scene import Scene
from floorplan.report.shown_text import shown

__all__ = ["MAP_NAMES", "SHOWN_CELLS", "SHOWN_NETS", "macro_list", "worst_tables"]

MAP_NAMES = {
    "density": "Density",
    "h_congestion": "Horizontal congestion",
    "v_congestion": "Vertical congestion",
}

SHOWN_CELLS = 4
"""Cells of each map that are numbered and listed."""

SHOWN_NETS = 10
"""Nets, and hard macros, that are listed as the worst."""

_SHOWN_CAUSES = 3
_LEAST = 0.0005
"""Share of a cell below which a cause would be printed as 0.000."""
_MAX_MACROS_LISTED = 400


def worst_tables(scene: Scene) -> str:
    """Return what costs most: hard macros, nets, and the fullest cells of each map with what fills them."""
    return (
        f'<div class="tables"><div>{_macro_table(scene)}</div><div>{_net_table(scene)}</div></div>'
        f'<div class="block">{_cell_table(scene)}</div>'
    )


def _macro_table(scene: Scene) -> str:
    index = {node: i for i, node in enumerate(scene.hard.node.tolist())}
    rows = "".join(
        f'<tr data-macro="{index[m.node]}"><td class="l n">{shown(m.name)}</td><td>{m.nets:.4f}</td>'
        f"<td>{m.density:.4f}</td><td>{m.congestion:.4f}</td><td>{m.total:.4f}</td></tr>"
        for m in scene.worst_macros[:SHOWN_NETS]
    )
    return (
        "<h3>Costliest hard macros</h3><p class='note'>Points of the proxy: the wirelength of a macro's nets, its area "
        "and the tracks it takes in the cells that the cost averages.</p>"
        '<table><thead><tr><th class="l">macro</th><th>wirelength</th><th>density</th><th>congestion</th><th>sum</th>'
        f"</tr></thead><tbody>{rows}</tbody></table>"
    )


def _net_table(scene: Scene) -> str:
    nets = scene.worst_nets[:SHOWN_NETS]
    rows = "".join(
        f'<tr data-net="{i}"><td class="l n">{shown(n.name)}</td><td>{n.hpwl_um:,.1f}</td><td>{n.weight:g}</td>'
        f"<td>{n.terminals:,}</td><td>{n.share:.2%}</td></tr>"
        for i, n in enumerate(nets)
    )
    share = sum(n.share for n in nets)
    return (
        f"<h3>Worst nets</h3><p class='note'>The {len(nets)} that cost most make {share:.1%} of the wirelength. "
        "A net is called by the pin that drives it.</p>"
        '<table><thead><tr><th class="l">driven by</th><th>half-perimeter (µm)</th><th>weight</th><th>pins</th>'
        f"<th>share</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _cell_table(scene: Scene) -> str:
    bodies = []
    for name in MAPS:
        rows = []
        cells = [c for c in scene.worst_cells if c.map == name][:SHOWN_CELLS]
        for number, c in enumerate(cells, 1):
            nets = "-" if name == "density" else f"{c.nets:.3f}"
            crossing = "-" if name == "density" else f"{c.crossing:,}"
            head = f'<th class="l" rowspan="{len(cells)}">{MAP_NAMES[name]}</th>' if number == 1 else ""
            rows.append(
                f'<tr data-cell="{c.row},{c.column}">{head}<td class="c">{number}</td><td>{c.row}, {c.column}</td>'
                f"<td><b>{c.value:.3f}</b></td><td>{c.area:.3f}</td><td>{nets}</td><td>{crossing}</td>"
                f'<td class="l n wide">{_cause_list(c)}</td></tr>'
            )
        bodies.append(f"<tbody>{''.join(rows)}</tbody>")
    return (
        "<h3>Worst cells and what fills them</h3><p class='note'>Numbered as in the maps; a full cell is 1. A net "
        "counts for every macro that it ends on.</p>"
        '<table class="grouped"><thead><tr><th class="l">map</th><th class="c">no.</th><th>row, column</th>'
        "<th>value</th>"
        '<th>covered</th><th>by nets</th><th>nets</th><th class="l">mostly by</th></tr></thead>'
        f"{''.join(bodies)}</table>"
    )


def _cause_list(c: WorstCell) -> str:
    parts = []
    for cause in [cause for cause in c.causes if cause.area + cause.nets >= _LEAST][:_SHOWN_CAUSES]:
        said = [f"covers {cause.area:.3f}"] if cause.area >= _LEAST else []
        said += [f"nets {cause.nets:.3f}"] if cause.nets >= _LEAST else []
        parts.append(f'<span class="cause">{shown(cause.name)} <span class="note">{", ".join(said)}</span></span>')
    return "".join(parts)


def macro_list(scene: Scene) -> str:
    """Return the table of all hard macros, folded."""
    s = scene.hard
    shown_first = min(len(s), _MAX_MACROS_LISTED)
    rows = "".join(
        f'<tr><td class="l n">{shown(s.name[i])}</td><td>{s.w_um[i]:.6g} x {s.h_um[i]:.6g}</td><td>{s.x_um[i]:.6g}</td>'
        f"<td>{s.y_um[i]:.6g}</td><td>{s.orient[i]}</td><td>{'fixed' if s.fixed[i] else ''}</td></tr>"
        for i in range(shown_first)
    )
    more = f"<p class='note'>and {len(s) - shown_first:,} more</p>" if len(s) > shown_first else ""
    return (
        f"<details class='block'><summary>All hard macros ({len(s):,})</summary><table><thead><tr>"
        '<th class="l">name</th><th>width x height (µm)</th><th>left (µm)</th><th>bottom (µm)</th>'
        f"<th>orientation</th><th></th></tr></thead><tbody>{rows}</tbody></table>{more}</details>"
    )
