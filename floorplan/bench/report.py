"""The report of a results folder: Markdown, CSV, one HTML page and a convergence plot for each design."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from floorplan.bench.cells import COLUMNS, Line, csv_text, lines, machine_text
from floorplan.bench.html import html_text
from floorplan.bench.plots import convergence_png, convergence_svg
from floorplan.bench.rows import BenchError, RowStore
from floorplan.bench.table import Section, sections
from floorplan.files import atomic_write_bytes

__all__ = ["markdown_text", "write_report"]

_LEFT = ("agent", "budget", "legal")


def write_report(folder: str | Path) -> tuple[list[Section], list[Path]]:
    """Write `report.md`, `report.csv`, `report.html` and the plots; return the tables and the files.

    Raises:
        BenchError: the folder holds no rows, or damaged ones.
        OSError: a file cannot be written.
    """
    store = RowStore(folder)
    rows = list(store.read().values())
    if not rows:
        raise BenchError(f"{store.folder}: no rows yet")
    found = sections(rows)
    names = _file_names(found)
    written = []
    for section, name in zip(found, names, strict=True):
        atomic_write_bytes(store.folder / name, convergence_png(section, store.folder))
        written.append(store.folder / name)
    title = f"Benchmark {' + '.join(dict.fromkeys(r.suite for r in rows))}"
    svgs = [convergence_svg(s, store.folder, f"plot{i}") for i, s in enumerate(found)]
    written += [
        store.write_text("report.md", markdown_text(title, found, names)),
        store.write_text("report.csv", csv_text(found)),
        store.write_text("report.html", html_text(title, found, svgs)),
    ]
    return found, written


def markdown_text(title: str, found: Sequence[Section], images: Sequence[str] = ()) -> str:
    """Return the tables as Markdown; `images` are the names of the plots, one for each section."""
    out = [f"# {title}", ""]
    for i, section in enumerate(found):
        out += [f"## {_md(section.design)}", ""]
        out += [" · ".join(f"{name} {_md(text)}" for name, text in section.facts), ""]
        out += [f"Run on {_md(machine_text(section))}.", ""]
        out += ["| " + " | ".join(COLUMNS) + " |"]
        out += ["|" + "|".join(":--" if c in _LEFT else "--:" for c in COLUMNS) + "|"]
        out += [_md_line(line) for line in lines(section)]
        out += [
            "",
            "proxy: mean ± sample standard deviation of the legal results; gap: of that mean to the lower bound.",
            "",
        ]
        if images:
            out += [f"![Convergence of {_md(section.design)}]({images[i]})", ""]
        if section.notes:
            out += ["Notes:", "", *(f"- {_md(note)}" for note in section.notes), ""]
        if section.published:
            out += ["Published for this netlist, by others and on other hardware:", ""]
            out += [
                f"- {_md(p.method)}: {_md(p.hardware)}; {_md(p.caveats)}. {_md(p.source)}" for p in section.published
            ]
            out += [""]
        if section.others:
            out += ["Published under the same name for a different netlist, **not comparable**:", ""]
            out += [
                f"- {p.proxy:g} {_md(p.method)}: {_md(p.hardware)}; {_md(p.caveats)}. {_md(p.source)}"
                for p in section.others
            ]
            out += [""]
    return "\n".join(out).rstrip() + "\n"


def _md_line(line: Line) -> str:
    cells = [_md(c) for c in line.cells]
    if line.kind == "published":
        cells[0] = f"*{cells[0]}*"
    elif line.best:
        cells[3] = f"**{cells[3]}**"
    return "| " + " | ".join(cells) + " |"


def _md(text: str) -> str:
    """Return text without what Markdown would take for markup."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", " ".join(text.split()))


def _file_names(found: Sequence[Section]) -> list[str]:
    out: list[str] = []
    for section in found:
        base = re.sub(r"[^A-Za-z0-9._-]+", "-", section.design).strip("-.") or "design"
        name = f"convergence-{base}.png"
        out.append(name if name not in out else f"convergence-{base}-{len(out)}.png")
    return out
