from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from agents.base import Budget
from agents.ppo.budgeting import BudgetMeter
from agents.ppo.checkpointfiles import list_checkpoints
from agents.ppo.command import main as train
from agents.ppo.config import load_config
from agents.ppo.finetune import FineTuner
from agents.ppo.finetune_command import main
from agents.ppo.policyfile import read_card
from agents.ppo.progress import QuietReporter
from agents.ppo.runfolder import RunFolder
from agents.ppo.tuneconfig import TuneConfig
from floorplan.cost import CostEngine
from floorplan.formats import read_plc, read_problem
from floorplan.netlist import check_legality
from tests.agents.ppo_cases import assert_refused, assert_same_bits, metric_rows, tiny_problem, train_tiny

QUICK = [
    "--set",
    "ppo.num_envs=4",
    "--set",
    "ppo.minibatch=16",
    "--set",
    "tune.samples=2",
    "--set",
    "tune.evolve=0",
    "--set",
    "threads=1",
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a netlist and a run on it."""
    return train_tiny(tmp_path_factory.mktemp("trained"))


def tuner(trained: Path, out: Path, tune: TuneConfig, **ppo: Any) -> FineTuner:
    out.mkdir(parents=True, exist_ok=True)
    file = trained / "run/policy/policy.safetensors"
    config = load_config("finetune", {"ppo": {"num_envs": 4, "minibatch": 16, **ppo}, "checkpoint_every_s": 0})
    config = read_card(file).brought_into(config).model_copy(update={"threads": 1})
    return FineTuner(tiny_problem(), config, tune, file, 3, RunFolder(out), QuietReporter())


def test_the_command_starts_from_zero_shot_and_ends_no_worse(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tuned"
    args = [str(trained / "run"), str(trained / "netlist.pb.txt"), "--budget", "16e", "--out", str(out), *QUICK]
    assert main([*args, "--json"]) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in said] == ["update"] * 5 + ["result"]
    first, result = said[0], said[-1]
    assert (first["step"], first["update"], first["episodes"]) == (0, 0, 0)
    assert first["eval_plain"] >= first["best_proxy"] >= result["best_proxy"]
    assert result["policy_score"] <= result["zero_shot_score"] == first["zero_shot_score"]
    problem = read_problem(trained / "netlist.pb.txt")
    best = read_plc(out / "best.plc", problem.netlist).placement
    assert check_legality(problem, best).legal
    assert CostEngine(problem).full(best).proxy == pytest.approx(result["best_proxy"], rel=1e-12)
    card = read_card(out)
    assert card.started_from is not None
    assert card.netlists == (problem.netlist.content_hash,)


def test_the_critic_learns_alone_before_the_policy_moves(trained: Path, tmp_path: Path) -> None:
    t = tuner(trained, tmp_path / "run", TuneConfig(evolve=0, samples=1, critic_updates=1))
    before = {k: v.clone() for k, v in t.network.state_dict().items()}
    t.start()
    assert t.model.baseline is None
    t.run(Budget.parse("4e"))
    moved = {k for k, v in t.network.state_dict().items() if not torch.equal(v, before[k])}
    assert t.model.baseline is not None
    assert moved
    assert all(".value." in k for k in moved)
    t.run(Budget.parse("8e"))
    assert any(".value." not in k and not torch.equal(v, before[k]) for k, v in t.network.state_dict().items())


def test_a_policy_that_gets_worse_is_dropped(trained: Path, tmp_path: Path) -> None:
    t = tuner(
        trained, tmp_path / "run", TuneConfig(evolve=0, samples=2, evaluate_every=1, patience=1, critic_updates=0)
    )
    t.start()
    zero = {k: v.clone() for k, v in t.network.state_dict().items()}
    t.champion_score = 0.0  # nothing can be as good, so every update counts as worse
    t.run(Budget.parse("8e"))
    assert all(torch.equal(v, zero[k]) for k, v in t.network.state_dict().items())
    assert t.model.config.learning_rate == pytest.approx(t.config.ppo.learning_rate / 4)
    kept = load_file(tmp_path / "run/policy/policy.safetensors")
    start = load_file(trained / "run/policy/policy.safetensors")
    assert all(torch.equal(v, start[k]) for k, v in kept.items())


def test_stopping_and_resuming_changes_nothing(trained: Path, tmp_path: Path) -> None:
    tune = TuneConfig(evolve=0, samples=2, evaluate_every=2, patience=1)
    once = tuner(trained, tmp_path / "once", tune, learning_rate=0.05)
    once.start()
    once.run(Budget.parse("32e"))
    first = tuner(trained, tmp_path / "parts", tune, learning_rate=0.05)
    first.start()
    first.run(Budget.parse("12e"))
    torch.randn(3)
    second = tuner(trained, tmp_path / "parts", tune, learning_rate=0.05)
    second.resume()
    assert second.counters.episodes == 12
    second.run(Budget.parse("32e"))
    assert metric_rows(tmp_path / "once") == metric_rows(tmp_path / "parts")
    assert_same_bits(tmp_path / "once", tmp_path / "parts", "extra")
    assert (tmp_path / "once/best.plc").read_bytes() == (tmp_path / "parts/best.plc").read_bytes()


def test_a_run_that_was_killed_at_once_is_resumed_by_the_command(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    args = [str(trained / "run"), str(trained / "netlist.pb.txt"), "--budget", "4e", "--out", str(out), *QUICK]
    assert main([*args, "--quiet"]) == 0
    whole = metric_rows(out)
    for checkpoint in list_checkpoints(out / "checkpoints"):
        for file in checkpoint.iterdir():
            file.unlink()
        checkpoint.rmdir()
    assert main(["--resume", str(out), "--budget", "4e", "--quiet"]) == 0
    assert metric_rows(out) == whole
    assert train(["--resume", str(out), "--budget", "8e", "--quiet"]) == 2


def test_train_can_start_from_a_policy(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["--netlist", str(trained / "netlist.pb.txt"), "--from", str(trained / "run"), "--quiet"]
    assert train([*common, "--budget", "1e", "--set", "ppo.learning_rate=1e-12", "--out", str(tmp_path / "run")]) == 0
    a = load_file(trained / "run/policy/policy.safetensors")
    b = load_file(tmp_path / "run/policy/policy.safetensors")
    assert all(torch.allclose(t, b[k], atol=1e-9) for k, t in a.items())
    assert train([*common, "--set", "network.channels=8", "--out", str(tmp_path / "other")]) == 2
    assert "brings its own" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("extra", "cause"),
    [
        (["--set", "tune.patience=-1"], "tune.patience"),
        (["--set", "ppo.clip=7"], "ppo.clip"),
        (["--set", "network.channels=8"], "brings its own"),
        (["--set", "env.order=random"], "brings its own"),
        (["--budget", "soon"], "budget"),
    ],
)
def test_bad_input_ends_with_2_and_one_line(
    trained: Path, extra: list[str], cause: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(main, [str(trained / "run"), str(trained / "netlist.pb.txt"), *extra], cause, capsys)


def test_what_is_missing_is_named(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for args, cause in (
        ([], "CHECKPOINT"),
        ([str(tmp_path / "none"), "n.pb.txt"], "no policy here"),
        (["--resume", str(trained / "run")], "no run of fine-tuning"),
    ):
        assert main([*args, "--quiet"]) == 2
        assert cause in capsys.readouterr().err


def test_evolution_comes_first_and_is_kept_if_it_pays(trained: Path, tmp_path: Path) -> None:
    tune = TuneConfig(samples=1, evolve=0.6, stall=1, population=4, sigma=2.0)
    t = tuner(trained, tmp_path / "run", tune)
    weights = t.network.map_weights()
    others = {k: v.clone() for k, v in t.network.state_dict().items() if k not in ("head.skip_base", "head.skip_last")}
    t.start()
    assert t.zero_shot is not None
    t.run(Budget.parse("24e"))
    found = metric_rows(tmp_path / "run")[1:]
    evolved = [r for r in found if "sigma" in r]
    assert [r["episodes"] for r in evolved] == [4, 8, 12, 16]
    assert found[: len(evolved)] == evolved
    assert all("approx_kl" in r for r in found[len(evolved) :])
    assert t.champion_score <= t.zero_shot.score
    assert t.best is not None
    assert t.best.cost.proxy == t.counters.best_proxy == min(r["best_proxy"] for r in found)

    alone = tuner(trained, tmp_path / "alone", TuneConfig(samples=1, evolve=1, population=4, sigma=2.0))
    alone.start()
    alone.run(Budget.parse("8e"))
    moved = alone.network.map_weights() - weights
    assert not (moved == 0).all()
    assert moved[0] == pytest.approx(moved[1], abs=1e-5)  # what is read of the last macro moves along
    now = alone.network.state_dict()
    assert all(torch.equal(v, now[k]) for k, v in others.items())


def test_evolution_ends_early_where_it_finds_nothing(trained: Path, tmp_path: Path) -> None:
    tune = TuneConfig(samples=1, evolve=0.9, stall=0.25, population=4)
    t = tuner(trained, tmp_path / "run", tune)
    t.start()
    t.counters = replace(t.counters, best_proxy=0.0)  # nothing can be better
    t.run(Budget.parse("32e"))
    found = metric_rows(tmp_path / "run")[1:]
    assert [r["episodes"] for r in found if "sigma" in r] == [4, 8]

    going = tuner(trained, tmp_path / "going", tune)
    going.start()
    while going.counters.episodes < 16:
        going.counters = replace(going.counters, best_proxy=9.0)  # whatever is built is better
        meter = BudgetMeter(Budget.parse("32e"), 0.0, going._counted, going.reporter)
        assert "sigma" in going._update(meter)
    going.save()
    again = tuner(trained, tmp_path / "going", tune)
    again.resume()
    assert again._found_at == going._found_at == 16 / 32


def test_training_after_evolution_reads_maps_by_fresh_weights(trained: Path, tmp_path: Path) -> None:
    for afresh in (True, False):
        tune = TuneConfig(samples=1, evolve=0.5, population=4, sigma=2.0, critic_updates=9, afresh=afresh)
        t = tuner(trained, tmp_path / str(afresh), tune)
        t.start()
        meter = BudgetMeter(Budget.parse("16e"), 0.0, t._counted, t.reporter)
        while "sigma" in t._update(meter):  # until a first update in which only the critic learns
            t._keep_champion(t._evaluate())  # whatever evolution came to
        kept = t.champion.map_weights()
        assert kept != pytest.approx(t.network.prior_weights)
        assert t.network.map_weights() == pytest.approx(t.network.prior_weights if afresh else kept)


def test_evolution_resumes_exactly(trained: Path, tmp_path: Path) -> None:
    tune = TuneConfig(samples=1, evolve=0.7, population=4, sigma=1.0)
    whole = tuner(trained, tmp_path / "whole", tune)
    whole.start()
    whole.run(Budget.parse("28e"))
    for cut in (8, 24):  # in the midst of evolution, and after it
        folder = tmp_path / f"cut{cut}"
        first = tuner(trained, folder, tune)
        first.start()
        meter = BudgetMeter(Budget.parse("28e"), 0.0, first._counted, first.reporter)
        while first.counters.episodes < cut:
            first.folder.append_metrics(first._update(meter))
            first.save()
        second = tuner(trained, folder, tune)
        second.resume()
        second.run(Budget.parse("28e"))
        assert metric_rows(folder) == metric_rows(tmp_path / "whole")
        for name, value in second.champion.state_dict().items():
            assert torch.equal(value, whole.champion.state_dict()[name])


def test_a_policy_worse_than_a_fresh_one_is_left_at_the_start(trained: Path, tmp_path: Path) -> None:
    tune = TuneConfig(samples=1, evolve=1, population=4)

    def contrary(name: str) -> FineTuner:
        t = tuner(trained, tmp_path / name, tune)
        t.network.read_maps_by(-3 * t.network.prior_weights)
        return t

    once = contrary("once")
    once.start()
    assert once.champion_score < once._zero_score
    assert once.network.map_weights() == pytest.approx(once.network.prior_weights)
    once.run(Budget.parse("12e"))
    first = contrary("parts")
    first.start()
    first.run(Budget.parse("4e"))
    second = tuner(trained, tmp_path / "parts", tune)  # with other weights, until it resumes
    second.resume()
    second.run(Budget.parse("12e"))
    assert metric_rows(tmp_path / "once") == metric_rows(tmp_path / "parts")
    assert_same_bits(tmp_path / "once", tmp_path / "parts", "extra")
    kept = tuner(trained, tmp_path / "kept", tune.model_copy(update={"prior": False}))
    kept.start()
    assert kept.champion_score == kept._zero_score
