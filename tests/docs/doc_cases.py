"""The pages, and the commands that stand in them."""

from __future__ import annotations

import contextlib
import functools
import io
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]

_FENCE = re.compile(r"^ *```(?P<language>[^\n]*)\n(?P<text>.*?)^ *```$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"(?<!`)`((?:floorplan|python train\.py) [^`]+)`(?!`)")
_INDENTED = re.compile(r"^(?: {4}|\t)(?:\$ )?(?:floorplan|python train\.py) .*(?:\\\n.*)*", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\.\.\.|[\[\]|<>]")


@dataclass(frozen=True)
class Command:
    """A command line of a page.

    Attributes:
        page: where it stands.
        line: 1-based, in the page.
        words: without a prompt, comments and redirections.
        whole: False for one in running text or with placeholders, which names verb and options but need not parse.
    """

    page: Path
    line: int
    words: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}: {shlex.join(self.words)}"


def blocks(page: Path, *languages: str) -> list[tuple[int, str]]:
    """Return 1-based first line and text of the fenced blocks in some languages; of all blocks if none is named."""
    text = page.read_text(encoding="utf-8")
    found = _FENCE.finditer(text)
    return [
        (text.count("\n", 0, m.start("text")) + 1, m["text"])
        for m in found
        if not languages or m["language"].split()[:1] in [[name] for name in languages]
    ]


def command_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield 0-based line and text of each command of ours in a shell block, continued lines joined."""
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        first, line = number, lines[number].strip().removeprefix("$ ")
        while line.endswith("\\") and number + 1 < len(lines):
            number += 1
            line = line[:-1] + lines[number].strip()
        number += 1
        for part in re.split(r"\s&&\s|\s;\s|\s\|\s", _uncommented(line)):
            # `(cd somewhere && python train.py)` and the like
            ours = re.match(r"(?:[A-Z_]+=\S+ )*((?:floorplan|python train\.py|\.venv/bin/floorplan)\s.*)", part.strip())
            if ours:
                yield first, ours[1]


def commands(page: Path) -> list[Command]:
    """Return all commands of ours that stand in a page, in blocks first."""
    out = []
    for start, text in blocks(page):
        for number, line in command_lines(text):
            out.append(_command(page, start + number, line, whole=True))
    text = page.read_text(encoding="utf-8")
    prose = _FENCE.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
    for block in _INDENTED.finditer(prose):
        start = prose.count("\n", 0, block.start()) + 1
        out += [_command(page, start + number, text, whole=True) for number, text in command_lines(block[0])]
    prose = _INDENTED.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), prose)
    for found in _INLINE.finditer(prose):
        line = prose.count("\n", 0, found.start()) + 1
        out.append(_command(page, line, " ".join(found[1].split()), whole=False))
    return out


def _command(page: Path, line: int, text: str, *, whole: bool) -> Command:
    text = re.sub(r"\s[12]?>>?\s*\S+", "", text)
    try:
        words = tuple(shlex.split(text))
    except ValueError:
        words, whole = tuple(text.split()), False
    return Command(page, line, words, whole and not any(_PLACEHOLDER.search(w) for w in words))


def _uncommented(line: str) -> str:
    return re.split(r"(?:^|\s)#\s", line, maxsplit=1)[0]


def parse(words: tuple[str, ...]) -> str | None:
    """Return what the command line's own parser has against a command, None if nothing; nothing is run."""
    import tyro

    from floorplan.cli import main

    verb = words[1:] if words[0] == "floorplan" else ("train", *words[2:])
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            if verb[0] in _argparse():
                _argparse()[verb[0]].parse_args(verb[1:])
            elif tuple(verb[:2]) in main._SECOND_VERBS:
                tyro.cli(main._SECOND_VERBS[tuple(verb[:2])], args=list(verb[2:]))
            else:
                tyro.cli(main._parser(), args=list(verb))
    except SystemExit as left:
        return None if left.code in (0, None) else said.getvalue()
    return None


@functools.cache
def _argparse() -> dict:  # verbs of other packages -> their parsers
    from agents.ppo import command, finetune_command
    from agents.pretrain import command as pretrain_command

    return {"train": command._parser(), "finetune": finetune_command._parser(), "pretrain": pretrain_command._parser()}
