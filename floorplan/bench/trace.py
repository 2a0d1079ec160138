"""The way a run went: the best proxy reported so far, over seconds and over proposals."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from floorplan.files import atomic_write_text

__all__ = ["MAX_POINTS", "Point", "ShowProgress", "TraceRecorder", "read_trace", "thin", "write_trace"]

MAX_POINTS = 400

ShowProgress = Callable[[float, float, float | None], None]
"""Called with the seconds of a run, the share of its budget spent, and its best proxy so far."""


@dataclass(frozen=True)
class Point:
    """After `seconds` and `proposals` the best proxy was `proxy`."""

    seconds: float
    proposals: int
    proxy: float


class TraceRecorder:
    """A progress callback that keeps improvements, on the benchmark's own clock.

    Args:
        forward: called on every report, for display; None shows nothing.
    """

    def __init__(self, forward: ShowProgress | None = None) -> None:
        self.points: list[Point] = []
        self._forward = forward
        self._start = time.perf_counter()

    def restart(self) -> None:
        """Set the clock to zero."""
        self._start = time.perf_counter()

    def __call__(self, progress: Any) -> None:
        """Take an agent's `Progress`."""
        seconds = time.perf_counter() - self._start
        if progress.best is not None:
            proxy = float(progress.best.proxy)
            if not self.points or proxy < self.points[-1].proxy:
                self.points.append(Point(seconds, int(progress.proposals), proxy))
        if self._forward is not None:
            best = self.points[-1].proxy if self.points else None
            self._forward(seconds, float(progress.spent_frac), best)


def thin(points: list[Point], limit: int = MAX_POINTS) -> list[Point]:
    """Return at most `limit` points, the first and the last among them, evenly spread over the logarithm of time.

    Each kept point is a true one: the last improvement before its place on the axis.
    """
    if len(points) <= limit:
        return list(points)
    seconds = np.array([max(p.seconds, 1e-3) for p in points])
    marks = np.geomspace(seconds[0], seconds[-1], limit)
    kept = np.searchsorted(seconds, marks[1:-1], side="right") - 1
    chosen = sorted({0, len(points) - 1, *np.clip(kept, 0, None).tolist()})
    return [points[i] for i in chosen]


def write_trace(path: Path, points: list[Point]) -> None:
    """Write one JSON object a line, in one step."""
    lines = [json.dumps({"s": round(p.seconds, 6), "p": p.proposals, "proxy": p.proxy}) for p in points]
    atomic_write_text(path, "".join(line + "\n" for line in lines))


def read_trace(path: Path) -> list[Point]:
    """Read what `write_trace` wrote.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged.
    """
    out = []
    for line in path.read_text("utf-8").splitlines():
        item = json.loads(line)
        out.append(Point(float(item["s"]), int(item["p"]), float(item["proxy"])))
    return out
