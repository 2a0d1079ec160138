"""The built site: complete, free of other hosts, and read in a real browser, wide and narrow, light and dark."""

from __future__ import annotations

import functools
import http.server
import importlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mkdocs", reason="the site's packages are not installed: pip install -e .[docs]")

import yaml

from tests.docs.doc_cases import DOCS, ROOT
from tests.docs.test_docs_api import PAGE_OF, is_module, public
from tests.view.browser_cases import Screen, browser, screen, until

TAKEN_IN = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src"}
LINKS_TAKEN_IN = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "modulepreload", "manifest"}


class Loads(HTMLParser):
    """Collects what a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in TAKEN_IN:
            self.found.append(given.get(TAKEN_IN[tag]) or "")
            self.found += re.findall(r"\S+", given.get("srcset") or "")
        if tag == "link" and LINKS_TAKEN_IN & set((given.get("rel") or "").split()):
            self.found.append(given.get("href") or "")
        self.found += re.findall(r"url\(([^)]+)\)", given.get("style") or "")


def foreign(text: str) -> list[str]:
    """Return the resources of other hosts that a page loads."""
    loads = Loads()
    loads.feed(text)
    return [one for one in loads.found if re.match(r"(https?:)?//", one.strip("'\" "))]


def nav_pages(entries: list[Any]) -> list[str]:
    out: list[str] = []
    for entry in entries:
        ((_, value),) = entry.items() if isinstance(entry, dict) else [("", entry)]
        out += nav_pages(value) if isinstance(value, list) else [value]
    return out


class _Loader(yaml.SafeLoader):
    """Takes `!!python/...` tags of mkdocs for plain text."""


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda _loader, suffix, _node: suffix)


def test_every_page_is_in_the_navigation() -> None:
    config = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), _Loader)
    listed = nav_pages(config["nav"])
    there = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} | {"commands.md"}
    assert len(listed) == len(set(listed))
    assert set(listed) == there


def test_no_service_of_others_is_switched_on() -> None:
    config = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), _Loader)
    assert config["theme"]["font"] is False
    assert not {"analytics", "social", "consent"} & set(config.get("extra", {}))
    assert not {"repo_url", "extra_javascript", "google_analytics"} & set(config)


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://a.example/x.js"></script>',
        '<link rel="stylesheet" href="//a.example/x.css">',
        '<img src="x.png" srcset="https://a.example/x.png 2x">',
        "<p style=\"background: url('http://a.example/x.png')\">",
    ],
)
def test_what_another_host_would_be_asked_for_is_found(text: str) -> None:
    assert len(foreign(text)) == 1
    assert foreign('<a href="https://a.example">a</a><img src="x.png"><svg xmlns="http://www.w3.org/2000/svg">') == []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_pages_load_nothing_from_other_hosts(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 50
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert foreign(text) == [], page
        assert "Content-Security-Policy" in text, page
    for sheet in site.rglob("*.css"):
        assert re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//[^)]*", sheet.read_text(encoding="utf-8")) == []


@pytest.mark.slow
def test_every_public_name_has_its_entry(site: Path) -> None:
    for module, page in PAGE_OF.items():
        if not is_module(module) or not hasattr(importlib.import_module(module), "__all__"):
            continue
        text = (site / "api" / f"{page.stem}.html").read_text(encoding="utf-8")
        for name in public(module):
            thing = getattr(importlib.import_module(module), name)
            hidden = f"{getattr(thing, '__module__', '')}.{name}"
            entry = f'id="{module}.{name}"' in text or f'id="{hidden}"' in text or f"<code>{name}</code></td>" in text
            assert entry, f"{module}.{name}"


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as started:
        yield started


def shot(page: Screen, name: str) -> None:
    """Keep a picture of the page where FLOORPLAN_SCREENSHOTS names a folder."""
    folder = os.environ.get("FLOORPLAN_SCREENSHOTS")
    if folder:
        page.page.screenshot(path=str(Path(folder) / f"site-{name}.png"), full_page="full" in name)


VISITED = (
    "index",
    "tutorials/first-floorplan",
    "own-cost-term",
    "cost",
    "constants",
    "commands",
    "api/cost",
    "results",
)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_in_a_browser(chrome: Any, served: str, width: int, scheme: str) -> None:
    with screen(chrome, width, 860, scheme) as out:
        for name in VISITED:
            out.page.goto(f"{served}/{name}.html", wait_until="networkidle")
            wide = out.page.evaluate("document.scrollingElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{name} is {wide} px wider than the screen"
            theme = out.page.evaluate("document.body.dataset.mdColorScheme")
            assert theme == {"light": "default", "dark": "slate"}[scheme]
            shot(out, f"{name.replace('/', '-')}-{width}-{scheme}")
        assert out.wrong == []
        assert out.hosts <= {served.split("/")[2], "data", "blob"}


@pytest.mark.slow
def test_search_finds_pages_and_names(chrome: Any, served: str) -> None:
    with screen(chrome, 1280, 860) as out:
        for words, page in (
            ("soft macro", "cost.html"),
            ("lower bound", "bound.html"),
            ("make_soft_placer", "api/search.html"),
        ):
            out.page.goto(f"{served}/index.html", wait_until="networkidle")
            out.page.click(".md-search__input")
            out.page.keyboard.type(words)

            def listed() -> list[str]:
                return out.page.eval_on_selector_all(".md-search-result__link", "all => all.map(a => a.href)")

            found = until(listed, f"a result for {words}")
            assert any(page in link for link in found[:5]), (words, found[:5])
            shot(out, f"search-{words.replace(' ', '-')}")
        assert out.wrong == []
        assert out.hosts <= {served.split("/")[2], "data", "blob"}


@pytest.mark.slow
def test_the_policy_of_the_pages_stops_a_foreign_load(chrome: Any, served: str) -> None:
    with screen(chrome, 1280, 860) as out:
        out.page.goto(f"{served}/index.html", wait_until="networkidle")
        out.page.evaluate("document.head.append(Object.assign(new Image(), {src: 'http://127.0.0.2:9/x.png'}))")
        until(lambda: any("Content Security Policy" in text for text in out.wrong), "the refusal")
