"""What a run left behind: folders of training, rows of a benchmark, placements and netlists, read alike."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from floorplan.cost import CostOptions, CostWeights
from floorplan.errors import ProblemError
from floorplan.files import plain_name, read_toml, sha256_of
from floorplan.formats import find_placement, read_plc, read_problem
from floorplan.formats.constraints_file import read_constrained_problem
from floorplan.netlist import Placement, Problem
from floorplan.report.bench_runs import ROWS, read_bench
from floorplan.report.run_parts import (
    Run,
    RunError,
    Source,
    TracePoint,
    is_number,
    json_rows,
    with_titles_apart,
)

__all__ = ["Run", "RunError", "Source", "TracePoint", "read_runs", "with_titles_apart"]


_CONFIG, _METRICS, _BEST = "config.toml", "metrics.jsonl", "best.plc"


def read_runs(path: str | Path, source: Source | None = None) -> list[Run]:
    """Read what stands at `path`.

    Args:
        path: run folder of training, fine-tuning or pre-training; results folder of a benchmark, as `FOLDER` or
            `FOLDER#KEY` with the beginning of a row's key; a placement in such a folder; any other .plc; a netlist.
        source: what else is known.

    Returns:
        One run, or one for each row of a benchmark, failed ones without a placement.

    Raises:
        RunError: there is nothing to show, or too much.
        ParseError: a file is damaged.
    """
    source = source or Source()
    p = Path(path)
    folder, hash_mark, key = str(path).partition("#")
    if not p.exists() and hash_mark and (Path(folder) / ROWS).is_file():
        return read_bench(Path(folder), key, source)
    if p.is_dir():
        if (p / _CONFIG).is_file():
            return [_training(p, source)]
        if (p / ROWS).is_file():
            return read_bench(p, "", source)
        raise RunError(f"{p}: no run here (no {_CONFIG} of a training run and no {ROWS} of a benchmark)")
    if not p.exists():
        raise RunError(f"{p}: no such run, placement or netlist")
    if plain_name(p).endswith(".plc"):
        if p.parent.name == "placements" and (p.parent.parent / ROWS).is_file() and source.netlist is None:
            return read_bench(p.parent.parent, plain_name(p).removesuffix(".plc"), source)
        return [_placement(p, source)]
    return [_netlist(p, source)]


def _placement(path: Path, source: Source) -> Run:
    netlist = source.netlist or _netlist_beside(path)
    problem = read_constrained_problem(netlist, path, source.constraints)
    facts = (("placement", str(path)), ("placement SHA-256", sha256_of(path)), ("netlist", str(netlist)))
    return Run(
        kind="placement",
        title=_title(path),
        design=problem.netlist.name,
        path=path,
        problem=problem,
        placement=problem.initial,
        options=source.options or CostOptions(),
        facts=facts,
        bound_file=path.with_name(f"{path.name}.bound.json"),
    )


def _netlist(path: Path, source: Source) -> Run:
    problem = read_constrained_problem(path, source.placement, source.constraints)
    facts = [("netlist", str(path))]
    try:
        start = source.placement or find_placement(path)
        facts += [("placement", str(start)), ("placement SHA-256", sha256_of(start))]
    except ProblemError:
        pass  # a format that holds its own placement
    return Run(
        kind="netlist",
        title=problem.netlist.name,
        design=problem.netlist.name,
        path=path,
        problem=problem,
        placement=problem.initial,
        options=source.options or CostOptions(),
        facts=tuple(facts),
        bound_file=path.with_name(f"{path.name}.bound.json"),
    )


def _netlist_beside(path: Path) -> Path:
    """Return the netlist that stands in the folder of a placement."""
    stem = plain_name(path).removesuffix(".plc")
    ends = [f"{end}{pack}" for end in (".pb.txt", ".pbtxt", ".pb") for pack in ("", ".xz", ".gz")]
    for name in [f"{base}{end}" for base in (stem, "netlist") for end in ends]:
        if (path.parent / name).is_file():
            return path.parent / name
    found = sorted(p for p in path.parent.iterdir() if plain_name(p).endswith((".pb.txt", ".pbtxt")))
    if len(found) == 1:
        return found[0]
    what = "none stands" if not found else f"{len(found)} stand"
    raise RunError(f"{path}: which netlist does it place? {what} beside it; name it with --netlist")


def _training(folder: Path, source: Source) -> Run:
    tree, _ = read_toml(folder / _CONFIG, lambda cause: RunError(f"{folder / _CONFIG}: {cause}"))
    run, config = _table(tree, "run"), _table(tree, "config")
    env = _table(config, "env")
    if not run:
        raise RunError(f"{folder / _CONFIG}: no table [run]: this is not the folder of a training run")
    metrics = json_rows(folder / _METRICS)
    pool = "pool" in run
    kind = "pre-training" if pool else ("fine-tuning" if "tune" in tree else "training")
    options = source.options or _options(env, folder)
    problem, placement, start = (None, None, None) if pool else _trained(folder, run, source)
    facts = [("run folder", str(folder)), *_strings(run), *_spent(metrics)]
    for name, file in (("best placement SHA-256", folder / _BEST), *_weights(folder)):
        if file.is_file():
            facts.append((name, sha256_of(file)))
    if start is not None:
        facts.append(("start placement SHA-256", sha256_of(start)))
    for table in ("versions", "machine"):
        values = _table(tree, table)
        if values:
            facts.append((table, ", ".join(f"{k} {v}" for k, v in values.items())))
    for table, values in (("game", env), *((t, _table(config, t)) for t in ("network", "ppo"))):
        if values:
            facts.append((table, ", ".join(f"{k} {v}" for k, v in values.items() if not isinstance(v, dict))))
    return Run(
        kind=kind,
        title=_title(folder),
        design=problem.netlist.name if problem is not None else plain_name(str(run["pool"])),
        path=folder,
        problem=problem,
        placement=placement,
        options=options,
        facts=tuple(facts),
        metrics=metrics,
        trace=_trace_of(metrics),
        order=str(env.get("order_file") or env.get("order", "area")),
        bound_file=folder / "bound.json",
    )


def _trained(folder: Path, run: dict[str, Any], source: Source) -> tuple[Problem, Placement | None, Path | None]:
    """Return problem, best placement and start of a run on one netlist."""
    netlist = source.netlist or Path(str(run.get("netlist", "")))
    start = Path(str(run["placement"])) if "placement" in run else None
    start = source.placement or start
    if not netlist.is_file():
        raise RunError(f"{folder}: its netlist {netlist} is not there any more; name it with --netlist")
    if start is not None and not start.is_file():
        raise RunError(f"{folder}: its start placement {start} is not there any more; name it with --placement")
    problem = read_problem(netlist, start)
    if problem.netlist.content_hash != run.get("netlist_hash"):
        raise RunError(f"{folder}: {netlist} is not the netlist that the run was started on (its hash differs)")
    best = folder / _BEST
    return problem, read_plc(best, problem.netlist).placement if best.is_file() else None, start


def _weights(folder: Path) -> list[tuple[str, Path]]:
    return [(f"weights {p.name} SHA-256", p) for p in sorted((folder / "policy").glob("*.safetensors"))]


def _options(env: dict[str, Any], folder: Path) -> CostOptions:
    default = CostWeights()
    try:
        names = ("wirelength", "density", "congestion")
        return CostOptions(CostWeights(*(float(env.get(f"{n}_weight", getattr(default, n))) for n in names)))
    except (TypeError, ValueError) as e:
        raise RunError(f"{folder / _CONFIG}: weights of the cost: {e}") from None


def _spent(metrics: tuple[dict[str, Any], ...]) -> list[tuple[str, str]]:
    last = metrics[-1] if metrics else {}
    parts = []
    for key, unit in (("seconds", "s"), ("episodes", "episodes"), ("step", "steps"), ("round", "rounds")):
        value = last.get(key)
        if isinstance(value, int | float) and math.isfinite(value):
            parts.append(f"{value:,.1f} {unit}" if isinstance(value, float) else f"{value:,} {unit}")
    return [("budget spent", ", ".join(parts))] if parts else []


def _trace_of(metrics: tuple[dict[str, Any], ...]) -> tuple[TracePoint, ...]:
    found = [r for r in metrics if is_number(r.get("seconds")) and is_number(r.get("best_proxy"))]
    return tuple(TracePoint(float(r["seconds"]), float(r["best_proxy"])) for r in found)


def _table(tree: dict[str, Any], name: str) -> dict[str, Any]:
    value = tree.get(name, {})
    return value if isinstance(value, dict) else {}


def _strings(table: dict[str, Any]) -> list[tuple[str, str]]:
    said = [(k, json.dumps(v) if isinstance(v, dict | list) else str(v)) for k, v in table.items() if v != {}]
    named = {"placement": "start placement"}
    return [(named.get(k, k.replace("_", " ")), v) for k, v in said]


def _title(path: Path) -> str:
    name = path.resolve().name
    return name or str(path)
