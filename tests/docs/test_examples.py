"""The complete examples: what a page shows is the file that lies in examples/, it is short, and it runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.doc_cases import DOCS, ROOT, blocks
from tests.docs.tutorial_runs import check_printed

EXAMPLES = ROOT / "examples"
SHOWN = [
    ("own-agent.md", "own-agent/edge_agent.py"),
    ("own-cost-term.md", "own-cost-term/hot_apart.py"),
    ("own-cost-term.md", "own-cost-term/place_apart.py"),
]


@pytest.mark.parametrize(("page", "file"), SHOWN)
def test_a_page_shows_the_file(page: str, file: str) -> None:
    source = (EXAMPLES / file).read_text(encoding="utf-8")
    assert len(source.splitlines()) < 60
    assert source in [text for _, text in blocks(DOCS / page, "python")]


@pytest.mark.parametrize("page", ["own-agent", "own-cost-term"])
def test_a_page_shows_how_the_package_declares_itself(page: str) -> None:
    (declared,) = [text for _, text in blocks(DOCS / f"{page}.md", "toml")]
    assert (EXAMPLES / page / "pyproject.toml").read_text(encoding="utf-8").endswith(declared)
    module, name = re.search(r'"(\w+):(\w+)"', declared).groups()  # type: ignore[union-attr]  # else it fails
    assert f"class {name}" in (EXAMPLES / page / f"{module}.py").read_text(encoding="utf-8")


def test_every_example_is_shown_or_used_by_a_tutorial() -> None:
    told = {page: (DOCS / page).read_text(encoding="utf-8") for page in ("own-agent.md", "own-cost-term.md")}
    told["tutorial"] = (DOCS / "tutorials" / "your-design.md").read_text(encoding="utf-8")
    for folder in sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()):
        assert any(f"examples/{folder}" in text for text in told.values()), folder


def test_the_cost_term_places_as_the_page_says() -> None:
    env = {**os.environ, "PYTHONPATH": str(EXAMPLES / "own-cost-term")}
    script = EXAMPLES / "own-cost-term" / "place_apart.py"
    done = subprocess.run(
        [sys.executable, str(script)], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    page = DOCS / "own-cost-term.md"
    (said,) = [text for _, text in blocks(page, "text")]
    check_printed(said, done.stdout, page)


def test_what_a_page_says_wrongly_is_found(tmp_path: Path) -> None:
    check_printed("proxy 0.70\n", "a\nproxy 0.71\n", tmp_path)
    for wrong in ("proxy 0.80\n", "proxy\n", "cost 0.71\n"):
        with pytest.raises(AssertionError):
            check_printed(wrong, "proxy 0.71\n", tmp_path)


def test_the_cost_term_goes_by_name_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "hot_apart.py").write_text((EXAMPLES / "own-cost-term" / "hot_apart.py").read_text(encoding="utf-8"))
    info = tmp_path / "hot_apart-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hot-apart\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[floorplan.terms]\napart = hot_apart:HotApart\n")
    netlist = ROOT / "netlists" / "systolic64" / "netlist.pb.txt"
    base = [sys.executable, "-m", "floorplan", "place", str(netlist), "--agent", "anneal", "--json", "--quiet"]
    base += ["--out", str(tmp_path / "apart.plc")]
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}

    def place(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*base, *options], env=env, capture_output=True, text=True, timeout=120, check=False)

    done = place("--budget", "20000p", "--term", "apart=0.5")
    assert done.returncode == 0, done.stderr
    aim = json.loads(done.stdout)["objective"]
    assert aim["reward"] >= aim["reward_before_polish"]
    assert 0 < aim["terms"]["apart"] < 1
    for options, cause in (
        (("--budget", "3e", "--term", "apart=0.5"), "seconds or proposals"),
        (("--budget", "1s", "--term", "apart"), "NAME=WEIGHT"),
        (("--budget", "1s", "--term", "a-part=1"), "known: apart"),
    ):
        failed = place(*options)
        assert failed.returncode == 2
        assert cause in failed.stderr
