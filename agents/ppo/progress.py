"""How a training run speaks: a live bar on stderr, JSON lines on stdout, or not at all."""

from __future__ import annotations

import json
import math
import sys
from typing import IO, Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

__all__ = ["BarReporter", "JsonReporter", "QuietReporter", "Reporter", "clock_text", "rate_text"]


class Reporter(Protocol):
    """Told how a run goes; never steers it."""

    def note(self, text: str) -> None:
        """Say one thing once."""

    def advance(self, fraction: float, phase: str, seconds_left: float) -> None:
        """Take the share of the budget that is spent, what is being done, and an estimate of the rest."""

    def row(self, row: dict[str, Any]) -> None:
        """Take the metrics of an update."""

    def close(self) -> None:
        """Give the terminal back."""


class QuietReporter:
    """Says nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def advance(self, fraction: float, phase: str, seconds_left: float) -> None:
        """Say nothing."""

    def row(self, row: dict[str, Any]) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Do nothing."""


class JsonReporter(QuietReporter):
    """Writes the metrics of each update as one line of JSON."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self.stream = stream or sys.stdout

    def row(self, row: dict[str, Any]) -> None:
        """Write the row."""
        print(json.dumps({"event": "update", **row}), file=self.stream, flush=True)


class BarReporter:
    """A live progress bar on stderr: share of the budget, rate, best cost, explained variance, time left.

    Where stderr is no terminal, it prints a line every `every_s` seconds instead.
    """

    def __init__(self, every_s: float = 15.0) -> None:
        self.console = Console(stderr=True)
        self.every_s = every_s
        self.task: TaskID | None = None
        self.bar: Progress | None = None
        self._printed_at = -math.inf
        if self.console.is_terminal:
            self.bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.fields[phase]:<10}"),
                BarColumn(bar_width=24),
                TextColumn("{task.percentage:>3.0f} %"),
                TextColumn("{task.fields[figures]}"),
                TimeElapsedColumn(),
                TextColumn("{task.fields[left]}"),
                console=self.console,
                refresh_per_second=4,
            )
            self.bar.start()
            self.task = self.bar.add_task("train", total=1.0, phase="starting", figures="", left="")

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self.console.print(text, highlight=False)

    def advance(self, fraction: float, phase: str, seconds_left: float) -> None:
        """Move the bar."""
        if self.bar is not None and self.task is not None:
            left = f"{clock_text(seconds_left)} left"
            self.bar.update(self.task, completed=min(fraction, 1.0), phase=phase, left=left)

    def row(self, row: dict[str, Any]) -> None:
        """Show the figures of an update."""
        figures = self.figures(row)
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, figures=figures)
        elif row["seconds"] - self._printed_at >= self.every_s:
            self._printed_at = row["seconds"]
            self.note(f"{clock_text(row['seconds'])}  {figures}")

    def close(self) -> None:
        """Stop the bar."""
        if self.bar is not None:
            self.bar.stop()

    def figures(self, row: dict[str, Any]) -> str:
        """Return the figures of an update in words."""
        best = "-" if row["best_proxy"] is None else f"{row['best_proxy']:.4f}"
        mean = "-" if row["mean_proxy"] is None else f"{row['mean_proxy']:.4f}"
        variance = row["explained_variance"]
        explained = "-" if variance is None else f"{variance:.2f}"
        return f"{rate_text(row)}  best {best}  mean {mean}  explained variance {explained}"


def rate_text(row: dict[str, Any]) -> str:
    """Return the episodes of a row of metrics, and how many come in a second."""
    return f"{row['episodes']} episodes  {row['episodes_per_s']:.2f}/s"


def clock_text(seconds: float) -> str:
    """Return a duration as minutes and seconds, with hours where there are any."""
    if not math.isfinite(seconds):
        return "--:--"
    whole = max(0, round(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
