"""A whole design as JSON, without loss: netlist, canvas, constraints, placement, and what its own format said.

Layout: an object of `format`, `version`, `content_hash` and tables; the columns of a table are parallel lists, lengths
are in micrometres, nodes and pins go by their number in the lists of names. A number is the shortest text that reads
back as the same double. A table or column that a version does not know is an error: without it the problem might be
another.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from floorplan.errors import FloorplanError, ParseError, ProblemError
from floorplan.files import write_bytes_by_suffix
from floorplan.formats.design import Design
from floorplan.formats.json_.netlist import netlist_columns, read_netlist_columns
from floorplan.formats.json_.tables import Table, json_document, load_json
from floorplan.netlist import Blockage, Canvas, Placement, Problem, Region, Snap

__all__ = ["SCHEMA_VERSION", "read_json", "write_json"]

SCHEMA_VERSION = 1
_FORMAT = "floorplan design"
_TABLES = ("format", "version", "content_hash", "source", "netlist", "canvas", "constraints", "initial", "placement")

P = TypeVar("P", Blockage, Canvas, Region, Snap)


def write_json(path: str | Path, design: Design, placement: Placement | None = None) -> None:
    """Write a design and a placement of it; equal input gives equal bytes.

    Args:
        path: file to write, compressed by its suffix.
        design: any.
        placement: (N,) nodes; None for the design's initial one, which the file holds in any case.

    Raises:
        ProblemError: the placement is of another length.
        OSError: the file cannot be written.
    """
    problem, netlist = design.problem, design.problem.netlist
    if placement is not None and len(placement) != netlist.num_nodes:
        raise ProblemError(f"placement has {len(placement)} nodes, the netlist {netlist.num_nodes}")
    tables: dict[str, Any] = {
        "format": _FORMAT,
        "version": SCHEMA_VERSION,
        "content_hash": netlist.content_hash,
        "source": _source(design),
        "netlist": netlist_columns(netlist),
        "canvas": _fields(problem.canvas),
        "constraints": _constraints(problem),
        "initial": _columns(problem.initial),
        "placement": None if placement is None or placement is problem.initial else _columns(placement),
    }
    write_bytes_by_suffix(path, json_document(tables).encode())


def _source(design: Design) -> dict[str, Any]:
    return {
        "format": design.format,
        "paths": [str(p) for p in design.paths],
        "origin_um": list(design.origin_um),
        "units_per_um": design.units_per_um,
        "manufacturing_grid_um": design.manufacturing_grid_um,
        "site_um": None if design.site_um is None else list(design.site_um),
        "master": list(design.master),
    }


def _constraints(p: Problem) -> dict[str, Any]:
    return {
        "fixed": p.fixed.astype(np.uint8).tolist(),
        "allowed_orient": p.allowed_orient.tolist(),
        "macro_spacing_um": p.macro_spacing_um,
        "boundary_spacing_um": p.boundary_spacing_um,
        "blockages": [_fields(b) for b in p.blockages],
        # left, bottom, right, top of every node in one list; most designs have no halo at all
        "halo_um": p.halo_um.ravel().tolist() if p.halo_um.any() else [],
        "regions": [_fields(r) for r in p.regions],
        "region": p.region.tolist() if p.regions else [],
        "snap": None if p.snap is None else _fields(p.snap),
    }


def _fields(part: Blockage | Canvas | Region | Snap) -> dict[str, Any]:
    out = {f.name: getattr(part, f.name) for f in dataclasses.fields(part)}
    return {name: value.ravel().tolist() if isinstance(value, np.ndarray) else value for name, value in out.items()}


def _read_fields(kind: type[P], t: Table) -> P:
    """Return a part of the problem from its fields, each of the type that its class says."""
    of = {f.name: str(f.type) for f in dataclasses.fields(kind)}
    t.allow(of)
    read: dict[str, Callable[[str], Any]] = {
        "float": t.number,
        "int": t.whole,
        "str": t.text,
        "bool": lambda name: t.get(name, bool),
        "F64": lambda name: _rectangles(t, name),
    }
    return kind(**{name: read[said](name) for name, said in of.items()})


def _rectangles(t: Table, name: str) -> npt.NDArray[np.float64]:
    values = t.array(name, np.float64)
    if len(values) % 4 or not len(values):
        raise t.fault(name, f"must have four numbers a rectangle, it has {len(values)}")
    return values.reshape(-1, 4)


def _columns(p: Placement) -> dict[str, Any]:
    # what stands at unplaced nodes means nothing, and may be no number at all
    return {
        "x_um": np.where(p.placed, p.x_um, 0.0).tolist(),
        "y_um": np.where(p.placed, p.y_um, 0.0).tolist(),
        "orient": p.orient.tolist(),
        "placed": p.placed.astype(np.uint8).tolist(),
    }


def read_json(path: str | Path) -> tuple[Design, Placement]:
    """Read a design and its placement; both are those that `write_json` was given, to the last bit.

    Args:
        path: plain, .gz or .xz file.

    Returns:
        The design as it was (its `problem.initial` is the initial placement), and the placement.

    Raises:
        ParseError: the file is no JSON, no design, of a later version, does not fit its own content hash, or a table
            does not fit the others; the cause names table and column.
    """
    p = Path(path)
    top = Table(p, "", load_json(p))
    if not top.has("format") or top.value("format") != _FORMAT:
        raise ParseError(p, 0, f'is JSON, but no design: it does not say "format": "{_FORMAT}"')
    version = top.whole("version")
    if version != SCHEMA_VERSION:
        raise ParseError(p, 0, f"is of version {version}, and {SCHEMA_VERSION} is the one that is read")
    top.allow(_TABLES)
    netlist = read_netlist_columns(top.table("netlist"))
    said = top.text("content_hash")
    if said != netlist.content_hash:
        raise ParseError(
            p, 0, f"the netlist was changed: its hash is {netlist.content_hash}, and content_hash {said[:64]}"
        )
    try:
        canvas = _read_fields(Canvas, top.table("canvas"))
        initial = _read_placement(top.table("initial"), netlist.num_nodes)
        design = _read_source(
            top.table("source"),
            Problem(netlist, canvas, initial, **_read_constraints(top.table("constraints"), netlist.num_nodes)),
        )
        given = None if top.value("placement") is None else _read_placement(top.table("placement"), netlist.num_nodes)
    except ParseError:
        raise
    except FloorplanError as e:
        raise ParseError(p, 0, str(e)) from None
    return design, design.problem.initial if given is None else given


def _read_placement(t: Table, n: int) -> Placement:
    t.allow(("x_um", "y_um", "orient", "placed"))
    return Placement(
        t.array("x_um", np.float64, n),
        t.array("y_um", np.float64, n),
        t.array("orient", np.uint8, n, most=7),
        t.array("placed", np.uint8, n, most=1).astype(np.bool_),
    )


def _read_constraints(t: Table, n: int) -> dict[str, Any]:
    """Return the fields of `Problem` beyond netlist, canvas and initial placement."""
    t.allow(
        (
            "fixed",
            "allowed_orient",
            "macro_spacing_um",
            "boundary_spacing_um",
            "blockages",
            "halo_um",
            "regions",
            "region",
            "snap",
        )
    )
    halo = t.array("halo_um", np.float64, None, 0.0)
    if len(halo) not in (0, 4 * n):
        raise t.fault("halo_um", f"must have no entry, or {4 * n}, it has {len(halo)}")
    regions = tuple(_read_fields(Region, r) for r in t.tables("regions"))
    region = t.array("region", np.int32, n if regions else 0, -1, len(regions) - 1)
    return {
        "fixed": t.array("fixed", np.uint8, n, most=1).astype(np.bool_),
        "allowed_orient": t.array("allowed_orient", np.uint8, n, least=1),
        "macro_spacing_um": t.number("macro_spacing_um"),
        "boundary_spacing_um": t.number("boundary_spacing_um"),
        "blockages": tuple(_read_fields(Blockage, b) for b in t.tables("blockages")),
        "halo_um": halo.reshape(-1, 4),
        "regions": regions,
        "region": region,
        "snap": None if t.value("snap") is None else _read_fields(Snap, t.table("snap")),
    }


def _read_source(t: Table, problem: Problem) -> Design:
    t.allow(("format", "paths", "origin_um", "units_per_um", "manufacturing_grid_um", "site_um", "master"))
    return Design(
        problem,
        t.text("format"),
        tuple(Path(p) for p in t.names("paths")),
        _pair(t, "origin_um"),
        t.number("units_per_um"),
        t.names("master"),
        t.number("manufacturing_grid_um"),
        None if t.value("site_um") is None else _pair(t, "site_um"),
    )


def _pair(t: Table, key: str) -> tuple[float, float]:
    x, y = t.array(key, np.float64, 2).tolist()
    return x, y
