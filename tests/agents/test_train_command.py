from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
import tomllib
from pathlib import Path

import pytest

from agents.ppo.checkpointfiles import list_checkpoints
from agents.ppo.command import main
from floorplan.cost import CostEngine
from floorplan.formats import read_plc, read_problem
from floorplan.netlist import check_legality
from tests.agents.ppo_cases import assert_refused, write_preset, write_tiny


@pytest.fixture
def tiny(tmp_path: Path) -> list[str]:
    return ["--netlist", str(write_tiny(tmp_path)), "--preset", str(write_preset(tmp_path))]


def test_a_run_leaves_everything_its_folder_promises(
    tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main([*tiny, "--budget", "12e", "--seed", "9", "--out", str(run), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["update"] * 3 + ["result"]
    result = lines[-1]

    for name in ("placement.png", "curves.png"):
        assert (run / name).read_bytes().startswith(b"\x89PNG")
    assert list((run / "tensorboard").iterdir())
    assert [p.name for p in list_checkpoints(run / "checkpoints")] == ["00000002", "00000003"]
    config = tomllib.loads((run / "config.toml").read_text())
    assert config["run"]["seed"] == 9
    assert config["run"]["netlist_hash"] == result["netlist_hash"]
    assert config["config"]["ppo"]["num_envs"] == 4
    assert config["versions"]["torch"]

    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [r["episodes"] for r in rows] == [4, 8, 12]
    assert {"step", "seconds", "best_proxy", "mean_proxy", "dead_ends", "entropy", "explained_variance"} <= rows[
        0
    ].keys()

    problem = read_problem(tmp_path / "netlist.pb.txt")
    best = read_plc(run / "best.plc", problem.netlist).placement
    assert check_legality(problem, best).legal
    assert CostEngine(problem).full(best).proxy == pytest.approx(result["best_proxy"], rel=1e-12)
    assert rows[-1]["best_proxy"] < min(r["min_proxy"] for r in rows)  # the second look is worth it


def test_an_existing_run_is_not_overwritten_but_resumed(
    tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(tmp_path / "run")
    assert main([*tiny, "--budget", "4e", "--out", run, "--quiet"]) == 0
    assert main([*tiny, "--budget", "4e", "--out", run, "--quiet"]) == 2
    assert "--resume" in capsys.readouterr().err
    assert main(["--resume", run, "--budget", "8e", "--json"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert json.loads(out[-1])["episodes"] == 8


def test_a_netlist_that_changed_is_not_resumed(
    tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*tiny, "--budget", "4e", "--out", str(tmp_path / "run"), "--quiet"]) == 0
    netlist = tmp_path / "netlist.pb.txt"
    netlist.write_text(netlist.read_text().replace("14", "13"))
    assert main(["--resume", str(tmp_path / "run"), "--budget", "8e", "--quiet"]) == 2
    assert "changed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "cause"),
    [
        (["--budget", "soon"], "budget"),
        (["--preset", "nope"], "unknown preset"),
        (["--set", "ppo.clip=7"], "ppo.clip"),
        (["--set", "ppo"], "KEY=VALUE"),
        (["--netlist", "missing.pb.txt"], "missing.pb.txt"),
        (["--resume", "missing"], "no run here"),
    ],
)
def test_bad_input_ends_with_2_and_one_line(args: list[str], cause: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(main, args, cause, capsys)


def test_an_interrupt_leaves_a_run_that_can_go_on(tiny: list[str], tmp_path: Path) -> None:
    run = tmp_path / "run"

    def interrupt() -> None:
        give_up = time.monotonic() + 60
        while not list_checkpoints(run / "checkpoints") and time.monotonic() < give_up:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    before = signal.getsignal(signal.SIGINT)
    assert main([*tiny, "--budget", "1000000e", "--out", str(run), "--quiet"]) == 0
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before
    rows = (run / "metrics.jsonl").read_text().splitlines()
    assert int(list_checkpoints(run / "checkpoints")[-1].name) == len(rows)
    assert (run / "placement.png").exists()
    assert main(["--resume", str(run), "--budget", f"{4 * len(rows) + 4}e", "--quiet"]) == 0


def test_logging_is_left_alone_by_quiet_runs(tiny: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert main([*tiny, "--budget", "4e", "--out", str(tmp_path / "run"), "--quiet"]) == 0
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []
