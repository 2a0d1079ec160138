"""Rows of a benchmark's results folder as runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from floorplan.cost import CostOptions, CostWeights
from floorplan.files import sha256_of
from floorplan.formats import read_plc, read_problem
from floorplan.netlist import Problem
from floorplan.report.run_parts import Run, RunError, Source, TracePoint, is_number, json_rows

__all__ = ["ROWS", "read_bench"]

ROWS = "rows.jsonl"

_MAX_ROWS = 24
"""Rows that are taken at once; more do not fit side by side."""


def read_bench(folder: Path, key: str, source: Source) -> list[Run]:
    """Return the rows of a results folder whose keys begin with `key`, failed ones too.

    Raises:
        RunError: there are none, or too many; or a row does not fit the files it names.
        ParseError: a file is damaged.
    """
    rows = {str(r.get("key")): r for r in json_rows(folder / ROWS)}
    chosen = [r for k, r in rows.items() if k.startswith(key)]
    if not chosen:
        which = f" whose key begins with {key!r}" if key else ""
        raise RunError(f"{folder}: no row{which} (has {', '.join(list(rows)[:8]) or 'none'})")
    if len(chosen) > _MAX_ROWS:
        raise RunError(f"{folder}: holds {len(chosen)} rows, {_MAX_ROWS} are shown at once; choose some by FOLDER#KEY")
    problems: dict[str, Problem] = {}
    return [_bench_row(folder, row, source, problems) for row in chosen]


def _bench_row(folder: Path, row: dict[str, Any], source: Source, problems: dict[str, Problem]) -> Run:
    where = f"{folder / ROWS}, row {row.get('key')}"
    try:
        design = _inside(folder, str(row["design_folder"]))
        options = source.options or CostOptions(
            CostWeights(**row["weights"]), row["density_top"], row["congestion_top"], row["square_soft"]
        )
        spacing = (float(row["macro_spacing_um"]), float(row["boundary_spacing_um"]))
        known = f"{design}{spacing}"
        if known not in problems:
            read = read_problem(design / "netlist.pb.txt.xz", design / "start.plc.xz")
            # the copy of the design is called by its folder, which is a hash
            named = replace(read.netlist, name=str(row["design"]))
            problems[known] = read.replace(netlist=named, macro_spacing_um=spacing[0], boundary_spacing_um=spacing[1])
        problem = problems[known]
        if problem.netlist.content_hash != row["netlist_hash"]:
            raise RunError(f"{where}: the stored netlist is not the row's (its hash differs)")
        placement, result = None, ("error", "no result is stored")
        if row["placement_file"] is not None:
            file = _inside(folder, str(row["placement_file"]))
            placement, result = read_plc(file, problem.netlist).placement, ("placement SHA-256", sha256_of(file))
        elif row["error"] is not None:
            result = ("error", f"{row['error']['type']}: {row['error']['message']}")
        facts = [
            ("benchmark", str(folder)),
            ("row", str(row["key"])),
            ("suite", str(row["suite"])),
            ("design", str(row["design"])),
            ("agent", f"{row['agent']} ({row['label']})"),
            ("options", json.dumps(row["options"])),
            ("seed", str(row["seed"])),
            ("budget", str(row["budget"])),
            ("budget spent", _spent(row)),
            result,
            ("versions", ", ".join(f"{k} {v}" for k, v in row["versions"].items())),
            ("machine", ", ".join(f"{k} {v}" for k, v in row["machine"].items())),
        ]
        bound = row["bound"] if row["bound"].get("proxy") is not None and source.options is None else None
        title = f"{row['label']}, seed {row['seed']}, {row['budget']}"
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise RunError(f"{where}: damaged ({type(e).__name__}: {e})") from None
    trace = json_rows(_inside(folder, str(row["trace_file"]))) if row.get("trace_file") else ()
    points = tuple(
        TracePoint(float(t["s"]), float(t["proxy"]))
        for t in trace
        if is_number(t.get("s")) and is_number(t.get("proxy"))
    )
    return Run(
        kind="benchmark",
        title=title,
        design=str(row["design"]),
        path=folder,
        problem=problem,
        placement=placement,
        options=options,
        facts=tuple(facts),
        trace=points,
        bound={k: float(bound[k]) for k in ("wirelength", "density", "congestion", "proxy")} if bound else None,
        bound_file=design / "bound.json",
    )


def _spent(row: dict[str, Any]) -> str:
    """Return what a row says it took; a failed run has not counted."""
    parts = []
    for key, unit in (("wall_s", "s wall clock"), ("proposals", "proposals"), ("episodes", "episodes")):
        if is_number(row.get(key)):
            parts.append(f"{row[key]:,.1f} {unit}" if key == "wall_s" else f"{row[key]:,} {unit}")
    return ", ".join(parts) or "not counted"


def _inside(folder: Path, name: str) -> Path:
    """Return the file of a results folder, which must not lead out of it."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise RunError(f"{folder / ROWS}: {name!r} is not inside the folder")
    return path
