from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from floorplan.bench import BenchError, Row, RowStore, load_suite, run_suite, write_report
from floorplan.bench.trace import MAX_POINTS, Point, read_trace, thin

Write = Callable[..., Path]


def test_a_row_says_everything(write_suite: Write, tmp_path: Path) -> None:
    out = tmp_path / "out"
    outcome = run_suite(load_suite(write_suite()), out)
    assert (outcome.done, outcome.skipped) == (2, 0)
    row = outcome.rows[0]
    assert row.score is not None
    # port at (0, 50), a at (30, 50), b at (70, 50): 30 um once and 40 um three times over, canvas 100 x 100, weights 4
    assert row.score.wirelength_um == pytest.approx(150.0, abs=1e-12)
    assert row.score.wirelength == pytest.approx(150.0 / (200 * 4), abs=1e-15)
    assert row.gap_pct == pytest.approx(100 * (row.score.proxy / 0.35 - 1))
    assert (row.proposals, row.episodes, row.threads) == (30, 3, row.threads)
    assert row.wall_s is not None
    assert row.warmup_s is not None
    assert row.weights == {"wirelength": 1.0, "density": 0.5, "congestion": 0.5}
    assert row.versions.keys() >= {"floorplan", "python", "numpy", "numba"}
    assert row.machine["usable_cores"] >= 1
    assert row.start is not None
    assert row.start.legal
    points = read_trace(out / str(row.trace_file))
    assert [p.proposals for p in points] == [10, 20, 30, 30]
    assert points[-1].proxy == row.score.proxy
    # what is on the disk is what was returned
    assert list(RowStore(out).read().values()) == outcome.rows


def test_finished_runs_are_skipped_and_a_torn_line_is_repeated(write_suite: Write, tmp_path: Path) -> None:
    out = tmp_path / "out"
    suite = load_suite(write_suite())
    first = run_suite(suite, out)
    rows = out / "rows.jsonl"
    whole = rows.read_bytes()
    assert run_suite(suite, out).done == 0
    assert rows.read_bytes() == whole
    lines = whole.splitlines(keepends=True)
    rows.write_bytes(lines[0] + lines[1][: len(lines[1]) // 2])
    again = run_suite(suite, out)
    assert (again.done, again.skipped) == (1, 1)
    assert rows.read_bytes().count(b"\n") == 2
    assert [r.score for r in again.rows] == [r.score for r in first.rows]


def test_a_damaged_line_in_the_middle_is_an_error(write_suite: Write, tmp_path: Path) -> None:
    out = tmp_path / "out"
    suite = load_suite(write_suite())
    run_suite(suite, out)
    rows = out / "rows.jsonl"
    lines = rows.read_text().splitlines()
    rows.write_text(f"{lines[0].replace(chr(34) + 'seed' + chr(34), chr(34) + 'sed' + chr(34))}\n{lines[1]}\n")
    with pytest.raises(BenchError, match=r"rows.jsonl:1: se?ed"):
        run_suite(suite, out)


def test_other_options_start_weights_or_seeds_are_other_runs(write_suite: Write, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_suite(load_suite(write_suite()), out)
    for more, replace in (
        ("options = { settings = { shift_um = 1.0 } }", ("", "")),
        ("", ('name = "two"', 'name = "two"\nmacro_spacing_um = 2.0')),
        ("[cost]\ndensity_top = 0.2", ("", "")),
        ("", ("[0, 1]", "[2, 3]")),
        ("", ('"100p"', '"101p"')),
    ):
        assert run_suite(load_suite(write_suite(more, replace)), out).done == 2, (more, replace)
    renamed = run_suite(load_suite(write_suite("", ('label = "stand"', 'label = "other name"'))), out)
    assert (renamed.done, renamed.skipped) == (0, 2)


@pytest.mark.parametrize(
    ("mode", "error"), [("raise", ("RuntimeError", "no <luck> | today")), ("exit", ("SystemExit", "7"))]
)
def test_a_failed_run_is_a_row_and_the_suite_goes_on(
    write_suite: Write, tmp_path: Path, mode: str, error: tuple[str, str]
) -> None:
    out = tmp_path / "out"
    suite = load_suite(write_suite(f"options = {{ mode = '{mode}', only_seed = 0 }}"))
    outcome = run_suite(suite, out)
    assert [r.status for r in outcome.rows] == ["FAILED", "legal"]
    failed = outcome.rows[0].error
    assert failed is not None
    assert (failed.type, failed.message) == error
    assert run_suite(suite, out).done == 0
    assert run_suite(suite, out, retry_failed=True).done == 1
    assert len(RowStore(out).read()) == 2
    assert len((out / "rows.jsonl").read_text().splitlines()) == 3


def test_costs_and_verdicts_are_not_the_agents(write_suite: Write, tmp_path: Path) -> None:
    suite = load_suite(write_suite("options = { mode = 'liar' }"))
    row = run_suite(suite, tmp_path / "out").rows[0]
    assert row.claimed_proxy == 0.01
    assert row.score is not None
    assert row.score.proxy > 0.3
    section = write_report(tmp_path / "out")[0][0]
    assert any("claims a proxy of 0.010000" in note for note in section.notes)
    illegal = load_suite(write_suite("options = { mode = 'illegal' }"))
    row = run_suite(illegal, tmp_path / "out").rows[0]
    assert row.status == "ILLEGAL"
    assert row.gap_pct is None
    assert row.score is not None
    assert row.score.violations.kinds == {"overlap": 1}


def test_an_interrupt_leaves_a_folder_that_can_be_gone_on_with(write_suite: Write, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run_suite(load_suite(write_suite("options = { mode = 'interrupt', only_seed = 1 }")), out)
    assert len(RowStore(out).read()) == 1
    assert run_suite(load_suite(write_suite()), out).done == 2


def test_a_crash_of_a_worker_is_a_failed_row(write_suite: Write, tmp_path: Path) -> None:
    suite = load_suite(write_suite("options = { mode = 'crash', only_seed = 0 }"))
    outcome = run_suite(suite, tmp_path / "out", jobs=2)
    assert [r.status for r in outcome.rows] == ["FAILED", "legal"]
    error = outcome.rows[0].error
    assert error is not None
    assert (error.type, error.message) == ("Crash", "the process of this run ended with exit code 9")
    assert {r.jobs for r in outcome.rows} == {2}


def test_runs_end_with_the_benchmark_that_wanted_them(write_suite: Write, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    note.touch()
    suite = write_suite(f"options = {{ mode = 'hang', note = '{note}' }}")
    code = (
        "import sys; from pathlib import Path; from floorplan.bench import load_suite, run_suite; "
        "run_suite(load_suite(Path(sys.argv[1])), Path(sys.argv[2]), jobs=2)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(suite), str(tmp_path / "out")]) as parent:
        wait_until(lambda: note.read_text().isdigit(), 60)
        pid = int(note.read_text())
        assert alive(pid)
        parent.kill()
    wait_until(lambda: not alive(pid), 20)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # where nobody collects what became of it, a process that ended is left as a zombie
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_bound_may_fail(write_suite: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(problem: object, options: object) -> None:
        raise ArithmeticError("no bound today")

    monkeypatch.setattr(sys.modules["floorplan.bound"], "lower_bound", fail)
    row = run_suite(load_suite(write_suite()), tmp_path / "out").rows[0]
    assert row.status == "legal"
    assert row.bound.reason == "ArithmeticError: no bound today"
    assert row.gap_pct is None


def test_two_benchmarks_do_not_write_into_one_folder(write_suite: Write, tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="files cannot be locked here")
    store = RowStore(tmp_path / "out")
    store.create()
    with store.lock(), pytest.raises(BenchError, match="another benchmark is writing here"):
        run_suite(load_suite(write_suite()), tmp_path / "out")


def test_a_random_start_is_legal_and_another_problem(write_suite: Write, tmp_path: Path) -> None:
    plain = run_suite(load_suite(write_suite()), tmp_path / "out").rows[0]
    path = write_suite("", ('name = "two"', 'name = "two"\nstart = "random"\nstart_seed = 3'))
    row = run_suite(load_suite(path), tmp_path / "out").rows[0]
    assert row.start_file == "random (seed 3)"
    assert row.netlist_hash == plain.netlist_hash
    assert row.start_hash != plain.start_hash
    assert row.start is not None
    assert row.start.legal


def test_thinned_traces_keep_their_ends_and_true_points() -> None:
    points = [Point(0.01 * 1.001**i, i, 1.0 / (i + 1)) for i in range(5000)]
    kept = thin(points)
    assert len(kept) <= MAX_POINTS
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert set(kept) <= set(points)
    assert thin(points[:MAX_POINTS]) == points[:MAX_POINTS]


def test_rows_hold_no_path_of_this_machine(write_suite: Write, tmp_path: Path) -> None:
    row: Row = run_suite(load_suite(write_suite()), tmp_path / "out").rows[0]
    assert str(tmp_path) not in json.dumps(row.model_dump(mode="json"))
