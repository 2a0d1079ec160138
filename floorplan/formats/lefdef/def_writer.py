"""A DEF file with macros where a placement has them, and every other byte as it was."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from floorplan.errors import ParseError, ProblemError
from floorplan.files import write_bytes_by_suffix
from floorplan.formats.design import Design
from floorplan.formats.lefdef.def_ import find_sections
from floorplan.formats.lefdef.def_components import Entry, component_entry
from floorplan.formats.lefdef.def_statement import Statement
from floorplan.formats.lefdef.def_tables import Status
from floorplan.formats.lefdef.text import WORD, Source
from floorplan.geometry import Orient, oriented_size_um
from floorplan.netlist import Placement

__all__ = ["EXACT_DBU", "WrittenDef", "write_def"]

EXACT_DBU = 1e-4
"""A corner no farther than this from a database unit lies on it: the rest is the rounding of um in binary."""

log = logging.getLogger(__name__)

_OF_COMPONENT = re.compile(rb"COMPONENT\s++(\S++)")


@dataclass(frozen=True)
class WrittenDef:
    """What was written.

    Attributes:
        placed: macros of the placement that the file now has in their places.
        changed: entries among them whose text differs from the original.
        largest_rounding_um: how far a corner moved to the next database unit, at most.
        dbu_per_um: the file's database units in a um.
    """

    placed: int
    changed: int
    largest_rounding_um: float
    dbu_per_um: int


def write_def(
    original_path: str | Path,
    out: str | Path,
    design: Design,
    placement: Placement,
    *,
    fixed: bool = False,
    exact: bool = False,
) -> WrittenDef:
    """Write the original DEF file with the movable hard macros where `placement` has them.

    The place of such a component becomes `PLACED` (or `FIXED`) `( x y ) orient`: the lower-left corner of its box as
    it lies, in database units, in the file's own coordinates. Everything else stays byte for byte, and so do macros
    that already stand there, and macros that the placement does not place. A corner between two database units goes to
    the nearer one, which keeps macros that touch from overlapping; the log and the result say how far.

    Args:
        original_path: the DEF file that the design came from, plain, .gz or .xz.
        out: compressed as its suffix says.
        design: read from the file, or clustered from what was; macros are found by name.
        placement: of all its nodes.
        fixed: write FIXED, as macro placers hand over to the next tool, instead of PLACED.
        exact: refuse a placement off the database units instead of rounding it.

    Raises:
        ParseError: the original is damaged.
        ProblemError: a macro is no component of the file, the placement does not fit the design, or `exact` is asked
            for and a corner lies off the database units.
    """
    source = Source.read(Path(original_path))
    span, dbu, sections = _spans(source)
    corners, rounding = _corners(design, placement, dbu)
    worst = float(rounding.max(initial=0.0))
    if worst > EXACT_DBU:
        name = list(corners)[int(np.argmax(rounding))]
        what = f"{name!r} lies {worst:.3g} database units of 1/{dbu} um off a whole one"
        if exact:
            raise ProblemError(f"{original_path}: {what}; snap the placement to the manufacturing grid first")
        log.warning("%s: %s; %d of %d corners are rounded", out, what, int((rounding > EXACT_DBU).sum()), len(rounding))
    if "BLOCKAGES" in sections:
        _warn_of_blockages(source, sections["BLOCKAGES"], set(corners))

    status = Status.FIXED if fixed else Status.PLACED
    pieces: list[bytes] = []
    at = changed = 0
    left = dict(corners)
    for statement, entry, name in _entries(source, span, left):
        x, y, orient = left.pop(name)
        if (entry.status, entry.x, entry.y, entry.orient) == (status, x, y, orient):
            continue
        begin, end, lead = _place_span(source, statement, entry)
        pieces += [source.raw[at:begin], lead + f"{status.name} ( {x} {y} ) {Orient(orient).name}".encode()]
        at = end
        changed += 1
    if left:
        more = f" (nor are {len(left) - 1} others)" if len(left) > 1 else ""
        raise ProblemError(f"{original_path}: macro {next(iter(left))!r} is no component of the file{more}")
    pieces.append(source.raw[at:])
    write_bytes_by_suffix(out, b"".join(pieces))
    return WrittenDef(len(corners), changed, worst / dbu, dbu)


def _spans(source: Source) -> tuple[tuple[int, int], int, dict[str, tuple[int, int]]]:
    """Return where the components are, the database units in a um, and all sections."""
    sections: dict[str, tuple[int, int]] = {}
    dbu = 0
    for s, span in find_sections(source):
        if span is not None:
            sections[s.words[0].decode()] = span
        elif s.words[0] == b"UNITS" and len(s.words) == 4:
            s.at = 3
            dbu = s.integer("the number of units in a micron")
    if dbu < 1:
        raise ParseError(source.path, 0, "has no 'UNITS DISTANCE MICRONS n ;'")
    return sections.get("COMPONENTS", (0, 0)), dbu, sections


def _corners(
    design: Design, placement: Placement, dbu: int
) -> tuple[dict[str, tuple[int, int, int]], npt.NDArray[np.float64]]:
    """Return lower-left corner and orientation of each macro to write, and by how much of a unit each was rounded."""
    netlist = design.problem.netlist
    if len(placement) != netlist.num_nodes:
        raise ProblemError(f"the placement has {len(placement)} nodes, the design {netlist.num_nodes}")
    movable = design.problem.movable_hard
    ids = movable[placement.placed[movable]]
    orient = placement.orient[ids]
    w, h = oriented_size_um(netlist.node_w_um[ids], netlist.node_h_um[ids], orient)
    x = (placement.x_um[ids] - w / 2 + design.origin_um[0]) * dbu
    y = (placement.y_um[ids] - h / 2 + design.origin_um[1]) * dbu
    # halves all go up: what touches, and is whole units wide, then touches still. The noise of um must not decide.
    whole_x, whole_y = (np.floor(np.round(v, 4) + 0.5) for v in (x, y))
    rounding = np.maximum(np.abs(whole_x - x), np.abs(whole_y - y))
    names = [netlist.node_name[i] for i in ids.tolist()]
    places = zip(whole_x.astype(np.int64).tolist(), whole_y.astype(np.int64).tolist(), orient.tolist(), strict=True)
    return dict(zip(names, places, strict=True)), rounding


def _entries(
    source: Source, span: tuple[int, int], wanted: dict[str, tuple[int, int, int]]
) -> Iterator[tuple[Statement, Entry, str]]:
    """Yield the entries of wanted components, in file order; a name may lack the backslashes that the file has."""
    exact = {name.encode() for name in wanted}
    for at, stop in source.chunks(*span):
        for part in source.split(at, stop):
            words = part.split(None, 2)
            who = words[1] if len(words) > 1 else b""
            name = who if who in exact else who.replace(b"\\", b"")
            if name in exact:
                m = WORD.match(source.text, at)
                s = Statement(source, at if m is None else m.start(1), part.split())
                s.expect(b"-")
                if name.decode() not in wanted:
                    raise s.fault(f"component {name.decode()!r} is given twice")
                yield s, component_entry(s), name.decode()
            at += len(part) + 1


def _place_span(source: Source, s: Statement, entry: Entry) -> tuple[int, int, bytes]:
    """Return from where to where the statement says its place, and what must go before the new one."""
    first, last = entry.place_words or (3, 3)
    spans = []
    for m, word in zip(WORD.finditer(source.text, s.offset), s.words, strict=False):
        spans.append((m.start(1), m.start(1) + len(word)))
        if len(spans) == last:
            break
    if entry.place_words is None:  # behind the library cell
        return spans[2][1], spans[2][1], b" + "
    return spans[first][0], spans[last - 1][1], b""


def _warn_of_blockages(source: Source, span: tuple[int, int], moved: set[str]) -> None:
    stale = {m[1].decode() for m in _OF_COMPONENT.finditer(source.text, *span)} & moved
    if stale:
        log.warning(
            "%s: blockages of %d macros (%s) stay where the file has them",
            source.path,
            len(stale),
            ", ".join(sorted(stale)[:3]),
        )
