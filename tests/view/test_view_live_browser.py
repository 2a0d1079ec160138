"""A training run in a real browser: curves, new layouts, restarts, and where its policy wants a macro."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

pytest.importorskip("starlette", reason="the viewer's packages are not installed")

from floorplan.cost import CostEngine
from floorplan.formats import read_plc, read_problem, write_plc
from tests.agents.ppo_cases import TINY, write_tiny
from tests.view.browser_cases import ROOT, Screen, browser, free_port, screen, until, viewer

pytestmark = pytest.mark.slow  # a browser and a training have to start


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as started:
        yield started


@contextmanager
def training(folder: Path, port: int, *, resume: bool = False) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Train on six macros, watched; yield the address and the process."""
    run = folder / "run"
    preset = folder / "tiny.toml"
    preset.write_text(tomli_w.dumps({**TINY, "env": {"soft_placer": "none"}, "checkpoint_every_s": 1}))
    begin = ["--netlist", str(write_tiny(folder)), "--preset", str(preset), "--out", str(run)]
    command = [sys.executable, "train.py", *(["--resume", str(run)] if resume else begin), "--budget", "1h", "--quiet"]
    process = subprocess.Popen(
        [*command, "--live", "--no-browser", "--live-port", str(port)],
        cwd=ROOT,
        env=os.environ | {"XDG_STATE_HOME": str(folder)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        found = None
        for line in process.stderr:
            found = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", line)
            if found:
                break
        assert found is not None, "no address"
        yield found[0], process
    finally:
        process.terminate()
        process.wait(60)


def clean(page: Screen, url: str, *, away: bool = False) -> None:
    """Nothing went wrong on the page, but that the server was away for a while where that was so."""
    wrong = [w for w in page.wrong if not (away and "ERR_CONNECTION_REFUSED" in w)]
    wrong = [w for w in wrong if not (away and "ERR_INCOMPLETE_CHUNKED_ENCODING" in w)]
    assert wrong == []
    assert page.hosts == {url.split("/")[2]}


def shot(page: Screen, name: str) -> None:
    folder = os.environ.get("FLOORPLAN_SCREENSHOTS")
    if folder:
        page.page.screenshot(path=str(Path(folder) / f"live-{name}.png"))


def test_a_run_is_watched_through_reload_kill_and_resume(chrome: Any, tmp_path: Path) -> None:
    port = free_port()
    with screen(chrome) as page:
        with training(tmp_path, port) as (url, process):
            page.page.goto(url)
            page.ready()
            page.wait("app.live.rows.length > 4")
            assert page.page.locator("#run-state").inner_text() == "Training"
            large = page.page.locator("#run-curves figure.large")
            assert "best" in large.inner_text()
            assert large.locator("path.best").get_attribute("d").count("H") > 2  # steps
            assert large.locator("path.mean").get_attribute("d").count("L") > 2
            titles = page.page.locator("#run-curves figcaption").all_inner_texts()
            assert [any(t.startswith(w) for t in titles) for w in ("Entropy", "Value loss", "Episodes/s")] == [True] * 3
            facts = page.page.locator("#run-facts").inner_text()
            assert "episodes/s" in facts
            assert "left" in facts

            # a new best layout comes by itself, and is the one in the run's folder
            until(lambda: page.js("app.standing.cost.proxy") == pytest.approx(best(tmp_path / "run"), abs=1e-9), "best")
            shot(page, "curves")
            episodes = page.js("app.live.status.episodes")
            page.page.reload()
            page.ready()
            page.wait(f"app.live.rows.length > 4 && app.live.status.episodes > {episodes}")
            page.js("document.body.dataset.kept = 'yes'")
            process.send_signal(signal.SIGKILL)
            process.wait(30)
            until(lambda: page.page.locator("#banner").is_visible(), "a banner")
        with training(tmp_path, port, resume=True) as (again, _):
            assert again == url
            until(lambda: not page.page.locator("#banner").is_visible(), "the page is back")
            page.wait("app.live.status.state === 'running' && app.live.rows.length > 4")
            before = page.js("app.live.status.episodes")
            page.wait(f"app.live.status.episodes > {before}")
            assert page.js("document.body.dataset.kept") == "yes"  # it was not loaded anew
        # ended as it should be: the page says that, and does not promise to come back
        until(lambda: "Training has ended" in page.page.locator("#banner").inner_text(), "the end")
        clean(page, url, away=True)


def best(run: Path) -> float:
    problem = read_problem(run.parent / "netlist.pb.txt")
    return CostEngine(problem).full(read_plc(run / "best.plc", problem.netlist).placement).proxy


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Folder of a run that the test itself goes on with."""
    netlist = write_tiny(tmp_path)
    problem = read_problem(netlist)
    folder = tmp_path / "run"
    folder.mkdir()
    facts = {"netlist": str(netlist), "netlist_hash": problem.netlist.content_hash}
    (folder / "config.toml").write_text(tomli_w.dumps({"run": facts}))
    return folder


def legal_at(run: Path, y_um: float) -> None:
    """Let the run find a best layout: its macros in a row at some height."""
    problem = read_problem(run.parent / "netlist.pb.txt")
    x, y = problem.initial.x_um.copy(), problem.initial.y_um.copy()
    hard = problem.movable_hard
    x[hard], y[hard] = np.tile([15.0, 40.0, 65.0], 2), np.repeat([y_um, y_um + 30.0], 3)
    part = run / "part.tmp"
    write_plc(part, problem, problem.initial.replace(x_um=x, y_um=y, placed=np.ones(len(x), np.bool_)))
    part.replace(run / "best.plc")


def row(run: Path, k: int, end: str = "\n") -> None:
    told = {"seconds": k * 1.0, "step": 6 * k, "episodes": k, "best_proxy": 1 / k, "mean_proxy": 2 / k, "entropy": 1.0}
    with (run / "metrics.jsonl").open("a") as f:
        f.write(json.dumps(told) + end)


def test_half_a_line_waits_and_a_best_layout_stays_away_where_it_is_not_followed(
    chrome: Any, run: Path, tmp_path: Path
) -> None:
    legal_at(run, 20.0)
    for k in range(1, 4):
        row(run, k)
    with viewer(run, "--port", str(free_port()), state=tmp_path) as (url, _), screen(chrome) as page:
        page.page.goto(url)
        page.ready()
        page.wait("app.live.rows.length === 3")
        row(run, 4, "")
        row(run, 5)  # two in one line: neither can be read
        row(run, 6)
        page.wait("app.live.rows.length === 4")
        assert "1 lines of metrics.jsonl" in page.page.locator("#run-bad").inner_text()
        version = page.js("app.standing.version")
        legal_at(run, 25.0)
        page.wait(f"app.standing.version > {version}")
        # left alone, the page stays where it is
        page.js("app.live.stands({...app.live.status, state: 'running'})")
        page.page.locator("#run-follow").uncheck()
        page.wait("app.live.status.following === false")
        y = page.js("app.model.at.y[app.model.hard[0]]")
        legal_at(run, 30.0)
        until(lambda: page.page.locator("#run-newest").is_visible(), "a newer layout is offered")
        assert page.js("app.model.at.y[app.model.hard[0]]") == y
        page.page.locator("#run-newest").click()
        page.wait(f"app.model.at.y[app.model.hard[0]] !== {y}")
        clean(page, url)


def test_macros_that_had_no_place_appear_with_the_first_layout(chrome: Any, run: Path, tmp_path: Path) -> None:
    netlist = tmp_path / "netlist.pb.txt"
    problem = read_problem(netlist)
    placed = problem.initial.placed.copy()
    placed[problem.movable_hard] = False
    write_plc(tmp_path / "initial.plc", problem, problem.initial.replace(placed=placed))
    (run / "status.json").write_text(json.dumps({"state": "running", "pid": os.getpid(), "host": socket.gethostname()}))
    with viewer(run, "--port", str(free_port()), state=tmp_path) as (url, _), screen(chrome) as page:
        page.page.goto(url)
        page.ready()
        assert page.js("app.model.hard.length") == 0
        assert "first complete placement" in page.page.locator("#run-wait").inner_text()
        assert "6 not placed" in page.page.locator("#counts").inner_text()
        legal_at(run, 20.0)
        page.wait("app.model.hard.length === 6 && app.standing.legal && !app.stage.stale")
        until(lambda: not page.page.locator("#run-wait").is_visible(), "no more waiting")
        assert "not placed" not in page.page.locator("#counts").inner_text()
        page.page.mouse.click(*page.at("m2"))
        page.page.keyboard.press("8")
        page.wait("app.policy.found !== null")
        clean(page, url)


def test_a_macro_is_clicked_and_the_policy_says_where_and_why(chrome: Any, run: Path, tmp_path: Path) -> None:
    legal_at(run, 20.0)
    with viewer(run, "--port", str(free_port()), state=tmp_path) as (url, _), screen(chrome) as page:
        page.page.goto(url)
        page.ready()
        page.page.mouse.click(*page.at("m2"))
        until(lambda: page.page.locator("#policy-go").is_visible(), "the offer")
        page.page.locator("#policy-go").click()
        page.wait("app.policy.found !== null")
        assert "shipped policy (this run has saved none yet)" in page.page.locator("#policy-who").inner_text()
        assert page.js("app.policy.found.state") == "build"
        page.page.locator("#policy-states label", has_text="Refine").click()
        page.wait("app.policy.found !== null && app.policy.found.state === 'refine' && !app.stage.stale")
        assert page.page.locator("#policy-top li").count() == 5
        assert "Exact" in page.page.locator("#policy-method").inner_text()
        total = page.js("app.policy.found.total")
        assert page.js("app.policy.found.shares.reduce((a, s) => a + s.share, 0)") == pytest.approx(total, abs=1e-3)
        # probabilities over the legal cells, not a number elsewhere, and drawn
        values = page.js("[...app.layers.values].map((v) => Number.isFinite(v) ? v : null)")
        legal = [v for v in values if v is not None]
        assert 0 < len(legal) < len(values)
        assert sum(legal) == pytest.approx(100, abs=0.01)
        top = page.js("app.policy.found.top[0]")
        assert values[top["row"] * 8 + top["column"]] == max(legal)
        worst = next(k for k, v in enumerate(values) if v is None)
        painted = page.js(f"[{max(legal)}, NaN, app.layers.values[{worst}]].map((v) => app.stage.mapPaint(v))")
        assert painted[0] != painted[1] == painted[2]
        assert "not legal" in page.page.locator("#legend").inner_text()
        shot(page, "policy")
        # what one input adds, cell by cell
        page.page.locator("#policy-shares li").nth(1).locator("button").click()
        until(lambda: "adds to the logit" in page.page.locator("#legend").inner_text(), "its legend")
        shot(page, "part")
        # the second choice is marked, then taken: at the cost that was told
        told, before = page.js("app.policy.found.top[1].change"), page.js("app.standing.cost.proxy")
        second = page.page.locator("#policy-top li").nth(1).locator("button")
        second.click()
        page.wait("app.stage.state.spot !== null")
        assert page.js("app.standing.version") == 0
        second.click()
        page.wait("app.standing.version === 1")
        assert page.js("app.standing.cost.proxy") - before == pytest.approx(told, abs=1e-9)
        page.wait("app.policy.found !== null && app.policy.found.own.rank === 2")
        # another layer, and nothing of it stays
        page.page.keyboard.press("1")
        page.wait("app.stage.state.picks.length === 0 && app.stage.map === null")
        page.page.keyboard.press("8")
        page.wait("app.layers.name === 'policy' && app.stage.state.picks.length === 5")
        page.page.keyboard.press("Escape")
        page.wait("app.selected === -1")
        until(lambda: "select a macro" in page.page.locator("#legend").inner_text(), "what to do")
        clean(page, url)


def test_the_layer_says_why_it_cannot_be_had(chrome: Any, run: Path, tmp_path: Path) -> None:
    legal_at(run, 20.0)
    shutil.copy(ROOT / "pyproject.toml", run / "policy.safetensors")  # no weights at all
    with viewer(run, "--port", str(free_port()), state=tmp_path) as (url, _), screen(chrome) as page:
        page.page.goto(url)
        page.ready()
        page.page.mouse.click(*page.at("m2"))
        page.page.keyboard.press("8")
        until(lambda: "damaged policy" in page.page.locator("#policy-why").inner_text(), "the cause")
        assert not page.page.locator("#policy-found").is_visible()
        clean(page, url)
