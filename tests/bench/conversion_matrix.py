"""Every public benchmark read, converted into each writable format and read back; prints a table in Markdown.

python tests/bench/conversion_matrix.py BENCHMARKS [--only PART] [--out TABLE.md]
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from floorplan.errors import FloorplanError
from floorplan.formats.design import Design
from floorplan.formats.export.flp import read_flp
from floorplan.formats.plc import read_plc
from floorplan.formats.read import read_design
from floorplan.formats.write import SUFFIXES, write_design
from floorplan.geometry import oriented_size_um
from floorplan.netlist import NodeKind, Placement
from tests.bench.conversion_cases import Case, cases_in, reason_for_none

__all__ = ["Outcome", "convert_case", "markdown"]

SAME, PLACED, REFUSED, BROKEN = "=", "p", "-", "BROKEN"
"""Same netlist hash and placement; same placement; refused for a reason; not the same."""


@dataclass
class Outcome:
    """What became of a case.

    Attributes:
        case: the files.
        design: what was read, None if nothing could be.
        read_s: seconds of CPU.
        verdict: suffix -> SAME, PLACED, REFUSED or BROKEN.
        seconds: suffix -> seconds of CPU for writing and reading back.
        why: suffix -> reason, where it was refused or broken.
    """

    case: Case
    design: Design | None = None
    read_s: float = 0.0
    verdict: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)


def convert_case(case: Case, folder: Path, suffixes: Sequence[str] = SUFFIXES) -> Outcome:
    """Read a case, and write it into `folder` and read it back in each format."""
    out = Outcome(case)
    start = time.process_time()
    try:
        design = out.design = read_design(*case.read)
    except FloorplanError as e:
        out.why["read"] = str(e)
        return out
    out.read_s = time.process_time() - start
    for suffix in suffixes:
        if suffix == ".def" and design.format != "lefdef":
            continue
        path = folder / f"out{suffix}"
        start = time.process_time()
        try:
            write_design(path, design)
            out.verdict[suffix], out.why[suffix] = _BACK[suffix](design, path, case)
        except FloorplanError as e:
            out.verdict[suffix], out.why[suffix] = REFUSED, str(e)
        out.seconds[suffix] = time.process_time() - start
    return out


def _design_back(design: Design, path: Path, case: Case) -> tuple[str, str]:
    del case
    back = read_design(path).problem
    a, b = design.problem, back
    # whole Bookshelf units come back exactly, others to the ninth decimal
    off = _apart_um(a.initial, b.initial)
    if off > (1e-8 / design.units_per_um + 1e-11 if path.suffix == ".aux" else 0.0):
        return BROKEN, f"off by {off:g} um"
    if a.netlist.node_name != b.netlist.node_name or not np.array_equal(a.fixed, b.fixed):
        return BROKEN, "other nodes, or others of them fixed"
    if path.suffix != ".aux" and a.canvas != b.canvas:
        return BROKEN, "another canvas"
    if a.netlist.content_hash == b.netlist.content_hash:
        return SAME, ""
    if path.suffix != ".aux":
        return BROKEN, "another hash"
    # Bookshelf's reader leaves out nets that reach one pin only, as of a port to itself, of which AlphaChip's have some
    ptr, pins = a.netlist.net_ptr.tolist(), a.netlist.net_pin.tolist()
    kept = [w for e, w in enumerate(a.netlist.net_weight.tolist()) if len(set(pins[ptr[e] : ptr[e + 1]])) > 1]
    return (PLACED, "") if sorted(kept) == sorted(b.netlist.net_weight.tolist()) else (BROKEN, "other nets")


def _plc_back(design: Design, path: Path, case: Case) -> tuple[str, str]:
    del case
    plc = read_plc(path, design.problem.netlist)
    same = _apart_um(design.problem.initial, plc.placement) == 0 and plc.canvas == design.problem.canvas
    return (PLACED, "") if same else (BROKEN, "another placement or canvas")


def _named_back(design: Design, path: Path, case: Case) -> tuple[str, str]:
    """Put what was written on a copy of the design whose movable macros stand nowhere."""
    del case
    p = design.problem
    placed = p.initial.placed.copy()
    placed[p.movable_hard] = False
    blank = path.with_name("blank.json")
    write_design(blank, design.replace(problem=p.replace(initial=p.initial.replace(placed=placed))))
    back = read_design(blank, path).problem.initial
    off = _apart_um(_only(p.initial, p.netlist.hard), _only(back, p.netlist.hard))
    return (PLACED, "") if off <= 1e-8 / design.units_per_um + 1e-11 else (BROKEN, f"off by {off:g} um")


def _def_back(design: Design, path: Path, case: Case) -> tuple[str, str]:
    lefs = [p for p in case.read if p not in design.paths[:1] and not p.name.endswith(".plc")]
    back = read_design(*lefs, path).problem
    off = _apart_um(design.problem.initial, back.initial)
    if off > 0.5 / design.units_per_um + 1e-9:
        return BROKEN, f"off by {off:g} um"
    return (SAME if back.netlist.content_hash == design.problem.netlist.content_hash else BROKEN), "another hash"


def _flp_back(design: Design, path: Path, case: Case) -> tuple[str, str]:
    del case
    nl, at = design.problem.netlist, design.problem.initial
    units = read_flp(path)[: len(nl.hard)]
    w, h = oriented_size_um(nl.node_w_um[nl.hard], nl.node_h_um[nl.hard], at.orient[nl.hard])
    want = np.stack([at.x_um[nl.hard] - w / 2, at.y_um[nl.hard] - h / 2, w, h])
    got = np.array([[u.left_m, u.bottom_m, u.width_m, u.height_m] for u in units]).T * 1e6
    off = float(np.abs(want - got).max(initial=0.0)) if units else 0.0
    return (PLACED, "") if off <= 2e-3 else (BROKEN, f"off by {off:g} um")


def _layout_back(design: Design, path: Path, case: Case) -> tuple[str, str]:
    del case
    import gdstk

    library = gdstk.read_gds(path) if path.suffix == ".gds" else gdstk.read_oas(path)
    # cells of macros that stand nowhere are top cells, too
    top = max(library.top_level(), key=lambda cell: len(cell.references))
    nl = design.problem.netlist
    want = int(design.problem.initial.placed[nl.hard].sum())
    found = sum(1 for r in top.references if r.cell_name)
    return (PLACED, "") if found == want else (BROKEN, f"{found} macros of {want}")


def _svg_back(design: Design, path: Path, case: Case) -> tuple[str, str]:
    del case
    titles = [e.text or "" for e in ET.parse(path).iter() if e.tag.endswith("title")]
    nl = design.problem.netlist
    hard = [nl.node_name[i] for i in nl.hard.tolist() if design.problem.initial.placed[i]]
    missing = [name for name in hard if not any(name in title for title in titles)] if len(hard) < 50 else []
    return (PLACED, "") if not missing else (BROKEN, f"{missing[0]} is not drawn")


_BACK: dict[str, Callable[[Design, Path, Case], tuple[str, str]]] = {
    ".pb.txt": _design_back,
    ".plc": _plc_back,
    ".aux": _design_back,
    ".pl": _named_back,
    ".def": _def_back,
    ".tcl": _named_back,
    ".flp": _flp_back,
    ".gds": _layout_back,
    ".oas": _layout_back,
    ".svg": _svg_back,
    ".json": _design_back,
}


def _only(p: Placement, nodes: np.ndarray) -> Placement:
    return Placement(p.x_um[nodes], p.y_um[nodes], p.orient[nodes], p.placed[nodes])


def _apart_um(a: Placement, b: Placement) -> float:
    """Return how far apart two placements are; infinity where they place other nodes, or turn one otherwise."""
    there = a.placed
    if not np.array_equal(there, b.placed) or not np.array_equal(a.orient[there], b.orient[there]):
        return float("inf")
    off = np.maximum(np.abs(a.x_um - b.x_um), np.abs(a.y_um - b.y_um))
    return float(off[there].max(initial=0.0))


def markdown(outcomes: list[Outcome]) -> str:
    """Return the table: a row a design, a column a format, with seconds of CPU for writing and reading back."""
    head = ["design", "hard", "soft", "cells", "ports", "nets", "hash", "read s", *SUFFIXES]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for o in outcomes:
        if o.design is None:
            lines.append(f"| {o.case.name} | {o.why['read']} |" + " |" * (len(head) - 2))
            continue
        nl = o.design.problem.netlist
        kinds = np.bincount(nl.node_kind, minlength=len(NodeKind)).tolist()
        counts = [kinds[k] for k in (NodeKind.HARD, NodeKind.SOFT, NodeKind.CELL, NodeKind.PORT)]
        cells = [
            f"{o.verdict[s]} {o.seconds[s]:.2f}" if s in o.verdict and o.verdict[s] != REFUSED else o.verdict.get(s, "")
            for s in SUFFIXES
        ]
        row = [o.case.name, *counts, nl.num_nets, nl.content_hash[:12], f"{o.read_s:.2f}", *cells]
        lines.append("| " + " | ".join(map(str, row)) + " |")
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Convert what is asked for and print the table; 1 if anything was broken or left out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benchmarks", type=Path)
    parser.add_argument("--only", default="", help="part of the names of designs, several with | between")
    parser.add_argument("--out", type=Path, help="file for the table")
    args = parser.parse_args(argv)
    logging.disable(logging.WARNING)
    cases = cases_in(args.benchmarks)
    chosen = [c for c in cases if any(part in c.name for part in args.only.split("|"))]
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        for case in chosen:
            done = convert_case(case, Path(folder))
            outcomes.append(done)
            sys.stderr.write(f"{case.name}: {done.verdict or done.why}\n")
    table = markdown(outcomes)
    (args.out.write_text if args.out else sys.stdout.write)(table)
    reasons: dict[str, int] = {}
    for o in outcomes:
        for suffix, verdict in o.verdict.items():
            if verdict in (REFUSED, BROKEN):
                text = f"{suffix} {verdict} {o.case.name}: {o.why[suffix]}"
                reasons[text] = reasons.get(text, 0) + 1
    sys.stderr.write("\n".join(reasons) + "\n")
    bad = [o for o in outcomes if o.design is None or BROKEN in o.verdict.values()]
    covered = {p for c in cases for p in (*c.read, *c.covers)}
    files = [p for p in sorted(args.benchmarks.rglob("*")) if p.is_file()]
    rest = [p for p in files if p not in covered]
    lost = [p for p in rest if not reason_for_none(p)]
    sys.stderr.write(f"{len(files)} files: {len(covered)} in {len(cases)} designs, {len(rest)} in none\n")
    for p in rest:
        sys.stderr.write(f"  {p.relative_to(args.benchmarks)}: {reason_for_none(p) or 'LEFT OUT'}\n")
    return 1 if bad or lost else 0


if __name__ == "__main__":
    raise SystemExit(main())
