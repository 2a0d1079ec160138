"""HotSpot files, figures and the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from floorplan.accelerator.templates import chip
from floorplan.cli.main import main
from floorplan.errors import ParseError
from floorplan.estimate import Estimator, EstimatorOptions, read_flp, read_ptrace, write_hotspot
from floorplan.estimate.figures import write_estimate_figures
from floorplan.estimate.hotspot import tiles
from floorplan.formats import write_plc
from floorplan.legalize import legalize
from tests.estimate.chips import small_chip, small_load

CHIP = small_chip()
ESTIMATE = Estimator(CHIP, small_load(CHIP), EstimatorOptions(congestion=False, samples=0, grid=16)).estimate(
    CHIP.problem.initial
)


def test_tiles_cover_the_die_once() -> None:
    units = tiles(CHIP.problem, CHIP.problem.initial)
    cv = CHIP.problem.canvas
    assert sum(u.width_m * u.height_m for u in units) == pytest.approx(cv.width_um * cv.height_um * 1e-12, rel=1e-9)
    box = np.array([(u.left_m, u.left_m + u.width_m, u.bottom_m, u.bottom_m + u.height_m) for u in units])
    for k, (a, b, c, d) in enumerate(box):
        over = np.minimum(b, box[:, 1]) - np.maximum(a, box[:, 0]), np.minimum(d, box[:, 3]) - np.maximum(c, box[:, 2])
        both = (over[0] > 1e-12) & (over[1] > 1e-12)
        assert np.flatnonzero(both).tolist() == [k]


def test_hotspot_files_read_back_and_hold_the_power(tmp_path: Path) -> None:
    flp, ptrace = write_hotspot(tmp_path / "hs", CHIP.problem, CHIP.problem.initial, ESTIMATE)
    units, (names, watts) = read_flp(flp), read_ptrace(ptrace)
    assert tuple(u.name for u in units) == names
    assert [u.name for u in units[:9]] == [f"b{i}" for i in range(9)]
    assert len(set(names)) == len(names)
    for u, i in zip(units, range(9), strict=False):
        assert u.left_m + u.width_m / 2 == pytest.approx(CHIP.problem.initial.x_um[i] * 1e-6)
        assert u.width_m == pytest.approx(400e-6)
    assert watts.shape == (1, len(units))
    assert watts.sum() == pytest.approx((ESTIMATE.heat.power_w + ESTIMATE.heat.leakage_w).sum(), rel=1e-6)
    first = flp.read_bytes()
    write_hotspot(tmp_path / "hs", CHIP.problem, CHIP.problem.initial, ESTIMATE)
    assert flp.read_bytes() == first


def test_bad_hotspot_files_are_refused_with_their_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_text("# units\na 1 2 3\n")
    with pytest.raises(ParseError, match="bad:2"):
        read_flp(bad)
    bad.write_text("a b\n1.0\n")
    with pytest.raises(ParseError, match="bad:2: 1 powers for 2 names"):
        read_ptrace(bad)
    bad.write_text("a b\n1.0 x\n")
    with pytest.raises(ParseError, match="numbers"):
        read_ptrace(bad)
    bad.write_text("")
    with pytest.raises(ParseError, match="no names"):
        read_ptrace(bad)


def test_figures_are_png_files(tmp_path: Path) -> None:
    paths = write_estimate_figures(tmp_path, CHIP.problem, CHIP.problem.initial, ESTIMATE)
    assert [p.name for p in paths] == ["energy.png", "nets.png", "critical.png", "temperature.png"]
    assert all(p.read_bytes()[:4] == b"\x89PNG" for p in paths)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with best.plc, a legal placement of the default systolic chip, and overlap.plc."""
    folder = tmp_path_factory.mktemp("run")
    problem = chip("systolic_chip").problem
    nl, cv = problem.netlist, problem.canvas
    rng = np.random.default_rng(1)
    x = np.where(problem.fixed, problem.initial.x_um, rng.uniform(0, cv.width_um, nl.num_nodes))
    y = np.where(problem.fixed, problem.initial.y_um, rng.uniform(0, cv.height_um, nl.num_nodes))
    start = problem.initial.replace(x, y, placed=np.ones(nl.num_nodes, np.bool_))
    write_plc(folder / "overlap.plc", problem, start)
    write_plc(folder / "best.plc", problem, legalize(problem, start))
    return folder


ARGS = ["--chip", "systolic_chip", "--model", "llama3-8b", "--workload", "chatbot", "--samples", "50"]


def test_the_command_prints_the_promised_keys(run: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["estimate", str(run), *ARGS, "--json", "--hotspot", str(tmp_path / "hs")]) == 0
    out = json.loads(capsys.readouterr().out)
    for key in ("ns_per_token", "tokens_per_s", "tokens_per_s_per_w", "usd_per_mtoken", "temperature_max_c", "wns_ps"):
        assert isinstance(out[key], float), key
    assert out["legal"] is True
    j = out["j_per_token"]
    assert j["total"] == pytest.approx(sum(part["value"] for part in j["by_part"].values()))
    assert j["low"] < j["total"] < j["high"]
    assert out["ns_per_token"] * out["tokens_per_s"] == pytest.approx(1e9)
    assert len(read_flp(tmp_path / "hs" / "chip.flp")) >= 104


def test_the_command_takes_pipeline_stages(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    times = []
    for stages in ("1", "4"):
        assert main(["estimate", str(run), *ARGS, "--chips", "4", "--stages", stages, "--json"]) == 0
        times.append(json.loads(capsys.readouterr().out)["ns_per_token"])
    assert times[0] != times[1]
    assert main(["estimate", str(run), *ARGS, "--chips", "4", "--stages", "3"]) == 2
    assert "4 chips do not make 3 equal stages" in capsys.readouterr().err


def test_the_command_prints_tables(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(run / "best.plc"), *ARGS]) == 0
    text = capsys.readouterr().out
    assert "nets that cost most" in text
    assert "temperature max c" in text


def test_the_command_flags_illegal_placements_and_gives_no_number(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["estimate", str(run / "overlap.plc"), *ARGS, "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    assert out["legal"] is False
    assert out["violations"]
    assert out["j_per_token"] is None
    assert out["ns_per_token"] is None
    assert main(["estimate", str(run / "overlap.plc"), *ARGS]) == 0
    assert "ILLEGAL" in capsys.readouterr().out


def test_the_command_refuses_what_does_not_belong_together(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["estimate", str(tmp_path), *ARGS]) == 2
    assert "no placement in this folder" in capsys.readouterr().err
    assert main(["estimate", str(run), *ARGS[:-2], "--technology", "n3"]) == 2
    assert "unknown technology 'n3'" in capsys.readouterr().err
    wrong = ["--chip", "sram_first", "--model", "llama3-8b", "--workload", "chatbot"]
    assert main(["estimate", str(run), *wrong]) == 2
    assert main(["estimate", str(run), *ARGS, "--chips", "1", "--batch", "100000"]) == 2
    assert "does not fit" in capsys.readouterr().err
