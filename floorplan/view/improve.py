"""An agent at work in a process of its own: started from the placement on the page, watched, stopped, taken over."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from floorplan.errors import FloorplanError
from floorplan.netlist import Placement, Problem
from floorplan.plugins import agent_class, agent_names, parse_budget

__all__ = ["Improver", "agents_offered"]

_TOLD_EVERY_S = 0.2
_SHOWN_EVERY_S = 0.5
MAX_PATH = 24
"""Placements of a search that are kept to be stepped through."""

_KEPT_NODES = 50_000
_SHARE_OF_SHOWING = 0.02
"""Of the agent's time that handing out its placements may take: those of a large design come more seldom."""
_GRACE_S = 10.0

Tell = Callable[[dict[str, Any]], None]


def agents_offered() -> list[str]:
    """Return the installed agents that can go on from a placement, the best first choice first."""
    first = ("descent", "anneal", "portfolio", "evolve", "policy")
    names = agent_names()
    return [n for n in first if n in names] + [n for n in names if n not in (*first, "random")]


class Improver:
    """Runs at most one agent at a time.

    Args:
        tell: called, from another thread, with what happens: `state` is running, done, failed or stopped; `layout`
            counts the placements that the agent at work has shown.
        finished: called with the placement an agent hands back and the agent's name.

    Attributes:
        last: what was told last.
        shown: the best placement so far of the agent at work, where it shows it.
        path: what it has shown, thinned out to at most `MAX_PATH`, each with a label; of the agent that worked last.
    """

    def __init__(self, tell: Tell, finished: Callable[[Placement, str], None]) -> None:
        self._tell = tell
        self._finished = finished
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self.last: dict[str, Any] = {"state": "idle"}
        self._seen, self._every = 0, 1
        self.shown: Placement | None = None
        self.path: list[tuple[str, Placement]] = []

    @property
    def busy(self) -> bool:
        """Whether an agent is at work."""
        with self._lock:
            return self._process is not None

    def start(self, problem: Problem, agent: str, budget: str, seed: int) -> None:
        """Let an agent go on from `problem.initial`.

        Raises:
            FloorplanError: there is no such agent, the budget is none, or an agent is at work already.
        """
        agent_class(agent)
        parse_budget(budget)
        context = multiprocessing.get_context("spawn")
        with self._lock:
            if self._process is not None:
                raise FloorplanError("an agent is at work already; stop it first")
            mine, theirs = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(theirs, problem, agent, budget, seed), daemon=True)
            process.start()
            theirs.close()
            self._process = process
        self._say({"state": "running", "agent": agent, "budget": budget, "spent": 0.0, "best": None, "seconds": 0.0})
        threading.Thread(target=self._watch, args=(process, mine, agent), daemon=True).start()

    def stop(self, *, at_once: bool = False) -> bool:
        """Ask the agent to end with its best so far, or end it `at_once`; return whether there was one."""
        with self._lock:
            process = self._process
        if process is None or process.pid is None:
            return False
        if at_once:
            process.kill()
        else:
            os.kill(process.pid, signal.SIGINT)
            late = threading.Timer(_GRACE_S, process.kill)
            late.daemon = True
            late.start()
        return True

    def _watch(self, process: multiprocessing.process.BaseProcess, source: Connection, agent: str) -> None:
        end: dict[str, Any] = {"state": "failed", "agent": agent, "text": "the agent's process ended early"}
        result: Placement | None = None
        layouts = 0
        self.path, self._seen, self._every = [], 0, 1
        try:
            while True:
                message, placement = source.recv()
                if message["state"] == "running":
                    if placement is not None:
                        self.shown, layouts = placement, layouts + 1
                        self._note(f"{agent} after {message['seconds']:.1f} s: {message['best']:.4f}", placement)
                    message["layout"] = layouts
                    self._say({"agent": agent, **message})
                else:
                    end, result = {"agent": agent, **message}, placement
        except (EOFError, OSError):
            pass
        process.join()
        with self._lock:
            self._process = None
        self.shown = None
        if result is not None:
            self._finished(result, agent)
        self._say(end)

    def _note(self, label: str, placement: Placement) -> None:
        """Keep a step of the search: evenly many of all, whatever their number turns out to be."""
        if self._seen % self._every == 0:
            if len(self.path) >= MAX_PATH:
                self.path = self.path[::2]
                self._every *= 2
            if self._seen % self._every == 0 and len(placement) <= _KEPT_NODES:
                self.path.append((label, placement))
        self._seen += 1

    def _say(self, message: dict[str, Any]) -> None:
        self.last = message
        self._tell({"event": "agent", **message})


def _work(out: Connection, problem: Problem, agent: str, budget: str, seed: int) -> None:
    """Run an agent; send what it says of itself, and at the end its placement or what went wrong."""
    from floorplan.bench.warmup import warm_up
    from floorplan.interrupt import interruptible
    from floorplan.plugins import make_agent

    try:
        made = make_agent(agent)
        out.send(({"state": "running", "spent": 0.0, "best": None, "seconds": 0.0, "note": "getting ready"}, None))
        with interruptible():
            if parse_budget(budget).kind == "s":
                warm_up(made, budget)
            done = made.place(problem, parse_budget(budget), seed, _Throttled(out))
        ended = {"seconds": done.seconds, "proposals": done.proposals, "best": float(done.cost.proxy)}
        out.send(({"state": "done", "spent": 1.0, **ended}, done.placement))
    except FloorplanError as error:
        out.send(({"state": "failed", "text": str(error)}, None))
    except KeyboardInterrupt:
        out.send(({"state": "stopped"}, None))
    except Exception as error:  # whatever an installed agent raises is told on the page
        out.send(({"state": "failed", "text": f"{type(error).__name__}: {error}"}, None))
    finally:
        out.close()


class _Throttled:
    """Sends an agent's progress, a few times a second, and its best placement, where it has a new one, less often."""

    def __init__(self, out: Connection) -> None:
        self._out = out
        self._next_s = 0.0
        self._next_shown_s = 0.0
        self._shown_proxy: float | None = None

    def __call__(self, progress: Any) -> None:
        now = time.monotonic()
        if now < self._next_s:
            return
        self._next_s = now + _TOLD_EVERY_S
        best = None if progress.best is None else float(progress.best.proxy)
        told = {"spent": min(float(progress.spent_frac), 1.0), "best": best, "seconds": float(progress.seconds)}
        counts = {"proposals": int(progress.proposals), "note": str(progress.note)}
        placement = getattr(progress, "placement", None)  # agents of other packages may not know it
        if best is None or now < self._next_shown_s or best == self._shown_proxy:
            placement = None
        self._out.send(({"state": "running", **told, **counts}, placement))
        if placement is not None:
            self._shown_proxy = best
            took = time.monotonic() - now
            self._next_shown_s = now + max(_SHOWN_EVERY_S, took / _SHARE_OF_SHOWING)
