"""The state behind the page: exact costs of moves, undo and redo, pins, spots, names, nets, events."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("starlette", reason="the viewer's packages are not installed")

from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.cost import CostEngine
from floorplan.errors import FloorplanError, ProblemError
from floorplan.formats import read_plc, write_plc
from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem, Side, check_legality
from floorplan.view import Session, open_path
from floorplan.view.events import Events
from floorplan.view.follow import Follower
from floorplan.view.improve import Improver, agents_offered
from floorplan.view.names import NameIndex, NetIndex
from floorplan.view.source import Frame, Opened
from floorplan.view.spot import SpotRules
from floorplan.view.told import about_node, page_scene, plc_of
from tests.view.view_cases import page_of, small

A, B = 1, 2


@pytest.fixture
def session(two_macros: Path) -> Session:
    return Session(small(two_macros))


def exact(session: Session, placement: Placement) -> float:
    return CostEngine(session.problem).full(placement).proxy


def test_a_proposal_costs_what_the_engine_says_and_moves_nothing(session: Session) -> None:
    before = session.placement
    told = session.propose(A, 20.0, 70.0)
    x, y = before.x_um.copy(), before.y_um.copy()
    x[A], y[A] = 20.0, 70.0
    assert told["cost"]["proxy"] == pytest.approx(exact(session, before.replace(x, y)), abs=1e-12)
    assert told["from"]["proxy"] == pytest.approx(exact(session, before), abs=1e-12)
    assert told["wrong"] == []
    assert (session.placement.x_um == before.x_um).all()
    assert session.version == 0


def test_a_proposal_onto_another_macro_says_what_is_wrong(session: Session) -> None:
    assert session.propose(A, 65.0, 50.0)["wrong"] == ["overlap of a and b by 15 um"]
    assert session.propose(A, 5.0, 50.0)["wrong"] == ["outside of a by 5 um"]


def test_undo_and_redo_restore_positions_and_cost_to_the_last_bit(session: Session) -> None:
    states = [(session.placement, session.cost())]
    for k in range(4):
        session.move([A, B], [30.0 + k, 71.0 + k], [40.0, 60.0 + k], [0, k])
        states.append((session.placement, session.cost()))
        assert session.cost().proxy == exact(session, session.placement)
    for placement, cost in states[-2::-1]:
        assert session.undo()
        assert session.cost() == cost
        assert (session.placement.x_um == placement.x_um).all()
        assert (session.placement.orient == placement.orient).all()
    assert not session.undo()
    for placement, cost in states[1:]:
        assert session.redo()
        assert session.cost() == cost
        assert (session.placement.y_um == placement.y_um).all()
    assert not session.redo()


def test_a_new_move_forgets_what_was_undone(session: Session) -> None:
    session.move([A], [31.0], [50.0])
    session.undo()
    session.move([A], [32.0], [50.0])
    assert not session.redo()
    assert session.history() == {"undo": "move a", "redo": None, "steps": 1}


def test_what_is_fixed_or_pinned_stays(session: Session) -> None:
    session.pin([A], pinned=True)
    for node in (0, A):
        with pytest.raises(ProblemError, match=r"fixed|pinned"):
            session.move([node], [10.0], [10.0])
        with pytest.raises(ProblemError, match=r"fixed|pinned"):
            session.propose(node, 10.0, 10.0)
    assert session.task().fixed[A]
    session.pin([A], pinned=False)
    session.move([A], [31.0], [50.0])
    assert not session.task().fixed[A]


def test_an_agents_placement_is_one_step_and_starts_from_what_is_there(session: Session) -> None:
    session.move([A], [31.0], [50.0])
    task = session.task()
    assert task.initial.x_um[A] == 31.0
    moved = task.initial.replace(x_um=[0.0, 20.0, 80.0])
    assert session.take_over(moved, "improve") == 2
    assert session.cost().proxy == exact(session, moved)
    session.undo()
    assert session.placement.x_um[A] == 31.0


def test_standing_names_the_rules_that_are_broken(two_macros: Path) -> None:
    session = Session(open_path(two_macros / "overlap.plc"))
    standing = session.standing()
    assert not standing["legal"]
    assert standing["violations"][0]["nodes"] == [A, B]
    assert standing["violations"][0]["amount_um"] == pytest.approx(5.0)


def test_export_reads_back(session: Session, tmp_path: Path) -> None:
    session.move([A], [31.5], [50.25])
    (tmp_path / "out.plc").write_bytes(plc_of(session))
    back = read_plc(tmp_path / "out.plc", session.problem.netlist)
    assert back.placement.x_um[A] == 31.5
    assert float(back.header["Wirelength cost"]) == session.cost().wirelength


def test_an_incomplete_placement_is_shown_and_costed(two_macros: Path) -> None:
    opened = small(two_macros)
    start = opened.problem.initial.replace(placed=[True, True, False])
    session = Session(Opened("x", opened.problem.replace(initial=start), (Frame("x", start),)))
    assert session.live() is None
    assert page_scene(session)["counts"]["unplaced"] == 1
    told = session.propose(A, 20.0, 70.0)
    x, y = start.x_um.copy(), start.y_um.copy()
    x[A], y[A] = 20.0, 70.0
    assert told["cost"]["proxy"] == exact(session, start.replace(x, y))
    with pytest.raises(ProblemError, match="no place"):
        session.propose(B, 20.0, 70.0)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_spot_is_judged_as_the_whole_placement_is(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    n = data.draw(st.integers(1, 8))
    b = NetlistBuilder("spots")
    b.add_port("in", Side.LEFT)
    for k in range(n):
        b.add_macro(f"m{k}", float(rng.integers(2, 20)), float(rng.integers(2, 20)))
        b.add_pin(f"m{k}/i", f"m{k}")
    b.add_net("in", ["m0/i"])
    x, y = (np.concatenate([[0.0], rng.integers(0, 61, n) * 1.0]) for _ in range(2))
    orient = np.concatenate([[0], rng.integers(0, 8, n)]).astype(np.uint8)
    halo = np.concatenate([np.zeros((1, 4)), rng.integers(0, 3, (n, 4)) * data.draw(st.sampled_from([0.0, 1.5]))])
    start = Placement(x, y, orient, np.ones(n + 1, np.bool_))
    spacing = data.draw(st.sampled_from([0.0, 2.0]))
    problem = Problem(b.build(), Canvas(60, 60, 6, 6, 1, 1), start, macro_spacing_um=spacing, halo_um=halo)
    node = data.draw(st.integers(1, n))
    move = (node, float(rng.integers(0, 61)), float(rng.integers(0, 61)), int(rng.integers(0, 8)))
    found = SpotRules(problem).wrong_with(x, y, orient, start.placed, move)
    x[node], y[node], orient[node] = move[1:]
    whole = check_legality(problem, Placement(x, y, orient, start.placed)).violations
    name = problem.netlist.node_name[node]
    assert {str(v) for v in found} == {str(v) for v in whole if name in v.nodes}


def test_names_are_found_by_their_words_in_any_case_macros_first(session: Session) -> None:
    b = NetlistBuilder("names")
    b.add_port("core/clk", Side.LEFT)
    for name in ("Core/RAM[1]/mem", "core/ram[2]/mem", "other"):
        b.add_macro(name, 1.0, 1.0)
    index = NameIndex(b.build())
    assert index.search("CORE mem") == ([1, 2], False)
    assert index.search("core") == ([1, 2, 0], False)
    assert index.search("core", limit=2) == ([1, 2], True)
    assert index.search("ram[2]") == ([2], False)
    assert index.search("core\nother") == ([], False)
    assert index.search("  ") == ([], False)
    assert index.search("x" * 10_000) == ([], False)


def test_neighbours_are_the_ends_of_a_nodes_nets(session: Session) -> None:
    nets = NetIndex(session.problem.netlist)
    assert nets.nets_of(A).tolist() == [0, 1]
    assert nets.neighbours(A) == [{"node": B, "nets": 1, "weight": 3.0}, {"node": 0, "nets": 1, "weight": 1.0}]
    about = about_node(session, A)
    assert (about["name"], about["nets"], about["pins"]) == ("a", 2, 2)


def test_every_page_hears_what_happens() -> None:
    async def run() -> list[list[dict[str, object]]]:
        events = Events()

        async def read() -> list[dict[str, object]]:
            return [json.loads(c.split(b"data: ")[1]) async for c in events.stream({"event": "hello"})]

        readers = [asyncio.create_task(read()) for _ in range(2)]
        await asyncio.sleep(0.01)
        await asyncio.to_thread(events.tell, {"event": "changed"})
        await asyncio.sleep(0.01)
        events.close()
        return list(await asyncio.gather(*readers))

    assert asyncio.run(run()) == [[{"event": "hello"}, {"event": "changed"}]] * 2


def test_the_api_moves_pins_undoes_and_takes_over(session: Session) -> None:
    page = page_of(session)
    start = session.cost().proxy
    moved = page.post("/api/move", {"node": [A], "x_um": [20.0], "y_um": [70.0]}).json()
    assert moved["version"] == 1
    assert moved["cost"]["proxy"] == exact(session, session.placement)
    assert moved["opened"]["proxy"] == start
    assert page.post("/api/undo", {}).json()["cost"]["proxy"] == start
    assert page.post("/api/redo", {}).json()["cost"]["proxy"] == moved["cost"]["proxy"]
    page.post("/api/pin", {"node": [A], "pinned": True})
    refused = page.post("/api/move", {"node": [A], "x_um": [1.0], "y_um": [1.0]})
    assert (refused.status_code, refused.json()) == (409, {"error": "a is pinned; unpin it first"})
    page.post("/api/pin", {"node": [A], "pinned": False})
    taken = page.post("/api/take", {"frame": 1}).json()
    assert not taken["legal"]
    assert page.post("/api/take", {"frame": 9}).status_code == 404


def test_an_unknown_agent_or_budget_is_refused(session: Session) -> None:
    page = page_of(session)
    assert page.post("/api/improve", {"agent": "nobody", "budget": "5s"}).status_code == 409
    agent = agents_offered()[0]
    assert page.post("/api/improve", {"agent": agent, "budget": "5 parsecs"}).status_code == 409
    assert page.get("/api/agents").json()["last"] == {"state": "idle"}
    assert page.post("/api/stop", {}).json() == {"stopped": False}


def test_a_run_folder_is_its_best_placement_and_a_frame_for_each(two_macros: Path, tmp_path: Path) -> None:
    problem = small(two_macros).problem
    run = tmp_path / "run"
    run.mkdir()
    config = f'[run]\nnetlist = "{two_macros / "netlist.pb.txt"}"\nnetlist_hash = "{problem.netlist.content_hash}"\n'
    (run / "config.toml").write_text(config)
    write_plc(run / "best.plc", problem, problem.initial.replace(x_um=[0.0, 25.0, 75.0]))
    write_plc(run / "step1.plc", problem, problem.initial.replace(x_um=[0.0, 28.0, 72.0]))
    opened = open_path(run)
    assert [f.label for f in opened.frames] == ["start", "step1.plc", "best"]
    assert opened.problem.initial.x_um[A] == 25.0
    (run / "config.toml").write_text(config.replace(problem.netlist.content_hash, "0" * 64))
    with pytest.raises(FloorplanError, match="hash differs"):
        open_path(run)
    (run / "config.toml").write_text('[run]\npool = "many"\n')
    with pytest.raises(ProblemError, match="many netlists"):
        open_path(run)


def test_a_placement_finds_its_netlist_and_says_so_where_there_is_none(two_macros: Path, tmp_path: Path) -> None:
    assert open_path(two_macros / "overlap.plc").problem.initial.x_um[B] == 45.0
    alone = tmp_path / "elsewhere"
    alone.mkdir()
    (alone / "overlap.plc").write_bytes((two_macros / "overlap.plc").read_bytes())
    with pytest.raises(FloorplanError, match="--netlist"):
        open_path(alone / "overlap.plc")
    assert open_path(alone / "overlap.plc", two_macros / "netlist.pb.txt").problem.netlist.num_nodes == 3
    assert open_path(two_macros / "netlist.pb.txt").problem.initial.x_um[B] == 70.0


def test_an_episode_adds_a_frame_for_each_macro_and_replaces_the_last_one(session: Session) -> None:
    before = len(session.frames)
    for _ in range(2):
        first, end = session.episode()
        assert (first, end) == (before, before + 3)
    placed = [int(f.placement.placed[[A, B]].sum()) for f in session.frames[first:end]]
    assert placed == [0, 1, 2]
    assert session.frame_cost(end - 1) == session.cost()


def test_trouble_names_the_nets_and_cells_that_cost_most(session: Session) -> None:
    told = page_of(session).get("/api/trouble").json()
    hpwl = CostEngine(session.problem).net_hpwl_um(session.placement)
    assert told["nets"][0]["hpwl_um"] == pytest.approx(float(hpwl[1]))
    assert set(told["nets"][0]["nodes"]) == {A, B}
    densest = CostEngine(session.problem).maps(session.placement).density.max()
    assert told["cells"][0]["value"] == pytest.approx(float(densest))
    assert {c["map"] for c in told["cells"]} == {"density", "h_congestion", "v_congestion"}
    assert told["cells"][0]["nodes"]


def test_a_run_that_goes_on_brings_its_new_placements(session: Session, two_macros: Path, tmp_path: Path) -> None:
    told: list[dict[str, object]] = []
    follower = Follower(tmp_path, session, told.append)
    write_plc(tmp_path / "best.plc", session.problem, session.placement.replace(x_um=[0.0, 25.0, 75.0]))
    assert follower.look() == 1
    assert follower.look() == 0
    assert session.frames[-1].placement.x_um[A] == 25.0
    assert told[-1]["frames"] == [f.label for f in session.frames]
    (tmp_path / "half.plc").write_text("# Columns : 1")  # being written, or damaged
    (tmp_path / "metrics.jsonl").write_text("")
    assert follower.look() == 0
    write_plc(tmp_path / "best.plc", session.problem, session.placement.replace(x_um=[0.0, 26.0, 75.0]))
    assert follower.look() == 1
    assert [f.label for f in session.frames[-2:]] == ["best.plc", "best.plc (2)"]


def test_an_agent_ends_with_its_best_when_it_is_asked_to_stop(session: Session) -> None:
    told: list[dict[str, object]] = []
    handed: list[tuple[Placement, str]] = []
    improver = Improver(told.append, lambda placement, agent: handed.append((placement, agent)))
    improver.start(session.task(), "anneal", "600s", 0)
    with pytest.raises(FloorplanError, match="at work already"):
        improver.start(session.task(), "anneal", "1s", 0)
    end = time.monotonic() + 60
    while not any(t.get("best") is not None for t in told) and time.monotonic() < end:
        time.sleep(0.05)
    assert improver.stop()
    while improver.busy and time.monotonic() < end:
        time.sleep(0.05)
    while told[-1]["state"] == "running" and time.monotonic() < end:
        time.sleep(0.05)
    assert told[-1]["state"] == "done"
    assert handed[0][1] == "anneal"
    assert check_legality(session.problem, handed[0][0]).legal
    assert not improver.stop()
