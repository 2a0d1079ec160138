"""What a run left behind is read as it stands there, and refused where it is not what it says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.cost import CostWeights
from floorplan.errors import FloorplanError, ParseError
from floorplan.files import write_bytes_by_suffix
from floorplan.formats import write_plc
from floorplan.report.page import page, sheets_of
from floorplan.report.plots import placed_run
from floorplan.report.runs import RunError, Source, read_runs, with_titles_apart
from tests.report.report_cases import crowded, overlapping, write_design, write_training


@pytest.fixture
def training(tmp_path: Path) -> Path:
    p = crowded()
    netlist = write_design(tmp_path / "design", p)
    return write_training(tmp_path / "runs" / "first", netlist, p, overlapping(p))


def bench(folder: Path, count: int = 2, **changes: object) -> Path:
    """A results folder with `count` rows."""
    p = crowded()
    design = folder / "designs" / "abc-def"
    netlist = write_design(design, p)
    write_bytes_by_suffix(design / "netlist.pb.txt.xz", netlist.read_bytes())
    write_bytes_by_suffix(design / "start.plc.xz", (design / "initial.plc").read_bytes())
    (folder / "placements").mkdir()
    (folder / "traces").mkdir()
    lines = []
    for i in range(count):
        key = f"{i:02d}abc"
        at = p.initial if i else overlapping(p)
        write_plc(folder / "placements" / f"{key}.plc.xz", p, at)
        (folder / "traces" / f"{key}.jsonl").write_text(
            '{"s": 0.5, "p": 1, "proxy": 2.0}\n{"s": 1, "p": 2, "proxy": 1.5}\n'
        )
        row = {
            "key": key, "suite": "smoke", "design": "crowded", "design_folder": "designs/abc-def",
            "netlist_hash": p.netlist.content_hash, "weights": {"wirelength": 1.0, "density": 0.5, "congestion": 0.5},
            "density_top": 0.1, "congestion_top": 0.05, "square_soft": False, "macro_spacing_um": 0.0,
            "boundary_spacing_um": 0.0, "label": "greedy 8", "agent": "greedy", "options": {"candidates": 8},
            "seed": i, "budget": "2s", "wall_s": 2.04, "proposals": 1000, "episodes": 3,
            "placement_file": f"placements/{key}.plc.xz", "trace_file": f"traces/{key}.jsonl",
            "versions": {"floorplan": "0.1.0"}, "machine": {"cpu": "EPYC"},
            "bound": {"wirelength": 0.01, "density": 0.1, "congestion": 0.2, "proxy": 0.16, "reason": None},
            "error": None,
            **changes,
        }  # fmt: skip
        lines.append(json.dumps(row))
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_a_training_run_is_read_with_its_weights_and_provenance(training: Path) -> None:
    (run,) = read_runs(training)
    assert (run.kind, run.title, run.design) == ("training", "first", "design")
    assert run.options.weights == CostWeights(2.0, 0.25, 0.5)
    assert run.placement is not None
    np.testing.assert_allclose(run.placement.x_um[4], 35.0)
    assert len(run.metrics) == 5  # the torn last line is left out
    assert [p.proxy for p in run.trace] == [1.0 - 0.05 * i for i in range(5)]
    facts = dict(run.facts)
    assert facts["seed"] == "7"
    assert facts["budget spent"] == "6.0 s, 16 episodes, 40 steps"
    assert len(facts["weights policy.safetensors SHA-256"]) == 64
    assert "numpy 2.4.6" in facts["versions"]


def test_kinds_of_runs_are_told_by_their_config(training: Path, tmp_path: Path) -> None:
    config = training / "config.toml"
    config.write_text(config.read_text() + "\n[tune]\nsamples = 3\n")
    assert read_runs(training)[0].kind == "fine-tuning"
    pool = tmp_path / "pool"
    pool.mkdir()
    (pool / "config.toml").write_text('[run]\npool = "netlists/pools/public.toml"\nseed = 0\nmethod = "ppo"\n')
    (pool / "metrics.jsonl").write_text('{"episodes": 1, "held_out": 1.0}\n')
    (run,) = read_runs(pool)
    assert (run.kind, run.design, run.problem) == ("pre-training", "public.toml", None)


def test_a_netlist_that_has_changed_or_gone_is_refused(training: Path, tmp_path: Path) -> None:
    other = write_design(tmp_path / "other", crowded("another/name"))
    with pytest.raises(RunError, match="hash differs"):
        read_runs(training, Source(netlist=other))
    moved = tmp_path / "design"
    moved.rename(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="not there any more; name it with --netlist"):
        read_runs(training)
    assert read_runs(training, Source(netlist=tmp_path / "elsewhere" / "netlist.pb.txt"))[0].placement is not None


def test_a_placement_finds_its_netlist_or_says_what_it_looked_for(tmp_path: Path) -> None:
    p = crowded()
    netlist = write_design(tmp_path / "a", p)
    write_plc(tmp_path / "a" / "mine.plc", p, overlapping(p))
    (run,) = read_runs(tmp_path / "a" / "mine.plc")
    assert (run.kind, run.title) == ("placement", "mine.plc")
    write_plc(tmp_path / "alone.plc", p, p.initial)
    with pytest.raises(RunError, match="which netlist does it place\\? none stands beside it"):
        read_runs(tmp_path / "alone.plc")
    assert read_runs(tmp_path / "alone.plc", Source(netlist=netlist))[0].problem is not None


def test_rows_of_a_benchmark_are_read_by_folder_key_or_placement(tmp_path: Path) -> None:
    folder = bench(tmp_path / "results")
    runs = read_runs(folder)
    assert [r.title for r in runs] == ["greedy 8, seed 0, 2s", "greedy 8, seed 1, 2s"]
    assert runs[0].bound == {"wirelength": 0.01, "density": 0.1, "congestion": 0.2, "proxy": 0.16}
    assert [(t.seconds, t.proxy) for t in runs[0].trace] == [(0.5, 2.0), (1.0, 1.5)]
    assert runs[0].problem is runs[1].problem or runs[0].problem is not None
    assert runs[0].problem is not None
    assert runs[0].problem.netlist.name == "crowded"
    for one in (f"{folder}#01", folder / "placements" / "01abc.plc.xz"):
        (run,) = read_runs(one)
        assert dict(run.facts)["row"] == "01abc"
    with pytest.raises(RunError, match="no row whose key begins with 'zz'"):
        read_runs(f"{folder}#zz")


def test_a_failed_row_is_shown_as_failed(tmp_path: Path) -> None:
    failure = {"type": "Crash", "message": "killed by signal 9 <script>"}
    changes = {"placement_file": None, "trace_file": None, "wall_s": None, "proposals": None, "episodes": None}
    (run,) = read_runs(bench(tmp_path / "results", 1, error=failure, **changes))
    assert run.placement is None
    facts = dict(run.facts)
    assert (facts["error"], facts["budget spent"]) == ("Crash: killed by signal 9 <script>", "not counted")
    html = page(sheets_of([run, run]))
    assert "This run FAILED and left no placement: Crash: killed by signal 9 &lt;script&gt;" in html
    assert ", FAILED)" in html
    with pytest.raises(RunError, match="no placement to draw: it failed"):
        placed_run(run)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd"])
def test_a_row_does_not_lead_out_of_its_folder(tmp_path: Path, name: str) -> None:
    folder = bench(tmp_path / "results", 1, placement_file=name)
    with pytest.raises(RunError, match="is not inside the folder"):
        read_runs(folder)


def test_too_many_rows_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    folder = bench(tmp_path / "results", 1)
    line = (folder / "rows.jsonl").read_text()
    (folder / "rows.jsonl").write_text("".join(line.replace("00abc", f"{i:02d}abc", 1) for i in range(30)))
    with pytest.raises(RunError, match="holds 30 rows, 24 are shown at once"):
        read_runs(folder)
    (folder / "rows.jsonl").write_text(line.replace('"weights": {"wirelength": 1.0', '"weights": {"length": 1.0'))
    with pytest.raises(RunError, match="row 00abc: damaged"):
        read_runs(folder)
    (folder / "rows.jsonl").write_text("[1]\n")
    with pytest.raises(ParseError, match=r"rows\.jsonl:1: is not a JSON object"):
        read_runs(folder)


def test_what_is_no_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run here"):
        read_runs(tmp_path)
    with pytest.raises(RunError, match="no such run"):
        read_runs(tmp_path / "absent")
    (tmp_path / "config.toml").write_text("[run\n")
    with pytest.raises(RunError, match="is not TOML"):
        read_runs(tmp_path)
    (tmp_path / "config.toml").write_text("a = 1\n")
    with pytest.raises(RunError, match=r"no table \[run\]"):
        read_runs(tmp_path)


@settings(max_examples=40, deadline=None)
@given(config=st.binary(max_size=80), metrics=st.binary(max_size=80))
def test_no_bytes_crash_it(tmp_path_factory: pytest.TempPathFactory, config: bytes, metrics: bytes) -> None:
    folder = tmp_path_factory.mktemp("run")
    (folder / "config.toml").write_bytes(b'[run]\npool = "p"\n' if metrics else config)
    (folder / "metrics.jsonl").write_bytes(metrics)
    try:
        found = read_runs(folder)
    except FloorplanError as error:
        said = str(error)
    else:
        said = found[0].kind
    assert said
    assert "\n" not in said


def test_titles_that_agree_are_told_apart(training: Path) -> None:
    runs = read_runs(training) * 3
    titles = [r.title for r in with_titles_apart(runs)]
    assert len(set(titles)) == 3
    assert titles[0] == "runs/first"
