"""What imports what: the layers of the architecture, and how little `import floorplan` costs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import floorplan

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "torch_geometric", "numba", "scipy", "stable_baselines3", "matplotlib", "networkx", "rich", "tyro")


def loaded_by(statement: str) -> tuple[set[str], float]:
    code = (
        "import json, sys, time; t = time.perf_counter()\n"
        f"{statement}\n"
        "print(json.dumps([time.perf_counter() - t, sorted({m.partition('.')[0] for m in sys.modules})]))"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    seconds, modules = json.loads(out)
    return set(modules), seconds


def test_importing_floorplan_loads_nothing_heavy() -> None:
    modules, seconds = loaded_by("import floorplan")
    print(f"import floorplan: {seconds * 1000:.0f} ms")
    assert modules.isdisjoint(HEAVY)


def test_the_data_model_and_the_readers_load_neither_numba_nor_torch() -> None:
    modules, seconds = loaded_by("from floorplan import Netlist, Problem, read_problem, check_legality")
    print(f"data model and readers: {seconds * 1000:.0f} ms")
    assert modules.isdisjoint(HEAVY)


def test_help_of_the_command_line_loads_neither_numba_nor_torch() -> None:
    statement = (
        "import contextlib, io, floorplan.cli.main as m\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): m.main(['--help'])"
    )
    modules, seconds = loaded_by(statement)
    print(f"floorplan --help: {seconds * 1000:.0f} ms")
    assert modules.isdisjoint({"torch", "numba", "scipy", "matplotlib", "stable_baselines3"})


def test_the_environment_does_not_load_torch() -> None:
    modules, _ = loaded_by("import floorplan.env, floorplan.soft, floorplan.report, floorplan.accelerator")
    assert modules.isdisjoint({"torch", "torch_geometric", "matplotlib"})


def test_placing_with_a_policy_does_not_load_what_training_is_built_on() -> None:
    modules, _ = loaded_by("import agents.policy, agents.infer.beam, agents.infer.nested, agents.infer.views")
    assert "torch" in modules
    assert modules.isdisjoint({"stable_baselines3", "sb3_contrib", "tensorboard", "torch_geometric", "matplotlib"})


def test_every_public_name_resolves_and_others_do_not() -> None:
    for name in floorplan.__all__:
        assert getattr(floorplan, name) is not None
    assert set(floorplan.__all__) <= set(dir(floorplan))
    with pytest.raises(AttributeError, match="no_such_name"):
        floorplan.no_such_name  # noqa: B018  # the access itself is what is tested


def test_no_file_under_floorplan_imports_agents_or_unpickles() -> None:
    forbidden = {"agents", "pickle", "dill", "joblib", "cloudpickle"}
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in sorted((ROOT / "floorplan").rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        if name.partition(".")[0] in forbidden
    ]
    assert found == []


def test_the_layers_hold() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c(['--no-cache'])"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
