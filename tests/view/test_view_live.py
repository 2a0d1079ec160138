"""A run that is watched: its figures read on, its best layout followed, its policy asked; without a browser."""

from __future__ import annotations

import json
import math
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette", reason="the viewer's packages are not installed")

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.ppo.policyfile import shipped_policy
from floorplan.formats import write_plc
from floorplan.netlist import Placement
from floorplan.view import Guard, Session, make_app, open_path
from floorplan.view.curves import FIGURES, Curves, MetricsTail
from floorplan.view.live import LABEL, LiveRun, run_state
from floorplan.view.plc_files import plc_files
from floorplan.view.policy_maps import CHOICE, PolicyMaps
from tests.view.view_cases import PORT, TOKEN, Client, page_of, small

A, B = 1, 2


def line(**row: Any) -> bytes:
    return json.dumps(row).encode() + b"\n"


# -- the tail of metrics.jsonl ---------------------------------------------------------------------------------------


def test_rows_are_read_once_each_and_a_half_written_one_later(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    tail = MetricsTail(path)
    assert tail.read() == (False, [])
    path.write_bytes(line(step=1) + b'{"st')
    assert tail.read() == (False, [{"step": 1}])
    assert tail.read() == (False, [])
    with path.open("ab") as f:
        f.write(b'ep": 2}\n' + line(step=3))
    assert tail.read() == (False, [{"step": 2}, {"step": 3}])
    assert tail.bad == 0


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_however_a_file_grows_its_rows_come_whole_and_in_order(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    steps = data.draw(st.lists(st.integers(0, 10**6), max_size=12))
    text = b"".join(line(step=s, note="\u00b5" * (s % 5)) for s in steps)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    path = tmp_path_factory.mktemp("tail") / "metrics.jsonl"
    path.touch()
    tail, rows = MetricsTail(path), []
    for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        with path.open("ab") as f:
            f.write(text[begin:end])
        anew, more = tail.read()
        assert not anew
        rows += more
    assert [r["step"] for r in rows] == steps
    assert tail.bad == 0


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_passed_over_and_counted(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("tail") / "metrics.jsonl"
    path.write_bytes(data + b"\n" + line(step=7))
    tail = MetricsTail(path)
    _, rows = tail.read()
    assert rows[-1] == {"step": 7}
    assert len(rows) + tail.bad == sum(1 for part in (data + b"\n" + line(step=7)).split(b"\n") if part.strip())


@pytest.mark.parametrize("how", ["shorter", "replaced", "rewritten", "gone"])
def test_a_file_that_begins_anew_is_read_from_its_beginning(tmp_path: Path, how: str) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(line(step=1) + line(step=2))
    tail = MetricsTail(path)
    assert len(tail.read()[1]) == 2
    if how == "shorter":
        path.write_bytes(line(step=5))
    elif how == "replaced":
        other = tmp_path / "other"
        other.write_bytes(line(step=5) + line(step=6) + line(step=7))
        other.replace(path)
    elif how == "rewritten":  # in place, and longer than before
        path.write_bytes(line(step=5) + line(step=6) + line(step=7))
    else:
        path.unlink()
        assert tail.read() == (True, [])
        path.write_bytes(line(step=5))
        assert tail.read() == (False, [{"step": 5}])
        return
    anew, rows = tail.read()
    assert anew
    assert rows[0] == {"step": 5}


def test_a_line_without_an_end_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b"x" * (9 << 20) + b"\n" + line(step=1))
    tail, rows = MetricsTail(path), []
    for _ in range(4):
        rows += tail.read()[1]
    assert rows == [{"step": 1}]
    assert tail.bad >= 1


@given(count=st.integers(0, 700), limit=st.integers(4, 60))
@settings(max_examples=40, deadline=None)
def test_curves_are_thinned_evenly(count: int, limit: int) -> None:
    curves = Curves(limit)
    shown: list[Any] = []
    for step in range(count):
        stamp = curves.stamp
        kept = curves.add([{"step": step, "entropy": math.nan, "seconds": True, "best_proxy": "low"}])
        shown = curves.rows[:] if curves.stamp != stamp else shown + kept  # as a page does
    assert shown == curves.rows
    assert len(curves.rows) <= limit
    at = FIGURES.index("step")
    assert [r[at] for r in curves.rows] == [float(s) for s in range(0, count, curves.step)]
    if count:
        assert curves.last is not None
        assert curves.last[at] == count - 1
        assert {v for k, v in zip(FIGURES, curves.last, strict=True) if k != "step"} == {None}


# -- how a run stands ------------------------------------------------------------------------------------------------


def test_what_is_going_on_is_known_from_the_process() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = {"state": "running", "host": socket.gethostname()}
    assert run_state({**here, "pid": os.getpid()}, 0, 1e9) == "running"
    assert run_state({**here, "pid": ended.pid}, 1e9, 1e9) == "stopped"
    assert run_state({**here, "pid": 2**70}, 1e9, 1e9) == "running"  # nothing known against it
    there = {"state": "running", "host": "elsewhere", "pid": os.getpid()}
    assert run_state(there, 1e9 - 5, 1e9) == "running"
    assert run_state(there, 1e9 - 5000, 1e9) == "stopped"
    assert run_state({"state": "ended"}, 0, 0) == "ended"
    for odd in ({}, {"state": 3}, {"state": "???"}):
        assert run_state(odd, 0, 0) == "unknown"


# -- a run folder, as training writes it ------------------------------------------------------------------------------


@pytest.fixture
def run(two_macros: Path) -> Path:
    """A run on two macros that has begun: no placement yet."""
    opened = small(two_macros)
    folder = two_macros / "run"
    folder.mkdir()
    netlist, start = two_macros / "netlist.pb.txt", two_macros / "initial.plc"
    run = {"netlist": netlist, "placement": start, "netlist_hash": opened.problem.netlist.content_hash}
    config = "[run]\n" + "".join(f"{key} = {str(value)!r}\n" for key, value in run.items())
    (folder / "config.toml").write_text(config)
    return folder


def better(run: Path, session: Session, x_um: float) -> None:
    """Let the run find a best placement with the second macro at some x."""
    place(run, session, session.problem.initial.replace(x_um=np.array([0.0, 30.0, x_um])))


def place(run: Path, session: Session, placement: Placement) -> None:
    part = run / "part.tmp"
    write_plc(part, session.problem, placement)
    part.replace(run / "best.plc")


def advance(run: Path, **row: Any) -> None:
    with (run / "metrics.jsonl").open("ab") as f:
        f.write(line(**row))


def told(run: Path, state: str = "running", **more: Any) -> None:
    tree = {"state": state, "pid": os.getpid(), "host": socket.gethostname(), "began_unix_s": time.time(), **more}
    (run / "status.json").write_text(json.dumps(tree))


def watching(run: Path) -> tuple[LiveRun, Session, list[dict[str, Any]]]:
    session = Session(open_path(run))
    heard: list[dict[str, Any]] = []
    return LiveRun(run, session, heard.append, lambda: heard.append({"event": "renewed"})), session, heard


def at(session: Session) -> float:
    return float(session.placement.x_um[B])


def test_figures_and_state_reach_the_pages(run: Path) -> None:
    told(run, budget={"kind": "e", "amount": 40})
    advance(run, seconds=2.0, episodes=10, step=20, best_proxy=1.5, entropy=2.0, episodes_per_s=5.0)
    live, _, heard = watching(run)
    story = live.story()
    assert story["run"]
    assert len(story["rows"]) == 1
    status = story["status"]
    assert (status["state"], status["episodes"], status["best"]) == ("running", 10, 1.5)
    assert status["spent"] == pytest.approx(0.25)
    assert status["left_s"] == pytest.approx(3 * status["seconds"], abs=1)
    live.look()
    heard.clear()
    assert not live.look()  # nothing new is not told
    advance(run, seconds=4.0, episodes=20, step=40, best_proxy=1.25, entropy=1.0, episodes_per_s=5.0)
    assert live.look()
    (message,) = heard
    assert message["event"] == "run"
    assert message["stamp"] == story["stamp"]
    assert message["rows"][0][FIGURES.index("episodes")] == 20
    assert message["status"]["spent"] == pytest.approx(0.5)
    told(run, "ended", budget={"kind": "e", "amount": 40})
    heard.clear()
    live.look()
    assert [m["status"]["state"] for m in heard] == ["ended"]


def test_a_run_that_is_taken_back_to_a_checkpoint_is_drawn_anew(run: Path) -> None:
    for k in range(1, 4):
        advance(run, seconds=float(k), episodes=k)
    live, _, heard = watching(run)
    stamp = live.story()["stamp"]
    rows = (run / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    (run / "part.tmp").write_bytes(rows[0])
    (run / "part.tmp").replace(run / "metrics.jsonl")  # as `--resume` does
    live.look()
    assert heard[0]["stamp"] != stamp
    assert len(live.story()["rows"]) == 1


def test_the_page_goes_to_each_new_best_layout(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("floorplan.view.live._FOLLOW_EVERY_S", 0.0)
    live, session, heard = watching(run)
    assert at(session) == 70.0
    for x in (75.0, 65.0, 80.0):
        better(run, session, x)
        live.look()
        assert at(session) == x
    changed = [m for m in heard if m["event"] == "changed"]
    assert changed[-1]["version"] == session.version
    assert len(changed[-1]["frames"]) == len(session.frames) == 4
    assert all(f.label.startswith("best") for f in session.frames[1:])
    # one step back from the newest, however many there have been, is where it began
    assert session.history() == {"undo": LABEL, "redo": None, "steps": 1}
    session.undo()
    assert at(session) == 70.0


def test_not_more_often_than_a_person_can_see(run: Path) -> None:
    live, session, _ = watching(run)
    better(run, session, 75.0)
    live.look()
    better(run, session, 65.0)
    live.look()
    assert at(session) == 75.0
    assert live.status()["ahead"]
    live.follow(on=True)
    assert at(session) == 65.0


def test_what_a_person_has_moved_stays_until_the_newest_is_asked_for(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("floorplan.view.live._FOLLOW_EVERY_S", 0.0)
    live, session, _ = watching(run)
    session.move([B], [60.0], [20.0])
    better(run, session, 75.0)
    live.look()
    assert at(session) == 60.0
    assert live.status()["ahead"]
    live.follow(on=True)
    assert at(session) == 75.0
    session.undo()
    assert at(session) == 60.0
    live.follow(on=False)
    session.undo()
    better(run, session, 65.0)
    live.look()
    assert at(session) == 70.0


def test_a_best_layout_that_was_there_before_is_not_news(run: Path) -> None:
    first = Session(open_path(run))
    better(run, first, 75.0)
    live, session, _ = watching(run)
    assert at(session) == 75.0
    live.look()
    assert session.version == 0
    assert live.status()["has_best"]


def test_a_layout_that_is_found_while_the_viewer_starts_is_not_missed(run: Path) -> None:
    first = Session(open_path(run))
    better(run, first, 75.0)
    session = Session(open_path(run))
    better(run, session, 65.0)
    live = LiveRun(run, session, lambda _: None, lambda: None)
    live.look()
    assert at(session) == 65.0
    assert len(session.frames) == 3


def test_more_layouts_than_are_kept_as_frames_are_followed_all_the_same(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("floorplan.view.live._FOLLOW_EVERY_S", 0.0)
    monkeypatch.setattr("floorplan.view.follow.MAX_FRAMES", 1)
    live, session, _ = watching(run)
    for x in (75.0, 65.0, 80.0):
        better(run, session, x)
        live.look()
        assert at(session) == x
    assert len(session.frames) == 2


def test_a_damaged_best_layout_is_left_until_it_is_whole(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live, session, _ = watching(run)
    (run / "best.plc").write_bytes(b"\xff\x00 1 2")
    live.look()
    assert at(session) == 70.0
    better(run, session, 75.0)
    live.look()
    assert at(session) == 75.0


def test_macros_without_a_place_at_the_start_appear_with_the_first_layout(two_macros: Path, run: Path) -> None:
    opened = small(two_macros)
    on = np.array([True, False, False])
    write_plc(two_macros / "initial.plc", opened.problem, opened.problem.initial.replace(placed=on))
    live, session, heard = watching(run)
    assert not session.placement.placed[[A, B]].any()
    assert len(session.vector_nodes) == 1
    version, engine = session.version, session.cost().proxy
    place(run, session, opened.problem.initial)
    live.look()
    assert session.placement.placed.all()
    assert len(session.vector_nodes) == 3
    assert session.version > version
    assert session.cost().proxy != engine
    assert session.standing()["opened"]["proxy"] == session.cost().proxy
    assert heard[0] == {"event": "renewed"}
    session.move([B], [75.0], [50.0])
    assert session.standing()["cost"]["proxy"] != session.standing()["opened"]["proxy"]


def test_a_folder_that_is_no_run_has_frames_but_no_story(two_macros: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    session = Session(small(two_macros))
    heard: list[Any] = []
    live = LiveRun(folder, session, heard.append, lambda: None)
    better(folder, session, 75.0)
    live.look()
    assert at(session) == 70.0
    assert len(session.frames) == 3
    assert not live.story()["run"]
    assert [m["event"] for m in heard] == ["changed"]


def test_placements_are_found_below_a_folder_that_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("best.plc", "old/first.plc.xz", "gone.plc", ".part.plc", "new/.1.part/x.plc", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    real = Path.stat

    def stat(path: Path, **more: Any) -> os.stat_result:
        if path.name == "gone.plc":  # between its being listed and its being looked at
            raise FileNotFoundError(path)
        return real(path, **more)

    monkeypatch.setattr(Path, "stat", stat)
    found = {path.relative_to(tmp_path).as_posix(): state.st_size for path, state in plc_files(tmp_path)}
    assert found == {"best.plc": 8, "old/first.plc.xz": 16}
    assert list(plc_files(tmp_path / "nowhere")) == []


# -- addresses --------------------------------------------------------------------------------------------------------


def client_of(run: Path) -> Client:
    client = Client(Guard(make_app(Session(open_path(run)), run), TOKEN, PORT))
    assert client.get(f"/?token={TOKEN}").status_code == 200
    return client


def test_the_page_is_told_of_the_run(run: Path) -> None:
    advance(run, seconds=1.0, episodes=3)
    story = client_of(run).get("/api/run").json()
    assert story["run"]
    assert story["keys"] == list(FIGURES)
    assert story["status"]["state"] == "unknown"
    assert not story["policy_why_not"]


def test_what_is_no_run_says_so(two_macros: Path) -> None:
    page = page_of(Session(small(two_macros)))
    assert page.get("/api/run").json() == {"run": False, "policy_why_not": ""}
    assert page.post("/api/follow", {"follow": True}).status_code == 409


def test_following_is_switched_by_post_alone(run: Path) -> None:
    page = client_of(run)
    assert page.post("/api/follow", {"follow": False}).json()["following"] is False
    assert page.post("/api/follow", {"follow": 1}).status_code == 422
    assert page.get("/api/follow").status_code == 405
    assert page.post("/api/follow", {"follow": True}, {"origin": "http://evil.example"}).status_code == 403


def test_a_policy_is_asked_for_a_macro(two_macros: Path) -> None:
    page = page_of(Session(small(two_macros)))
    found = page.get(f"/api/policy?node={A}&state=refine").json()
    assert found["method"] == "linear"
    assert found["policy"].startswith("the shipped policy")
    assert len(found["top"]) == 5
    assert sum(s["share"] for s in found["shares"]) == pytest.approx(found["total"], abs=1e-3)
    assert all(s["says"] and s["means"] for s in found["shares"])
    chosen = np.frombuffer(page.get(f"/api/policy/map?node={A}&state=refine&name={CHOICE}").content, "<f4")
    assert chosen.shape == (100,)
    assert np.nansum(chosen) == pytest.approx(1, abs=1e-4)
    assert np.isfinite(chosen).sum() == found["legal"] < 100
    best = found["top"][0]
    assert chosen[best["row"] * 10 + best["column"]] == pytest.approx(best["probability"])
    name = found["shares"][0]["name"]
    part = np.frombuffer(page.get(f"/api/policy/map?node={A}&state=refine&name={name}").content, "<f4")
    assert part[best["row"] * 10 + best["column"]] == pytest.approx(found["shares"][0]["share"], abs=1e-4)
    assert np.nanmean(part) == pytest.approx(0, abs=1e-4)


def test_a_policy_that_is_named_is_the_one_that_is_asked(two_macros: Path, tmp_path: Path) -> None:
    shipped = shipped_policy()
    assert shipped is not None
    mine = tmp_path / "mine"
    mine.mkdir()
    shutil.copy(shipped, mine)
    page = Client(Guard(make_app(Session(small(two_macros)), None, mine), TOKEN, PORT))
    page.get(f"/?token={TOKEN}")
    assert page.get(f"/api/policy?node={A}&state=build").json()["policy"].startswith("policy mine")
    (mine / shipped.name).unlink()
    gone = page.get(f"/api/policy?node={A}&state=build")
    assert "no policy here" in gone.json()["why_not"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (f"node={A}", 400),
        (f"node={A}&state=up", 400),
        ("node=-1&state=build", 400),
        (f"node={A}&state=build&name=../../etc", 409),
        (f"node={A}&state=build&name=", 409),
    ],
)
def test_questions_that_make_no_sense_are_refused(two_macros: Path, query: str, status: int) -> None:
    page = page_of(Session(small(two_macros)))
    answer = page.get(f"/api/policy{'/map' if 'name' in query else ''}?{query}")
    assert answer.status_code == status
    assert answer.json()["error"]


def test_an_illegal_placement_has_no_refine_state_but_can_be_built(two_macros: Path) -> None:
    session = Session(small(two_macros))
    session.move([B], [45.0], [50.0])  # onto the other
    page = page_of(session)
    assert "legal" in page.get(f"/api/policy?node={A}&state=refine").json()["why_not"]
    assert page.get(f"/api/policy?node={B}&state=build").json()["legal"] > 0
    assert "no node" in page.get("/api/policy?node=99999&state=build").json()["why_not"]
    assert "no movable hard macro" in page.get("/api/policy?node=0&state=build").json()["why_not"]  # a port


def test_the_answer_follows_what_is_moved(two_macros: Path) -> None:
    session = Session(small(two_macros))
    maps = PolicyMaps(session, None)
    before = maps.explain(A, "refine")
    assert maps.explain(A, "refine") == before
    session.move([B], [75.0], [85.0])
    after = maps.explain(A, "refine")
    assert after["top"] != before["top"]
    session.undo()
    assert maps.explain(A, "refine") == before


def test_without_an_explaining_distribution_the_page_is_told_why(
    two_macros: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("floorplan.view.policy_maps.explains_policies", lambda: False)
    page = page_of(Session(small(two_macros)))
    assert "explains" in page.get("/api/run").json()["policy_why_not"]
    assert "explains" in page.get(f"/api/policy?node={A}&state=build").json()["why_not"]


def test_a_run_is_asked_as_it_was_trained(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(open_path(run))
    better(run, session, 75.0)
    session = Session(open_path(run))
    assert at(session) == 75.0
    assert float(PolicyMaps(session, run)._as_trained().initial.x_um[B]) == 70.0


def test_a_viewer_loads_no_policy_until_one_is_asked_for(two_macros: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from floorplan.view import Session, make_app, open_path;"
        f"make_app(Session(open_path(Path({str(two_macros / 'initial.plc')!r}))));"
        "print(*(m for m in sys.modules if m.split('.')[0] in ('torch', 'agents')))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout.strip()) == (0, ""), ended.stderr


def test_a_netlist_too_large_is_not_asked_about(two_macros: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("floorplan.view.policy_maps.LARGE_NODES", 2)
    assert "too large" in PolicyMaps(Session(replace(small(two_macros))), None).why_not
