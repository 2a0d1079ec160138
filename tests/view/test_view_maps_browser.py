"""In a real browser: energy and temperature of a chip, cells of two large placements side by side, an agent at work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette", reason="the viewer's packages are not installed")

from floorplan.accelerator.command import run as generate
from floorplan.accelerator.templates import chip as make_chip
from floorplan.cost import CostEngine
from floorplan.formats import write_plc
from floorplan.legalize import legalize
from floorplan.view import Session, open_path
from floorplan.view.maps import Maps
from tests.bench.flat_designs import flat_design
from tests.report.test_report_runs import bench
from tests.view.browser_cases import ROOT, Screen, browser, screen, until, viewer

pytestmark = pytest.mark.slow  # a browser has to start


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as started:
        yield started


def shot(page: Screen, name: str) -> None:
    """Keep a picture of the page where FLOORPLAN_SCREENSHOTS names a folder."""
    folder = os.environ.get("FLOORPLAN_SCREENSHOTS")
    if folder:
        page.page.screenshot(path=str(Path(folder) / f"{name}.png"))


@pytest.fixture(scope="module")
def chip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated chip with its manifest, a legal placement, and one of other macros' places."""
    folder = tmp_path_factory.mktemp("chip")
    generate("systolic_chip", {}, 1, folder)
    problem = make_chip("systolic_chip").problem
    nl, cv = problem.netlist, problem.canvas
    for seed, name in ((1, "placed.plc"), (2, "other.plc")):
        rng = np.random.default_rng(seed)
        x = np.where(problem.fixed, problem.initial.x_um, rng.uniform(0, cv.width_um, nl.num_nodes))
        y = np.where(problem.fixed, problem.initial.y_um, rng.uniform(0, cv.height_um, nl.num_nodes))
        start = problem.initial.replace(x, y, placed=np.ones(nl.num_nodes, np.bool_))
        write_plc(folder / name, problem, legalize(problem, start))
    return folder


def press(out: Screen, key: str, layer: str) -> None:
    out.page.locator("#stage").focus()
    out.page.keyboard.press(key)
    out.wait(f"app.layers.name === {layer!r} && app.layers.values !== null && !app.stage.stale")


def test_a_chip_shows_where_its_joules_go_and_what_a_move_does_to_them(
    chrome: Any, chip_folder: Path, tmp_path: Path
) -> None:
    opened = open_path(chip_folder / "placed.plc", compare=(chip_folder / "other.plc",))
    maps = Maps(Session(opened), opened.serving, opened.said)
    args = (chip_folder / "placed.plc", "--compare", chip_folder / "other.plc")
    with viewer(*args, state=tmp_path) as (url, _), screen(chrome) as out:
        out.page.goto(url)
        out.ready()
        out.wait("app.estimate.last !== null")
        text = out.page.locator("#estimate").inner_text()
        told = maps.estimate()
        assert told is not None
        assert f"{told['figures'][0]['value']:.4g}"[:4] in text
        assert "Tokens/s" in text
        assert "assumed" in text
        for key, name in (("5", "wire"), ("6", "token"), ("7", "heat")):
            press(out, key, name)
            values = maps.values(name)
            got = np.array(out.js("[...app.layers.values]")).reshape(values.shape)
            np.testing.assert_allclose(got, values, rtol=1e-5)
            legend = out.page.locator("#legend").inner_text()
            assert {"wire": "pJ/mm", "token": "\u00b5J/mm", "heat": "\u00b0C"}[name] in legend
            shot(out, f"chip-{name}")
        # the value of the cell under the pointer, with its unit
        out.page.mouse.move(*out.at(opened.problem.netlist.node_name[int(opened.problem.netlist.hard[20])]))
        until(lambda: "\u00b0C" in out.page.locator("#where").inner_text(), "degrees under the pointer")
        out.page.locator("#costly-nets button").first.click()
        out.wait("app.stage.state.marked.length > 1 && app.layers.name === 'token'")
        shot(out, "chip-net")
        out.page.locator("#figures button").click()
        out.wait("app.stage.state.spot && app.layers.name === 'heat'")
        # dragged to a free spot, far away: the joules of the drop
        node = next(
            n
            for n in opened.problem.netlist.hard.tolist()
            if not opened.problem.fixed[n] and opened.problem.netlist.node_w_um[n] < 1500
        )
        name = opened.problem.netlist.node_name[node]
        out.page.mouse.move(*out.at(name))
        out.page.mouse.down()
        here = out.at(name)
        found = False
        for dx in range(-300, 301, 20):
            out.page.mouse.move(here[0] + dx, here[1] + 6)
            out.wait("!app.proposals.busy && app.lastProposal !== undefined")
            told_now = out.js("app.lastProposal.estimate ?? null")
            assert (told_now is None) == bool(out.js("app.lastProposal.wrong.length"))
            if told_now is not None and abs(dx) > 40:
                found = True
                break
        assert found, "no legal spot on the way"
        assert out.page.locator("#estimate.proposed").count() == 1
        shown = out.page.locator('tr[data-figure="j_per_token"]').inner_text()
        assert "mJ" in shown or "J" in shown
        assert "%" in shown
        shot(out, "chip-drag")
        out.page.mouse.up()
        out.wait("app.standing.version === 1 && app.estimate.last.version === 1")
        out.wait("document.querySelector('#estimate.proposed') === null")
        assert out.js("app.estimate.last.figures[1].value") == pytest.approx(told_now["j_per_token"], rel=0.02)
        shot(out, "chip-dropped")
        out.page.keyboard.press("Control+z")
        out.wait("app.standing.version === 2 && app.estimate.last.version === 2")
        assert out.js("app.estimate.last.figures[1].value") == told["figures"][1]["value"]
        # side by side with another placement: kelvin of difference
        out.page.locator("#frame").fill("1")
        out.wait("app.frames.index === 1 && app.frames.shown !== null")
        out.page.locator("#compare").click()
        out.wait("app.frames.comparing && app.second.isDifference && !app.second.stale")
        less = maps.values("heat", 1) - maps.values("heat")
        got = np.array(out.js("[...app.second.map]")).reshape(less.shape)
        np.testing.assert_allclose(got, less, atol=1e-4)
        shot(out, "chip-compare")
        assert out.wrong == []
        assert out.hosts == {url.split("/")[2]}


def test_an_illegal_drop_takes_figures_and_map_away(chrome: Any, chip_folder: Path, tmp_path: Path) -> None:
    with viewer(chip_folder / "placed.plc", state=tmp_path) as (url, _), screen(chrome) as out:
        out.page.goto(url)
        out.ready()
        press(out, "7", "heat")
        hard = "app.model.hard.filter((k) => app.model.movable(k))"
        put = f"(() => {{ const [a, b] = {hard}, at = app.model.at; return app.place(a, at.x[b] + 5, at.y[b], 0); }})()"
        out.js(put)
        out.wait("app.estimate.last.why_not && app.layers.values === null")
        assert "No estimate of a placement" in out.page.locator("#estimate").inner_text()
        assert "overlap" in out.page.locator("#legend").inner_text()
        out.page.keyboard.press("Control+z")
        out.wait("app.estimate.last.figures && app.layers.values !== null")
        assert out.wrong == []


def test_without_a_chip_buttons_say_why(chrome: Any, two_macros: Path, tmp_path: Path) -> None:
    with viewer(two_macros / "initial.plc", state=tmp_path) as (url, _), screen(chrome) as out:
        out.page.goto(url)
        out.ready()
        for name in ("token", "heat"):
            box = out.page.locator(f'input[name="layer"][value="{name}"]')
            assert box.is_disabled()
            assert "--chip" in box.locator("xpath=..").get_attribute("title")
        out.page.locator("#stage").focus()
        out.page.keyboard.press("7")
        assert out.js("app.layers.name") == "none"
        press(out, "5", "wire")
        assert "ng45 (assumed" in out.page.locator("#legend").inner_text()
        assert not out.page.locator("#estimate").is_visible()
        assert out.wrong == []


@contextmanager
def made(cells: int) -> Iterator[str]:
    program = ROOT / "tests" / "bench" / "view_server.py"
    process = subprocess.Popen([sys.executable, str(program), str(cells)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(20)


def test_cells_of_two_placements_and_exact_costs_in_a_large_design(chrome: Any) -> None:
    with made(20_000) as url, screen(chrome) as out:
        out.page.goto(url)
        out.ready()
        out.page.locator("#frame").fill("1")
        out.wait("app.frames.index === 1 && app.frames.shown !== null")
        assert out.js("Number.isFinite(parseFloat(document.getElementById('frame-cost').textContent.split(' ')[1]))")
        out.page.locator("#compare").click()
        settled = "tiles.kept.size > 0 && app.{0}.tiles.asked.size === 0 && !app.{0}.stale"
        out.wait("app.frames.comparing && app.second." + settled.format("second"))
        out.wait("app.stage." + settled.format("stage"))
        # the two pictures are each other's mirror, where no macro stands
        row = """(stage) => { const c = app.camera, v = app.model.canvas, r = stage.ratio;
            const x = (share) => Math.round(c.toScreenX(share * v.w_um) * r), from = x(0);
            const y = Math.round(c.toScreenY(0.265 * v.h_um) * r);
            const line = stage.base.getContext('2d').getImageData(from, y, x(1) - from, 1).data;
            return [0.02, 0.98].map((share) => line[4 * (x(share) - from)]); }"""
        left, right = (out.js(f"({row})(app.{name})") for name in ("stage", "second"))
        assert left[0] == right[1] != left[1] == right[0]
        shot(out, "large-compare")
        out.page.locator("#compare").click()
        out.wait("!app.frames.comparing")
        out.page.locator("#frame").focus()
        out.page.keyboard.press("End")
        out.wait("app.frames.index === -1 && app.stage.tiles === app.tiles")
        out.page.keyboard.press("0")
        problem = flat_design(20_000)
        node = problem.netlist.node_id["m27"]
        x, y = out.at("m27")
        out.page.mouse.move(x, y)
        out.page.mouse.down()
        out.page.mouse.move(x + 40, y + 25, steps=3)
        out.wait("!app.proposals.busy && app.lastProposal !== undefined")
        at = out.js(
            f"(() => {{ const k = app.model.of.get({node}); return [app.model.at.x[k], app.model.at.y[k]]; }})()"
        )
        out.page.mouse.up()
        xs, ys = problem.initial.x_um.copy(), problem.initial.y_um.copy()
        xs[node], ys[node] = at
        exact = float(CostEngine(problem).full(problem.initial.replace(xs, ys)).proxy)
        assert out.js("app.lastProposal.cost.proxy") == pytest.approx(exact, abs=1e-9)
        out.wait(f"app.standing.version === 1 && Math.abs(app.standing.cost.proxy - {exact!r}) < 1e-12")
        assert out.wrong == []


def test_a_row_of_a_benchmark_is_opened_by_its_key(chrome: Any, tmp_path: Path) -> None:
    folder = bench(tmp_path / "results")
    with viewer(f"{folder}#01", state=tmp_path / "state") as (url, _), screen(chrome) as out:
        out.page.goto(url)
        out.ready()
        assert out.page.locator("#title").inner_text()
        assert out.js("app.model.hard.length") == 4
        assert out.js("app.frames.labels.length") >= 1
        assert out.wrong == []


def test_the_layout_moves_while_an_agent_works(chrome: Any, benchmarks: Path, tmp_path: Path) -> None:
    from floorplan.plugins import parse_budget

    contract = sys.modules[type(parse_budget("1e")).__module__]
    if "placement" not in contract.Progress.__dataclass_fields__:
        pytest.skip("the installed agents do not hand out their best placement while they work")
    design = benchmarks / "ct" / "NanGate45_ariane133" / "legalized.plc.xz"
    with viewer(design, state=tmp_path) as (url, _), screen(chrome) as out:
        out.page.goto(url)
        out.ready()
        out.wait("document.querySelectorAll('#agent option').length > 0")
        out.page.select_option("#agent", "anneal")
        out.page.select_option("#budget", "15s")
        out.page.locator("#improve-go").click()
        out.wait("app.frames.working !== null && app.stage.at === app.frames.working")
        assert "at work" in out.page.locator("#stage .caption").inner_text()
        first = out.js("[...app.frames.working.x]")
        out.wait(f"app.frames.working !== null && app.frames.working.x.some((v, k) => v !== {first}[k])")
        assert out.js("app.standing.version") == 0  # it is only looked at
        shot(out, "improving")
        out.page.locator("#improve-watch").click()
        out.wait("app.stage.at === app.model.at")
        out.page.locator("#improve-go").click()
        out.wait("document.getElementById('improve-text').textContent.includes('is done')")
        out.wait("app.standing.version === 1 && app.frames.working === null")
        assert out.wrong == []
