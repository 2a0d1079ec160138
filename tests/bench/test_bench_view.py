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
            x, y = page.at("i_cache_subsystem/i_icache/sram_block[0].data_sram/macro_mem[0].i_ram")
            mouse = page.page.mouse
            mouse.move(x, y)
            mouse.down()
            for step in range(200):
                mouse.move(x - step, y + step / 2)
                time.sleep(0.01)
            page.wait("!app.proposals.busy")
            waits = sorted(page.js("app.proposalMs"))
            page.page.keyboard.press("Escape")
            mouse.up()
        paints = first_paint(chrome, url)
    with capsys.disabled():
        print(f"\nariane133: first paint {', '.join(f'{p:.0f}' for p in paints)} ms")
        print(f"ariane133: panning, {pan}")
        drag = f"median {statistics.median(waits):.1f} ms, 95 % {waits[int(0.95 * len(waits))]:.1f} ms"
        print(f"ariane133: drag to cost {drag}, {len(waits)} proposals")
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
    with capsys.disabled():
        print(f"\n1,000,000 cells: first paint {', '.join(f'{p:.0f}' for p in paints)} ms")
        print(f"1,000,000 cells: panning over all, {pan}")
        print(f"1,000,000 cells: panning over {shown} cells in sight, {near}")
    assert len(paints) == 3
