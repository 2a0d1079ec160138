"""Placement files (.plc) of circuit_training: a canvas in the comment header, then one line a node."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from floorplan.errors import ParseError, ProblemError
from floorplan.files import read_bytes_maybe_compressed, write_bytes_by_suffix
from floorplan.formats.pbtxt.scanner import decode
from floorplan.geometry import Orient
from floorplan.netlist import Blockage, Canvas, Netlist, NodeKind, Placement, Problem

__all__ = ["DEFAULTS", "NO_ORIENT", "PlcFile", "read_plc", "write_plc"]

DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        "Routes per micron, hor": "57.031",
        "Routes per micron, ver": "56.818",
        "Routes used by macros, hor": "39.583",
        "Routes used by macros, ver": "30.303",
        "Smoothing factor": "0",
        "Overlap threshold": "0.0",
    }
)
"""What a header that leaves a field out stands for: what AlphaChip's evaluator assumes (see `Canvas.default_for`)."""

NO_ORIENT = "-"

_PAIRS = {
    "Columns": ("Rows", "Rows"),
    "Width": ("Height", "Height"),
    "Routes per micron, hor": ("ver", "Routes per micron, ver"),
    "Routes used by macros, hor": ("ver", "Routes used by macros, ver"),
}
"""Fields that share their line: the first one's key -> how the file calls the second, and its key here."""
_MAX_BYTES = 64 << 20
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*+|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_ORIENTS = {NO_ORIENT: 0} | {o.name: int(o) for o in Orient}
_SHOWN = 40


@dataclass(frozen=True)
class PlcFile:
    """What a .plc file says about a netlist.

    Attributes:
        canvas: extent, grid and routing supply.
        placement: (N,) nodes of the netlist; those without a line are not placed.
        fixed: (N,) bool; nodes marked 1.
        blockages: where hard macros must not stand.
        header: every `# key : value` field in file order, as text; of a line with two fields, each its own key
            (`Columns`, `Rows`, `Routes per micron, hor`, `Routes per micron, ver`, ...).
        defaulted: header fields that the file leaves out, which took their value from `DEFAULTS`.
    """

    canvas: Canvas
    placement: Placement
    fixed: npt.NDArray[np.bool_]
    blockages: tuple[Blockage, ...]
    header: Mapping[str, str]
    defaulted: tuple[str, ...]


def read_plc(path: str | Path, netlist: Netlist) -> PlcFile:
    """Read a placement of `netlist`, and the canvas it stands on.

    Args:
        path: plain, .gz or .xz file.
        netlist: whose nodes the file's numbers count.

    Raises:
        ParseError: the header lacks columns, rows, width or height, or a line does not fit the netlist.
    """
    p = Path(path)
    lines = decode(p, read_bytes_maybe_compressed(p, _MAX_BYTES)).split("\n")
    header, header_line, blockages = _read_header(p, lines)
    canvas, defaulted = _canvas(p, header, header_line)
    _check_counts(p, header, header_line, netlist)
    placement, fixed = _read_nodes(p, lines, netlist)
    return PlcFile(canvas, placement, fixed, blockages, MappingProxyType(header), defaulted)


def _read_header(path: Path, lines: list[str]) -> tuple[dict[str, str], dict[str, int], tuple[Blockage, ...]]:
    header: dict[str, str] = {}
    line_of: dict[str, int] = {}
    blockages: list[Blockage] = []
    for number, line in enumerate(lines, 1):
        if not line.startswith("#") or " :" not in line:
            continue
        key, _, value = line[1:].partition(" :")
        key, value = key.strip(), value.strip()
        if not key or ":" in key:
            continue
        if key == "Blockage":
            blockages.append(_blockage(path, number, value))
            continue
        found = {key: value}
        if key in _PAIRS:
            called, second = _PAIRS[key]
            words = value.replace(":", " : ", 1).split(None, 4)
            if len(words) != 4 or words[1:3] != [called, ":"]:
                raise ParseError(path, number, f"expected two numbers, as in `{key} : 1  {called} : 1`")
            found = {key: words[0], second: words[3]}
        for k, v in found.items():
            if k not in header:
                header[k], line_of[k] = v, number
            elif header[k] != v and k in _CANVAS_KEYS:
                raise ParseError(path, number, f"{k} is {v!r} here and {header[k]!r} on line {line_of[k]}")
    return header, line_of, tuple(blockages)


def _blockage(path: Path, number: int, value: str) -> Blockage:
    words = value.split(None, 5)
    if len(words) != 5:
        raise ParseError(path, number, f"a blockage has 5 numbers (x0 y0 x1 y1 rate), found {value[:_SHOWN]!r}")
    try:
        x0, y0, x1, y1, rate = (_to_float(path, number, "blockage", w) for w in words)
        return Blockage(x0, y0, x1, y1, rate)
    except ProblemError as e:
        raise ParseError(path, number, str(e)) from None


_CANVAS_KEYS = {
    "Columns": "columns",
    "Rows": "rows",
    "Width": "width_um",
    "Height": "height_um",
    "Routes per micron, hor": "h_tracks_per_um",
    "Routes per micron, ver": "v_tracks_per_um",
    "Routes used by macros, hor": "h_macro_tracks_per_um",
    "Routes used by macros, ver": "v_macro_tracks_per_um",
    "Smoothing factor": "smooth_range",
    "Overlap threshold": "overlap_threshold",
}
_WHOLE = ("Columns", "Rows", "Smoothing factor")


def _canvas(path: Path, header: dict[str, str], line_of: dict[str, int]) -> tuple[Canvas, tuple[str, ...]]:
    values: dict[str, float] = {}
    defaulted = []
    for key, name in _CANVAS_KEYS.items():
        if key in header:
            text = header[key]
        elif key in DEFAULTS:
            text = DEFAULTS[key]
            defaulted.append(key)
        else:
            raise ParseError(path, 0, f"header has no {key!r}")
        value = _to_float(path, line_of.get(key, 0), key, text)
        if key in _WHOLE:
            if value != int(value):
                raise ParseError(path, line_of.get(key, 0), f"{key} is {text}, not a whole number")
            value = int(value)
        values[name] = value
    try:
        return Canvas(**values), tuple(defaulted)  # type: ignore[arg-type]  # _WHOLE made the three counts int
    except ProblemError as e:
        said = str(e)
        at = next((line_of[k] for k, name in _CANVAS_KEYS.items() if f" {name} " in said and k in line_of), 0)
        raise ParseError(path, at, said) from None


def _check_counts(path: Path, header: dict[str, str], line_of: dict[str, int], netlist: Netlist) -> None:
    """Refuse a placement of another netlist whose numbers happen to fall on nodes of this one."""
    for key, count in _counts(netlist).items():
        said = header.get(key, "")
        if key in _CHECKED_COUNTS and said.isdecimal() and int(said[:20]) != int(count):
            raise ParseError(path, line_of[key], f"{key} is {said}, but netlist {netlist.name!r} has {count}")


def _read_nodes(path: Path, lines: list[str], netlist: Netlist) -> tuple[Placement, npt.NDArray[np.bool_]]:
    n = netlist.num_nodes
    node_of = {index: i for i, index in enumerate(netlist.node_index.tolist())}
    x, y, orient = [0.0] * n, [0.0] * n, [0] * n
    placed, fixed = [False] * n, [False] * n
    first: dict[int, int] = {}
    for number, line in enumerate(lines, 1):
        words = line.split(None, 5)
        if not words or words[0][0] == "#":
            continue
        if len(words) != 5:
            raise ParseError(path, number, f"expected `index x y orientation fixed`, found {line[:_SHOWN]!r}")
        if not (words[0].isascii() and words[0].isdigit() and len(words[0]) <= 10):
            raise ParseError(path, number, f"node index {words[0][:_SHOWN]!r} is not a number")
        node = node_of.get(int(words[0]))
        if node is None:
            raise ParseError(path, number, _misfit(netlist, int(words[0])))
        if placed[node]:
            raise ParseError(path, number, f"node {words[0]} has a line already (line {first[node]})")
        if words[3] not in _ORIENTS:
            raise ParseError(path, number, f"orientation {words[3][:_SHOWN]!r} is none of {' '.join(_ORIENTS)}")
        if words[4] not in ("0", "1"):
            raise ParseError(path, number, f"the fixed flag is 0 or 1, found {words[4][:_SHOWN]!r}")
        x[node] = _to_float(path, number, "x", words[1])
        y[node] = _to_float(path, number, "y", words[2])
        orient[node] = _ORIENTS[words[3]]
        placed[node], fixed[node], first[node] = True, words[4] == "1", number
    fixed_array = np.array(fixed, np.bool_)
    fixed_array.flags.writeable = False
    return (
        Placement(np.array(x), np.array(y), np.array(orient, np.uint8), np.array(placed, np.bool_)),
        fixed_array,
    )


def _misfit(netlist: Netlist, index: int) -> str:
    at = int(np.searchsorted(netlist.pin_index, index))
    if at < netlist.num_pins and netlist.pin_index[at] == index:
        return f"node {index} is {netlist.pin_name[at]!r}, a macro pin; only macros, ports and cells have lines"
    count = max(int(netlist.pin_index[-1]) if netlist.num_pins else 0, int(netlist.node_index[-1])) + 1
    return f"there is no node {index}: netlist {netlist.name!r} has {count}"


def _to_float(path: Path, line: int, what: str, text: str) -> float:
    if len(text) > 400 or not _NUMBER.fullmatch(text):
        raise ParseError(path, line, f"{what} is {text[:_SHOWN]!r}, not a number")
    value = float(text)
    if not math.isfinite(value):
        raise ParseError(path, line, f"{what} is {text[:_SHOWN]!r}, out of range")
    return value


def write_plc(
    path: str | Path,
    problem: Problem,
    placement: Placement,
    costs: Mapping[str, str] | None = None,
    header: Mapping[str, str] | None = None,
) -> None:
    """Write a placement with its canvas; `read_plc` gives the same doubles back, and equal input equal bytes.

    Nodes that are not placed get no line.

    Args:
        path: file to write, compressed by its suffix.
        problem: gives netlist, canvas, fixed nodes and blockages.
        placement: (N,) nodes.
        costs: header fields to add or replace, such as `Wirelength cost`.
        header: the fields of a file that was read (`PlcFile.header`), to be kept with their order and, where the value
            is still right, their text. The name of the file and the counts of nodes are made anew.

    Raises:
        ProblemError: the placement is of another length, or a field holds a line end or a colon in its name.
        OSError: the file cannot be written.
    """
    netlist = problem.netlist
    if len(placement) != netlist.num_nodes:
        raise ProblemError(f"placement has {len(placement)} nodes, the netlist {netlist.num_nodes}")
    fields = _header_fields(Path(path), problem, dict(costs or {}), header)
    out = ["# Placement file for Circuit Training"]
    seconds = {key for _, key in _PAIRS.values()}
    for key, value in fields.items():
        if "\n" in key + value or "\r" in key + value or ":" in key or not key.strip():
            raise ProblemError(f"{key!r} : {value!r} cannot be a .plc header field")
        if key in _PAIRS:
            called, second = _PAIRS[key]
            out.append(f"# {key} : {value}  {called} : {fields[second]}")
        elif key not in seconds and key not in _COUNTS:
            out.append(f"# {key} : {value}".rstrip())
    out += [f"# Blockage : {b.x0_um!r} {b.y0_um!r} {b.x1_um!r} {b.y1_um!r} {b.rate!r}" for b in problem.hard_blockages]
    out += ["#", "#", "#", "# Counts of node types:"]
    out += [f"# {key:<15} : {fields[key]:>9}" for key in _COUNTS if key in fields]
    out += ["#", "# node_index x y orientation fixed"]
    names = [o.name for o in Orient]
    for i in np.flatnonzero(placement.placed).tolist():
        orient = NO_ORIENT if netlist.node_kind[i] == NodeKind.PORT else names[placement.orient[i]]
        x, y = float(placement.x_um[i]), float(placement.y_um[i])
        out.append(f"{netlist.node_index[i]} {x!r} {y!r} {orient} {int(problem.fixed[i])}")
    write_bytes_by_suffix(path, ("\n".join(out) + "\n").encode())


_COUNTS = (
    "HARD_MACROs",
    "HARD_MACRO_PINs",
    "MACROs",
    "MACRO_PINs",
    "PORTs",
    "SOFT_MACROs",
    "SOFT_MACRO_PINs",
    "STDCELLs",
)
_CHECKED_COUNTS = ("HARD_MACROs", "SOFT_MACROs", "PORTs")


def _header_fields(
    path: Path, problem: Problem, costs: dict[str, str], header: Mapping[str, str] | None
) -> dict[str, str]:
    netlist = problem.netlist
    canvas = {key: getattr(problem.canvas, name) for key, name in _CANVAS_KEYS.items()}
    if header is None:
        area = float(np.sum(netlist.node_w_um * netlist.node_h_um))
        fields = {"Source input file(s)": netlist.name, "This file": path.name}
        fields |= {key: repr(canvas[key]) for key in ("Columns", "Rows", "Width", "Height")}
        fields |= {"Area (stdcell+macros)": repr(area)} | costs
        fields |= {"Project": "unset_project", "Block": netlist.name}
        fields |= {key: repr(value) for key, value in canvas.items()}
        return fields | _counts(netlist)
    fields = dict(header) | {"This file": path.name} | costs
    for key, value in canvas.items():
        # a text that already means this value stays as it is; a field that its default gives stays left out
        text = fields.get(key) or DEFAULTS.get(key, "")
        if not _NUMBER.fullmatch(text) or float(text) != value:
            fields[key] = repr(value)
    for first, (_, second) in _PAIRS.items():
        if (first in fields) != (second in fields):
            fields |= {key: repr(canvas[key]) for key in (first, second) if key not in fields}
    return {k: v for k, v in fields.items() if k not in _COUNTS} | _counts(netlist)


def _counts(netlist: Netlist) -> dict[str, str]:
    nodes = np.bincount(netlist.node_kind, minlength=len(NodeKind))
    pins = np.bincount(netlist.node_kind[netlist.pin_node], minlength=len(NodeKind))
    values = (
        nodes[NodeKind.HARD],
        pins[NodeKind.HARD],
        nodes[NodeKind.HARD] + nodes[NodeKind.SOFT],
        pins[NodeKind.HARD] + pins[NodeKind.SOFT],
        nodes[NodeKind.PORT],
        nodes[NodeKind.SOFT],
        pins[NodeKind.SOFT],
        nodes[NodeKind.CELL],
    )
    return {key: str(int(v)) for key, v in zip(_COUNTS, values, strict=True)}
