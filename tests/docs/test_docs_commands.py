"""Every command that a page shows is one that the command line takes: verbs, options and their values."""

from __future__ import annotations

import ast
import importlib
import re
import runpy
from pathlib import Path

import pytest

from tests.docs.doc_cases import DOCS, PAGES, ROOT, Command, blocks, commands, parse

page_writer = runpy.run_path(str(DOCS / "commands_page.py"))
HELP = {verb: page_writer["help_of"](verb) for verb in page_writer["verbs"]()}
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
AGENTS_OF_THE_PAGES = {"edge", "mine"}
"""Agents that a reader writes or is told to write."""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def verb_of(command: Command) -> tuple[str, ...]:
    words = command.words[1:] if command.words[0] == "floorplan" else ("train", *command.words[2:])
    two = tuple(words[:2])
    return two if two in HELP else tuple(words[:1])


def wrong_words(command: Command) -> list[str]:
    """Return what is wrong with the verb or the names of options."""
    if command.words[:2] == ("floorplan", "--help"):
        return []
    verb = verb_of(command)
    if verb not in HELP:
        return [f"no verb {verb}"]
    given = {word.split("=")[0] for word in command.words if OPTION.fullmatch(word.split("=")[0])}
    known = {*OPTION.findall(HELP[verb]), "--help"}
    return sorted(given - known)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_of_a_page_are_those_of_the_command_line(page: Path) -> None:
    from floorplan.plugins import agent_names

    wrong = []
    for command in commands(page):
        if words := wrong_words(command):
            wrong.append(f"{command}: {', '.join(words)}")
        elif command.whole and (complaint := parse(command.words)):
            wrong.append(f"{command}: {complaint}")
        for option, value in zip(command.words, command.words[1:], strict=False):
            if option == "--agent" and value.islower() and value not in {*agent_names(), *AGENTS_OF_THE_PAGES}:
                wrong.append(f"{command}: no agent {value}")
    assert wrong == []


def test_enough_commands_are_found() -> None:
    found = [c for page in PAGES for c in commands(page)]
    assert len([c for c in found if c.whole]) > 80
    assert {verb_of(c)[0] for c in found} >= {verb[0] for verb in HELP}, "a verb that no page mentions"


@pytest.mark.parametrize(
    "line",
    [
        "floorplan place chip.pb.txt --bugdet 60s --out best.plc",
        "floorplan place chip.pb.txt",
        "floorplan plaice chip.pb.txt --out best.plc",
        "floorplan bench compare runs/a --base greedy",
        "python train.py --netlist chip.pb.txt --epochs 3",
    ],
)
def test_a_wrong_command_is_found(tmp_path: Path, line: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"```sh\n$ FLOORPLAN_THREADS=1 {line}  # comment\n```\n")
    (command,) = commands(page)
    assert command.line == 2
    assert wrong_words(command) or parse(command.words)


def test_commands_are_found_wherever_they_stand(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Use `floorplan inspect FILE...` first.\n\n    floorplan view a.plc   # indented\n\n"
        "```console\n$ floorplan plot a.plc \\\n    --out a.png && floorplan report a.plc > log\n```\n"
    )
    found = {(c.line, " ".join(c.words), c.whole) for c in commands(page)}
    assert found == {
        (1, "floorplan inspect FILE...", False),
        (3, "floorplan view a.plc", True),
        (6, "floorplan plot a.plc --out a.png", True),
        (6, "floorplan report a.plc", True),
    }


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_on_a_page_compiles_and_imports_what_there_is(page: Path) -> None:
    for line, text in blocks(page, "python"):
        tree = ast.parse(text, f"{page.name}:{line}")
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("floorplan", "agents"):
                module = importlib.import_module(node.module or "")
                missing = [a.name for a in node.names if not _importable(module, a.name)]
                assert missing == [], f"{page.name}:{line}: {node.module} has no {missing}"


def _importable(module: object, name: str) -> bool:
    if hasattr(module, name):
        return True
    try:
        importlib.import_module(f"{module.__name__}.{name}")  # type: ignore[attr-defined]
    except ImportError:
        return False
    return True


def test_the_page_of_commands_has_every_verb_and_no_path_of_this_machine() -> None:
    text = page_writer["page"]()
    for verb in HELP:
        assert f"## floorplan {' '.join(verb)}\n" in text
        assert "usage: " in HELP[verb], verb
    assert str(ROOT) not in text
    assert str(Path.home()) + "/" not in text
    assert "\x1b" not in text


def test_the_constants_are_those_of_the_estimator() -> None:
    writer = runpy.run_path(str(DOCS / "write_constants.py"))
    page = (DOCS / "constants.md").read_text(encoding="utf-8")
    assert page == writer["page"](), "run `python docs/write_constants.py`"
    from floorplan.estimate.technology import NODES, node, system_constants

    for constant in (*system_constants().values(), *(c for name in NODES for c in node(name).constants.values())):
        assert f"| `{constant.name}` | {constant.value:g} |" in page


OF_OTHERS = {"--canvas_width", "--figures", "--logdir", "--help"}
"""Options that pages mention and that are those of others: .plc files, `docs/write_studies.py`, TensorBoard."""


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_options_that_the_prose_names_exist(page: Path) -> None:
    known = {option for text in HELP.values() for option in OPTION.findall(text)} | OF_OTHERS
    prose = re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    named = {
        word for code in re.findall(r"`([^`\n]+)`", prose) for word in re.findall(r"(?<![\w-])--[a-z][\w-]*", code)
    }
    assert named - known == set()
