from __future__ import annotations

import dataclasses
import json
import os
import signal
import threading
import time
import tomllib
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from agents.base import Budget
from agents.policy import PolicyAgent
from agents.ppo.checkpointfiles import list_checkpoints
from agents.ppo.config import load_config
from agents.ppo.policyfile import read_card
from agents.ppo.progress import QuietReporter
from agents.pretrain.command import main
from agents.pretrain.folder import PretrainFolder, RunStart
from agents.pretrain.lessons import pupils_of
from agents.pretrain.pool import PoolError, load_pool
from agents.pretrain.trainer import Pretrainer
from floorplan.files import sha256_of
from floorplan.formats import read_problem, write_netlist, write_plc
from floorplan.netlist import check_legality
from tests.agents.ppo_cases import (
    TINY,
    assert_refused,
    assert_same_bits,
    checkpoint_tensors,
    kill_at,
    metric_rows,
    tiny_problem,
    write_preset,
)
from tests.agents.pretrain_cases import write_netlists, write_pool


def trainer(folder: Path, pool: Path, seed: int = 3) -> Pretrainer:
    folder.mkdir(parents=True, exist_ok=True)
    start = RunStart(load_config("default", TINY), seed, "ppo", {})
    return Pretrainer(load_pool(pool), start, PretrainFolder(folder), QuietReporter())


def policy_bits(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "policy.safetensors")


def test_a_run_leaves_everything_its_folder_promises(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool, preset, run = write_pool(tmp_path), write_preset(tmp_path), tmp_path / "run"
    args = [str(pool), "--preset", str(preset), "--method", "ppo", "--budget", "16e", "--seed", "4", "--json"]
    assert main([*args, "--out", str(run)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["update"] * 5 + ["result"]
    assert lines[-1]["episodes"] == 16
    assert lines[-1]["rounds"] == 4
    metrics = metric_rows(run)
    assert [r["round"] for r in metrics] == [0, 1, 2, 3, 4]
    measured = [r for r in metrics if "held_out" in r]
    assert [r["episodes"] for r in measured] == [0, 8, 16]
    assert set(measured[0]["zero_shot"]) == {"third"}
    assert lines[-1]["held_out"] == min(r["held_out"] for r in measured) == metrics[-1]["best_held_out"]
    assert all(set(r["ratios"]) == {"n0", "second-n1"} for r in metrics[1:])
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert (run / "pool.toml").read_text() == pool.read_text()
    config = tomllib.loads((run / "config.toml").read_text())
    assert config["run"]["method"] == "ppo"
    assert config["config"]["ppo"]["minibatch"] == 16

    netlists = PretrainFolder(run).read_netlists()
    hashes = {n: r.hash for n, r in netlists.items()}
    assert {n: r.role for n, r in netlists.items()} == {"n0": "train", "second-n1": "train", "third": "held_out"}
    problem = read_problem(tmp_path / "nets/n2/netlist.pb.txt")
    assert hashes["third"] == problem.netlist.content_hash
    for name in ("policy", "last"):
        card = read_card(run / name)
        assert card.pretraining is not None
        assert card.pretraining.held_out == (hashes["third"],)
        assert card.pretraining.method == "ppo"
        text = (run / name / "MODEL_CARD.md").read_text()
        assert "| learned by | ppo, seed 4 |" in text
        assert text.count(f"`{hashes['third']}`") == 1
        assert "hours on" in text
    assert set(read_card(run / "last").netlists) == {hashes["n0"], hashes["second-n1"]}
    placed = PolicyAgent(run).place(problem, Budget("e", 1), 0)
    assert check_legality(problem, placed.placement).legal
    reference = netlists["third"].reference
    assert reference is not None
    assert placed.cost.proxy / reference == pytest.approx(lines[-1]["held_out"])


@pytest.mark.slow  # two processes; resuming is checked by the test of evolution, killing by that of training
def test_kill_9_and_resume_equals_an_uninterrupted_run(tmp_path: Path) -> None:
    pool, preset = write_pool(tmp_path), write_preset(tmp_path)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    common = [str(pool), "--preset", str(preset), "--method", "ppo", "--seed", "5", "--quiet"]
    done = kill_at(3, "agents.pretrain.command", common, killed)["state"]["episodes"]
    budget = f"{done + 12}e"  # both runs go on to a round a little after the kill
    assert main(["--resume", str(killed), "--budget", budget, "--quiet"]) == 0
    assert main([*common, "--budget", budget, "--out", str(whole)]) == 0
    assert_same_bits(killed, whole, "baselines")
    before = checkpoint_tensors(whole, "baselines", back=1)
    assert not all(torch.equal(t, before[name]) for name, t in checkpoint_tensors(whole, "baselines").items())
    assert metric_rows(killed) == metric_rows(whole)
    for name in ("policy", "last"):
        left, right = policy_bits(killed / name), policy_bits(whole / name)
        assert all(torch.equal(left[k], right[k]) for k in left)
    assert PretrainFolder(killed).read_netlists() == PretrainFolder(whole).read_netlists()


def test_a_run_goes_on_from_another_ones_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool, preset = write_pool(tmp_path), write_preset(tmp_path)
    args = [str(pool), "--preset", str(preset), "--method", "ppo", "--budget", "4e", "--quiet"]
    first, second = tmp_path / "first", tmp_path / "second"
    assert main([*args, "--out", str(first)]) == 0
    assert main([*args, "--out", str(second), "--from", str(first / "last"), "--seed", "9"]) == 0
    given = first / "last" / "policy.safetensors"
    copy = second / "start" / "policy.safetensors"
    assert copy.read_bytes() == given.read_bytes()
    before, after = read_card(first / "last"), read_card(second / "last")
    assert after.started_from == sha256_of(given)
    assert set(before.netlists) <= set(after.netlists)
    folder = PretrainFolder(second)
    start, again = folder.reopen()
    begun = Pretrainer(again, start, folder, QuietReporter()).network.state_dict()
    for name, tensor in policy_bits(first / "last").items():
        assert torch.equal(begun[name], tensor), name
    assert main([*args, "--out", str(tmp_path / "no"), "--from", str(first), "--set", "network.channels=8"]) == 2
    assert "brings its own" in capsys.readouterr().err
    copy.write_bytes(copy.read_bytes()[:-1])
    assert main(["--resume", str(second), "--budget", "8e", "--quiet"]) == 2
    assert "not the policy that the run was started from" in capsys.readouterr().err


def test_an_interrupt_leaves_a_run_that_can_go_on(tmp_path: Path) -> None:
    pool, preset, run = write_pool(tmp_path), write_preset(tmp_path), tmp_path / "run"

    def interrupt() -> None:
        give_up = time.monotonic() + 60
        while not any(int(p.name) >= 2 for p in list_checkpoints(run / "checkpoints")) and time.monotonic() < give_up:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    before = signal.getsignal(signal.SIGINT)
    common = [str(pool), "--preset", str(preset), "--method", "ppo", "--quiet"]
    assert main([*common, "--budget", "1000000e", "--out", str(run)]) == 0
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before
    last = metric_rows(run)[-1]
    assert int(list_checkpoints(run / "checkpoints")[-1].name) == last["round"]
    assert (run / "curves.png").exists()
    assert read_card(run / "last").episodes == last["episodes"]
    assert main(["--resume", str(run), "--budget", f"{last['episodes'] + 4}e", "--quiet"]) == 0
    assert metric_rows(run)[-1]["episodes"] == last["episodes"] + 4


def test_a_run_stops_when_patience_ends(tmp_path: Path) -> None:
    pool = write_pool(tmp_path, evaluate_every=4, patience=2)
    t = trainer(tmp_path / "run", pool)
    state = t.run(Budget("e", 4000))
    assert state.stale == 2
    assert state.episodes < 4000
    assert len([r for r in metric_rows(tmp_path / "run") if "held_out" in r]) == state.evaluations


def test_a_netlist_held_out_and_trained_on_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_netlists(tmp_path / "a")
    write_netlists(tmp_path / "b")
    pool = tmp_path / "pool.toml"
    pool.write_text('[[netlist]]\npath = "a"\n[[held_out]]\npath = "b/n0/netlist.pb.txt"\nname = "copy"\n')
    with pytest.raises(PoolError, match="'copy' is the same netlist as 'n0'"):
        trainer(tmp_path / "run", pool)
    assert main([str(pool), "--out", str(tmp_path / "out"), "--quiet"]) == 2
    assert capsys.readouterr().err.startswith(f"floorplan pretrain: {pool}: held_out: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow  # a hundred dead ends
def test_a_netlist_without_room_is_left_out(tmp_path: Path) -> None:
    pool = write_pool(tmp_path)
    problem = tiny_problem(7, 8)
    width = problem.netlist.node_w_um.copy()
    width[problem.movable_hard] = 70.0  # of 80: no two beside each other
    height = problem.netlist.node_h_um.copy()
    height[problem.movable_hard] = 13.0
    full = tmp_path / "nets/n0/netlist.pb.txt"
    problem = problem.replace(netlist=dataclasses.replace(problem.netlist, node_w_um=width, node_h_um=height))
    write_netlist(full, problem.netlist, problem.initial)
    write_plc(full.with_name("initial.plc"), problem, problem.initial)
    t = trainer(tmp_path / "run", pool)
    t.run(Budget("e", 8))
    assert t.state.dropped == ("n0",)
    assert t.state.seen == ("second-n1",)
    assert PretrainFolder(tmp_path / "run").read_netlists()["n0"].reference is None
    again = trainer(tmp_path / "run", pool)
    again.resume()
    assert again.state.dropped == ("n0",)


def test_a_netlist_that_changed_is_not_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool, preset, run = write_pool(tmp_path), write_preset(tmp_path), str(tmp_path / "run")
    args = [str(pool), "--preset", str(preset), "--method", "ppo", "--budget", "4e", "--quiet"]
    assert main([*args, "--out", run]) == 0
    assert main([*args, "--out", run]) == 2
    assert "--resume" in capsys.readouterr().err
    netlist = tmp_path / "nets/n0/netlist.pb.txt"
    netlist.write_text(netlist.read_text().replace("14", "13"))
    assert main(["--resume", run, "--budget", "8e", "--quiet"]) == 2
    assert "'n0' has changed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "cause"),
    [
        (["nowhere.toml"], "no such file"),
        (["pool.toml", "--budget", "soon"], "budget"),
        (["pool.toml", "--budget", "5p"], "give one in time"),
        (["pool.toml", "--budget", "5e", "--method", "clone"], "give one in time"),
        (["pool.toml", "--set", "ppo.clip=7"], "ppo.clip"),
        (["pool.toml", "--set", "pool.envs=0"], "settings.envs"),
        (["pool.toml", "--set", "pool.teacher.speed=1"], "settings.teacher.speed"),
        (["--resume", "missing"], "no run here"),
    ],
)
def test_bad_input_ends_with_2_and_one_line(
    args: list[str], cause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pool(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert_refused(main, args, cause, capsys)


TEACHER = {
    "netlists": 2,
    "seconds_per_netlist": 0.5,
    "placements": 1,
    "warm_steps": 4,
    "steps_a_round": 2,
    "refresh_every": 2,
    "refresh_seconds": 0.2,
    "clone": {"minibatch": 8, "variants": 2, "targets": {"stray": 0.0}},
}


@pytest.mark.slow  # some seconds of search
def test_search_teaches_before_and_beside_play(tmp_path: Path) -> None:
    pool, preset, run = write_pool(tmp_path, teacher=TEACHER), write_preset(tmp_path), tmp_path / "run"
    assert main([str(pool), "--preset", str(preset), "--budget", "16e", "--out", str(run), "--quiet"]) == 0
    metrics = metric_rows(run)
    assert [r.get("lessons") for r in metrics] == [None, 2, 4, None, None, None, None]
    assert [r["episodes"] for r in metrics] == [0, 0, 0, 4, 8, 12, 16]
    assert all(0 <= r["agreement"] <= 1 and r["divergence"] > 0 for r in metrics[1:3])
    assert [r.get("refreshed") for r in metrics[3:]] == [None, "n0", None, "second-n1"]
    assert list((run / "experts/n0").glob("*.plc"))
    stored = {p: p.read_bytes() for p in (run / "experts").rglob("000.toml")}
    assert main(["--resume", str(run), "--budget", "20e", "--quiet"]) == 0
    assert {p: p.read_bytes() for p in stored} == stored
    assert metric_rows(run)[-1]["episodes"] == 20


def test_cloning_alone_plays_nothing_and_knows_its_netlists(tmp_path: Path) -> None:
    pool = write_pool(tmp_path, teacher=TEACHER, evaluate_every=8, patience=1)
    preset, run = write_preset(tmp_path), tmp_path / "run"
    args = [str(pool), "--preset", str(preset), "--method", "clone", "--budget", "600s", "--out", str(run), "--quiet"]
    assert main(args) == 0
    metrics = metric_rows(run)
    assert metrics[-1]["episodes"] == 0
    assert metrics[-1]["lessons"] == 2 * metrics[-1]["round"] >= 4
    card = read_card(run / "last")
    assert len(card.netlists) == 2
    assert card.pretraining is not None
    assert card.pretraining.method == "clone"


def test_every_source_has_pupils(tmp_path: Path) -> None:
    text = "".join(
        f'[[generated]]\nname = "{name}"\ntemplate = "systolic_tile"\nseeds = [{first}, {first + 5}]\n'
        for name, first in (("a", 0), ("b", 10))
    )
    (tmp_path / "pool.toml").write_text(text)
    chosen = pupils_of(load_pool(tmp_path / "pool.toml"), 3)
    assert [n.name for n in chosen] == ["a-0", "b-10", "a-1"]
