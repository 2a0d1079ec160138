"""`floorplan place` against agents that do what their names say, found through made-up entry points."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import ClassVar

import pytest

from agents.base import Agent, Budget, BudgetClock, Progress, Result
from floorplan import plugins
from floorplan.cli.main import main
from floorplan.cost import CostEngine
from floorplan.errors import InfeasibleProblemError
from floorplan.formats import read_plc, read_problem
from floorplan.netlist import Placement, Problem, check_legality

Report = Callable[[Progress], None] | None


def _result(problem: Problem, placement: Placement) -> Result:
    cost = CostEngine(problem).full(placement)
    return Result(placement, cost, check_legality(problem, placement), 2, 1, 0.5)


class Keeps:
    """Hands the initial placement back."""

    name = "keeps"

    def __init__(self, policy: Path | None = None, twice: int = 1) -> None:
        self.policy = policy
        self.twice = twice

    def place(self, problem: Problem, budget: Budget, seed: int, progress: Report = None) -> Result:
        if progress is not None:
            progress(Progress(1.0, 0.5, 2, 1))
        made = _result(problem, problem.initial)
        return replace(made, episodes=self.twice)


class Stacks:
    """Puts every node on one spot."""

    name = "stacks"

    def place(self, problem: Problem, budget: Budget, seed: int, progress: Report = None) -> Result:
        x = problem.initial.x_um.copy()
        x[problem.movable_hard] = 50.0
        return _result(problem, problem.initial.replace(x_um=x))


class Learner:
    """Notes what it was asked to place, and hands the initial placement back."""

    name = "learner"
    warm_up = "70p"
    asked: ClassVar[list[tuple[str, str]]] = []

    def place(self, problem: Problem, budget: Budget, seed: int, progress: Report = None) -> Result:
        self.asked.append((problem.netlist.name, str(budget)))
        if problem.netlist.name == "warm_up":
            raise RuntimeError("too small for me")
        return _result(problem, problem.initial)


class GivesUp:
    """Finds nothing."""

    name = "gives-up"

    def place(self, problem: Problem, budget: Budget, seed: int, progress: Report = None) -> Result:
        raise InfeasibleProblemError("macro 'a' fits nowhere")


class Interrupted:
    """Is stopped by Ctrl-C."""

    name = "interrupted"

    def place(self, problem: Problem, budget: Budget, seed: int, progress: Report = None) -> Result:
        raise KeyboardInterrupt


class Patient:
    """Spends its budget and hands the initial placement back; the user presses Ctrl-C meanwhile."""

    name = "patient"

    def place(self, problem: Problem, budget: Budget, seed: int, progress: Report = None) -> Result:
        clock = BudgetClock(Budget.parse("1h"))
        os.kill(os.getpid(), signal.SIGINT)
        while not clock.spent:
            time.sleep(0.01)
        return _result(problem, problem.initial)


AGENTS = (Keeps, Stacks, Learner, GivesUp, Interrupted, Patient)


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [EntryPoint(c.name, f"{__name__}:{c.__name__}", "") for c in AGENTS]
    groups = {
        plugins.AGENTS_GROUP: made,
        plugins.CONTRACTS_GROUP: [EntryPoint("budget", "agents.base:Budget.parse", "")],
        plugins.COMMANDS_GROUP: [EntryPoint("count", f"{__name__}:count", "")],
    }
    monkeypatch.setattr(plugins, "entry_points", lambda group: groups[group])


def count(argv: list[str]) -> int:
    """Return the number of arguments as the exit code."""
    return len(argv)


def place(folder: Path, *args: str) -> int:
    netlist, out = str(folder / "netlist.pb.txt"), str(folder / "out.plc")
    return main(["place", netlist, "--out", out, "--budget", "1e", *args])


def test_the_doubles_are_agents() -> None:
    assert isinstance(Keeps(), Agent)


def test_the_result_is_written_and_said(two_macros: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert place(two_macros, "--agent", "keeps", "--seed", "7", "--json") == 0
    got = json.loads(capsys.readouterr().out)
    assert got["legal"] is True
    assert got["wirelength_um"] == pytest.approx(150.0)
    assert (got["agent"], got["seed"], got["budget"]) == ("keeps", 7, "1e")
    assert (got["seconds"], got["proposals"], got["episodes"]) == (0.5, 2, 1)

    problem = read_problem(two_macros / "netlist.pb.txt")
    written = read_plc(two_macros / "out.plc", problem.netlist)
    assert written.placement.x_um.tolist() == [0.0, 30.0, 70.0]
    assert float(written.header["Wirelength cost"]) == got["wirelength"]

    assert main(["evaluate", str(two_macros / "netlist.pb.txt"), str(two_macros / "out.plc"), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert {k: again[k] for k in ("proxy", "wirelength", "density", "congestion")} == {
        k: got[k] for k in ("proxy", "wirelength", "density", "congestion")
    }


@pytest.mark.parametrize(("agent", "cause"), [("stacks", "overlap of a and b"), ("gives-up", "fits nowhere")])
def test_no_legal_result_is_exit_3_and_writes_nothing(
    two_macros: Path, capsys: pytest.CaptureFixture[str], agent: str, cause: str
) -> None:
    assert place(two_macros, "--agent", agent) == 3
    said = capsys.readouterr()
    assert cause in said.err
    assert said.out == ""
    assert not (two_macros / "out.plc").exists()


def test_agents_compile_before_a_clock_starts(two_macros: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Learner, "asked", [])
    name = read_problem(two_macros / "netlist.pb.txt").netlist.name
    assert place(two_macros, "--agent", "learner", "--budget", "2s") == 0
    assert Learner.asked == [("warm_up", "70p"), ("warm_up", "0.3s"), (name, "2s")]
    Learner.asked.clear()
    assert place(two_macros, "--agent", "learner", "--budget", "20p") == 0
    assert Learner.asked == [(name, "20p")]  # a count of proposals is the same however long they take


def test_ctrl_c_is_exit_130_and_leaves_files_as_they_were(two_macros: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (two_macros / "out.plc").write_text("precious")
    assert place(two_macros, "--agent", "interrupted") == 130
    assert (two_macros / "out.plc").read_text() == "precious"
    assert capsys.readouterr().out == ""


def test_ctrl_c_ends_the_search_and_writes_the_best_so_far(
    two_macros: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGINT)
    assert place(two_macros, "--agent", "patient", "--json") == 130
    assert json.loads(capsys.readouterr().out)["legal"] is True
    assert (two_macros / "out.plc").exists()
    assert signal.getsignal(signal.SIGINT) is before
    assert place(two_macros, "--agent", "keeps") == 0  # the wish to stop does not outlive its run


def test_options_reach_the_agent(two_macros: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert place(two_macros, "--agent", "keeps", "--set", "twice=2", "--json") == 0
    assert json.loads(capsys.readouterr().out)["episodes"] == 2
    assert place(two_macros, "--agent", "keeps", "--policy", "run", "--set", "twice=3", "--json") == 0
    assert json.loads(capsys.readouterr().out)["episodes"] == 3


@pytest.mark.parametrize(
    ("args", "cause"),
    [
        (["--agent", "keeps", "--set", "thrice=1"], "--set thrice: unknown option; known: policy, twice"),
        (["--agent", "keeps", "--set", "twice=often"], "--set twice: Input should be a valid integer"),
        (["--agent", "keeps", "--set", "twice"], "--set takes KEY=VALUE, got 'twice'"),
        (["--agent", "keeps", "--set", "a=1", "--set", "a.b=1"], "a has a value already"),
        (
            ["--agent", "nobody"],
            "unknown agent 'nobody'; known: gives-up, interrupted, keeps, learner",
        ),
        (["--agent", "keeps", "--budget", "soon"], "budget 'soon'"),
        (["--agent", "stacks", "--policy", "run"], "takes no policy"),
        (["--agent", "keeps", "--placement", "missing.plc"], "missing.plc"),
        (["--agent", "keeps", "--out", "no/such/folder/o.plc"], "no/such/folder"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    two_macros: Path, capsys: pytest.CaptureFixture[str], args: list[str], cause: str
) -> None:
    assert place(two_macros, *args) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert cause in said.err


def test_policy_reaches_an_agent_that_takes_one(two_macros: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert place(two_macros, "--agent", "keeps", "--policy", "run", "--quiet", "--json") == 0
    assert json.loads(capsys.readouterr().out)["agent"] == "keeps"


def test_verbs_of_other_distributions_get_their_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["count", "a", "--b"]) == 2
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    assert "count" in capsys.readouterr().out
