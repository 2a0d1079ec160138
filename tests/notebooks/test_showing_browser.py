"""Cards and stored notebooks in a real browser: pictures load, nothing is fetched, nothing runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FOLDER = Path(__file__).resolve().parents[2] / "notebooks"

pytestmark = pytest.mark.slow  # a browser has to start


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as p:
        if CHROMIUM is None and not Path(p.chromium.executable_path).exists():
            pytest.skip("no Chromium to drive")
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def look(browser: Any, tmp_path: Path, html: str, scheme: str = "light") -> tuple[list[int], list[str], Any]:
    """Return how wide the pictures of a page are, 0 for one that does not load, what went wrong, and a screenshot."""
    file = tmp_path / "page.html"
    file.write_text(f'<!doctype html><meta charset="utf-8"><body>{html}</body>', encoding="utf-8")
    context = browser.new_context(viewport={"width": 1100, "height": 800}, offline=True, color_scheme=scheme)
    tab, wrong = context.new_page(), []
    tab.on("console", lambda m: wrong.append(f"console: {m.text}"))
    tab.on("pageerror", lambda e: wrong.append(f"error: {e}"))
    tab.on("dialog", lambda d: (wrong.append(f"dialog: {d.message}"), d.dismiss()))
    tab.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else wrong.append(f"request: {r.url}"))
    tab.goto(file.as_uri())
    widths = tab.evaluate("Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth, () => 0)))")
    shot = tab.screenshot()
    context.close()
    return widths, wrong, shot


def hostile() -> Placement:
    evil = "<img/src=x/onerror=alert(1)><script>alert(2)</script>"
    b = NetlistBuilder(evil)
    b.add_macro(f"{evil}/a", 20.0, 20.0)
    b.add_pin("o", f"{evil}/a")
    b.add_macro("b", 20.0, 20.0)
    b.add_pin("i", "b")
    b.add_net("o", ["i"])
    placement = Placement([30, 40], [50, 50], [0, 0], [True, True])
    return placement.on(Problem(b.build(), Canvas(100.0, 100.0, 10, 10, 10.0, 10.0), placement))


def test_hostile_names_run_nothing_and_dark_readers_get_a_dark_picture(browser: Any, tmp_path: Path) -> None:
    html = hostile()._repr_html_() or ""
    widths, wrong, light = look(browser, tmp_path, html)
    assert len(widths) == 1
    assert widths[0] > 0
    assert wrong == []
    assert look(browser, tmp_path, html, "dark")[2] != light


def test_the_checks_see_what_runs_and_what_is_fetched(browser: Any, tmp_path: Path) -> None:
    bad = '<img src="data:image/svg+xml;base64,AAAA"><img src="http://127.0.0.1:9/x.png"><script>console.log("ran")</script>'
    widths, wrong, _ = look(browser, tmp_path, bad)
    assert widths == [0, 0]
    assert "console: ran" in wrong
    assert "request: http://127.0.0.1:9/x.png" in wrong


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_all_pictures_of_a_stored_notebook_load_offline(browser: Any, tmp_path: Path, path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    data = [o.get("data", {}) for cell in cells if cell["cell_type"] == "code" for o in cell["outputs"]]
    html = "".join("".join(d["text/html"]) for d in data if "text/html" in d)
    widths, wrong, _ = look(browser, tmp_path, html)
    assert len(widths) >= 2
    assert min(widths) > 0
    assert wrong == []
