"""`floorplan place --objective` on a small chip, and rewards of environments' episodes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from floorplan.accelerator.command import run
from floorplan.accelerator.llm import model
from floorplan.accelerator.templates import chip
from floorplan.accelerator.workloads import workload
from floorplan.cli.main import main
from floorplan.cost import CostEngine
from floorplan.env import ConstructBatch, ConstructConfig
from floorplan.estimate import Estimator, EstimatorOptions, load_of
from floorplan.estimate.objective import objective
from floorplan.estimate.reward import Reward
from floorplan.formats import read_plc, read_problem

SMALL: dict[str, int] = {"matrix_units": 4, "vector_banks": 2, "common_banks": 8, "memory_phys": 2, "links": 2}
CHIP = ["--chip", "systolic_chip", "--model", "llama3-8b", "--workload", "chatbot"]
SET_CHIP = [word for k, v in SMALL.items() for word in ("--set-chip", f"{k}={v}")]


@pytest.fixture(scope="module")
def netlist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chip")
    run("systolic_chip", SMALL, 1, folder)
    return folder / "netlist.pb.txt"


def place(netlist: Path, out: Path, *flags: str, agent: str = "anneal") -> int:
    return main(["place", str(netlist), "--out", str(out), "--agent", agent, "--quiet", "--json", *flags])


def test_place_for_joules_reports_what_the_estimator_says(
    netlist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.plc"
    goal = ["--objective", "tokens-per-joule", *CHIP, *SET_CHIP]
    assert place(netlist, out, "--budget", "3000p", *goal) == 0
    said = json.loads(capsys.readouterr().out)
    aim = said["objective"]
    problem = read_problem(netlist)
    placed = read_plc(out, problem.netlist).placement
    assert said["proxy"] == pytest.approx(CostEngine(problem).full(placed).proxy, rel=1e-9)
    made = chip("systolic_chip", **SMALL)
    load = load_of(made, model("llama3-8b"), workload("chatbot"))
    estimate = Estimator(made, load, EstimatorOptions(samples=0)).estimate(placed)
    assert aim["j_per_token"] == pytest.approx(estimate.totals.j_per_token, rel=1e-6)
    assert aim["ns_per_token"] == pytest.approx(estimate.totals.ns_per_token, rel=1e-6)
    assert aim["temperature_c"] == pytest.approx(estimate.heat.max_c, rel=1e-6)
    assert aim["reward"] >= aim["reward_before_polish"]
    assert aim["agent_told_weights"] is True
    assert said["proposals"] == 3000


def test_a_budget_of_seconds_is_shared_between_agent_and_polish(
    netlist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    goal = ["--objective", "joules=3,temperature=0.1,limit_c=50", *CHIP, *SET_CHIP]
    assert place(netlist, tmp_path / "a.plc", "--budget", "0.6s", *goal) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["objective"]["reward"] >= said["objective"]["reward_before_polish"]
    assert said["objective"]["weights"] == {"joules": 3.0, "nanoseconds": 0.0, "temperature": 0.1, "limit_c": 50.0}
    assert 0.3 < said["seconds"] < 5.0


def test_place_by_weights_of_zero_is_the_proxy_to_the_byte(
    netlist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run_with(*flags: str) -> tuple[float, str]:
        out = tmp_path / "a.plc"
        assert place(netlist, out, "--budget", "2e", *flags, agent="random") == 0
        return json.loads(capsys.readouterr().out)["proxy"], out.read_text()

    zero = run_with("--objective", "joules=0,nanoseconds=0", *CHIP, *SET_CHIP)
    assert zero == run_with()


def test_place_refuses_objectives_without_their_chip(
    netlist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.plc"
    budget = ("--budget", "10p", "--objective", "tokens-per-joule")
    assert place(netlist, out, *budget) != 0
    assert "--chip, --model and --workload" in capsys.readouterr().err
    assert place(netlist, out, *budget, *CHIP) != 0
    assert "--set-chip" in capsys.readouterr().err
    assert not out.exists()


def test_episodes_of_the_construct_game_earn_the_exact_reward() -> None:
    made = chip("systolic_chip", **SMALL)
    load = load_of(made, model("llama3-8b"), workload("chatbot"))
    e = Estimator(made, load, EstimatorOptions(samples=0, grid=8))
    reward = Reward(e, objective("tokens-per-joule", e))
    batch = ConstructBatch(made.problem, 2, ConstructConfig(reward="terminal"), seed=3)
    rng = np.random.default_rng(1)
    finished = []
    for _ in range(4 * len(made.problem.movable_hard)):
        weight = batch.masks * rng.random(batch.masks.shape)
        batch.step(weight.argmax(axis=1))
        finished += batch.finished
        if len(finished) >= 2:
            break
    assert finished
    for episode, earned in zip(finished, reward.episodes(finished), strict=True):
        assert earned == pytest.approx(reward.score(episode.placement).reward, rel=1e-9)
        assert earned != -episode.cost.proxy
