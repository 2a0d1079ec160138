"""An agent at work shows its best placement: how often, what of it, and that it ends with the work."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the viewer's packages are not installed")

from floorplan.netlist import Placement
from floorplan.view import Session, make_app
from floorplan.view import improve as improve_module
from floorplan.view.improve import MAX_PATH, Improver, _Throttled
from tests.view.view_cases import page_of, small


@dataclass
class Clock:
    now: float = 0.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class Sent:
    """The sending end of a pipe, which takes its time."""

    clock: Clock
    takes_s: float = 0.0
    messages: list[tuple[float, dict[str, Any], Any]] = field(default_factory=list)

    def send(self, what: tuple[dict[str, Any], Any]) -> None:
        self.messages.append((self.clock.now, *what))
        if what[1] is not None:
            self.clock.now += self.takes_s


def progress(best: float, placement: object = None, **more: object) -> Any:
    told = {"spent_frac": 0.1, "seconds": 1.0, "proposals": 5, "note": "", "best": SimpleNamespace(proxy=best), **more}
    return SimpleNamespace(**told, **({} if placement is None else {"placement": placement}))


def run(monkeypatch: pytest.MonkeyPatch, takes_s: float, every_s: float = 0.05, seconds: float = 10.0) -> Sent:
    clock = Clock()
    monkeypatch.setattr(improve_module, "time", clock)
    sent = Sent(clock, takes_s)
    tell = _Throttled(sent)  # type: ignore[arg-type]  # as much of a connection as it uses
    best = 1.0
    while clock.now < seconds:
        best *= 0.999
        tell(progress(best, placement=best))
        clock.now += every_s
    return sent


def test_a_placement_comes_twice_a_second_and_its_cost_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = run(monkeypatch, 0.0)
    shown = [(t, m["best"], p) for t, m, p in sent.messages if p is not None]
    assert 15 <= len(shown) <= 20
    assert all(best == placement for _, best, placement in shown)
    assert len(sent.messages) > 2 * len(shown)  # figures come more often


def test_a_large_placement_comes_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = run(monkeypatch, 0.05, seconds=20.0)
    shown = [p for _, _, p in sent.messages if p is not None]
    assert len(shown) >= 2
    assert len(shown) * 0.05 <= 0.03 * 20.0  # a fiftieth of the agent's time


def test_the_same_best_is_not_shown_again_and_agents_without_one_are_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(improve_module, "time", clock)
    sent = Sent(clock)
    tell = _Throttled(sent)  # type: ignore[arg-type]  # as above
    for best, placement in ((0.9, "a"), (0.9, "b"), (0.8, "c"), (0.8, None), (0.7, None)):
        tell(progress(best, placement))
        clock.now += 1.0
    assert [p for _, _, p in sent.messages] == ["a", None, "c", None, None]


def test_the_page_gets_the_positions_while_the_agent_works_and_no_longer(two_macros: Path) -> None:
    session = Session(small(two_macros))
    app = make_app(session)
    client = page_of(session)
    assert client.get("/api/working").status_code == 204
    told: list[dict[str, Any]] = []
    finished: list[Placement] = []
    improver = Improver(told.append, lambda placement, _agent: finished.append(placement))
    source, out = Pipe(duplex=False)
    best = session.placement.replace(x_um=[0.0, 22.0, 77.0])
    out.send(({"state": "running", "best": 0.5, "seconds": 0.1}, None))
    out.send(({"state": "running", "best": 0.4, "seconds": 0.2}, best))
    out.send(({"state": "running", "best": 0.4, "seconds": 0.3}, None))
    seen: list[Placement | None] = []

    def tell(message: dict[str, Any]) -> None:
        told.append(message)
        seen.append(improver.shown)
        if len(told) == 3:
            out.send(({"state": "done", "best": 0.4, "seconds": 1.0}, best))
            out.close()

    improver._tell = tell
    improver._watch(SimpleNamespace(join=lambda: None), source, "made")  # type: ignore[arg-type]  # a process that is over
    assert [m.get("layout") for m in told] == [0, 1, 1, None]
    assert seen[0] is None
    assert seen[1] is not None
    assert seen[1].x_um.tolist() == [0.0, 22.0, 77.0]
    assert improver.shown is None
    assert len(finished) == 1
    assert [label for label, _ in improver.path] == ["made after 0.2 s: 0.4000"]
    app.state.close()


@pytest.mark.parametrize("count", [0, 5, MAX_PATH, MAX_PATH + 1, 1000])
def test_a_long_search_is_kept_in_even_steps(two_macros: Path, count: int) -> None:
    placement = small(two_macros).problem.initial
    improver = Improver(lambda _: None, lambda *_: None)
    for k in range(count):
        improver._note(str(k), placement)
    kept = [int(label) for label, _ in improver.path]
    assert min(count, MAX_PATH // 2) <= len(kept) <= MAX_PATH
    assert len({b - a for a, b in itertools.pairwise(kept)}) <= 1
    assert kept[:1] == [0][:count]
    assert count - 1 - kept[-1] < kept[1] if len(kept) > 1 else True


def test_positions_of_the_best_so_far(two_macros: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(small(two_macros))
    best = session.placement.replace(x_um=[0.0, 22.0, 77.0])
    at_work = SimpleNamespace(shown=best, last={"state": "running"})
    monkeypatch.setattr("floorplan.view.server.Improver", lambda *_: at_work)
    answer = page_of(session).get("/api/working")
    assert answer.status_code == 200
    assert answer.content == session.positions(session.vector_nodes, best)
