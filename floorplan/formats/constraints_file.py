"""Constraints in one TOML file: what is fixed, how far apart, where, which way up, on which grid, at which edge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from floorplan.errors import ParseError, ProblemError
from floorplan.formats.constraints_text import Names, Table, read_tables
from floorplan.formats.problem import read_problem
from floorplan.formats.read import read_design
from floorplan.formats.sniff import sniff
from floorplan.geometry import Orient, orient_bit
from floorplan.netlist import Blockage, NodeKind, Problem, Region, Snap

__all__ = ["read_constrained_problem", "read_constraints"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_HARD = (NodeKind.HARD,)
_MACROS = (NodeKind.HARD, NodeKind.SOFT)

_FILLED = 2 / 3
"""Share of the strips along its edges that the macros of an [[edge]] without a depth of its own are to take."""

_MOST_PAIRS = 1_000_000
"""Rectangles of one region times those of another that a macro is tied to, too."""

_SIDES = ("left", "bottom", "right", "top")


def read_constrained_problem(
    netlist_path: str | Path, placement_path: str | Path | None = None, constraints_path: str | Path | None = None
) -> Problem:
    """Read a problem as `read_problem` does, under the constraints of a file where one is given.

    Raises:
        ParseError: a file is damaged, or they do not fit.
        ProblemError: no placement is given and none stands beside the netlist.
    """
    if constraints_path is None:
        return read_problem(netlist_path, placement_path)
    try:
        grids = sniff(netlist_path) != "protobuf"
    except ParseError:
        grids = False  # a damaged netlist: its own reader knows the line
    if not grids:
        return read_constraints(constraints_path, read_problem(netlist_path, placement_path))
    design = read_design(netlist_path, placement=placement_path, need_canvas=True)
    return read_constraints(
        constraints_path,
        design.problem,
        site_um=design.site_um,
        manufacturing_grid_um=design.manufacturing_grid_um,
    )


def read_constraints(
    path: str | Path,
    problem: Problem,
    *,
    site_um: tuple[float, float] | None = None,
    manufacturing_grid_um: float = 0.0,
) -> Problem:
    """Return the problem with the constraints of a file added to those it has.

    Macros are named by their names or by glob patterns. What a later table says of a macro's halo or orientations
    holds instead of what an earlier one said; a macro of several regions and edges keeps to all of them.

    Args:
        path: TOML.
        problem: what is placed.
        site_um: width and height of a row's site, for `snap.grid = "site"`.
        manufacturing_grid_um: for `snap.grid = "manufacturing"`; 0: unknown.

    Raises:
        ParseError: the file is damaged, has a key that means nothing, names no macro, or asks for what cannot be: a
            region too small for its macros, or two of a macro's that have nothing in common.
    """
    p = Path(path)
    top = read_tables(
        p,
        ("fixed", "fixed_file", "free", "spacing_um", "boundary_spacing_um", "snap"),
        ("halo", "blockage", "region", "orient", "edge"),
    )
    names = Names(problem.netlist)
    out = problem.replace(
        fixed=_fixed(top, problem, names),
        macro_spacing_um=top.number("spacing_um", problem.macro_spacing_um),
        boundary_spacing_um=top.number("boundary_spacing_um", problem.boundary_spacing_um),
        blockages=problem.blockages + tuple(b for b in _blockages(top) if b not in problem.blockages),
        halo_um=_halos(top, problem, names),
        allowed_orient=_orients(top, problem, names),
        snap=_snap(top, problem.snap, site_um, manufacturing_grid_um),
    )
    _check_canvas(top, out)
    return _Ties(top, out, names).tied()


def _fixed(top: Table, problem: Problem, names: Names) -> npt.NDArray[np.bool_]:
    fixed = problem.fixed.copy()
    wanted: list[tuple[str, I64]] = []
    if "fixed" in top:
        wanted.append(("fixed", names.find(top, "fixed", top.texts("fixed"), _MACROS)))
    if "fixed_file" in top:
        wanted.append(("fixed_file", names.find(top, "fixed_file", _listed(top), _MACROS)))
    if "free" in top:
        fixed[names.find(top, "free", top.texts("free"), _MACROS)] = False
    for key, nodes in wanted:
        missing = nodes[~problem.initial.placed[nodes]]
        if len(missing):
            name = problem.netlist.node_name[int(missing[0])]
            raise top.fault(key, f"{name!r} has no position in the placement given, so it cannot be fixed there")
        fixed[nodes] = True
    return fixed


def _listed(top: Table) -> list[str]:
    """Return the names and patterns of the file that `fixed_file` names, one a line; # begins a comment line."""
    path = top.path.parent / top.text("fixed_file")
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise top.fault("fixed_file", f"{path} cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise top.fault("fixed_file", f"{path} is no text") from None
    out = [line.strip() for line in lines]
    out = [line for line in out if line and not line.startswith("#")]
    if not out:
        raise ParseError(path, 0, "names no macro")
    return out


def _blockages(top: Table) -> tuple[Blockage, ...]:
    out: list[Blockage] = []
    for table in top.tables("blockage"):
        table.allow(("rect", "rects", "hard"))
        hard = table.flag("hard", default=True)
        rects = table.rects("rects", "rect").tolist()
        out += [Blockage(x0, y0, x1, y1, hard=hard) for x0, y0, x1, y1 in rects]
    return tuple(out)


def _halos(top: Table, problem: Problem, names: Names) -> F64:
    halo = problem.halo_um.copy()
    for table in top.tables("halo"):
        table.allow(("macros", "um"), ("macros", "um"))
        nodes = names.find(table, "macros", table.texts("macros"), _HARD)
        halo[nodes] = table.numbers("um", (1, 4), least=0.0)
    return halo


def _orients(top: Table, problem: Problem, names: Names) -> npt.NDArray[np.uint8]:
    allowed = problem.allowed_orient.copy()
    for table in top.tables("orient"):
        table.allow(("macros", "allowed"), ("macros", "allowed"))
        nodes = names.find(table, "macros", table.texts("macros"), _HARD)
        mask = 0
        for name in table.texts("allowed"):
            if name not in Orient.__members__:
                raise table.fault("allowed", f"{name!r} is no orientation; known: {', '.join(Orient.__members__)}")
            mask |= orient_bit(Orient[name])
        allowed[nodes] = mask
    return allowed


def _snap(top: Table, given: Snap | None, site_um: tuple[float, float] | None, grid_um: float) -> Snap | None:
    if "snap" not in top:
        return given
    if not isinstance(top.values["snap"], dict):
        raise top.fault("snap", "must be a table, headed [snap]")
    (table,) = top.tables("snap")
    table.allow(("pitch_um", "offset_um", "grid"))
    if ("pitch_um" in table) == ("grid" in table):
        raise table.fault("pitch_um", "give either pitch_um or grid")
    if "pitch_um" in table:
        pitch = table.numbers("pitch_um", (1, 2), least=0.0)
    else:
        grids = {"site": site_um, "manufacturing": (grid_um, grid_um) if grid_um > 0 else None}
        name = table.text("grid")
        if name not in grids:
            raise table.fault("grid", f"must be one of {', '.join(grids)}, got {name!r}")
        known = grids[name]
        if known is None:
            raise table.fault("grid", f"the design's files give no {name} grid; give pitch_um instead")
        pitch = np.array(known)
    offset = table.numbers("offset_um", (1, 2)) if "offset_um" in table else np.zeros(2)
    (px, py), (ox, oy) = (np.broadcast_to(v, 2).tolist() for v in (pitch, offset))
    try:
        return Snap(px, py, ox, oy)
    except ProblemError as error:
        raise table.fault("pitch_um", str(error)) from None


def _check_canvas(top: Table, problem: Problem) -> None:
    """Raise where the boundary spacing leaves a movable macro no room, whichever way it is turned."""
    cv, edge = problem.canvas, problem.boundary_spacing_um
    inner = np.array([[edge, edge, cv.width_um - edge, cv.height_um - edge]])
    for node in problem.movable_hard.tolist() if "boundary_spacing_um" in top else []:
        if not _fits(problem, node, inner):
            name = problem.netlist.node_name[node]
            raise top.fault("boundary_spacing_um", f"{edge:g} um leaves no room for {name!r} on the canvas")


def _fits(problem: Problem, node: int, rects: F64) -> bool:
    """Return whether a macro fits into a rectangle of (R, 4) in an orientation that it may have."""
    w, h = float(problem.netlist.node_w_um[node]), float(problem.netlist.node_h_um[node])
    size, mask = rects[:, 2:] - rects[:, :2] + 1e-7, int(problem.allowed_orient[node])
    return any(mask & bits and (size >= wide).all(axis=1).any() for bits, wide in ((0x0F, (w, h)), (0xF0, (h, w))))


class _Ties:
    """Regions and preferred edges, which are regions along the edges, gathered for each macro."""

    def __init__(self, top: Table, problem: Problem, names: Names) -> None:
        self.top, self.problem, self.names = top, problem, names
        self.regions = list(problem.regions)
        cv, edge = problem.canvas, problem.boundary_spacing_um
        self.inner = (edge, edge, cv.width_um - edge, cv.height_um - edge)
        self.of: dict[int, list[int]] = {}
        for node in problem.movable_hard.tolist():
            if problem.region[node] >= 0:
                self.of[node] = [int(problem.region[node])]
        self.said: dict[int, tuple[Table, str]] = {}

    def tied(self) -> Problem:
        """Return the problem with all of them."""
        for table in self.top.tables("region"):
            self._region(table)
        for number, table in enumerate(self.top.tables("edge"), 1):
            self._edge(table, number)
        region = self.problem.region.copy()
        both: dict[tuple[int, ...], int] = {}
        for node, which in self.of.items():
            key = tuple(dict.fromkeys(which))
            if key not in both:
                both[key] = key[0] if len(key) == 1 else self._common(key, node)
            region[node] = both[key]
        out = self.problem.replace(regions=tuple(self.regions), region=region)
        self._check(out)
        return out

    def _add(self, table: Table, key: str, region: Region, nodes: I64) -> None:
        if any(r.name == region.name for r in self.regions):
            raise table.fault("name", f"there is a region {region.name!r} already")
        self.regions.append(region)
        movable = ~self.problem.fixed[nodes]
        for node in nodes[movable].tolist():
            self.of.setdefault(node, []).append(len(self.regions) - 1)
            self.said[node] = table, key

    def _region(self, table: Table) -> None:
        table.allow(("name", "rect", "rects", "macros", "exclusive"), ("name", "macros"))
        key = "rect" if "rect" in table else "rects"
        rects = table.rects("rects", "rect")
        nodes = self.names.find(table, "macros", table.texts("macros"), _HARD)
        region = Region(table.text("name"), rects, table.flag("exclusive", default=False))
        if len(_overlap(rects, np.array([self.inner]))) == 0:
            raise table.fault(key, f"region {region.name!r} lies off the canvas")
        self._add(table, key, region, nodes)

    def _edge(self, table: Table, number: int) -> None:
        table.allow(("macros", "sides", "depth_um"), ("macros", "sides"))
        nodes = self.names.find(table, "macros", table.texts("macros"), _HARD)
        sides = table.texts("sides")
        for side in sides:
            if side not in _SIDES:
                raise table.fault("sides", f"{side!r} is no side; known: {', '.join(_SIDES)}")
        depth = table.number("depth_um", 0.0) if "depth_um" in table else self._depth(nodes, sides)
        if depth <= 0:
            raise table.fault("depth_um", "must be > 0")
        x0, y0, x1, y1 = self.inner
        strip = {
            "left": (x0, y0, min(x0 + depth, x1), y1),
            "bottom": (x0, y0, x1, min(y0 + depth, y1)),
            "right": (max(x1 - depth, x0), y0, x1, y1),
            "top": (x0, max(y1 - depth, y0), x1, y1),
        }
        rects = np.array([strip[side] for side in dict.fromkeys(sides)])
        name = f"{' or '.join(dict.fromkeys(sides))} edge ({number})"
        self._add(table, "depth_um" if "depth_um" in table else "sides", Region(name, rects), nodes)

    def _depth(self, nodes: I64, sides: list[str]) -> float:
        """Return how deep strips are that hold the deepest of the macros, and all of them at two thirds full."""
        nl, gap = self.problem.netlist, self.problem.macro_spacing_um
        moving = nodes[~self.problem.fixed[nodes]]
        w, h = nl.node_w_um[moving], nl.node_h_um[moving]
        x0, y0, x1, y1 = self.inner
        long = sum(y1 - y0 if side in ("left", "right") else x1 - x0 for side in dict.fromkeys(sides))
        area = float(((w + gap) * (h + gap)).sum())
        return max(float(np.maximum(w, h).max(initial=0.0)), area / (_FILLED * long)) + gap

    def _common(self, which: tuple[int, ...], node: int) -> int:
        """Add the region that several have in common, and return its number."""
        regions = [self.regions[k] for k in which]
        table, key = self.said[node]
        macro, said = self.problem.netlist.node_name[node], " and ".join(repr(r.name) for r in regions)
        number = {r.name: r for r in self.regions}
        fences = {r.name if r.exclusive else r.part_of for r in regions}
        fences = {name for name in fences if name and number[name].exclusive}
        rects = regions[0].rects_um
        for r in regions[1:]:
            if len(rects) * len(r.rects_um) > _MOST_PAIRS:
                raise table.fault(key, f"{said[:200]} have too many rectangles")
            rects = np.unique(_overlap(rects, r.rects_um), axis=0)
        if len(rects) == 0:
            raise table.fault(key, f"macro {macro!r} is to keep to {said}, which have nothing in common")
        if len(fences) > 1:
            raise table.fault(key, f"macro {macro!r} is to be in two exclusive regions: {said}")
        name = " and ".join(r.name for r in regions)
        self.regions.append(Region(name, rects, part_of=fences.pop() if fences else ""))
        return len(self.regions) - 1

    def _check(self, problem: Problem) -> None:
        """Raise where a region is too small for one of its macros, or for all of them."""
        nl = problem.netlist
        taken = np.zeros(len(problem.regions))
        for node, (table, key) in self.said.items():
            r = problem.regions[problem.region[node]]
            inside = _overlap(r.rects_um, np.array([self.inner]))
            w, h = nl.node_w_um[node], nl.node_h_um[node]
            size = f"{nl.node_name[node]!r} ({w:g} x {h:g} um)"
            if len(inside) == 0 or not _fits(problem, node, inside):
                raise table.fault(key, f"region {r.name!r} is too small for macro {size}, whichever way it may turn")
            taken[problem.region[node]] += w * h
            room = float(np.prod(inside[:, 2:] - inside[:, :2], axis=1).sum())
            if taken[problem.region[node]] > room * (1 + 1e-9):
                raise table.fault(key, f"region {r.name!r} has {room:g} um2 for its macros; with {size} they take more")


def _overlap(a: F64, b: F64) -> F64:
    """Return (K, 4) the rectangles that one of a (R, 4) and one of b (S, 4) have in common, those with an area."""
    low = np.maximum(a[:, None, :2], b[None, :, :2]).reshape(-1, 2)
    high = np.minimum(a[:, None, 2:], b[None, :, 2:]).reshape(-1, 2)
    out = np.concatenate([low, high], axis=1)
    kept: F64 = out[(high > low).all(axis=1)]
    return kept
