"""One run: warm up, place, score what came out, store it, and return the row."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from floorplan.bench.bounds import gap_pct
from floorplan.bench.designs import load_design, placement_hash, score
from floorplan.bench.machine import cpu_seconds, machine, versions
from floorplan.bench.options import set_up_agent
from floorplan.bench.rows import SCHEMA, Bound, Failure, Row, Score, run_key
from floorplan.bench.suite import AgentSpec, CostSpec
from floorplan.bench.trace import Point, ShowProgress, TraceRecorder, thin, write_trace
from floorplan.bench.warmup import warm_up
from floorplan.formats import write_plc
from floorplan.netlist import Problem
from floorplan.parallel import core_count
from floorplan.plugins import parse_budget

__all__ = ["Job", "execute", "failed_row", "job_key"]

_log = logging.getLogger(__name__)
_warmed: set[tuple[str, str]] = set()
_MESSAGE = 2000
"""Characters of an error message that a row keeps."""


class Job(BaseModel):
    """All that one run needs, as plain values: it also travels to worker processes.

    Attributes:
        out: results folder, absolute.
        suite: name of the suite.
        suite_path: its file, which paths in options are relative to.
        design: what the suite calls the problem.
        design_folder: its copy, relative to `out`.
        netlist_hash: of that problem.
        start_hash: likewise.
        netlist_file: as the suite states it.
        start_file: likewise.
        start: cost and legality of the start; None if something is unplaced in it.
        macro_spacing_um: least gap between hard macros.
        boundary_spacing_um: least gap to the canvas edge.
        cost: how results are scored.
        bound: of the problem.
        agent: its table.
        agent_key: where in the suite that stands, for messages.
        config_hash: see `AgentSetup`.
        seed: of the run.
        budget: of the run.
        warmup: warm up first.
        jobs: runs side by side.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    out: Path
    suite: str
    suite_path: Path
    design: str
    design_folder: str
    netlist_hash: str
    start_hash: str
    netlist_file: str
    start_file: str
    start: Score | None
    macro_spacing_um: float
    boundary_spacing_um: float
    cost: CostSpec
    bound: Bound
    agent: AgentSpec
    agent_key: str
    config_hash: str
    seed: int
    budget: str
    warmup: bool
    jobs: int

    @property
    def title(self) -> str:
        """What to call the run in a progress line."""
        return f"{self.design}  {self.agent.label}  {self.budget}  seed {self.seed}"


def job_key(job: Job) -> str:
    """Return the key of the row that a job makes."""
    return run_key(
        {
            "netlist": job.netlist_hash,
            "start": job.start_hash,
            "cost": job.cost.model_dump(),
            "agent": job.agent.agent,
            "config": job.config_hash,
            "seed": job.seed,
            "budget": job.budget,
        }
    )


def execute(job: Job, show: ShowProgress | None = None) -> Row:
    """Do one run; whatever the agent raises ends up in the row.

    Raises:
        KeyboardInterrupt: nothing was stored.
        OSError: the results folder cannot be written.
    """
    started = _now()
    try:
        problem = load_design(job.out / job.design_folder, job.macro_spacing_um, job.boundary_spacing_um)
        setup = set_up_agent(job.suite_path, job.agent_key, job.agent, job.cost.options())
        agent = setup.make(**setup.arguments)
    except Exception as e:
        return failed_row(job, started, e)
    facts: dict[str, Any] = {"optimises_cost": setup.optimises}
    if job.warmup:
        facts |= _warm(job, agent)
    recorder = TraceRecorder(show)
    recorder.restart()
    cpu, wall = cpu_seconds(), time.perf_counter()
    try:
        result = agent.place(problem, parse_budget(job.budget), job.seed, recorder)
        facts |= {"wall_s": time.perf_counter() - wall, "cpu_s": cpu_seconds() - cpu}
        # What an agent says of itself is not taken on trust: cost and legality are computed here, alike for all agents.
        verified = score(problem, result.placement, job.cost.options())
        facts |= _store(job, problem, result, verified, recorder.points, facts["wall_s"])
    except (Exception, SystemExit) as e:
        if "wall_s" not in facts:
            facts |= {"wall_s": time.perf_counter() - wall, "cpu_s": cpu_seconds() - cpu}
        if isinstance(e, OSError) and not (job.out / "placements").is_dir():
            raise
        _log.info("run %s failed", job.title, exc_info=True)
        return failed_row(job, started, e, facts)
    return _row(job, started, problem, facts)


def failed_row(
    job: Job, started: str | None, error: BaseException | Failure, facts: dict[str, Any] | None = None
) -> Row:
    """Return the row of a run without a result.

    Args:
        job: the run.
        started: when it began, None for now.
        error: what ended it.
        facts: what is known besides, such as the time it took.
    """
    if not isinstance(error, Failure):
        error = Failure(type=type(error).__name__, message=" ".join(str(error).split())[:_MESSAGE])
    try:
        problem = load_design(job.out / job.design_folder, job.macro_spacing_um, job.boundary_spacing_um)
    except Exception:  # the row must be written even where the copy of the design is what is wrong
        problem = None
    return _row(job, started or _now(), problem, {**(facts or {}), "error": error})


def _warm(job: Job, agent: Any) -> dict[str, Any]:
    """Warm an agent up, once in a process for each of its configurations and kinds of budget."""
    done = (job.config_hash, job.budget[-1])
    if done in _warmed:
        return {"warmup_s": 0.0}
    seconds, wrong = warm_up(agent, job.budget)
    _warmed.add(done)
    return {"warmup_s": seconds, "warmup_error": wrong}


def _store(
    job: Job, problem: Problem, result: Any, verified: Score, points: list[Point], wall_s: float
) -> dict[str, Any]:
    key = job_key(job)
    costs = {
        "Wirelength": repr(verified.wirelength_um),
        "Wirelength cost": repr(verified.wirelength),
        "Congestion cost": repr(verified.congestion),
        "Density cost": repr(verified.density),
    }
    placement_file, trace_file = f"placements/{key}.plc.xz", f"traces/{key}.jsonl"
    write_plc(job.out / placement_file, problem, result.placement, costs)
    end = Point(wall_s, int(result.proposals), verified.proxy)
    write_trace(job.out / trace_file, thin([*points, end]))
    return {
        "score": verified,
        "claimed_proxy": float(result.cost.proxy),
        "proposals": int(result.proposals),
        "episodes": int(result.episodes),
        "gap_pct": gap_pct(verified.proxy, job.bound) if verified.legal else None,
        "placement_file": placement_file,
        "placement_hash": placement_hash(result.placement),
        "trace_file": trace_file,
    }


def _row(job: Job, started: str, problem: Problem | None, facts: dict[str, Any]) -> Row:
    netlist, canvas = (None, None) if problem is None else (problem.netlist, problem.canvas)
    empty = dict.fromkeys(
        (
            *("warmup_s", "warmup_error", "wall_s", "cpu_s", "proposals", "episodes", "score", "claimed_proxy"),
            *("gap_pct", "placement_file", "placement_hash", "trace_file", "error"),
        )
    )
    known = {
        "schema_version": SCHEMA,
        "key": job_key(job),
        "suite": job.suite,
        "started_at": started,
        "design": job.design,
        "netlist_hash": job.netlist_hash,
        "start_hash": job.start_hash,
        "design_folder": job.design_folder,
        "netlist_file": job.netlist_file,
        "start_file": job.start_file,
        "nodes": {}
        if netlist is None
        else {
            "hard": len(netlist.hard),
            "soft": len(netlist.soft),
            "ports": len(netlist.ports),
            "nets": netlist.num_nets,
        },
        "start": job.start,
        **job.cost.model_dump(),
        "grid": {} if canvas is None else {"columns": canvas.columns, "rows": canvas.rows},
        "canvas_um": (0.0, 0.0) if canvas is None else (canvas.width_um, canvas.height_um),
        "macro_spacing_um": job.macro_spacing_um,
        "boundary_spacing_um": job.boundary_spacing_um,
        "label": job.agent.label,
        "agent": job.agent.agent,
        "options": job.agent.options,
        "config_hash": job.config_hash,
        "optimises_cost": True,
        "seed": job.seed,
        "budget": job.budget,
        "threads": core_count(),
        "jobs": job.jobs,
        "machine": machine(),
        "versions": versions(),
        "bound": job.bound,
    }
    return Row(**{**empty, **known, **facts})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
