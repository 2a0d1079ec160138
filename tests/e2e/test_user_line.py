"""What a user types, in the order in which it is typed, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("--set", "array_rows=2", "--set", "array_columns=2", "--set", "soft_macros=40", "--set", "vector_lanes=2")


def run(*command: str | Path, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ,
        check=False,
    )
    assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def floorplan(*args: str | Path, cwd: Path) -> dict[str, Any]:
    out = run(sys.executable, "-m", "floorplan", *args, "--json", cwd=cwd).stdout
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the small tile `tile/`."""
    folder = tmp_path_factory.mktemp("user")
    made = floorplan("generate", "--out", "tile", *SMALL, cwd=folder)
    assert made["counts"]["soft_macros"] == 40
    return folder


def test_generate_place_evaluate(folder: Path) -> None:
    netlist = folder / "tile" / "netlist.pb.txt"
    empty = floorplan("evaluate", netlist, cwd=folder)
    assert empty["legal"] is False  # only the ports stand
    assert {v["kind"] for v in empty["violations"]} == {"unplaced"}

    placed = floorplan(
        "place", netlist, "--agent", "random", "--budget", "1e", "--seed", "3", "--out", "random.plc", cwd=folder
    )
    assert placed["legal"] is True
    assert (placed["agent"], placed["episodes"]) == ("random", 1)
    assert placed["proposals"] >= placed["episodes"] * 20

    again = floorplan("evaluate", netlist, "random.plc", "--png", "random.png", cwd=folder)
    for key in ("netlist_hash", "wirelength", "density", "congestion", "proxy", "wirelength_um", "legal"):
        assert again[key] == placed[key], key
    assert (folder / "random.png").stat().st_size > 10_000


def test_train_resume_and_place_with_the_policy(folder: Path) -> None:
    netlist = folder / "tile" / "netlist.pb.txt"
    settings = ("--set", "ppo.num_envs=2", "--set", "ppo.epochs=1", "--set", "threads=1")
    train = (sys.executable, ROOT / "train.py")
    quiet = run(*train, "--netlist", netlist, *settings, "--budget", "4e", "--out", "run", "--quiet", cwd=folder)
    assert quiet.stdout == ""
    rows = [json.loads(line) for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["episodes"] >= 4
    for name in ("config.toml", "best.plc", "placement.png", "curves.png", "checkpoints"):
        assert (folder / "run" / name).exists(), name

    run(*train, "--resume", "run", "--budget", "8e", "--quiet", cwd=folder)
    more = [json.loads(line) for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()]
    assert more[: len(rows)] == rows
    assert more[-1]["episodes"] >= 8
    assert more[-1]["best_proxy"] <= rows[-1]["best_proxy"]

    best = floorplan("evaluate", netlist, "run/best.plc", cwd=folder)
    assert best["legal"] is True
    assert best["proxy"] == pytest.approx(more[-1]["best_proxy"], rel=1e-12)

    placed = floorplan("place", netlist, "--policy", "run", "--budget", "2e", "--out", "policy.plc", cwd=folder)
    assert placed["legal"] is True
    assert placed["agent"] == "policy"


def test_bad_input_ends_in_one_line(folder: Path) -> None:
    netlist = folder / "tile" / "netlist.pb.txt"
    (folder / "torn.pb.txt").write_bytes(netlist.read_bytes()[:5000])
    done = run(sys.executable, "-m", "floorplan", "evaluate", "torn.pb.txt", "tile/initial.plc", cwd=folder, code=2)
    assert done.stdout == ""
    assert done.stderr.startswith("floorplan: torn.pb.txt:")
    assert done.stderr.count("\n") == 1
