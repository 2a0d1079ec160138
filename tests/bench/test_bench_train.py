"""Training speed on a real netlist; run with `make bench`. Nothing here fails on a clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.base import Budget
from agents.ppo.config import load_config
from agents.ppo.progress import QuietReporter
from agents.ppo.runfolder import RunFolder
from agents.ppo.trainer import Trainer
from floorplan.formats import read_problem

pytestmark = pytest.mark.bench


@pytest.mark.parametrize(("preset", "updates"), [("default", 6), ("alphachip", 1)])
def test_episodes_per_second_on_ariane133(
    benchmarks: Path, tmp_path: Path, preset: str, updates: int, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = benchmarks / "ct" / "NanGate45_ariane133"
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / "legalized.plc.xz")
    config = load_config(preset)
    tmp_path.joinpath("run").mkdir()
    trainer = Trainer(problem, config, 0, RunFolder(tmp_path / "run"), QuietReporter())
    trainer.start()
    trainer.run(Budget.parse(f"{updates * config.ppo.num_envs}e"))
    rows = trainer.folder.read_metrics()
    rows = rows[1:] or rows  # the first update pays for compiling
    episodes = config.ppo.num_envs * len(rows)
    collect, learn = sum(r["collect_s"] for r in rows), sum(r["learn_s"] for r in rows)
    with capsys.disabled():
        print(
            f"\n{preset}: {episodes / (collect + learn):.2f} episodes/s collected and learned (goal 4); "
            f"collect {collect / episodes * 1e3:.0f} ms, learn {learn / episodes * 1e3:.0f} ms an episode"
        )
    assert trainer.counters.episodes == updates * config.ppo.num_envs
