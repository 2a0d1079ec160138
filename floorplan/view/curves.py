"""The figures that a run writes while it goes on: read on from where the last look ended, and thinned for a chart."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from floorplan.report.run_parts import is_number

__all__ = ["FIGURES", "Curves", "MetricsTail"]

FIGURES = (
    "step",
    "seconds",
    "episodes",
    "best_proxy",
    "mean_proxy",
    "min_proxy",
    "eval_plain",
    "entropy",
    "value_loss",
    "explained_variance",
    "sigma",
    "episodes_per_s",
)
"""What is kept of a row of metrics.jsonl; whatever a row leaves out, or has as no finite number, is None."""

_CHUNK_BYTES = 4 << 20
_MAX_LINE_BYTES = 1 << 20
_MARK_BYTES = 256


class MetricsTail:
    """Reads the rows that were added to a file of JSON lines since it was last asked.

    A last line without its end is left for later. A file that was cut short, replaced or written anew is read from its
    beginning. What is no JSON object is passed over and counted.

    Attributes:
        bad: lines that were passed over since the beginning of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bad = 0
        self._at = 0
        self._file: tuple[int, int] | None = None
        # the bytes before `_at`: a file that was written anew in place has others there
        self._mark = b""
        self._long = False

    def read(self) -> tuple[bool, list[dict[str, Any]]]:
        """Return whether the file has begun anew since the last call, and the rows that are new, at most some MB.

        Where more is left than one call reads, the next one goes on.
        """
        try:
            with self.path.open("rb") as f:
                stat = self._stat(f)
                anew = stat[0] != self._file or stat[1] < self._at
                if not anew and self._mark:
                    f.seek(self._at - len(self._mark))
                    anew = f.read(len(self._mark)) != self._mark
                if anew:
                    self._at, self.bad, self._mark, self._long = 0, 0, b"", False
                fresh = anew and self._file is not None
                self._file = stat[0]
                f.seek(self._at)
                return fresh, self._rows(f.read(_CHUNK_BYTES))
        except OSError:
            gone = self._file is not None
            self._file, self._at, self.bad, self._mark, self._long = None, 0, 0, b"", False
            return gone, []

    @staticmethod
    def _stat(f: Any) -> tuple[tuple[int, int], int]:
        stat = os.fstat(f.fileno())
        return (stat.st_dev, stat.st_ino), stat.st_size

    def _rows(self, data: bytes) -> list[dict[str, Any]]:
        end = data.rfind(b"\n") + 1
        if end == 0 and len(data) >= _MAX_LINE_BYTES:
            # no row is that long: what comes up to the next line end belongs to it
            end, self._long = len(data), True
            self.bad += 1
        self._at += end
        self._mark = (self._mark + data[:end])[-_MARK_BYTES:]
        rows = []
        for line in data[:end].split(b"\n") if data[:end].endswith(b"\n") else ():
            if self._long:
                self._long = False
                continue
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if isinstance(row, dict):
                rows.append(row)
            else:
                self.bad += 1
        return rows


class Curves:
    """Figures over the course of a run, in at most `limit` rows: where there are more, every second one goes.

    Attributes:
        rows: one list a row, in the order of `FIGURES`.
        count: rows that were added, whether kept or not.
        step: every how many of them one is kept.
        stamp: changes whenever what was handed out before no longer holds.
    """

    def __init__(self, limit: int = 1200) -> None:
        self.limit = limit
        self.rows: list[list[float | None]] = []
        self.count = 0
        self.step = 1
        self.stamp = 0
        self.last: list[float | None] | None = None

    def clear(self) -> None:
        """Forget everything: the run was taken back, or begun anew."""
        self.rows, self.count, self.step, self.last = [], 0, 1, None
        self.stamp += 1

    def add(self, rows: Iterable[dict[str, Any]]) -> list[list[float | None]]:
        """Take new rows; return those that are kept. If `stamp` has changed by then, all rows have to be read anew."""
        kept = []
        for row in rows:
            figures = [float(row[k]) if is_number(row.get(k)) else None for k in FIGURES]
            self.last = figures
            if self.count % self.step == 0:
                self.rows.append(figures)
                kept.append(figures)
            self.count += 1
            if len(self.rows) > self.limit:
                self.rows = self.rows[::2]
                self.step *= 2
                self.stamp += 1
        return kept
