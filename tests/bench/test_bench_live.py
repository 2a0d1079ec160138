"""What it costs a training run to be watched; run with `make bench`. Nothing here fails on a clock.

The same episodes are trained in turn with nobody looking, and with a viewer and an open page. What counts is the
training process's own processor time for them, which says whether watching gives it more to do; the viewer's processor
time for the same stretch, which is what a machine without a core to spare would lose; and the wall clock, which on a
shared machine says little.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the viewer's packages are not installed")

from tests.view.browser_cases import ROOT, browser, screen, viewer

pytestmark = pytest.mark.bench

FROM, TO = 40, 88  # episodes that are counted: by then the viewer has been opened
ROUNDS = int(os.environ.get("FLOORPLAN_LIVE_ROUNDS", "3"))
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Stretch:
    """Seconds from episode `FROM` to `TO`: of the training's processor time, of the viewer's, and by the clock."""

    training: float
    viewer: float
    wall: float


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as started:
        yield started


def processor_s(pid: int) -> float:
    """Processor time of a process and its threads, not of its children."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / _TICKS


def episodes(run: Path) -> int:
    try:
        lines = (run / "metrics.jsonl").read_text().splitlines()
    except OSError:
        return 0
    try:
        return int(json.loads(lines[-1])["episodes"]) if lines else 0
    except ValueError:
        return 0  # half a line


def train(run: Path, chrome: Any, state: Path, *, watched: bool) -> Stretch:
    command = [sys.executable, "train.py", "--budget", f"{TO + 8}e", "--seed", "3", "--out", str(run), "--quiet"]
    command += ["--set", "ppo.num_envs=4", "--set", "threads=1"]
    process = subprocess.Popen(command, cwd=ROOT)
    seen: list[tuple[float, float, float]] = []
    try:
        with ExitStack() as stack:
            looks = None
            while not (run / "config.toml").exists():
                time.sleep(0.1)
            if watched:
                url, looks = stack.enter_context(viewer(run, state=state))
                page = stack.enter_context(screen(chrome))
                page.page.goto(url)
                page.ready()
            assert episodes(run) <= FROM, "the viewer was too late"
            for goal in (FROM, TO):
                while episodes(run) < goal:
                    assert process.poll() is None
                    time.sleep(0.02)
                other = 0.0 if looks is None else processor_s(looks.pid)
                seen.append((processor_s(process.pid), other, time.monotonic()))
            if watched:
                page.wait(f"app.live.status.episodes >= {TO}")
                assert page.wrong == []
    finally:
        process.terminate()
        process.wait(60)
    return Stretch(*(b - a for a, b in zip(*seen, strict=True)))


def test_what_being_watched_costs(chrome: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rounds = []
    for k in range(ROUNDS):
        order = (False, True) if k % 2 == 0 else (True, False)
        made = {w: train(tmp_path / f"{k}{w}", chrome, tmp_path, watched=w) for w in order}
        rounds.append((made[False], made[True]))
    count = TO - FROM
    with capsys.disabled():
        print(f"\n{count} episodes on the shipped netlist, alone and watched, {ROUNDS} times in turn:")
        for alone, watched in rounds:
            print(
                f"  episodes per processor second {count / alone.training:.3f} and {count / watched.training:.3f} "
                f"({100 * (alone.training / watched.training - 1):+.1f} %); "
                f"wall {alone.wall:.1f} s and {watched.wall:.1f} s; "
                f"viewer {watched.viewer:.2f} s = {100 * watched.viewer / watched.training:.1f} % of the training's"
            )
        change = statistics.median(a.training / w.training - 1 for a, w in rounds)
        print(f"  median change of episodes per processor second {100 * change:+.1f} %")
    assert all(s.training > 0 for pair in rounds for s in pair)
