"""A tiny design, a suite on it, and a distribution of stand-in agents, installed as any other would be."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

AGENTS = '''
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from agents.base import BudgetClock, Result
from floorplan.cost import Cost, CostEngine, CostOptions
from floorplan.netlist import check_legality


@dataclass(frozen=True)
class Settings:
    shift_um: float = 0.0
    cost: CostOptions = field(default_factory=CostOptions)


class Stand:
    """Puts macro b at x = 70 - seed - shift, or does what `mode` says."""

    name = "stand"

    def __init__(
        self, mode: str = "good", only_seed: int = -1, settings: Settings | None = None, note: Path | None = None,
        policy: str | Path = "none",
    ):
        self.mode, self.only_seed, self.settings, self.note = mode, only_seed, settings or Settings(), note
        if mode == "refuse":
            raise ValueError("mode refuse is refused")

    def place(self, problem, budget, seed, progress=None):
        if problem.netlist.name == "warm_up":
            return None
        mode = self.mode if self.only_seed in (-1, seed) else "good"
        if mode == "raise":
            raise RuntimeError("no <luck> | today")
        if mode == "exit":
            sys.exit(7)
        if mode == "crash":
            os._exit(9)
        if mode == "hang":
            self.note.write_text(str(os.getpid()))
            time.sleep(600)
        if mode == "interrupt":
            raise KeyboardInterrupt
        print("noise on stdout")
        clock = BudgetClock(budget)
        engine = CostEngine(problem, self.settings.cost)
        x = problem.initial.x_um.copy()
        for step, off in enumerate((10.0, 5.0, 0.0)):
            x[2] = 40.0 if mode == "illegal" else 70.0 - seed - self.settings.shift_um + off
            placement = problem.initial.replace(x_um=x)
            cost = engine.full(placement)
            clock.proposals += 10
            if progress is not None:
                progress(clock.progress(cost))
        if mode == "liar":
            cost = Cost(0.0, 0.0, 0.0, 0.01, 0.0)
        return Result(placement, cost, check_legality(problem, placement), clock.proposals, 3, clock.seconds)
'''

SUITE = """
name = "tiny"
seeds = [0, 1]
budgets = ["100p"]

[[designs]]
name = "two"
netlist = "design/netlist.pb.txt"

[[agents]]
label = "stand"
agent = "stand"
"""


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the agent `stand` for this process and for those that it starts."""
    site = tmp_path / "site"
    info = site / "stand_agents-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "stand_agents.py").write_text(AGENTS)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stand-agents\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[floorplan.agents]\nstand = stand_agents:Stand\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.delitem(sys.modules, "stand_agents", raising=False)


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every lower bound 0.1 / 0.2 / 0.3 and the proxy's 0.35."""
    parts = {"wirelength": 0.1, "density": 0.2, "congestion": 0.3, "proxy": 0.35}
    made = types.ModuleType("floorplan.bound")
    made.lower_bound = lambda _problem, _options: types.SimpleNamespace(**parts)  # type: ignore[attr-defined]  # stand-in
    monkeypatch.setitem(sys.modules, "floorplan.bound", made)


@pytest.fixture
def write_suite(tmp_path: Path, two_macros: Path, stand: None, bound: None) -> Callable[..., Path]:
    """Return a function that writes the design and a suite on it, some of its text replaced or added."""
    (tmp_path / "design").mkdir()
    for name in ("netlist.pb.txt", "initial.plc"):
        (two_macros / name).rename(tmp_path / "design" / name)

    def write(more: str = "", replace: tuple[str, str] = ("", "")) -> Path:
        assert replace[0] in SUITE
        path = tmp_path / "suite.toml"
        path.write_text((SUITE.replace(*replace) if replace[0] else SUITE) + more)
        return path

    return write
