"""The page in a real browser: shown, panned, searched, dragged on, undone; no error, no other host asked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the viewer's packages are not installed")

from floorplan.cost import CostEngine
from floorplan.formats import read_netlist, read_plc, read_problem
from tests.view.browser_cases import Screen, browser, free_port, screen, until, viewer

pytestmark = pytest.mark.slow  # a browser has to start


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def ariane(benchmarks: Path) -> Path:
    return benchmarks / "ct" / "NanGate45_ariane133"


@pytest.fixture(scope="module")
def served(chrome: Any, ariane: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    args = (ariane / "legalized.plc.xz", "--compare", ariane / "initial.plc.xz")
    with viewer(*args, state=tmp_path_factory.mktemp("state")) as (url, _):
        yield url


@pytest.fixture
def page(chrome: Any, served: str) -> Iterator[Screen]:
    with screen(chrome) as out:
        out.page.goto(served)
        out.ready()
        yield out
        assert out.wrong == []
        assert out.hosts == {served.split("/")[2]}


def shot(page: Screen, name: str) -> None:
    """Keep a picture of the page where FLOORPLAN_SCREENSHOTS names a folder."""
    folder = os.environ.get("FLOORPLAN_SCREENSHOTS")
    if folder:
        page.page.screenshot(path=str(Path(folder) / f"{name}.png"))


MACRO = "i_cache_subsystem/i_icache/sram_block[0].data_sram/macro_mem[0].i_ram"


def drag(page: Screen, name: str, dx: float, dy: float, *, drop: bool = True) -> None:
    x, y = page.at(name)
    mouse = page.page.mouse
    mouse.move(x, y)
    mouse.down()
    for part in range(1, 6):
        mouse.move(x + dx * part / 5, y + dy * part / 5)
    page.wait("!app.proposals.busy && app.lastProposal !== undefined")
    if drop:
        version = page.js("app.standing.version")
        mouse.up()
        page.wait(f"app.standing.version > {version}")


def test_the_page_shows_the_exact_cost_and_the_macros(page: Screen, ariane: Path) -> None:
    problem = read_problem(ariane / "netlist.pb.txt.xz", ariane / "legalized.plc.xz")
    cost = CostEngine(problem).full(problem.initial)
    assert page.js("app.standing.cost.proxy") == pytest.approx(cost.proxy, abs=1e-12)
    assert page.page.locator("#proxy").inner_text() == f"{cost.proxy:.4f}"
    assert "133 macros" in page.page.locator("#counts").inner_text()
    assert "legal" in page.page.locator("#verdict").inner_text()
    # a macro's middle is not the colour of the page
    x, y = page.at(MACRO)
    rgb = page.js(
        f"""(() => {{
            const b = app.stage.element.getBoundingClientRect(), r = app.stage.ratio;
            const at = [({x} - b.left + 4) * r, ({y} - b.top - 20) * r, 1, 1];
            return [...app.stage.base.getContext('2d').getImageData(...at).data];
        }})()"""
    )
    assert rgb[:3] not in ([244, 246, 248], [255, 255, 255])
    shot(page, "load")


def test_the_token_leaves_the_address(page: Screen) -> None:
    assert "token" not in page.page.url


def test_wheel_drag_and_keys_move_the_camera(page: Screen) -> None:
    x, y = page.at(MACRO)
    before = page.js("app.camera.scale")
    page.page.mouse.move(x, y)
    page.page.mouse.wheel(0, -600)
    page.wait(f"app.camera.scale > {1.5 * before}")
    after = page.at(MACRO)
    assert after == pytest.approx((x, y), abs=0.5)  # the chip stays still under the pointer
    page.page.keyboard.press("0")
    page.wait(f"Math.abs(app.camera.scale / {before} - 1) < 1e-9")
    cx = page.js("app.camera.x")
    page.page.keyboard.press("ArrowRight")
    page.wait(f"app.camera.x > {cx}")
    page.page.keyboard.press("+")
    page.wait(f"app.camera.scale > {before}")
    page.page.keyboard.press("0")
    cx = page.js("app.camera.x")
    page.page.mouse.move(60, 500)
    page.page.mouse.down()
    page.page.mouse.move(160, 520, steps=4)
    page.page.mouse.up()
    page.wait(f"app.camera.x < {cx}")


def test_hovering_names_a_macro(page: Screen) -> None:
    page.page.mouse.move(*page.at(MACRO))
    until(lambda: page.page.locator("#tip").is_visible(), "a tip")
    text = page.page.locator("#tip").inner_text()
    assert MACRO in text
    assert "hard macro" in text


def test_search_finds_selects_and_shows_fly_lines(page: Screen) -> None:
    page.page.keyboard.press("/")
    page.page.keyboard.type("icache ram[0] macro_mem".replace("ram[0]", "block[0]"))
    until(lambda: page.page.locator("#found [role=option]").count() > 0, "a hit")
    page.page.keyboard.press("Enter")
    until(lambda: page.page.locator("#node").is_visible(), "what is selected")
    name = page.page.locator("#node-name").inner_text()
    assert "icache" in name
    assert "block[0]" in name
    page.wait("app.stage.state.lines && app.stage.state.lines.length > 0")
    shot(page, "search")
    page.page.keyboard.press("/")
    page.page.keyboard.type("no such thing")
    until(lambda: "Nothing" in page.page.locator("#found").inner_text(), "that nothing is found")
    page.page.keyboard.press("Escape")


def test_layers_colour_the_grid_as_the_cost_engine_maps_it(page: Screen, ariane: Path) -> None:
    problem = read_problem(ariane / "netlist.pb.txt.xz", ariane / "legalized.plc.xz")
    maps = CostEngine(problem).maps(problem.initial)
    for key, name, values in (("2", "density", maps.density), ("3", "h", maps.h), ("4", "v", maps.v)):
        page.page.keyboard.press(key)
        page.wait(f"app.layers.name === '{name}' && app.layers.values !== null && !app.stage.stale")
        page.wait(f"Math.abs(app.layers.values.reduce((a, b) => a + b, 0) - {float(values.sum())!r}) < 0.01")
        shot(page, f"layer-{name}")
    assert page.page.locator("#legend").is_visible()


def test_a_drag_tells_the_exact_cost_before_and_after_the_drop_and_undo_takes_it_back(
    page: Screen, ariane: Path
) -> None:
    problem = read_problem(ariane / "netlist.pb.txt.xz", ariane / "legalized.plc.xz")
    engine = CostEngine(problem)
    start = page.js("app.standing.cost.proxy")
    node = problem.netlist.node_id[MACRO]

    def exact() -> float:
        x, y = problem.initial.x_um.copy(), problem.initial.y_um.copy()
        x[node], y[node] = page.js(
            f"(() => {{ const k = app.model.of.get({node}); return [app.model.at.x[k], app.model.at.y[k]]; }})()"
        )
        return engine.full(problem.initial.replace(x, y)).proxy

    drag(page, MACRO, 8, 70, drop=False)
    assert page.js("app.lastProposal.cost.proxy") == pytest.approx(exact(), abs=1e-9)
    assert page.page.locator("#cost-head").inner_text() == "Proxy cost if dropped here"
    assert page.page.locator("#proxy-delta").inner_text()[0] in "\u25b2\u25bc"
    assert "not legal here: overlap" in page.page.locator("#verdict").inner_text()
    shot(page, "drag")
    page.page.mouse.up()
    page.wait("app.standing.history.undo !== null")
    page.wait(f"Math.abs(app.standing.cost.proxy - {exact()!r}) < 1e-9")
    assert "illegal" in page.page.locator("#verdict").inner_text()
    shot(page, "dropped")
    page.page.keyboard.press("Control+z")
    page.wait(f"Math.abs(app.standing.cost.proxy - {start!r}) < 1e-12")
    page.page.keyboard.press("Control+Shift+z")
    page.wait(f"Math.abs(app.standing.cost.proxy - {exact()!r}) < 1e-9")
    page.page.locator("#undo").click()
    page.wait(f"Math.abs(app.standing.cost.proxy - {start!r}) < 1e-12")


def test_escape_drops_a_drag(page: Screen) -> None:
    version, before = page.js("app.standing.version"), page.at(MACRO)
    drag(page, MACRO, 50, 50, drop=False)
    page.page.keyboard.press("Escape")
    page.page.mouse.up()
    page.wait("app.stage.state.dragging < 0")
    assert page.at(MACRO) == pytest.approx(before, abs=1e-6)
    assert page.js("app.standing.version") == version


def test_a_pinned_macro_does_not_move(page: Screen) -> None:
    page.page.mouse.click(*page.at(MACRO))
    until(lambda: page.page.locator("#pin").is_visible(), "the pin")
    page.page.keyboard.press("p")
    page.wait(f"app.model.pinned[app.model.name.indexOf('{MACRO}')] === 1")
    version, before = page.js("app.standing.version"), page.js("app.model.at.x[app.selected]")
    x, y = page.at(MACRO)
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    page.page.mouse.move(x + 80, y, steps=3)
    page.page.mouse.up()
    assert page.js("app.model.at.x[app.selected]") == before
    assert page.js("app.standing.version") == version
    page.page.keyboard.press("p")
    page.wait(f"app.model.pinned[app.model.name.indexOf('{MACRO}')] === 0")
    page.page.keyboard.press("0")


def test_two_placements_side_by_side(page: Screen, ariane: Path) -> None:
    problem = read_problem(ariane / "netlist.pb.txt.xz", ariane / "legalized.plc.xz")
    other = read_plc(ariane / "initial.plc.xz", problem.netlist).placement
    page.page.keyboard.press("3")
    page.page.locator("#frame").fill("1")
    page.wait("app.frames.index === 1 && app.frames.shown !== null")
    assert f"{CostEngine(problem).full(other).proxy:.4f}" in page.page.locator("#frame-cost").inner_text()
    page.page.locator("#compare").click()
    page.wait("app.frames.comparing && app.second.isDifference && !app.second.stale")
    assert page.page.locator("#stage-b").is_visible()
    macro = problem.netlist.node_id[MACRO]
    assert page.js(f"app.second.at.x[app.model.of.get({macro})]") == other.x_um[macro]
    shot(page, "compare")
    page.page.locator("#compare").click()
    page.wait("!app.frames.comparing")
    page.page.locator("#frame").press("End")
    page.wait("app.frames.index === -1")
    page.page.locator("#stage").press("c")
    page.wait("app.frames.comparing && app.frames.index === 0")
    page.page.locator("#stage").press("c")
    page.wait("!app.frames.comparing")


def test_where_the_cost_comes_from_leads_to_the_cell(page: Screen) -> None:
    until(lambda: page.page.locator("#cells button").count() > 0, "cells")
    text = page.page.locator("#cells button").first.inner_text()
    page.page.locator("#cells button").first.click()
    page.wait("app.layers.name !== 'none' && app.stage.state.spot && app.stage.state.marked.length > 0")
    row, column = page.js(
        "(() => { const s = app.stage.state.spot, c = app.model.canvas;"
        "return [Math.floor(s.y / c.h_um * c.rows), Math.floor(s.x / c.w_um * c.columns)]; })()"
    )
    assert f"at {column}, {row}" in text
    fullest = page.js(f"app.layers.values[{row} * app.model.canvas.columns + {column}]")
    assert f"{100 * fullest:.1f} %" in text
    shot(page, "trouble")
    page.page.locator("#nets button").first.click()
    page.wait("app.stage.state.marked.length > 1")


def test_the_episode_is_stepped_through_macro_by_macro(page: Screen) -> None:
    frames = page.js("app.frames.labels.length")
    page.page.locator("#episode").click()
    page.wait(f"app.frames.labels.length > {frames} + 2 && app.frames.shown !== null")
    page.wait("app.frames.labels[app.frames.index]?.includes('episode')")
    page.page.locator("#play").click()
    page.page.locator("#frame").fill(str(frames + 20))
    shown = "app.model.hard.filter((k) => !Number.isNaN(app.frames.shown.x[k])).length"
    page.wait(f"app.frames.index === {frames + 20} && {shown} > 0 && !app.stage.stale")
    assert page.js(shown) < 133
    shot(page, "episode")
    page.page.locator("#frame").focus()
    page.page.keyboard.press("End")
    page.wait("app.frames.index === -1")


def test_export_is_the_placement_as_it_stands(page: Screen, ariane: Path, tmp_path: Path) -> None:
    netlist, _ = read_netlist(ariane / "netlist.pb.txt.xz")
    with page.page.expect_download() as download:
        page.page.locator("#export").click()
    download.value.save_as(tmp_path / "out.plc")
    want, got = read_plc(ariane / "legalized.plc.xz", netlist), read_plc(tmp_path / "out.plc", netlist)
    assert (got.placement.x_um == want.placement.x_um).all()
    assert (got.placement.orient == want.placement.orient).all()


def test_everything_can_be_reached_by_tab_and_shows_its_focus(page: Screen) -> None:
    seen = {}
    for _ in range(24):
        page.page.keyboard.press("Tab")
        focus = "const e = document.activeElement, on = e.closest('label')?.querySelector('span') ?? e"
        at = page.page.evaluate(f"() => {{ {focus}; return [e.id || e.value, getComputedStyle(on).outlineStyle]; }}")
        seen[at[0]] = at[1]
    assert {style for name, style in seen.items() if name} == {"solid"}
    assert {"search", "stage", "zoom-in", "export", "agent", "improve-go"} <= seen.keys()


@pytest.mark.parametrize(("width", "height", "scheme"), [(1280, 720, "dark"), (3840, 2160, "light")])
def test_small_and_large_screens_in_both_themes(chrome: Any, served: str, width: int, height: int, scheme: str) -> None:
    with screen(chrome, width, height, scheme) as out:
        out.page.goto(served)
        out.ready()
        out.page.keyboard.press("2")
        out.page.mouse.click(*out.at(MACRO))
        out.wait("app.stage.state.lines && app.layers.values && !app.stage.stale")
        assert out.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        assert out.page.evaluate("() => document.querySelector('.tools').getBoundingClientRect().right <= innerWidth")
        shot(out, f"{width}-{scheme}")
        assert out.wrong == []


def test_a_page_without_the_token_shows_nothing(chrome: Any, served: str) -> None:
    with screen(chrome) as out:
        answer = out.page.goto(served.partition("?")[0])
        assert answer.status == 403
        assert "token" in out.page.locator("body").inner_text()


def test_the_page_comes_back_after_a_restart_with_what_was_moved(chrome: Any, two_macros: Path, tmp_path: Path) -> None:
    port = str(free_port())
    args = (two_macros / "initial.plc", "--port", port)
    with screen(chrome) as out:
        with viewer(*args, state=tmp_path) as (url, _):
            out.page.goto(url)
            out.ready()
            drag(out, "b", 40, 60)
            moved = out.js("app.standing.cost.proxy")
            epoch = out.js("app.epoch")
        out.wait("app.away")
        assert "does not answer" in out.page.locator("#banner").inner_text()
        with viewer(*args, state=tmp_path) as (again, _):
            assert again == url
            out.wait(f"!app.away && app.epoch !== '{epoch}' && app.standing.version === 1")
            assert out.js("app.standing.cost.proxy") == pytest.approx(moved, abs=1e-12)


def test_an_agent_improves_from_here_and_undo_takes_it_back(chrome: Any, two_macros: Path, tmp_path: Path) -> None:
    with (
        screen(chrome) as out,
        viewer(two_macros / "initial.plc", "--port", str(free_port()), state=tmp_path) as (url, _),
    ):
        out.page.goto(url)
        out.ready()
        before = out.js("app.standing.cost.proxy")
        out.wait("document.querySelectorAll('#agent option').length > 0")
        out.js("document.getElementById('budget').append(new Option('2000p', '2000p', true, true))")
        out.page.locator("#improve-go").click()
        out.wait("document.getElementById('improve-text').textContent.includes('is done')")
        out.wait("app.standing.version === 1")
        assert out.js("app.standing.cost.proxy") < before
        assert out.js("app.standing.legal")
        labels = out.js("app.frames.labels")
        assert labels[:2] == ["initial.plc", "before descent"]
        assert labels[-1] == "after descent"
        assert all(label.startswith("descent after") for label in labels[2:-1])
        shot(out, "improved")
        out.page.keyboard.press("Control+z")
        out.wait(f"Math.abs(app.standing.cost.proxy - {before!r}) < 1e-12")
        assert out.wrong == []
