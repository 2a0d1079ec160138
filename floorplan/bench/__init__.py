"""Benchmarks: designs x agents x seeds x budgets from one file, rows that can be scored again, and their reports."""

from floorplan.bench.cells import COLUMNS, Line, csv_text, lines
from floorplan.bench.execute import Job, execute, job_key
from floorplan.bench.published import Published, published_for
from floorplan.bench.report import markdown_text, write_report
from floorplan.bench.rescore import TOLERANCE_REL, Checked, rescore
from floorplan.bench.rows import BenchError, Bound, Failure, Row, RowStore, Score
from floorplan.bench.runner import Outcome, Watcher, plan, run_suite
from floorplan.bench.suite import Suite, SuiteError, load_suite
from floorplan.bench.table import Group, Section, sections

__all__ = [
    "COLUMNS",
    "TOLERANCE_REL",
    "BenchError",
    "Bound",
    "Checked",
    "Failure",
    "Group",
    "Job",
    "Line",
    "Outcome",
    "Published",
    "Row",
    "RowStore",
    "Score",
    "Section",
    "Suite",
    "SuiteError",
    "Watcher",
    "csv_text",
    "execute",
    "job_key",
    "lines",
    "load_suite",
    "markdown_text",
    "plan",
    "published_for",
    "rescore",
    "run_suite",
    "sections",
    "write_report",
]
