"""Figures of the viewer in a real browser with software rendering; run with `make bench`. Nothing fails on a clock."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the viewer's packages are not installed")

from tests.view.browser_cases import Screen, browser, screen, viewer

pytestmark = pytest.mark.bench

# Each frame pans by some pixels; what is measured is the time from frame to frame and the page's own share of it.
PAN = """
(async () => {
  const times = [];
  app.stage.frameMs.length = 0;
  let last = await new Promise(requestAnimationFrame);
  for (let i = 0; i < FRAMES; i++) {
    app.camera.pan(i % 60 < 30 ? 6 : -6, i % 60 < 30 ? 3 : -3);
    app.moved();
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  return [times, [...app.stage.frameMs]];
})()
"""


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as started:
        yield started


@contextmanager
def made(cells: int) -> Iterator[str]:
    program = Path(__file__).parent / "view_server.py"
    process = subprocess.Popen([sys.executable, str(program), str(cells)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(20)


def first_paint(chrome: Any, url: str, times: int = 3) -> list[float]:
    """Milliseconds from the start of the navigation until the floorplan is on the canvas, tiles in sight included."""
    out = []
    for _ in range(times):
        with screen(chrome) as page:
            page.page.goto(url)
            page.wait("performance.getEntriesByName('floorplan-painted').length > 0")
            out.append(page.js("performance.getEntriesByName('floorplan-painted')[0].startTime"))
    return out


def panning(page: Screen, frames: int = 120) -> str:
    between, own = page.js(PAN.replace("FRAMES", str(frames)))
    worst = sorted(between)[int(0.95 * len(between))]
    return (
        f"frame to frame median {statistics.median(between):.1f} ms, 95 % {worst:.1f} ms; "
        f"of that the page {statistics.median(own):.1f} ms"
    )


def test_ariane(chrome: Any, benchmarks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ariane = benchmarks / "ct" / "NanGate45_ariane133"
    with viewer(ariane / "legalized.plc.xz", state=tmp_path) as (url, _):
        with screen(chrome) as page:
            page.page.goto(url)
            page.ready()
            page.wait("app.layers")
            pan = panning(page)
            page.page.keyboard.press("0")
            waits = drag(page, "i_cache_subsystem/i_icache/sram_block[0].data_sram/macro_mem[0].i_ram", 200, -1, 0.5)
        paints = first_paint(chrome, url)
    with capsys.disabled():
        print(f"\nariane133: first paint {', '.join(f'{p:.0f}' for p in paints)} ms")
        print(f"ariane133: panning, {pan}")
        print(f"ariane133: drag to cost {said(waits)}")
    assert len(waits) > 10


def drag(page: Screen, name: str, steps: int, dx: float, dy: float) -> list[float]:
    """Milliseconds from a movement of the mouse to the exact cost on the page, of all proposals of a drag, sorted."""
    x, y = page.at(name)
    mouse = page.page.mouse
    mouse.move(x, y)
    mouse.down()
    page.js("app.proposalMs.length = 0")
    for step in range(steps):
        mouse.move(x + dx * step, y + dy * step)
        time.sleep(0.01)
    page.wait("!app.proposals.busy")
    waits = sorted(page.js("app.proposalMs"))
    page.page.keyboard.press("Escape")
    mouse.up()
    return waits


def said(waits: list[float]) -> str:
    median, late = statistics.median(waits), waits[int(0.95 * len(waits))]
    return f"median {median:.1f} ms, 95 % {late:.1f} ms, {len(waits)} proposals"


# Moves a macro to and fro between two legal spots; each time until figures and temperatures of the new place are there.
DROPS = """
(async () => {
  const k = app.model.hard.filter((n) => app.model.movable(n))[0], at = app.model.at, times = [];
  const [x, y] = [at.x[k], at.y[k]];
  for (let i = 0; i < 20; i++) {
    const begin = performance.now();
    await app.place(k, x + (i % 2 ? 0 : 0.5), y, at.orient[k]);
    while (app.estimate.last.version !== app.standing.version || app.layers.shownVersion !== app.standing.version) {
      await new Promise(requestAnimationFrame);
    }
    times.push(performance.now() - begin);
  }
  return times.sort((a, b) => a - b);
})()
"""


def test_a_chip(chrome: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from floorplan.accelerator.command import run
    from floorplan.accelerator.templates import chip
    from floorplan.formats import write_plc
    from floorplan.plugins import make_agent, parse_budget

    run("gpu_tile", {}, 1, tmp_path)
    problem = chip("gpu_tile").problem
    write_plc(tmp_path / "placed.plc", problem, make_agent("random").place(problem, parse_budget("1e"), 1).placement)
    with viewer(tmp_path / "placed.plc", state=tmp_path) as (url, _), screen(chrome) as page:
        page.page.goto(url)
        page.ready()
        page.js("app.layers.set('heat')")
        page.wait("app.estimate.last !== null && app.layers.values !== null")
        drops = page.js(DROPS)
        waits = drag(page, "core_0", 150, 0.5, 0.5)
    with capsys.disabled():
        print(f"\ngpu_tile: from drop to new figures and temperatures {said(drops).replace('proposals', 'drops')}")
        print(f"gpu_tile: drag to cost and joules {said(waits)}")
    assert len(waits) > 10


def test_a_million_cells(chrome: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with made(1_000_000) as url:
        paints = first_paint(chrome, url)
        with screen(chrome) as page:
            page.page.goto(url)
            page.wait("app && !app.stage.stale && app.tiles.kept.size > 0 && app.tiles.asked.size === 0")
            pan = panning(page)
            page.js("(() => { for (let i = 0; i < 6; i++) app.camera.zoom(2); app.moved(); })()")
            page.wait("app.tiles.near !== null && app.tiles.near.n > 0")
            near = panning(page)
            shown = page.js("app.tiles.near === null ? 0 : app.tiles.near.n")
            page.page.keyboard.press("0")
            page.wait("app.standing !== null && !app.stage.stale")
            early = drag(page, "m27", 100, 1, 0.5)
            # the engine of moves is built meanwhile; each of its costs is exact too
            page.wait("fetch('/api/standing').then((answer) => answer.json()).then((s) => s.prompt)")
            late = drag(page, "m27", 100, 1, 0.5)
            begin = time.perf_counter()
            page.js("app.layers.set('wire')")
            wire = time.perf_counter() - begin
    with capsys.disabled():
        print(f"\n1,000,000 cells: first paint {', '.join(f'{p:.0f}' for p in paints)} ms")
        print(f"1,000,000 cells: panning over all, {pan}")
        print(f"1,000,000 cells: panning over {shown} cells in sight, {near}")
        print(f"1,000,000 cells: drag to cost, at once {said(early)}; when the engine of moves is built {said(late)}")
        print(f"1,000,000 cells: layer of wire energy {wire:.2f} s")
    assert len(paints) == 3
