"""The viewer as it is started from the command line, and a real browser in front of it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = (
    "import sys, tyro; from floorplan.cli.view import View; raise SystemExit(tyro.cli(View, args=sys.argv[1:]).run())"
)
_WAIT_S = 30.0


def chromium() -> Path:
    found = os.environ.get("FLOORPLAN_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium here; install one, or name it in FLOORPLAN_CHROMIUM")
    return Path(found)


@contextmanager
def viewer(*args: str | Path, state: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start `floorplan view`; yield its address and the process."""
    environment = os.environ | {"XDG_STATE_HOME": str(state)}
    command = [sys.executable, "-c", _PROGRAM, *map(str, args), "--no-browser"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), url
        yield url, process
    finally:
        process.terminate()
        process.wait(20)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@dataclass
class Screen:
    """A page, what went wrong on it, and which hosts it asked."""

    page: Any
    wrong: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def js(self, text: str) -> Any:
        """What an expression gives, `app` being the page's application; promises are waited for."""
        return self.page.evaluate(f"async () => {{ const app = window.floorplan; return ({text}); }}")

    def wait(self, text: str) -> Any:
        """Wait until an expression is true; the page's own policy forbids the polling that Playwright would inject."""
        return until(lambda: self.js(text), text)

    def ready(self) -> None:
        self.wait("app && app.standing !== null && !app.stage.stale")

    def at(self, name: str) -> tuple[float, float]:
        """Where on the screen the middle of a node is."""
        return tuple(  # type: ignore[return-value]  # two numbers
            self.js(
                f"""(() => {{ const m = app.model, k = m.name.indexOf({name!r}), c = app.camera;
                const box = app.stage.element.getBoundingClientRect();
                return [box.left + c.toScreenX(m.at.x[k]), box.top + c.toScreenY(m.at.y[k])]; }})()"""
            )
        )


def until(call: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + _WAIT_S
    while True:
        found = call()
        if found:
            return found
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.03)


@contextmanager
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = chromium()
    with sync_api.sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(
                executable_path=str(program), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
            )
        except sync_api.Error as error:
            pytest.skip(f"{program} does not start: {str(error).splitlines()[0]}")
        yield started
        started.close()


@contextmanager
def screen(started: Any, width: int = 1440, height: int = 900, scheme: str = "light") -> Iterator[Screen]:
    context = started.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    out = Screen(page)
    page.on("console", lambda m: out.wrong.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: out.wrong.append(str(e)))
    page.on(
        "request", lambda r: out.hosts.add(r.url.split("/")[2] if r.url.startswith("http") else r.url.split(":")[0])
    )
    yield out
    context.close()
