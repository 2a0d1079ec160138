"""Hook of mkdocs: the page of all commands and options, written from the command line itself at every build."""

from __future__ import annotations

import contextlib
import io
import os
import re
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

__all__ = ["help_of", "on_files", "page", "verbs"]

WIDTH = 84
"""Columns of the help texts: as many as fit beside the two side bars."""

_INTRO = """\
# Commands

What `--help` says, of every verb. stdout carries results only, and with `--json` one JSON object and nothing else;
progress and errors go to stderr. Exit codes: 0 done, 1 a benchmark in which not all is well, 2 bad input (the cause in
one line), 3 no legal placement found, 130 interrupted. `python train.py` is `floorplan train`.
"""


def verbs() -> list[tuple[str, ...]]:
    """Return the words of every verb, those of installed packages included, sorted."""
    from floorplan.cli.main import _SECOND_VERBS, _VERBS
    from floorplan.plugins import command_names

    return sorted({(name,) for name in (*_VERBS, *command_names())} | set(_SECOND_VERBS))


def help_of(verb: tuple[str, ...]) -> str:
    """Return what a verb's `--help` prints, `WIDTH` columns wide, without colours."""
    from floorplan.cli.main import main

    said, before = io.StringIO(), {k: os.environ.get(k) for k in ("COLUMNS", "NO_COLOR", "PYTHON_COLORS")}
    os.environ.update(COLUMNS=str(WIDTH), NO_COLOR="1", PYTHON_COLORS="0")
    try:
        with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            main([*verb, "--help"])
    finally:
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.__setitem__(key, value)
    text = re.sub(r"\x1b\[[0-9;]*m", "", said.getvalue()).strip()
    lines = [line.rstrip() for line in re.sub(r"\n{3,}", "\n\n", text).splitlines()]
    return "\n".join(part for line in lines for part in (_folded(line) if len(line) > WIDTH else [line]))


def _folded(line: str) -> list[str]:
    """Return a long line in several, each as far in as the first."""
    margin = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(line, WIDTH, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False)


def page() -> str:
    """Return the page in Markdown."""
    parts = [_INTRO]
    for verb in verbs():
        name = " ".join(verb)
        parts.append(f"## floorplan {name}\n\n```text\n{help_of(verb)}\n```\n")
    return "\n".join(parts)


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Add the page to those of the folder."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, "commands.md", content=page()))
    return files
