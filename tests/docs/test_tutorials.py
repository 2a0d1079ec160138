"""Every command of the tutorials runs as it stands, and prints what the page says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.docs.doc_cases import DOCS, ROOT
from tests.docs.tutorial_runs import play, steps

TUTORIALS = DOCS / "tutorials"


def test_a_page_is_taken_apart_in_its_order(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        '```toml title="a.toml"\nx = 1\n```\n\n```sh\nfloorplan view a  # comment\n```\n```text\nsaid 1\n```\n'
    )
    assert steps(page) == [("file a.toml", "x = 1\n"), ("run", "floorplan view a"), ("said", "said 1\n")]


@pytest.mark.slow
def test_first_floorplan(tmp_path: Path) -> None:
    play(TUTORIALS / "first-floorplan.md", tmp_path)
    assert (tmp_path / "tile" / "report.html").stat().st_size > 100_000
    assert (tmp_path / "tile" / "search.gif").read_bytes().startswith(b"GIF8")


@pytest.mark.slow
def test_your_design(tmp_path: Path) -> None:
    folder = tmp_path / "your-design"
    shutil.copytree(ROOT / "examples" / "your-design", folder)
    play(TUTORIALS / "your-design.md", folder)
    before = (folder / "core.def").read_text().splitlines()
    for name, fixed in (("placed.def", "FIXED"), ("at-once.def", "PLACED")):
        after = (folder / name).read_text().splitlines()
        changed = [line for old, line in zip(before, after, strict=True) if old != line]
        assert len(changed) == 9, name
        assert all(fixed in line for line in changed), name


def test_the_rules_on_the_page_are_those_of_the_example() -> None:
    page = (TUTORIALS / "your-design.md").read_text()
    rules = (ROOT / "examples" / "your-design" / "rules.toml").read_text().split("\n", 1)[1]
    assert f"```toml\n{rules}```" in page


@pytest.mark.slow
def test_train_pretrain_finetune(tmp_path: Path) -> None:
    cut = {
        r"^(floorplan train --resume .*) --budget \w+": r"\1 --budget 12e",
        r"(--agent portfolio .*)--budget \w+": r"\1--budget 20000p",
        r"--budget \d+[sm]": "--budget 6e",
        r"--set soft_macros=80": "--set soft_macros=40 --set array_rows=2 --set array_columns=2",
    }
    play(TUTORIALS / "train-pretrain-finetune.md", tmp_path, cut)
    rows = (tmp_path / "runs" / "scratch" / "metrics.jsonl").read_text().splitlines()
    assert json.loads(rows[-1])["episodes"] >= 12
    for run in ("scratch", "tuned", "mine-tuned"):
        assert (tmp_path / "runs" / run / "best.plc").stat().st_size > 0, run
    assert (tmp_path / "three.html").stat().st_size > 100_000
