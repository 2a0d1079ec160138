"""The example notebooks: what is stored in them, and that they run."""

from __future__ import annotations

import ast
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NAMES = [path.stem for path in sorted(FOLDER.glob("*.ipynb"))]
IN_THE_DEFAULT_SUITE = ("01_first_floorplan", "05_what_a_layout_costs_an_accelerator")
MOST_BYTES = 2_000_000
ABSOLUTE = re.compile(r"(?<![\w./:])/(?:home|root|tmp|work|usr|opt|var|mnt|srv|private|Users)/|[A-Z]:\\\\?Users")
BASE64 = re.compile(r"base64,[A-Za-z0-9+/=\n]*")


def read(name: str) -> dict[str, Any]:
    book: dict[str, Any] = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
    return book


def code_of(cell: dict[str, Any]) -> str:
    """Return the code without IPython's magic lines."""
    return "".join(line for line in cell["source"] if not line.startswith("%"))


def outputs_of(book: dict[str, Any]) -> list[dict[str, Any]]:
    return [output for cell in book["cells"] if cell["cell_type"] == "code" for output in cell["outputs"]]


def wrong_outputs(book: dict[str, Any]) -> list[str]:
    """Return what nobody should see in a notebook: errors, warnings, the paths of the machine that it ran on."""
    found = []
    for output in outputs_of(book):
        if output["output_type"] == "error":
            found.append(f"error: {output['ename']}")
        if output.get("name") == "stderr":
            found.append(f"stderr: {''.join(output['text'])[:80]}")
        # pictures are text that could hold any letters
        found += [f"path: {m[0]}" for m in ABSOLUTE.finditer(BASE64.sub("", json.dumps(output)))]
    return found


def test_the_checks_find_what_they_look_for() -> None:
    def output(**of: Any) -> dict[str, Any]:
        return {"cells": [{"cell_type": "code", "outputs": [of]}]}

    assert wrong_outputs(output(output_type="error", ename="KeyError")) == ["error: KeyError"]
    assert wrong_outputs(output(output_type="stream", name="stderr", text=["a warning"])) == ["stderr: a warning"]
    assert wrong_outputs(output(output_type="stream", name="stdout", text=["in /home/me/x.plc"])) == ["path: /home/"]
    assert wrong_outputs(output(output_type="stream", name="stdout", text=["12 J/token, runs/opt/x"])) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_code_cell_has_run_in_order_and_left_nothing_wrong(name: str) -> None:
    book = read(name)
    counts = [cell["execution_count"] for cell in book["cells"] if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert wrong_outputs(book) == []
    assert any(
        "image/png" in o.get("data", {}) or "<img" in "".join(o.get("data", {}).get("text/html", ""))
        for o in outputs_of(book)
    )


@pytest.mark.parametrize("name", NAMES)
def test_what_cells_import_exists_and_is_public(name: str) -> None:
    looked = 0
    for cell in read(name)["cells"]:
        if cell["cell_type"] != "code":
            continue
        for node in ast.walk(ast.parse(code_of(cell))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(("floorplan", "agents")):
                module = import_module(node.module)
                for alias in node.names:
                    assert alias.name in module.__all__, f"{node.module}.{alias.name}"
                    assert hasattr(module, alias.name)
                    looked += 1
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "floorplan":
                assert node.attr in import_module("floorplan").__all__, node.attr
                looked += 1
    assert looked > 0


@pytest.mark.parametrize("name", NAMES)
def test_links_between_pages_lead_somewhere(name: str) -> None:
    for cell in read(name)["cells"]:
        if cell["cell_type"] == "markdown":
            for target in re.findall(r"\]\(([^)#]+)", "".join(cell["source"])):
                assert (FOLDER / target).exists(), target


def test_the_gallery_is_small_and_its_page_names_every_notebook() -> None:
    assert len(NAMES) >= 6
    assert sum((FOLDER / f"{name}.ipynb").stat().st_size for name in NAMES) < MOST_BYTES
    page = (FOLDER.parent / "docs" / "notebooks.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"{name}.ipynb" not in page] == []


@pytest.mark.parametrize(
    "name", [name if name in IN_THE_DEFAULT_SUITE else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]
)
def test_it_runs_from_the_first_to_the_last_cell(name: str) -> None:
    pytest.importorskip("nbclient", reason="running notebooks needs nbclient and ipykernel (extra `dev`)")
    pytest.importorskip("ipykernel", reason="running notebooks needs nbclient and ipykernel (extra `dev`)")
    from notebooks.refresh import execute

    book = json.loads(json.dumps(execute(FOLDER / f"{name}.ipynb")))
    assert wrong_outputs(book) == []
    # the same cells show something as when they were stored
    stored = [bool(c["outputs"]) for c in read(name)["cells"] if c["cell_type"] == "code"]
    assert [bool(c["outputs"]) for c in book["cells"] if c["cell_type"] == "code"] == stored
