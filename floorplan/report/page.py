"""A report on runs as one HTML page that needs nothing else: what it shows and runs stands in it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources

from floorplan.report.curves import together_chart
from floorplan.report.drawing import frame_of, placement_svg
from floorplan.report.known_bound import bound_of
from floorplan.report.runs import Run, with_titles_apart
from floorplan.report.scene import Scene, scene_of
from floorplan.report.sections import PARTS, Sheet, letters, run_section, verdict
from floorplan.report.shown_text import shown

__all__ = ["page", "sheets_of"]


_MOST_ABREAST = 5
"""Runs that stand beside each other in a table; more go below each other."""

_COMPUTED = (
    '<p class="sub">Cost and legality are computed anew from netlist and placement, by the exact cost engine.</p>\n'
)


def sheets_of(runs: Sequence[Run], *, bound: bool = False) -> list[Sheet]:
    """Cost and check what runs left, and name them.

    Args:
        runs: at least one.
        bound: compute lower bounds that are not known.
    """
    out = []
    for letter, run in zip(letters(len(runs)), with_titles_apart(list(runs)), strict=True):
        scene = None
        if run.problem is not None and run.placement is not None:
            scene = scene_of(run.problem, run.placement, run.options, bound_of(run, compute=bound))
        out.append(Sheet(letter, run, scene))
    return out


def page(sheets: Sequence[Sheet], title: str | None = None) -> str:
    """Return the page: a comparison where there are several runs, then each of them.

    No other host is named in it, and its policy forbids asking one; its only script is the one that it carries.
    """
    style, script = _asset("report.css"), _asset("report.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    names = list(dict.fromkeys(s.run.design for s in sheets))
    heading = title or f"Floorplan report: {', '.join(names[:3])}{' and others' if len(names) > 3 else ''}"
    body = [_comparison(sheets) if len(sheets) > 1 else "", *(run_section(s) for s in sheets)]
    first = "" if len(sheets) > 1 else ' class="first"'
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{shown(heading)}</title>\n<style>{style}</style>\n</head>\n<body{first}>\n<h1>{shown(heading)}</h1>\n"
        + (_COMPUTED if any(s.scene is not None for s in sheets) else "")
        + "\n".join(body)
        + f'\n<div id="tip" hidden></div>\n<script>{script}</script>\n</body>\n</html>\n'
    )


def _asset(name: str) -> str:
    return resources.files("floorplan.report").joinpath("assets", name).read_text("utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _comparison(sheets: Sequence[Sheet]) -> str:
    placed = [s for s in sheets if s.scene is not None]
    hashes = list(dict.fromkeys(s.scene.netlist_hash for s in placed if s.scene is not None))
    out = ["<section><h2>Side by side</h2>"]
    thumbs = []
    for s in placed:
        assert s.scene is not None  # chosen so
        label = f"Placement {s.letter}: {s.run.title}"
        head = f'<span class="letter">{s.letter}</span> {shown(s.run.title)}<br>{_glance(s.scene)}{verdict(s.scene)}'
        svg = placement_svg(s.scene, frame_of(s.scene), label, hover=False)
        thumbs.append(f"<figure><figcaption>{head}</figcaption>{svg}</figure>")
    out.append(f'<div class="thumbs">{"".join(thumbs)}</div>')
    if len(hashes) > 1:
        out.append(
            f'<div class="card bad"><h3>Not compared</h3><p>These runs place {len(hashes)} different netlists (their '
            "content hashes differ). A cost means nothing for another netlist, so costs of different netlists stand in "
            "different tables.</p></div>"
        )
    for h in hashes:
        same = [s for s in placed if s.scene is not None and s.scene.netlist_hash == h]
        out.append(_comparable(same, h, alone=len(hashes) == 1))
    left = [s for s in sheets if s.scene is None]
    if left:
        names = ", ".join(
            f"{s.letter} ({shown(s.run.title)}{', FAILED' if 'error' in dict(s.run.facts) else ''})" for s in left
        )
        out.append(f'<p class="sub">Without a placement, and so without a cost: {names}.</p>')
    return "".join(out) + "</section>"


def _comparable(same: Sequence[Sheet], netlist_hash: str, *, alone: bool) -> str:
    """Return the table of the runs of one netlist; costs under other settings are not ranked against each other."""
    scenes = [s.scene for s in same if s.scene is not None]
    settings = {(c.options, c.canvas) for c in scenes}
    legal = [c.cost.proxy for c in scenes if c.legality.legal]
    best = min(legal) if legal and len(scenes) > 1 and len(settings) == 1 else None
    rows = [
        _Row("legality", [verdict(c) for c in scenes]),
        _Row("proxy cost", _numbers(scenes, lambda c: f"{c.cost.proxy:.4f}"), [_is_best(c, best) for c in scenes]),
    ]
    if best is not None:
        rows.append(_Row("above the best legal", [_gap(c, best) for c in scenes]))
    for name, _ in PARTS:
        rows.append(_Row(name, _numbers(scenes, partial(_part, name))))
    if any(c.bound for c in scenes):
        rows.append(_Row("lower bound", [f"{c.bound.proxy:.4f}" if c.bound else "-" for c in scenes]))
        rows.append(_Row("above the bound", _numbers(scenes, _above_bound)))
    rows.append(_Row("largest density", _numbers(scenes, lambda c: f"{c.density.max():.3f}")))
    rows.append(
        _Row("largest congestion", _numbers(scenes, lambda c: f"{max(c.h_congestion.max(), c.v_congestion.max()):.3f}"))
    )
    rows.append(_Row("overfull cells (H + V)", _numbers(scenes, lambda c: f"{_overfull(c):,}")))
    down = len(same) > _MOST_ABREAST
    if not down:  # there is no room for them otherwise, and titles and sections say them too
        facts = [{"run": s.run.kind, **dict(s.run.facts)} for s in same]
        known = [n for n in ("run", "agent", "seed", "budget", "budget spent") if any(n in f for f in facts)]
        rows += [_Row(name, [shown(f.get(name, "-")) for f in facts]) for name in known]
    said = "" if len(settings) == 1 else (
        '<p class="badtext">Canvas, grid, tracks or weights of the cost differ between these runs: their costs are not '
        "ranked.</p>"
    )  # fmt: skip
    name = "" if alone else f"<h3>{shown(scenes[0].name)}</h3>"
    chart = together_chart([s.run for s in same])
    heads = [f'<span class="letter">{s.letter}</span> {shown(s.run.title)}' for s in same]
    table = _table(heads, rows, down=down)
    return (
        f'{name}<p class="sub">Netlist {shown(scenes[0].name)}, content hash {shown(netlist_hash)}.</p>{said}'
        f"{table}{f'<div class=charts>{chart}</div>' if chart else ''}"
    )


def _glance(scene: Scene) -> str:
    return "" if scene.counts["unplaced"] else f"<b>{scene.cost.proxy:.4f}</b> "


def _numbers(scenes: Sequence[Scene], say: Callable[[Scene], str]) -> list[str]:
    """Return what is said of each scene; of an incomplete placement nothing that could be compared."""
    return ["-" if c.counts["unplaced"] else say(c) for c in scenes]


def _part(name: str, scene: Scene) -> str:
    return f"{getattr(scene.cost, name):.4f}"


def _above_bound(scene: Scene) -> str:
    b = scene.bound
    return f"{(scene.cost.proxy - b.proxy) / b.proxy:.1%}" if b is not None and b.proxy > 0 else "-"


def _overfull(scene: Scene) -> int:
    return int((scene.h_congestion > 1).sum() + (scene.v_congestion > 1).sum())


@dataclass(frozen=True)
class _Row:
    """One thing that is said of each run: its name, a cell a run, and which cells are the best."""

    name: str
    cells: Sequence[str]
    best: Sequence[bool] = ()


def _table(heads: Sequence[str], rows: Sequence[_Row], *, down: bool) -> str:
    """Return a table with the runs abreast, or one below the other where there are too many for that."""

    def cell(row: _Row, k: int) -> str:
        return f"<td{' class=best' if row.best and row.best[k] else ''}>{row.cells[k]}</td>"

    if down:
        head = "".join(f"<th>{row.name}</th>" for row in rows)
        lines = [f'<th class="l n">{h}</th>' + "".join(cell(r, k) for r in rows) for k, h in enumerate(heads)]
    else:
        head = "".join(f"<th>{h}</th>" for h in heads)
        lines = [f'<th class="l n">{r.name}</th>' + "".join(cell(r, k) for k in range(len(heads))) for r in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    kind = "compare down" if down else "compare"
    table = f'<table><thead><tr><th class="l n"></th>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="{kind}">{table}</div>'


def _is_best(scene: Scene, best: float | None) -> bool:
    return best is not None and scene.legality.legal and scene.cost.proxy == best


def _gap(scene: Scene, best: float) -> str:
    if not scene.legality.legal:
        return "incomplete" if scene.counts["unplaced"] else "illegal"
    return "best" if scene.cost.proxy == best else f"+{(scene.cost.proxy - best) / best:.2%}"
