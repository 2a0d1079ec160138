"""A whole suite: which runs it has, which are done, and doing the rest."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from floorplan.bench.bounds import bound_of
from floorplan.bench.designs import prepare_design, score
from floorplan.bench.execute import Job, execute, job_key
from floorplan.bench.machine import versions
from floorplan.bench.options import set_up_agent
from floorplan.bench.rows import Bound, Row, RowStore
from floorplan.bench.suite import Suite, SuiteError
from floorplan.bench.trace import ShowProgress
from floorplan.bench.worker import Worker
from floorplan.errors import FloorplanError
from floorplan.showable import Showable

__all__ = ["Outcome", "Watcher", "plan", "run_suite"]


class Watcher(Protocol):
    """What is told how a suite goes; from several threads where runs go on side by side."""

    def planned(self, jobs: list[Job], done: int) -> None:
        """Take the runs to come and the number of those skipped because their rows exist."""

    def started(self, job: Job) -> None:
        """Note that a run begins."""

    def moved(self, job: Job, seconds: float, spent_frac: float, best: float | None) -> None:
        """Take news of a run; see `ShowProgress`."""

    def ended(self, job: Job, row: Row) -> None:
        """Take the row of a run."""


@dataclass
class Outcome(Showable):
    """What became of a suite.

    Attributes:
        rows: of this suite, old and new, in the order of the plan.
        done: runs done now.
        skipped: runs whose rows were there.
    """

    rows: list[Row] = field(default_factory=list)
    done: int = 0
    skipped: int = 0

    def __repr__(self) -> str:
        return f"Outcome({len(self.rows)} rows, {self.done} run now, {self.skipped} there before)"


def plan(suite: Suite, out: Path, jobs: int = 1, bounds: dict[tuple[str, str], Bound] | None = None) -> list[Job]:
    """Return all runs of a suite, and put copies of its designs below `out`.

    Every agent is made once to see whether it can be. Runs are ordered so that all agents meet a design under one
    budget and seed before the next: a suite that is stopped early leaves comparable rows.

    Args:
        suite: what to run.
        out: results folder; it exists.
        jobs: runs side by side.
        bounds: lower bounds known by (start hash, cost), which need not be computed again.

    Raises:
        SuiteError: a design or an agent of it cannot be had.
    """
    options = suite.cost.options()
    hashes = []
    for i, agent in enumerate(suite.agents):
        setup = set_up_agent(suite.path, f"agents[{i}]", agent, options)
        try:
            setup.make(**setup.arguments)
        except (FloorplanError, TypeError, ValueError) as e:
            raise SuiteError(suite.path, f"agents[{i}].options", str(e)) from None
        hashes.append(setup.config_hash)
    out_jobs: list[Job] = []
    for index, spec in enumerate(suite.designs):
        design = prepare_design(out, suite, index)
        problem = design.problem
        known = (bounds or {}).get((design.netlist_hash, design.start_hash))
        bound = known or bound_of(problem, options)
        start = score(problem, problem.initial, options) if problem.initial.placed.all() else None
        budgets = list(suite.budgets)
        budgets += [b for agent in suite.agents for b in agent.budgets or () if b not in budgets]
        seeds = list(suite.seeds)
        seeds += [s for agent in suite.agents for s in agent.seeds or () if s not in seeds]
        out_jobs += [
            Job(
                out=out.absolute(),
                suite=suite.name,
                suite_path=suite.path,
                design=spec.name,
                design_folder=design.folder,
                netlist_hash=design.netlist_hash,
                start_hash=design.start_hash,
                netlist_file=spec.netlist,
                start_file=design.start_file,
                start=start,
                macro_spacing_um=spec.macro_spacing_um,
                boundary_spacing_um=spec.boundary_spacing_um,
                cost=suite.cost,
                bound=bound,
                agent=agent,
                agent_key=f"agents[{i}]",
                config_hash=hashes[i],
                seed=seed,
                budget=budget,
                warmup=suite.warmup,
                jobs=jobs,
            )
            for budget in dict.fromkeys(budgets)
            for seed in dict.fromkeys(seeds)
            for i, agent in enumerate(suite.agents)
            if budget in (agent.budgets or suite.budgets) and seed in (agent.seeds or suite.seeds)
        ]
    return out_jobs


def run_suite(
    suite: Suite, out: str | Path, watcher: Watcher | None = None, *, jobs: int = 1, retry_failed: bool = False
) -> Outcome:
    """Do all runs of a suite that have no row yet, and append a row for each as it ends.

    Args:
        suite: what to run.
        out: results folder, made if need be.
        watcher: is told how it goes.
        jobs: runs side by side, in processes of their own that share the cores; 1 stays in this process.
        retry_failed: repeat runs whose row is a failure.

    Raises:
        SuiteError: a design or an agent cannot be had; nothing was run.
        BenchError: the folder is in use or damaged.
        KeyboardInterrupt: rows of finished runs are stored; the same call goes on from there.
    """
    store = RowStore(out)
    store.create()
    with store.lock():
        rows = store.read()
        planned = plan(suite, store.folder, jobs, _known_bounds(rows, suite))
        wanted = [j for j in planned if (row := rows.get(job_key(j))) is None or (retry_failed and row.error)]
        outcome = Outcome(done=0, skipped=len(planned) - len(wanted))
        if watcher is not None:
            watcher.planned(wanted, outcome.skipped)

        def keep(job: Job, row: Row) -> None:
            store.append(row)
            rows[row.key] = row
            outcome.done += 1
            if watcher is not None:
                watcher.ended(job, row)

        if jobs <= 1:
            for job in wanted:
                keep(job, execute(job, _begin(watcher, job)))
        else:
            _side_by_side(wanted, jobs, watcher, keep)
        outcome.rows = [rows[job_key(j)] for j in planned]
    return outcome


def _known_bounds(rows: dict[str, Row], suite: Suite) -> dict[tuple[str, str], Bound]:
    """Return the bounds that rows of the same cost and the same version already hold."""
    cost = suite.cost.model_dump()
    version = versions()["floorplan"]
    found = {}
    for row in rows.values():
        current = row.versions.get("floorplan") == version
        if current and row.bound.proxy is not None and all(getattr(row, k) == v for k, v in cost.items()):
            found[row.netlist_hash, row.start_hash] = row.bound
    return found


def _begin(watcher: Watcher | None, job: Job) -> ShowProgress | None:
    if watcher is None:
        return None
    watcher.started(job)
    return lambda seconds, spent_frac, best: watcher.moved(job, seconds, spent_frac, best)


def _side_by_side(wanted: list[Job], jobs: int, watcher: Watcher | None, keep: Callable[[Job, Row], None]) -> None:
    """Do runs in `jobs` processes; rows are kept by this thread alone."""
    todo: queue.SimpleQueue[Job] = queue.SimpleQueue()
    ended: queue.SimpleQueue[tuple[Job, Row | BaseException]] = queue.SimpleQueue()
    for job in wanted:
        todo.put(job)
    threads = max(1, _cores() // jobs)
    workers = [Worker(threads) for _ in range(min(jobs, len(wanted)))]
    stop = threading.Event()

    def lane(worker: Worker) -> None:
        while not stop.is_set():
            try:
                job = todo.get_nowait()
            except queue.Empty:
                break
            try:
                ended.put((job, worker.run(job, _begin(watcher, job))))
            except BaseException as e:
                ended.put((job, e))
        worker.close()

    lanes = [threading.Thread(target=lane, args=(w,), daemon=True) for w in workers]
    try:
        for thread in lanes:
            thread.start()
        for _ in wanted:
            job, row = ended.get()
            if isinstance(row, BaseException):
                raise row
            keep(job, row)
    except BaseException:
        stop.set()
        for worker in workers:
            worker.kill()
        raise
    finally:
        for thread in lanes:
            thread.join()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
