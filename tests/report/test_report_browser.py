"""The page in a real browser with the network cut; skipped where there is no Chromium to drive."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from floorplan.cost import CostEngine, CostOptions
from floorplan.report.page import page, sheets_of
from floorplan.report.runs import Run
from tests.report.report_cases import HOSTILE, crowded

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.slow  # a browser has to start


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as p:
        if CHROMIUM is None and not Path(p.chromium.executable_path).exists():
            pytest.skip("no Chromium to drive")
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[tuple[Any, list[str]]]:
    """The page of a netlist of hostile names beside a common one, opened from disk, and what went wrong with it."""
    p, q = crowded(HOSTILE), crowded()
    hostile = Run("netlist", HOSTILE, HOSTILE, Path(HOSTILE), p, p.initial, CostOptions(), ((HOSTILE, HOSTILE),))
    common = replace(hostile, title="common", design="common", problem=q, placement=q.initial)
    file = tmp_path / "page.html"
    file.write_text(page(sheets_of([common, hostile])), encoding="utf-8")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    tab, wrong = context.new_page(), []
    tab.on("console", lambda m: wrong.append(f"console: {m.text}"))
    tab.on("pageerror", lambda e: wrong.append(f"error: {e}"))
    tab.on("dialog", lambda d: (wrong.append(f"dialog: {d.message}"), d.dismiss()))
    tab.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else wrong.append(f"request: {r.url}"))
    tab.goto(file.as_uri())
    yield tab, wrong
    context.close()


def test_it_shows_everything_offline_and_says_what_is_pointed_at(opened: tuple[Any, list[str]]) -> None:
    tab, wrong = opened
    section = tab.locator("section.run").first
    assert section.locator("svg.plan rect[data-n]").count() == 7
    for picture in section.locator("svg image").all():
        box = picture.bounding_box()
        assert box["width"] > 200
    section.locator('svg.plan rect[data-n="3"]').hover(force=True)
    tip = tab.locator("#tip")
    said = tip.inner_text()
    assert said.startswith("cpu\nhard macro, 30 µm x 20 µm, orientation FN")
    assert "rom: 1 net, weight 2.5" in said
    assert section.locator("svg.plan .over line").count() == 4
    tab.mouse.move(5, 5)
    assert tip.is_hidden()
    assert section.locator("svg.plan .over > *").count() == 0
    assert wrong == []


def test_a_map_says_the_cells_value(opened: tuple[Any, list[str]]) -> None:
    tab, wrong = opened
    q = crowded()
    density = CostEngine(q).maps(q.initial).density
    target = tab.locator("section.run").first.locator('svg.map[data-map="density"]')
    box = target.bounding_box()
    row, column = 5, 6
    # ten columns, eight rows counted from below
    target.hover(position={"x": box["width"] * (column + 0.5) / 10, "y": box["height"] * (8 - row - 0.5) / 8})
    assert tab.locator("#tip").inner_text() == f"row {row}, column {column}: {density[row, column]:.3f}"
    assert wrong == []


def test_tables_point_into_the_plan(opened: tuple[Any, list[str]]) -> None:
    tab, wrong = opened
    section = tab.locator("section.run").first
    section.locator("tr[data-net]").first.hover()
    assert section.locator("svg.plan .over line").count() >= 1
    section.locator("tr[data-cell] td").first.hover()
    assert section.locator("svg.plan .over rect.cell").count() == 1
    section.locator("tr[data-macro]").first.hover()
    assert section.locator("svg.plan .over rect:not(.cell)").count() == 1
    assert wrong == []


def test_hostile_names_are_shown_and_not_run(opened: tuple[Any, list[str]]) -> None:
    tab, wrong = opened
    section = tab.locator("section.run").nth(1)
    section.locator('svg.plan rect[data-n="0"]').hover(force=True)
    assert tab.locator("#tip").inner_text().startswith(HOSTILE)
    assert tab.locator("img").count() == 0
    assert wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 3840])
def test_nothing_sticks_out_sideways(opened: tuple[Any, list[str]], scheme: str, width: int) -> None:
    tab, wrong = opened
    tab.emulate_media(color_scheme=scheme)
    tab.set_viewport_size({"width": width, "height": 900})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    ink, paper = tab.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    dark = [sum(map(int, c.strip("rgb()").split(","))) < 384 for c in (ink, paper)]
    assert dark == ([True, False] if scheme == "light" else [False, True])
    assert wrong == []
