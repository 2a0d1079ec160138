"""`floorplan bench`: run a suite of designs, agents, seeds and budgets; score results again; report them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

if TYPE_CHECKING:
    from floorplan.bench import Job, Outcome, Row, Section

__all__ = ["Bench", "BenchCompare", "BenchReport", "BenchRescore"]

EXIT_NOT_ALL_WELL = 1
"""A run failed or is illegal, or a row does not follow from its placement."""


@dataclass(frozen=True)
class Bench:
    """Run a suite of designs, agents, seeds and budgets, and report it.

    Runs that the folder already holds are skipped, so an interrupted suite goes on where it stopped.

    `floorplan bench rescore DIR` scores every stored placement again; `floorplan bench report DIR` writes the tables
    and plots anew; `floorplan bench compare DIR --baseline AGENT` says how much better the others are, and how surely.

    Exit code 1: some run failed or is illegal; the others stand.
    """

    suite: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="SUITE.toml")]
    """Which designs, agents, seeds and budgets to run."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """Folder of the results; made if need be, gone on with if it holds rows."""

    jobs: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """Runs side by side, each in a process of its own with its share of the cores."""

    retry_failed: tyro.conf.FlagCreatePairsOff[bool] = False
    """Repeat runs that failed before."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON object instead of tables."""

    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """Show no progress."""

    def run(self) -> int:
        """Run what is missing, then report.

        Raises:
            SuiteError: the suite is wrong; nothing was run.
            BenchError: the folder is damaged or in use.
        """
        from floorplan.bench import BenchError, load_suite, run_suite, write_report
        from floorplan.cli.result import print_json

        if self.jobs < 1:
            raise BenchError(f"--jobs must be at least 1, got {self.jobs}")
        suite = load_suite(self.suite)
        with _watching(quiet=self.quiet) as watcher:
            outcome = run_suite(suite, self.out, watcher, jobs=self.jobs, retry_failed=self.retry_failed)
        found, written = write_report(self.out)
        if self.json:
            print_json(_summary(self.out, outcome, found, written))
        else:
            _print_sections(found)
            _print_summary(outcome, written)
        return 0 if all(row.legal for row in outcome.rows) else EXIT_NOT_ALL_WELL


@dataclass(frozen=True)
class BenchRescore:
    """Score every stored placement again and compare it with its row.

    Exit code 1: some row does not follow from its files.
    """

    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DIR")]
    """Folder of the results."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON object instead of a table."""

    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """Show no progress."""

    def run(self) -> int:
        """Score again, write `rescored.jsonl`, print what differs.

        Raises:
            BenchError: the folder is damaged.
        """
        from dataclasses import asdict

        from floorplan.bench import TOLERANCE_REL, rescore
        from floorplan.cli.result import print_json

        with _counting("scoring again", quiet=self.quiet) as show:
            found = rescore(self.folder, show)
        wrong = [c for c in found if not c.agrees]
        if self.json:
            print_json({"rows": len(found), "differing": [asdict(c) for c in wrong], "out": str(self.folder)})
            return EXIT_NOT_ALL_WELL if wrong else 0
        console = _stdout()
        for c in wrong:
            console.print(
                f"{c.design}, {c.label}, {c.budget}, seed {c.seed} ({c.key}):", style="bold red", markup=False
            )
            for difference in c.differences:
                console.print(f"  {difference}", markup=False)
        same = len(found) - len(wrong)
        console.print(f"{same} of {len(found)} rows follow from their placements (within {TOLERANCE_REL:g})")
        return EXIT_NOT_ALL_WELL if wrong else 0


@dataclass(frozen=True)
class BenchReport:
    """Write tables and plots of a folder of results anew, and print the tables."""

    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DIR")]
    """Folder of the results."""

    def run(self) -> int:
        """Write and print.

        Raises:
            BenchError: the folder is damaged or holds no rows.
        """
        from floorplan.bench import write_report

        found, written = write_report(self.folder)
        _print_sections(found)
        _print_written(written)
        return 0


@dataclass(frozen=True)
class BenchCompare:
    """Say how much better or worse each agent is than one of them: interquartile means over seeds, with intervals.

    The interval holds the change with 95 % confidence: seeds are drawn anew 4,000 times within each design and agent.
    """

    folders: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="DIR")]
    """Folders of results; more than one are taken together."""

    baseline: Annotated[str, tyro.conf.arg(metavar="AGENT")]
    """Label of the agent that the others are measured against."""

    budget: Annotated[str | None, tyro.conf.arg(metavar="B")] = None
    """Budget of the baseline; without one, each agent meets the baseline at its own budget."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON object instead of Markdown tables."""

    def run(self) -> int:
        """Compare and print.

        Raises:
            BenchError: a folder is damaged, or there is nothing to compare.
        """
        from dataclasses import asdict

        from floorplan.bench import RowStore
        from floorplan.bench.compare import compare, markdown
        from floorplan.cli.result import print_json

        rows = [row for folder in self.folders for row in RowStore(folder).read().values()]
        found = compare(rows, self.baseline, self.budget)
        if self.json:
            print_json({"baseline": self.baseline, "budget": self.budget, "comparisons": [asdict(c) for c in found]})
        else:
            against = self.baseline if self.budget is None else f"{self.baseline}, {self.budget}"
            sys.stdout.write("\n".join(markdown(c, against) for c in found))
        return 0


def _summary(out: Path, outcome: Outcome, found: Sequence[Section], written: Sequence[Path]) -> dict[str, object]:
    status = [row.status for row in outcome.rows]
    return {
        "out": str(out),
        "runs": len(status),
        "done": outcome.done,
        "skipped": outcome.skipped,
        "legal": status.count("legal"),
        "illegal": status.count("ILLEGAL"),
        "failed": status.count("FAILED"),
        "written": [str(p) for p in written],
        "tables": [
            {
                "design": s.design,
                "netlist_hash": s.first.netlist_hash,
                "bound": s.bound.proxy,
                "groups": [
                    {k: v for k, v in vars(g).items() if k != "rows"} | {"seeds": [r.seed for r in g.rows]}
                    for g in s.groups
                ],
            }
            for s in found
        ],
    }


def _stdout() -> Any:
    from rich.console import Console

    # without a terminal there is no width to fit into
    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 1000)


def _print_sections(found: Sequence[Section]) -> None:
    from rich.table import Table
    from rich.text import Text

    from floorplan.bench import COLUMNS, lines

    console = _stdout()
    for section in found:
        console.print(Text(f"\n{section.design}", style="bold"))
        for name, text in section.facts:
            console.print(Text.assemble((f"  {name:<12}", "dim"), text))
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for column in COLUMNS:
            left = column in ("agent", "budget", "legal")
            table.add_column(column, justify="left" if left else "right", no_wrap=True)
        for line in lines(section):
            style = "dim italic" if line.kind == "published" else ("bold green" if line.best else "")
            cells = [Text(c, style="bold red" if "ILLEGAL" in c or "FAILED" in c else "") for c in line.cells]
            table.add_row(*cells, style=style)
        console.print(table)
        for note in section.notes:
            console.print(Text(f"  {note}", style="yellow"))


def _print_summary(outcome: Outcome, written: Sequence[Path]) -> None:
    status = [row.status for row in outcome.rows]
    parts = [f"{outcome.done} runs done, {outcome.skipped} skipped"]
    parts += [f"{status.count(word)} {word}" for word in ("ILLEGAL", "FAILED") if word in status]
    _stdout().print("\n" + ", ".join(parts), markup=False)
    _print_written(written)


def _print_written(written: Sequence[Path]) -> None:
    _stdout().print("written: " + ", ".join(map(str, written)), markup=False)


@contextmanager
def _counting(what: str, *, quiet: bool) -> Iterator[Any]:
    """Yield what to call with (done, all)."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _watching(*, quiet: bool) -> Iterator[Any]:
    """Yield a watcher that moves bars on a terminal, or prints a line a run where stderr is none."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    if quiet:
        yield None
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Watcher(console, None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, refresh_per_second=4) as bar:
        yield _Watcher(console, bar)


class _Watcher:
    """Shows which run is on, its best so far, what is left and for about how long."""

    def __init__(self, console: Any, bar: Any) -> None:
        self._console = console
        self._bar = bar
        self._lock = threading.Lock()
        self._tasks: dict[str, Any] = {}
        self._spent: list[tuple[str, float]] = []
        self._left: dict[str, str] = {}
        self._all = 0
        self._lanes = 1

    def planned(self, jobs: list[Job], done: int) -> None:
        """Say how much there is to do."""
        self._all = len(jobs)
        self._lanes = jobs[0].jobs if jobs else 1
        self._left = {job.title: job.budget for job in jobs}
        seconds = self._seconds_left()
        about = f", about {_duration(seconds)}" if seconds else ""
        self._console.print(f"{len(jobs)} runs to do, {done} there already{about}", highlight=False)
        if self._bar is not None:
            self._tasks[""] = self._bar.add_task("all runs", total=len(jobs), figures=f"{len(jobs)} left{about}")

    def started(self, job: Job) -> None:
        """Begin a bar."""
        if self._bar is not None:
            with self._lock:
                self._tasks[job.title] = self._bar.add_task(job.title, total=1.0, figures="warming up")

    def moved(self, job: Job, seconds: float, spent_frac: float, best: float | None) -> None:
        """Move the bar."""
        task = self._tasks.get(job.title)
        if task is not None:
            figures = f"{seconds:.0f} s  " + ("" if best is None else f"best {best:.4f}")
            self._bar.update(task, completed=min(spent_frac, 1.0), figures=figures)

    def ended(self, job: Job, row: Row) -> None:
        """End the bar and print what came out."""
        with self._lock:
            task = self._tasks.pop(job.title, None)
            self._left.pop(job.title, None)
            if row.wall_s is not None:
                self._spent.append((job.budget, row.wall_s))
            done = self._all - len(self._left)
            seconds = self._seconds_left()
            left = f"{len(self._left)} left" + (f", about {_duration(seconds)}" if seconds else "")
            if task is not None:
                self._bar.remove_task(task)
                self._bar.update(self._tasks[""], completed=done, figures=left)
        result = f"proxy {row.score.proxy:.4f} {row.status}" if row.score is not None else f"FAILED: {_why(row)}"
        wall = "" if row.wall_s is None else f"  {row.wall_s:.1f} s"
        text = f"[{done}/{self._all}] {job.title}: {result}{wall}  ({left})"
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _seconds_left(self) -> float:
        """Return about how long the runs to come take: their budgets in seconds, else what others of theirs took."""
        from floorplan.plugins import parse_budget

        total = 0.0
        for budget in self._left.values():
            parsed = parse_budget(budget)
            took = [s for b, s in self._spent if b == budget]
            if parsed.kind == "s":
                total += float(parsed.amount)
            elif took:
                total += sum(took) / len(took)
        return total / self._lanes


def _why(row: Row) -> str:
    return "" if row.error is None else f"{row.error.type}: {row.error.message}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
