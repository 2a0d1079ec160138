"""A run of training as it goes on: its best layout on the page, its figures as curves, and how far it has come."""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from floorplan.errors import FloorplanError
from floorplan.formats import read_plc
from floorplan.netlist import Placement
from floorplan.report.run_parts import is_number
from floorplan.view.curves import FIGURES, Curves, MetricsTail
from floorplan.view.follow import Follower
from floorplan.view.session import LARGE_NODES, Session
from floorplan.view.source import Frame

__all__ = ["LiveRun", "RunFiles", "run_state"]

LABEL = "the best so far"
"""Of the step by which the page goes to a new best layout."""

_EVERY_S = 1.0
_FOLLOW_EVERY_S = 2.0
_MAX_STATUS_BYTES = 1 << 16
_SILENT_S = 120.0

Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class RunFiles:
    """Files of a run folder that are looked at; `policy` are the weights that the newest checkpoint came with."""

    metrics: Path
    status: Path
    best: Path
    policy: Path

    @classmethod
    def of(cls, folder: Path) -> RunFiles:
        """Return those of a folder."""
        policy = folder / "policy" / "policy.safetensors"
        return cls(folder / "metrics.jsonl", folder / "status.json", folder / "best.plc", policy)


class LiveRun:
    """Looks at the folder of a run again and again, and keeps what it has seen.

    It only reads, so the run loses nothing by it. Every public method may be called from any thread.

    Args:
        folder: of the run; without a metrics.jsonl there are no figures, and new placements become frames all the same.
        session: that gets the frames and, while it follows, the best layout.
        tell: called with events for the pages.
        renewed: called when the session has begun anew, with macros that had no place before.
    """

    def __init__(self, folder: Path, session: Session, tell: Tell, renewed: Callable[[], None]) -> None:
        self.folder = folder
        self.files = RunFiles.of(folder)
        self.following = True
        self._session = session
        self._tell = tell
        self._renewed = renewed
        self._follower = Follower(folder, session, lambda _message: None)
        self._tail = MetricsTail(self.files.metrics)
        self._curves = Curves()
        self._lock = threading.RLock()
        self._best_seen = _state_of(self.files.best)
        self._next: Placement | None = None
        self._shown_at = -math.inf
        self._told: dict[str, Any] = {}
        self._stop = threading.Event()
        self._read_figures()
        if self.is_run and self._best_seen is not None:
            self._compare_with_opened()

    @property
    def is_run(self) -> bool:
        """Whether the folder is that of a run of training."""
        return (self.folder / "config.toml").is_file()

    def start(self) -> None:
        """Look once a second, in a thread of its own, until `stop`."""
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_S):
            # what cannot be shown now, such as a design without nets that has no cost, or a folder that is gone while
            # it is listed, must not end the watch
            with contextlib.suppress(FloorplanError, OSError):
                self.look()

    # -- what is told -------------------------------------------------------------------------------------------------

    def story(self) -> dict[str, Any]:
        """Return all figures and how the run stands, for a page that has just been opened."""
        with self._lock:
            curves = self._curves
            rows = curves.rows if not curves.last or curves.last == curves.rows[-1] else [*curves.rows, curves.last]
            figures = {"keys": FIGURES, "rows": rows, "stamp": curves.stamp, "bad": self._tail.bad}
            return {"run": self.is_run, **figures, "status": self.status()}

    def status(self) -> dict[str, Any]:
        """Return how the run stands, as plain values."""
        with self._lock:
            last = dict(zip(FIGURES, self._curves.last or [None] * len(FIGURES), strict=True))
            told = _read_status(self.files.status)
            metrics = _state_of(self.files.metrics)
            now = time.time()
            touched = 0.0 if metrics is None else metrics[0] / 1e9
            state = run_state(told, touched, now)
            seconds = last["seconds"] or 0.0
            if state == "running":
                # since the last row, or since it was resumed: it has been at work, for which there is no row yet
                seconds += max(0.0, min(now - max(touched, told.get("began_unix_s", now)), 3600.0))
            spent, left = _spent(told.get("budget"), seconds, last)
            policy = _state_of(self.files.policy)
            return {
                "state": state,
                "seconds": round(seconds, 1),
                "episodes": last["episodes"],
                "steps": last["step"],
                "episodes_per_s": last["episodes_per_s"],
                "best": last["best_proxy"],
                "spent": spent,
                "left_s": left,
                "following": self.following,
                "ahead": self._next is not None,
                "has_best": self._best_seen is not None,
                "policy": None if policy is None else policy[0],
            }

    # -- looking ------------------------------------------------------------------------------------------------------

    def look(self) -> bool:
        """Read what is new, and tell the pages; return whether there was anything."""
        with self._lock:
            stamp = self._curves.stamp
            rows = self._read_figures()
            frames = self._read_best()
            shown = self._show()
            if frames or shown:
                labels = [f.label for f in self._session.frames]
                self._tell({"event": "changed", "version": self._session.version, "frames": labels})
            status = self.status()
            steady = {k: v for k, v in status.items() if k not in ("seconds", "spent", "left_s")}
            news = bool(rows) or stamp != self._curves.stamp or steady != self._told
            if news and self.is_run:
                self._told = steady
                what = {"rows": rows, "stamp": self._curves.stamp, "bad": self._tail.bad}
                self._tell({"event": "run", **what, "status": status})
            return bool(news or frames or shown)

    def follow(self, *, on: bool) -> None:
        """Let the page go to each new best layout, at once to the newest, or leave it where it is."""
        with self._lock:
            self.following = on
            if on and self._next is not None:
                self._take(self._next)

    def _read_figures(self) -> list[list[float | None]]:
        new: list[list[float | None]] = []
        while True:
            anew, rows = self._tail.read()
            if anew:
                self._curves.clear()
                new = []
            if not rows:
                return new
            new += self._curves.add(rows)

    def _read_best(self) -> int:
        """Make frames of new placements, keep the newest best one at hand; return how many frames there are more."""
        try:
            count = self._follower.look()
        except OSError:
            count = 0  # a folder is gone while it was listed
        seen = _state_of(self.files.best)
        if seen is None or seen == self._best_seen or not self.is_run:
            return count
        self._best_seen = seen
        frames, session = self._session.frames, self._session
        new = [k for k in range(len(frames) - count, len(frames)) if frames[k].label.split(" ")[0] == "best.plc"]
        for k in new:
            self._next = frames[k].placement
            frames[k] = Frame(self._label(k), frames[k].placement)
        if not new:  # there are enough frames already, or it is being replaced: then the next look reads it
            try:
                self._next = read_plc(self.files.best, session.problem.netlist).placement
            except FloorplanError:
                self._best_seen = None
        return count

    def _compare_with_opened(self) -> None:
        """Keep the best layout at hand if it is a newer one than was opened: a viewer takes seconds to start."""
        session = self._session
        try:
            best = read_plc(self.files.best, session.problem.netlist).placement
        except FloorplanError:
            self._best_seen = None  # the next look reads it
            return
        on, now = best.placed, session.placement
        moved = (best.x_um != now.x_um) | (best.y_um != now.y_um) | (best.orient != now.orient)
        if moved[on].any():
            session.add_frame(self.files.best.name, best)
            self._next = best

    def _label(self, frame: int) -> str:
        after = dict(zip(FIGURES, self._curves.last or (), strict=False)).get("episodes")
        words = "best" if after is None else f"best, {after:,.0f} episodes in"
        if self._session.problem.netlist.num_nodes > LARGE_NODES:
            return words
        return f"{words}: {self._session.frame_cost(frame).proxy:.4f}"

    def _show(self) -> bool:
        """Go to the newest best layout if the page is to follow, nobody has moved anything, and it is time."""
        if self._next is None or not self.following or time.monotonic() - self._shown_at < _FOLLOW_EVERY_S:
            return False
        if self._session.history()["undo"] not in (None, LABEL):
            return False
        self._take(self._next)
        return True

    def _take(self, placement: Placement) -> None:
        session, hard = self._session, self._session.problem.movable_hard
        self._next, self._shown_at = None, time.monotonic()
        if (placement.placed[hard] & ~session.placement.placed[hard]).any():
            self._begin_anew(placement)
            return
        with session.work:
            if session.history()["undo"] == LABEL:
                session.undo()  # one step from what was opened, however many layouts there have been
            session.take_over(placement, LABEL)

    def _begin_anew(self, placement: Placement) -> None:
        """Let the session begin with the placement: what had no place when it was opened could not be drawn."""
        session = self._session
        with session.work:
            version, cells = session.version + 1, session.cells_version + 1
            problem = session.problem.replace(initial=placement)
            opened = replace(session.opened, problem=problem, frames=tuple(session.frames))
            Session.__init__(session, opened)
            session.cost()  # that of what was opened
            session.version, session.cells_version = version, cells
        self._renewed()


def run_state(told: dict[str, Any], touched_unix_s: float, now_unix_s: float) -> str:
    """Return what is going on with a run: running, ended, failed, stopped (killed before its end) or unknown.

    Args:
        told: what its status.json says; empty where there is none.
        touched_unix_s: when metrics.jsonl was last written.
        now_unix_s: the present.
    """
    state, pid = told.get("state"), told.get("pid")
    if state != "running":
        return str(state) if state in ("ended", "failed") else "unknown"
    asks = os.name == "posix"  # elsewhere a signal of number 0 is no question
    if asks and told.get("host") == socket.gethostname() and isinstance(pid, int) and pid > 0:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return "stopped"
        except (OSError, OverflowError):
            return "running"  # somebody else's process
        return "running"
    # on another machine all there is to go by is whether it still writes
    return "running" if now_unix_s - max(touched_unix_s, told.get("began_unix_s", 0.0)) < _SILENT_S else "stopped"


def _read_status(path: Path) -> dict[str, Any]:
    """Return status.json as far as it makes sense, empty where it is not there."""
    try:
        with path.open("rb") as f:
            tree = json.loads(f.read(_MAX_STATUS_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(tree, dict):
        return {}
    if not is_number(tree.get("began_unix_s")):
        tree.pop("began_unix_s", None)
    return tree


def _spent(budget: Any, seconds: float, last: dict[str, float | None]) -> tuple[float | None, float | None]:
    """Return which share of the budget is spent, and how many seconds are likely left; None where nobody knows."""
    if not isinstance(budget, dict) or not is_number(budget.get("amount")) or not budget["amount"] > 0:
        return None, None
    amount = float(budget["amount"])
    done = {"s": seconds, "p": last["step"], "e": last["episodes"]}.get(str(budget.get("kind")))
    if done is None:
        return None, None
    share = min(done / amount, 1.0)
    if budget["kind"] == "s":
        return share, max(amount - seconds, 0.0)
    return share, seconds * (1 - share) / share if share > 0 else None


def _state_of(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
