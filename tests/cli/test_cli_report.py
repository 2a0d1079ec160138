from __future__ import annotations

from pathlib import Path

import pytest

from floorplan.cli.options import OptionError
from floorplan.cli.report import Report
from floorplan.cost import CostEngine, CostOptions, CostWeights
from floorplan.formats import read_problem
from floorplan.report.runs import RunError


def test_it_writes_a_page_and_prints_where(
    two_macros: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "page.html"
    assert Report((str(two_macros / "netlist.pb.txt"),), out).run() == 0
    assert capsys.readouterr().out == f"{out}\n"
    cost = CostEngine(read_problem(two_macros / "netlist.pb.txt")).full(
        read_problem(two_macros / "netlist.pb.txt").initial
    )
    text = out.read_text("utf-8")
    assert f'<p class="big">{cost.proxy:.4f}' in text
    assert "Legal: no rule is broken" in text


def test_placements_are_compared_under_given_weights_and_title(two_macros: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    runs = tuple(str(two_macros / name) for name in ("initial.plc", "overlap.plc"))
    Report(runs, out, weights=(3.0, 0.0, 0.0), title="A & B").run()
    text = out.read_text("utf-8")
    assert "<h1>A &amp; B</h1>" in text
    assert "overlap of a and b by 5 um" in text
    problem = read_problem(two_macros / "netlist.pb.txt")
    cost = CostEngine(problem, CostOptions(CostWeights(3.0, 0.0, 0.0))).full(problem.initial)
    assert f"<td class=best>{cost.proxy:.4f}</td>" in text
    assert cost.proxy == pytest.approx(3 * 150 / 800)


def test_a_bound_is_shown_when_asked_for(two_macros: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    Report((str(two_macros / "initial.plc"),), out, bound=True).run()
    assert "above the lower bound" in out.read_text("utf-8")
    assert (two_macros / "initial.plc.bound.json").is_file()


def test_what_cannot_be_is_refused_and_nothing_is_written(two_macros: Path, tmp_path: Path) -> None:
    netlist = str(two_macros / "netlist.pb.txt")
    for runs, out, error, cause in (
        ((), "a.html", OptionError, "at least one"),
        ((netlist,), "no/such/a.html", OptionError, "does not exist"),
        ((netlist,), "a.pdf", OptionError, "floorplan plot"),
        ((str(tmp_path / "absent"),), "a.html", RunError, "no such run"),
    ):
        with pytest.raises(error, match=cause):
            Report(runs, tmp_path / out).run()
    assert list(tmp_path.glob("a.*")) == []
