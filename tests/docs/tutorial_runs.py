"""Run the commands of a page in a folder, in the order in which they stand there."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

from tests.docs.doc_cases import ROOT, blocks, command_lines

SHELL = ("sh", "console")


def steps(page: Path) -> list[tuple[str, str]]:
    """Return the blocks of a page as (kind, text): `run` a command, `file NAME` to save, `said` by the last command."""
    found: list[tuple[int, str, str]] = []
    for start, text in blocks(page, *SHELL):
        found += [(start + number, "run", line) for number, line in command_lines(text)]
    found += [(start, "said", text) for start, text in blocks(page, "text")]
    source = page.read_text(encoding="utf-8")
    for m in re.finditer(r'^```\w+ title="([^"]+)"\n(.*?)^```$', source, re.DOTALL | re.MULTILINE):
        found.append((source.count("\n", 0, m.start(2)) + 1, f"file {m[1]}", m[2]))
    return [(kind, text) for _, kind, text in sorted(found, key=lambda item: item[0])]


def play(page: Path, folder: Path, cut: dict[str, str] | None = None, **env: str) -> list[str]:
    """Do what a page says, and return what each command printed.

    Args:
        page: whose blocks are run.
        folder: the working directory.
        cut: patterns of budgets -> smaller ones, for pages whose budgets take minutes.
        env: more environment variables.
    """
    printed: list[str] = []
    for kind, text in steps(page):
        if kind == "run":
            for pattern, instead in (cut or {}).items():
                text = re.sub(pattern, instead, text)
            printed.append(_run(text, folder, {**os.environ, **env}))
        elif kind == "said":
            check_printed(text, printed[-1], page)
        else:
            (folder / kind.removeprefix("file ")).write_text(text, encoding="utf-8")
    return printed


def _run(line: str, folder: Path, env: dict[str, str]) -> str:
    command = re.sub(r"^floorplan\b", f"{sys.executable} -m floorplan", line)
    command = re.sub(r"^python train\.py\b", f"{sys.executable} {ROOT / 'train.py'}", command)
    if line.startswith("floorplan view"):
        return _serve(f"{command} --no-browser", folder, env)
    done = subprocess.run(
        command, shell=True, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _serve(command: str, folder: Path, env: dict[str, str]) -> str:
    """Start what serves until Ctrl-C, wait for its address, and end it."""
    own = {**env, "XDG_STATE_HOME": str(folder / ".state")}
    server = subprocess.Popen(
        f"exec {command}", shell=True, cwd=folder, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        ready, _, _ = select.select([server.stdout], [], [], 60)
        said = server.stdout.readline() if ready else ""
        assert said.startswith("http://127.0.0.1:"), f"{command}\n{said}"
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=30)
    return said


def check_printed(expected: str, printed: str, page: Path) -> None:
    """Compare what a page says that a command prints, line by line: words are equal, numbers within 5 %."""
    for line in expected.strip().splitlines():
        assert any(_alike(line.split(), said.split()) for said in printed.splitlines()), (
            f"{page.name} says {line!r}, the command printed\n{printed}"
        )


def _alike(expected: list[str], said: list[str]) -> bool:
    return len(expected) == len(said) and all(a == b or _near(a, b) for a, b in zip(expected, said, strict=True))


def _near(a: str, b: str) -> bool:
    try:
        x, y = (float(text.strip("(),um").replace(",", "")) for text in (a, b))
    except ValueError:
        return False
    return abs(x - y) <= 0.05 * abs(x)
