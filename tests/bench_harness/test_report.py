from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from floorplan.bench import (
    Bound,
    Failure,
    Row,
    Score,
    csv_text,
    lines,
    load_suite,
    markdown_text,
    published_for,
    run_suite,
    sections,
    write_report,
)
from floorplan.bench.html import html_text
from floorplan.bench.plots import curves
from floorplan.bench.rows import Violations
from floorplan.cost import CostOptions, CostWeights

Write = Callable[..., Path]

ARIANE = "7fdf9fd1f5d68f3c91498eb711fc496b812f44130229466a96dc4d85e56a8bc0"


def row(proxy: float | None, **changes: Any) -> Row:
    """Return a row with this proxy; illegal if it is negative, failed if it is None."""
    score = None
    if proxy is not None:
        legal = proxy > 0
        bad = Violations(
            count=0 if legal else 2, kinds={}, worst=() if legal else ("overlap of <a> and b",), warnings=0
        )
        score = Score(wirelength=abs(proxy) / 10, density=0.5, congestion=0.7, proxy=abs(proxy), wirelength_um=1.0,
                      legal=legal, violations=bad)  # fmt: skip
    values: dict[str, Any] = {
        "schema_version": 1,
        "key": f"k{changes.get('label')}{changes.get('seed')}{changes.get('budget')}",
        "suite": "s",
        "started_at": "2026-01-01T00:00:00+00:00",
        "design": "chip",
        "netlist_hash": "ab" * 32,
        "start_hash": "cd" * 32,
        "design_folder": "designs/x",
        "netlist_file": "x",
        "start_file": "initial.plc",
        "nodes": {"hard": 2, "soft": 0, "ports": 1, "nets": 2},
        "start": None,
        "weights": {"wirelength": 1.0, "density": 0.5, "congestion": 0.5},
        "density_top": 0.1,
        "congestion_top": 0.05,
        "square_soft": False,
        "grid": {"columns": 10, "rows": 12},
        "canvas_um": (100.0, 120.0),
        "macro_spacing_um": 0.0,
        "boundary_spacing_um": 0.0,
        "label": "one",
        "agent": "stand",
        "options": {},
        "config_hash": "ef" * 32,
        "optimises_cost": True,
        "seed": 0,
        "budget": "60s",
        "threads": 2,
        "jobs": 1,
        "warmup_s": 0.0,
        "warmup_error": None,
        "wall_s": 60.0,
        "cpu_s": 100.0,
        "proposals": 1000,
        "episodes": 1,
        "machine": {"cpu": "c", "usable_cores": 2, "platform": "p"},
        "versions": {"floorplan": "0"},
        "score": score,
        "claimed_proxy": None if proxy is None else abs(proxy),
        "bound": Bound(wirelength=0.1, density=0.2, congestion=0.6, proxy=0.5),
        "gap_pct": None,
        "placement_file": None,
        "placement_hash": None,
        "trace_file": None,
        "error": Failure(type="RuntimeError", message="a | b <i>") if proxy is None else None,
    }
    return Row(**{**values, **changes})


def test_numbers_by_hand() -> None:
    found = sections([row(p, seed=i, wall_s=w) for i, (p, w) in enumerate([(0.6, 50.0), (0.8, 60.0), (0.7, 61.0)])])
    group = found[0].groups[0]
    assert group.proxy == pytest.approx(0.7, abs=1e-15)
    assert group.proxy_std == pytest.approx(0.1, abs=1e-15)  # sample: sqrt((0.01 + 0.01 + 0) / 2)
    assert group.proxy_min == 0.6
    assert group.wirelength == pytest.approx(0.07, abs=1e-15)
    assert group.wall_s == pytest.approx(57.0, abs=1e-12)
    assert group.gap_pct == pytest.approx(40.0, abs=1e-12)
    assert group.verdict == "3/3"
    cells = dict(zip(("proxy", "min", "gap"), (lines(found[0])[0].cells[i] for i in (3, 4, 12)), strict=True))
    assert cells == {"proxy": "0.7000 ± 0.1000", "min": "0.6000", "gap": "40.00"}


def test_illegal_and_failed_runs_enter_no_mean() -> None:
    rows = [row(0.6, seed=0), row(-0.1, seed=1), row(None, seed=2), row(0.8, seed=3)]
    section = sections(rows)[0]
    group = section.groups[0]
    assert (group.legal, group.illegal, group.failed) == (2, 1, 1)
    assert group.proxy == pytest.approx(0.7)
    assert group.proxy_min == 0.6
    assert group.verdict == "2/4, 1 ILLEGAL, 1 FAILED"
    assert section.notes[0].startswith("ILLEGAL: one, 60 s, seed 1: 2 violations")
    assert section.notes[1] == "FAILED: one, 60 s, seed 2: RuntimeError: a | b <i>"


def test_groups_without_a_legal_result_say_so_and_come_last() -> None:
    rows = [row(-0.1, label="cheat"), row(None, label="lame"), row(0.9, label="slow"), row(0.8, label="good")]
    found = sections(rows)[0]
    assert [(g.label, g.best) for g in found.groups] == [
        ("good", True),
        ("slow", False),
        ("cheat", False),
        ("lame", False),
    ]
    assert [line.cells[3] for line in lines(found)] == ["0.8000", "0.9000", "ILLEGAL", "FAILED"]


def test_problems_weights_and_configurations_are_kept_apart() -> None:
    other = {"wirelength": 1.0, "density": 1.0, "congestion": 0.5}
    rows = [row(0.6), row(0.7, start_hash="00" * 32), row(0.8, weights=other), row(0.9, config_hash="01" * 32)]
    found = sections(rows)
    assert [len(s.groups) for s in found] == [2, 1, 1]
    assert [g.label for g in found[0].groups] == ["one #efef", "one #0101"]


def test_what_misleads_is_noted() -> None:
    rows = [row(0.6, wall_s=63.5), row(0.7, seed=1, threads=1), row(0.4, seed=2, gap_pct=-20.0)]
    notes = "\n".join(sections(rows)[0].notes)
    assert "up to 3.5 s over its budget" in notes
    assert "different threads a run are mixed here: 1; 2" in notes
    assert "seed 2: below the lower bound" in notes


def test_published_figures_belong_to_a_netlist_and_the_usual_weights() -> None:
    same, others = published_for(ARIANE, CostOptions())
    assert {p.proxy for p in same} >= {0.657, 0.664, 0.6959}
    assert all(p.netlist_hash == ARIANE for p in same)
    assert 0.801 in {p.proxy for p in others}
    assert all(p.source and p.hardware for p in [*same, *others])
    assert published_for(ARIANE, CostOptions(CostWeights(1.0, 1.0, 0.5))) == ([], [])
    assert published_for("00" * 32, CostOptions()) == ([], [])
    text = markdown_text("t", sections([row(0.6, netlist_hash=ARIANE)]))
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert any("published: macro-placer, best seen" in line and "0.657" in line for line in table)
    assert not any("0.801" in line for line in table)
    assert "**not comparable**" in text


def test_published_costs_that_were_recomputed_are_right(benchmarks: Path) -> None:
    from floorplan.bench.designs import score
    from floorplan.formats import read_problem

    for design in ("NanGate45_ariane133", "NanGate45_nvdla"):
        for name in ("initial", "legalized"):
            folder = benchmarks / "ct" / design
            problem = read_problem(folder / "netlist.pb.txt.xz", folder / f"{name}.plc.xz")
            now = score(problem, problem.initial, CostOptions())
            same, _ = published_for(problem.netlist.content_hash, CostOptions())
            stated = next(p for p in same if p.method == f"{name}.plc as distributed")
            assert stated.proxy == pytest.approx(now.proxy, rel=1e-9)
            assert stated.legal == now.legal


def test_csv_and_markdown_and_html_say_the_same() -> None:
    found = sections([row(0.6, seed=0), row(0.8, seed=1), row(None, seed=2)])
    table = list(csv.DictReader(io.StringIO(csv_text(found))))
    assert len(table) == 1
    assert float(table[0]["proxy_mean"]) == pytest.approx(0.7)
    assert (table[0]["runs"], table[0]["legal"], table[0]["failed"], table[0]["columns"]) == ("3", "2", "1", "10")
    markdown = markdown_text("t", found)
    assert "0.7000 ± 0.1414" in markdown
    assert r"a \| b \<i\>" in markdown
    page = html_text("<t>", found, ["<svg></svg>"])
    assert "0.7000 ± 0.1414" in page
    assert "<i>" not in page
    assert "<title>&lt;t&gt;</title>" in page


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href") and not (value or "").startswith(("#", "data:")):
                self.outside.append(f"{tag} {name}={value}")
            if name == "id":
                self.ids.append(value or "")


def test_the_page_needs_nothing_else_and_its_plots_do_not_mix(write_suite: Write, tmp_path: Path) -> None:
    out = tmp_path / "out"
    more = '[[designs]]\nname = "two again"\nnetlist = "design/netlist.pb.txt"\nmacro_spacing_um = 1.0\n'
    run_suite(load_suite(write_suite(more)), out)
    found, written = write_report(out)
    assert [p.suffix for p in written] == [".png", ".png", ".md", ".csv", ".html"]
    assert all(p.read_bytes()[:4] == b"\x89PNG" for p in written[:2])
    text = (out / "report.html").read_text()
    page = _Page()
    page.feed(text)
    assert page.outside == []
    assert not page.tags & {"script", "link", "img", "iframe"}
    assert len(page.ids) == len(set(page.ids)) > 0
    assert not re.search(r"url\((?!#plot\d)", text)
    assert "var(--ink)" in text
    drawn = curves(found[0], out, "proposals")
    assert [c.label for c in drawn] == ["stand, 100 proposals"]
    assert (drawn[0].x[0], drawn[0].x[-1]) == (10.0, 30.0)
    assert (drawn[0].low <= drawn[0].median).all()
    assert (drawn[0].median <= drawn[0].high).all()
    best = [r.score.proxy for r in found[0].groups[0].rows if r.score is not None]
    assert drawn[0].median[-1] == pytest.approx(sum(best) / 2)
