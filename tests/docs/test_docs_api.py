"""The reference has every public name of every package, and each says what it is."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import re
from pathlib import Path

import pytest

from tests.docs.doc_cases import DOCS, ROOT

DIRECTIVE = re.compile(r"^::: (\S+)$", re.MULTILINE)
PAGE_OF = {
    name: page
    for page in sorted((DOCS / "api").glob("*.md"))
    for name in DIRECTIVE.findall(page.read_text(encoding="utf-8"))
}


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


MODULES = [name for name in PAGE_OF if is_module(name)]


def public(module: str) -> list[str]:
    return [name for name in importlib.import_module(module).__all__ if not name.startswith("__")]


def described_values(module: str) -> set[str]:
    """Return the names assigned in a module that a string stands behind, and those of what it imports from its own."""
    loaded = importlib.import_module(module)
    files = [Path(loaded.__file__ or "")]
    if files[0].name == "__init__.py":
        files += [*files[0].parent.rglob("*.py"), *(ROOT / "floorplan").glob("*.py")]
    out = set()
    for file in files:
        body = ast.parse(file.read_text(encoding="utf-8")).body
        for node, after in itertools.pairwise(body):
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
            told = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if isinstance(target, ast.Name) and told:
                out.add(target.id)
    return out


def test_every_package_has_its_place() -> None:
    inner = {"floorplan", "floorplan.cli"}  # a table of its own; commands have their page
    there = set()
    for file in (ROOT / "floorplan").rglob("__init__.py"):
        name = ".".join(file.parent.relative_to(ROOT).parts)
        if not name.endswith(".kernels") and "__all__" in file.read_text(encoding="utf-8"):
            there.add(name)
    assert there - inner - set(MODULES) == set()


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_says_what_it_is(module: str) -> None:
    loaded = importlib.import_module(module)
    values = described_values(module)
    page = PAGE_OF[module].read_text(encoding="utf-8")
    silent = []
    for name in public(module):
        thing = getattr(loaded, name)
        if inspect.isclass(thing) or inspect.isroutine(thing):
            said = bool((thing.__doc__ or "").strip()) and not (thing.__doc__ or "").startswith(f"{name}(")
        else:
            said = name in values or f"| `{name}` |" in page
        if not said:
            silent.append(name)
    assert silent == []


def test_a_value_without_a_word_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_module_of_values.py").write_text('A = 1\n"""said"""\nB = 2\n')
    monkeypatch.syspath_prepend(tmp_path)
    assert described_values("a_module_of_values") == {"A"}


def test_the_front_table_has_every_name_of_the_package() -> None:
    import floorplan

    text = (DOCS / "api" / "floorplan.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[`(\w+)`\]\((\w+)\.md#([\w.]+)\) \|", text, re.MULTILINE)
    assert [name for name, _, _ in listed] == [name for name in floorplan.__all__ if name != "__version__"]
    for name, page, anchor in listed:
        assert anchor == f"{floorplan._HOME[name]}.{name}"
        assert PAGE_OF[floorplan._HOME[name]].stem == page


def test_a_name_that_a_module_hides_has_an_entry_of_its_own() -> None:
    # `floorplan.cluster.cluster` is a function and, to whoever reads the source alone, a module.
    for module in MODULES:
        for name in public(module):
            if (ROOT / module.replace(".", "/") / f"{name}.py").is_file():
                thing = getattr(importlib.import_module(module), name)
                assert f"{thing.__module__}.{name}" in PAGE_OF, f"{module}.{name}"
