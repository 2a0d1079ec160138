"""What the README and the docs say works, and the tables in them are those of the code."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def with_edge_agent(tmp_path: Path) -> dict[str, str]:
    """Environment in which the agent of docs/own-agent.md is installed as a distribution of its own."""
    page = ROOT / "docs" / "own-agent.md"
    (source,) = blocks(page, "python")
    assert len(source.splitlines()) < 60
    (tmp_path / "edge_agent.py").write_text(source)
    info = tmp_path / "edge_agent-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: edge-agent\nVersion: 1.0\n")
    (declared,) = blocks(page, "toml")
    entry = declared.splitlines()[1].replace('"', "")
    (info / "entry_points.txt").write_text(f"[floorplan.agents]\n{entry}\n")
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


def test_the_agent_of_the_docs_runs_from_its_own_package(with_edge_agent: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "floorplan", "place", str(ROOT / "netlists" / "systolic64" / "netlist.pb.txt")]
    options = ["--agent", "edge", "--budget", "6e", "--out", str(tmp_path / "edge.plc")]
    done = subprocess.run([*command, *options], capture_output=True, text=True, env=with_edge_agent, check=False)
    assert done.returncode == 0, done.stderr
    assert "edge, seed 0" in done.stdout
    assert re.search(r"6 episodes", done.stdout)


def test_the_library_lines_of_the_readme_run(tmp_path: Path) -> None:
    (source,) = blocks(ROOT / "README.md", "python")
    assert len([line for line in source.splitlines() if line and not line.startswith("import")]) <= 5
    done = subprocess.run([sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "proxy=" in done.stdout
    assert done.stdout.rstrip().endswith("legal")


def test_the_netlist_of_the_data_model_page_builds(capsys: pytest.CaptureFixture[str]) -> None:
    (source,) = blocks(ROOT / "docs" / "data-model.md", "python")
    exec(compile(source, "data-model.md", "exec"), {})
    said = capsys.readouterr().out.strip()
    assert source.rstrip().endswith("# " + said)


@pytest.mark.parametrize(
    ("writer", "page"),
    [
        ("write_tables.py", "environment.md"),
        ("write_transfer.py", "transfer.md"),
        ("write_studies.py", "studies.md"),
    ],
)
def test_generated_tables_are_up_to_date(writer: str, page: str) -> None:
    module = runpy.run_path(str(ROOT / "docs" / writer))
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert module["rewritten"](text) == text, f"run `python docs/{writer}`"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []
