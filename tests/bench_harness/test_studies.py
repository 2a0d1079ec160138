from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from floorplan.accelerator.templates import chip
from floorplan.bench.studies import STUDIES, Setting, run_study
from floorplan.bench.studies.correlation import DEPTHS, correlate, summaries
from floorplan.bench.studies.measured import rows as measured_rows
from floorplan.bench.studies.paths import inner_nets
from floorplan.bench.studies.registry import read_rows
from floorplan.bench.studies.setting import Bench, place, with_weights
from floorplan.cli.main import main
from floorplan.cost import CostEngine
from floorplan.errors import ProblemError, UnknownNameError
from floorplan.estimate import IllegalPlacementError, placer_weights, traffic_weights

TINY = Setting(templates=("sram_first",), placements=4, seeds=1, proposals=500, samples=9)


def test_a_study_refuses_unknown_templates_and_sizes_below_one(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="sram_first"):
        Setting(templates=("sram-first",))
    with pytest.raises(ProblemError, match="seeds"):
        Setting(seeds=0)
    with pytest.raises(ProblemError, match="template"):
        Setting(templates=())
    with pytest.raises(UnknownNameError, match="correlation"):
        run_study("corelation", tmp_path / "rows.jsonl")


def test_correlation_rows_are_legal_placements_and_what_follows_from_them(tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    assert run_study("correlation", out, TINY) == 4 + 8
    rows = read_rows(out)
    placements = [r for r in rows if r["kind"] == "placement"]
    assert [r["proposals"] for r in placements] == list(DEPTHS)
    # What search spends shows in the proxy, and the proxy is made of its parts.
    assert placements[-1]["proxy"] < placements[0]["proxy"]
    for r in placements:
        parts = r["wirelength"] + 0.5 * r["density"] + 0.5 * r["congestion"]
        assert r["proxy"] == pytest.approx(parts, rel=1e-5)
    assert {r["among"] for r in rows if r["kind"] == "correlation"} == {"all"}
    assert not list(tmp_path.glob("*.part"))


def test_correlations_are_those_of_the_ranks() -> None:
    x = np.arange(30.0)
    noise = np.random.default_rng(1).normal(size=30)
    up, unrelated = correlate(x, np.exp(x), 50), correlate(x, noise, 200)
    assert [up[name] for name in ("spearman", "kendall", "spearman_low")] == pytest.approx([1.0] * 3)
    low, high = unrelated["spearman_low"], unrelated["spearman_high"]
    assert low is not None
    assert high is not None
    assert low < 0 < high
    assert correlate(x, np.ones(30), 50)["spearman"] is None


def test_correlations_are_told_apart_by_depth() -> None:
    found = [
        {
            "proposals": depth,
            **dict.fromkeys(("wirelength", "density", "congestion"), 1.0),
            "proxy": float(k),
            "j_per_token": float(k if depth else -k) + 10,
            "ns_per_token": 1.0,
        }
        for depth in (DEPTHS[0], DEPTHS[-1])
        for k in range(5)
    ]
    rows = {(r["among"], r["target"], r["part"]): r for r in summaries("t", found, 9)}
    assert rows["random", "j_per_token", "proxy"]["spearman"] == pytest.approx(-1.0)
    assert rows["annealed", "j_per_token", "proxy"]["spearman"] == pytest.approx(1.0)
    assert rows["all", "ns_per_token", "proxy"]["spearman"] is None


def test_other_weights_make_wirelength_energy_and_leave_placements_valid() -> None:
    bench = Bench.of("sram_first", TINY, mix="decode")
    weights = traffic_weights(bench.chip, bench.load)
    problem = with_weights(bench.problem, placer_weights(weights, floor=1e-12))
    ratios = []
    for seed in (1, 2):
        placement, _ = place(problem, "random", "1e", seed)
        # Detours apart, joules are proportional to the weighted half-perimeter.
        joules = float(weights @ bench.engine.net_hpwl_um(placement))
        ratios.append(joules / CostEngine(problem).full(placement).wirelength_um)
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-6)
    with pytest.raises(IllegalPlacementError):
        bench.totals(placement.replace(placement.x_um * 0.5, placement.y_um))


def test_nets_inside_a_tile_are_found_on_a_gpu_alone() -> None:
    gpu = chip("gpu_tile", tiles=8, l2_slices=8, mesh_rows=2, memory_phys=2, links=4)
    # L1 to core, core to register file and back, in each tile.
    assert inner_nets(gpu).sum() == 3 * 8
    assert not inner_nets(chip("sram_first")).any()


def test_wire_power_is_traffic_times_path_times_energy() -> None:
    rows = list(STUDIES["paths"].rows(TINY, lambda _: None))
    assert {r["variant"] for r in rows} == {"", "tensor parallel only"}
    for total in (r for r in rows if r["kind"] == "sum"):
        expected_w = 8e12 * total["tb_per_s"] * total["path_mm"] * total["fj_per_bit_mm"] * 1e-15
        assert total["wire_w"] == pytest.approx(expected_w)
        same = ("template", "variant", "agent")
        parts = [r for r in rows if r["kind"] == "bus" and all(r[k] == total[k] for k in same)]
        for key in ("tb_per_s", "wire_w", "wire_pct"):
            assert sum(r[key] for r in parts) == pytest.approx(total[key])


def test_elasticity_rows_agree_with_scaling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("floorplan.bench.studies.elasticity.MODELS", ("llama3-8b",))
    rows = list(STUDIES["elasticity"].rows(TINY, lambda _: None))
    assert len(rows) == 2 * 2 * 3
    for r in rows:
        assert r["tokens_per_j"] == pytest.approx(r["near"], rel=1e-5)
        assert r["tokens_per_j"] == pytest.approx(r["by_wire"] + r["by_clock"] + r["by_leakage"])
        assert r["shorter_pct"] > 0


def test_rankings_have_bars_about_the_value_and_a_survival(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("floorplan.bench.studies.rankings.PLACERS", ("random", "anneal"))
    rows = list(STUDIES["rankings"].rows(replace(TINY, samples=30, proposals=20_000), lambda _: None))
    assert [r["kind"] for r in rows] == ["placement", "placement", "pair"]
    assert all(r["j_low"] < r["j"] < r["j_high"] for r in rows[:2])
    assert rows[2]["j_ratio"] == pytest.approx(rows[1]["j"] / rows[0]["j"])
    assert rows[2]["j_ratio"] < 1
    assert 0.5 < rows[2]["j_survival"] <= 1


def test_swapped_floorplans_spend_least_wire_under_the_load_they_were_placed_for() -> None:
    setting = replace(TINY, templates=("decode_chip", "gpu_tile"), proposals=20_000)
    rows = list(STUDIES["swap"].rows(setting, lambda _: None))
    assert {r["template"] for r in rows} == {"decode_chip"}
    wire = {(r["placed_for"], r["under"]): r["wire_j"] for r in rows}
    assert wire["decode", "decode"] < wire["prefill", "decode"]
    assert wire["prefill", "prefill"] < wire["decode", "prefill"]


def test_the_measured_study_holds_every_group_and_says_where_it_fails() -> None:
    rows = list(measured_rows(TINY, lambda _: None))
    groups = [r for r in rows if r["kind"] == "group"]
    assert len(groups) == 5
    assert sum(r["placements"] for r in groups) == 84
    assert any(r["correlation"] < 0.9 for r in groups)
    assert all(r["ratio"] == pytest.approx(r["predicted_mw_per_m"] / r["measured_mw_per_m"]) for r in groups)


def test_the_command_lists_studies_and_writes_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in STUDIES)
    out = tmp_path / "reward.jsonl"
    tiny = ["--templates", "sram_first", "--seeds", "1", "--proposals", "300"]
    assert main(["study", "reward", "--out", str(out), *tiny]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [r["reward"] for r in rows] == ["wires", "plain", "traffic"]
    assert all(r["study"] == "reward" and r["j_per_token"] > r["wire_j"] > 0 for r in rows)
    assert main(["study", "reward"]) == 2
