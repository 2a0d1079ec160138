"""Macro placements as Tcl: OpenROAD's `place_macro`, and a script for any tool with bindings for commercial ones.

OpenROAD (`src/mpl/README.md`): `place_macro -macro_name NAME -location {X Y} -orientation ORIENT [-exact]
[-allow_overlap]`, where the location is the lower left corner, in um, of the outline as it stands after turning. Its
database reads the orientations R0 R90 R180 R270 MX MY MXR90 MYR90 and takes any other word for R0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Literal

import numpy as np

from floorplan.errors import ParseError, ProblemError
from floorplan.files import read_bytes_maybe_compressed, write_bytes_by_suffix
from floorplan.formats.design import Design
from floorplan.formats.export.tcl_words import Command, Word, split_commands, tcl_word
from floorplan.formats.pbtxt.scanner import decode
from floorplan.geometry import Orient, oriented_size_um
from floorplan.netlist import Placement, check_legality

__all__ = ["OPENROAD_ORIENT", "read_place_macro_tcl", "write_place_macro_tcl"]

OPENROAD_ORIENT = ("R0", "MY", "MX", "R180", "R270", "R90", "MYR90", "MXR90")
"""OpenROAD's name of each `Orient`, in the enumeration's order."""

_INNOVUS_ORIENT = ("R0", "MY", "MX", "R180", "R270", "R90", "MY90", "MX90")
_ORIENT_OF = (
    {o.name: o for o in Orient}
    | {name: Orient(k) for k, name in enumerate(OPENROAD_ORIENT)}
    | {name: Orient(k) for k, name in enumerate(_INNOVUS_ORIENT)}
)
_MAX_BYTES = 8 << 20
_VERBS = frozenset(("place_macro", "floorplan_macro"))
_MOST_DECIMALS = 24
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,2})?")
_SHOWN = 60
_SPELLINGS = re.compile(r"[][\\]")
_NAME_CALL = "[floorplan_name "

_PROLOGUE = """\
# OpenROAD knows a[0] as a\\[0\\] where it read the netlist from Verilog: take the spelling that the design has.
proc floorplan_name {name} {
    set block [ord::get_db_block]
    foreach spelling [list $name [string map {[ \\\\[ ] \\\\]} $name] [string map {\\\\ {}} $name]] {
        if {[$block findInst $spelling] ne "NULL"} { return $spelling }
    }
    return $name
}

# Macros that stand already are taken up first, so that none is in the way of another and the script can run again.
proc floorplan_take_up {names} {
    foreach name $names {
        set inst [[ord::get_db_block] findInst [floorplan_name $name]]
        if {$inst ne "NULL"} { $inst setPlacementStatus NONE }
    }
}
"""

_GENERIC = """\
# Sourcing this file only fills the list floorplan_macros: {name x y orient} a macro, with the lower left corner of the
# outline as it stands, in um, and the orientation as DEF names it. Then call the binding of your tool.
set floorplan_macros {}
proc floorplan_macro {name x y orient} {
    global floorplan_macros
    lappend floorplan_macros [list $name $x $y $orient]
}
array set floorplan_orient {%s}

# Cadence Innovus, legacy commands.
proc floorplan_innovus {} {
    global floorplan_macros floorplan_orient
    foreach macro $floorplan_macros {
        lassign $macro name x y orient
        placeInstance $name $x $y $floorplan_orient($orient) -fixed
    }
}

# Cadence Innovus and Genus, common user interface.
proc floorplan_innovus_common {} {
    global floorplan_macros floorplan_orient
    foreach macro $floorplan_macros {
        lassign $macro name x y orient
        place_inst $name $x $y $floorplan_orient($orient) -fixed
    }
}

# Synopsys IC Compiler II and Fusion Compiler.
proc floorplan_icc2 {} {
    global floorplan_macros
    foreach macro $floorplan_macros {
        lassign $macro name x y orient
        set_cell_location -coordinates [list $x $y] -orientation $orient -fixed [get_cells $name]
    }
}

"""


def write_place_macro_tcl(
    path: str | Path,
    design: Design,
    placement: Placement,
    style: Literal["openroad", "generic"] = "openroad",
    snap_um: float | None = None,
    *,
    exact: bool = True,
    fixed: bool | None = None,
) -> None:
    """Write the places of the hard macros as a script; equal input gives equal bytes.

    Coordinates are the file's own: the design's origin is added back. They have as many decimals as it takes for
    `read_place_macro_tcl` to give the same doubles (up to 24: centres below 1e-6 um differ by up to 1e-24).

    Args:
        path: of the script, compressed by its suffix.
        design: whose macros are placed, under the names that its netlist gives them; OpenROAD finds one with brackets
            under that name or with backslashes before the brackets.
        placement: (N,) nodes.
        style: `openroad` for OpenROAD and its flow scripts (MACRO_PLACEMENT_TCL); `generic` for a list of macros with
            procedures that hand it to Innovus or IC Compiler II.
        snap_um: write lower left corners rounded to this grid of the file's coordinates. `legalize.snap_to_grid` finds
            a legal placement on a grid; this only rounds.
        exact: OpenROAD keeps the positions; without, it moves each macro until its pins lie on tracks.
        fixed: True for fixed macros too, False to leave those where the tool has them; None leaves them unless all are.

    Raises:
        ProblemError: a macro is unplaced, the style is unknown, the grid is not positive, or rounding to it makes a
            legal placement illegal.
        OSError: the file cannot be written.
    """
    problem = design.problem
    nl = problem.netlist
    if len(placement) != nl.num_nodes:
        raise ProblemError(f"placement has {len(placement)} nodes, the netlist {nl.num_nodes}")
    if style not in ("openroad", "generic"):
        raise ProblemError(f"Tcl style is openroad or generic, got {style!r}")
    if snap_um is not None:
        placement = _rounded(design, placement, snap_um)
    every = len(problem.movable_hard) == 0 if fixed is None else fixed
    nodes = (nl.hard if every else problem.movable_hard).tolist()
    missing = [nl.node_name[i] for i in nodes if not placement.placed[i]]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ProblemError(f"hard macro {missing[0]}{more} unplaced: a script places all of them")
    corners = _corner_texts(design, placement, nodes)
    names = [tcl_word(nl.node_name[i]) for i in nodes]
    out = _header(design, len(nodes), style)
    if left := len(nl.hard) - len(nodes):
        out.insert(-1, f"# {left} fixed hard macros stay where the tool has them")
    if style == "openroad":
        flags = " -exact" if exact else ""
        out += [_PROLOGUE, "floorplan_take_up [list \\", *(f"    {name} \\" for name in names), "]", ""]
        for i, name, (x, y) in zip(nodes, names, corners, strict=True):
            spelled = f"[floorplan_name {name}]" if _SPELLINGS.search(nl.node_name[i]) else name
            turned = OPENROAD_ORIENT[placement.orient[i]]
            out.append(f"place_macro -macro_name {spelled} -location {{{x} {y}}} -orientation {turned}{flags}")
    else:
        pairs = " ".join(f"{o.name} {_INNOVUS_ORIENT[o]}" for o in Orient)
        out.append(_GENERIC % pairs)
        out += [
            f"floorplan_macro {name} {x} {y} {Orient(placement.orient[i]).name}"
            for i, name, (x, y) in zip(nodes, names, corners, strict=True)
        ]
    write_bytes_by_suffix(path, ("\n".join(out) + "\n").encode("ascii"))


def _header(design: Design, count: int, style: str) -> list[str]:
    nl, cv = design.problem.netlist, design.problem.canvas
    ox, oy = design.origin_um
    # By name: the package itself names everything above this layer.
    version = import_module("floorplan").__version__
    return [
        f"# Places of {count} hard macros for {'OpenROAD' if style == 'openroad' else 'any tool'}, "
        f"written by floorplan-rl {version}",
        f"# netlist: {nl.name!a} sha256 {nl.content_hash}",
        f"# canvas: {cv.width_um!r} x {cv.height_um!r} um, its lower left corner at ({ox!r}, {oy!r})",
        "",
    ]


def _rounded(design: Design, placement: Placement, snap_um: float) -> Placement:
    if not (np.isfinite(snap_um) and snap_um > 0):
        raise ProblemError(f"a grid's pitch must be positive, got {snap_um}")
    problem = design.problem
    nl = problem.netlist
    move = problem.movable_hard[placement.placed[problem.movable_hard]]
    size = oriented_size_um(nl.node_w_um[move], nl.node_h_um[move], placement.orient[move])
    centre = []
    for at, side, origin in zip((placement.x_um, placement.y_um), size, design.origin_um, strict=True):
        out = at.copy()
        corner = np.rint((at[move] - side / 2 + origin) / snap_um) * snap_um
        out[move] = corner - origin + side / 2
        centre.append(out)
    rounded = placement.replace(*centre)
    if check_legality(problem, placement).legal and not (verdict := check_legality(problem, rounded)).legal:
        raise ProblemError(f"rounding to a grid of {snap_um:.6g} um is not enough ({verdict.summary(1)}): snap_to_grid")
    return rounded


def _corner_texts(design: Design, placement: Placement, nodes: Sequence[int]) -> list[tuple[str, str]]:
    nl = design.problem.netlist
    ids = np.array(nodes, np.int64)
    w, h = oriented_size_um(nl.node_w_um[ids], nl.node_h_um[ids], placement.orient[ids])
    ox, oy = design.origin_um
    return [
        (_corner_text(x, width, ox), _corner_text(y, height, oy))
        for x, y, width, height in zip(
            placement.x_um[ids].tolist(), placement.y_um[ids].tolist(), w.tolist(), h.tolist(), strict=True
        )
    ]


def _corner_text(centre_um: float, size_um: float, origin_um: float) -> str:
    """Return the shortest decimal of a lower edge, of at least three places, that `_centre` turns into the centre."""
    edge = Fraction(centre_um) - Fraction(size_um) / 2 + Fraction(origin_um)
    for places in range(3, _MOST_DECIMALS + 1):
        scaled = round(edge * 10**places)
        if places == _MOST_DECIMALS or _centre(Fraction(scaled, 10**places), size_um, origin_um) == centre_um:
            break
    sign, digits = "-" if scaled < 0 else "", str(abs(scaled)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def _centre(edge_um: Fraction, size_um: float, origin_um: float) -> float:
    """Return the centre that belongs to a lower edge, rounded once."""
    return float(edge_um - Fraction(origin_um) + Fraction(size_um) / 2)


def read_place_macro_tcl(path: str | Path, design: Design) -> Placement:
    """Read the places of macros from a script that `write_place_macro_tcl` or OpenROAD's macro placer wrote.

    The top-level commands `place_macro` and `floorplan_macro` are read, all others skipped. A name that the netlist
    does not know may differ from one that it knows by backslashes, which tools put before brackets or leave out. What
    the script does not place stands as in the design's initial placement.

    Raises:
        ParseError: the script cannot be cut into words, places a macro twice or one that the design lacks, computes a
            place instead of writing it, or places nothing although there are macros to place.
    """
    p = Path(path)
    text = decode(p, read_bytes_maybe_compressed(p, _MAX_BYTES))
    problem = design.problem
    nl = problem.netlist
    x, y = problem.initial.x_um.copy(), problem.initial.y_um.copy()
    orient, placed = problem.initial.orient.copy(), problem.initial.placed.copy()
    names = _Names(design)
    line_of: dict[int, int] = {}
    for command in split_commands(p, text, _VERBS):
        name, location, turned = _place(p, command)
        node = names.find(name)
        if node is None:
            raise ParseError(p, command.line, f"netlist {nl.name!r} has no hard macro {name[:_SHOWN]!r}")
        if node in line_of:
            raise ParseError(p, command.line, f"{name[:_SHOWN]!r} has a place already (line {line_of[node]})")
        line_of[node] = command.line
        w, h = float(nl.node_w_um[node]), float(nl.node_h_um[node])
        if turned >= Orient.E:
            w, h = h, w
        x[node] = _centre(_number(p, command, location[0]), w, design.origin_um[0])
        y[node] = _centre(_number(p, command, location[1]), h, design.origin_um[1])
        orient[node], placed[node] = turned, True
    if not line_of and len(problem.movable_hard):
        raise ParseError(p, 0, "holds no place_macro command")
    return Placement(x, y, orient, placed)


class _Names:
    """Hard macros by name, and by name without backslashes where that is still unique."""

    def __init__(self, design: Design) -> None:
        nl = design.problem.netlist
        self._exact = {nl.node_name[i]: i for i in nl.hard.tolist()}
        self._loose: dict[str, int | None] = {}
        for name, i in self._exact.items():
            bare = name.replace("\\", "")
            self._loose[bare] = None if bare in self._loose else i

    def find(self, name: str) -> int | None:
        found = self._exact.get(name)
        return self._loose.get(name.replace("\\", "")) if found is None else found


def _place(path: Path, command: Command) -> tuple[str, list[str], Orient]:
    """Return name, two coordinates and orientation of a `place_macro` or `floorplan_macro` command."""
    verb, *words = (_literal(path, command.line, word) for word in command.words)
    if verb == "floorplan_macro":
        if len(words) != 4:
            raise ParseError(
                path, command.line, f"floorplan_macro takes name, x, y and orientation, found {len(words)}"
            )
        name, location, orient = words[0], words[1:3], words[3]
    else:
        given: dict[str, str] = {}
        rest = iter(words)
        for key in rest:
            if key in ("-exact", "-allow_overlap"):
                continue
            value = next(rest, None)
            if key not in ("-macro_name", "-location", "-orientation") or value is None:
                raise ParseError(
                    path, command.line, f"place_macro has no argument {key[:_SHOWN]!r}, or it lacks a value"
                )
            given[key] = value
        if "-macro_name" not in given or "-location" not in given:
            raise ParseError(path, command.line, "place_macro needs -macro_name and -location")
        name, location, orient = given["-macro_name"], given["-location"].split(), given.get("-orientation", "R0")
    if len(location) != 2:
        raise ParseError(path, command.line, f"a location is two numbers, found {' '.join(location)[:_SHOWN]!r}")
    if orient.upper() not in _ORIENT_OF:
        raise ParseError(path, command.line, f"orientation {orient[:_SHOWN]!r} is none of {' '.join(_ORIENT_OF)}")
    return name, location, _ORIENT_OF[orient.upper()]


def _literal(path: Path, line: int, word: Word) -> str:
    """Return what a word says: what is written out, and the argument of our own `floorplan_name`."""
    if word.computed and word.text.startswith(_NAME_CALL) and word.text.endswith("]"):
        inner = list(split_commands(path, word.text[1:-1]))
        if len(inner) == 1 and len(inner[0].words) == 2 and not inner[0].words[1].computed:
            return inner[0].words[1].text
    if word.computed:
        raise ParseError(path, line, f"{word.text[:_SHOWN]!r} is computed; only what is written out is read")
    return word.text


def _number(path: Path, command: Command, text: str) -> Fraction:
    if not _NUMBER.fullmatch(text) or not abs(float(text)) < 1e12:
        raise ParseError(path, command.line, f"coordinate {text[:_SHOWN]!r} is not a number, or out of range")
    return Fraction(text)
