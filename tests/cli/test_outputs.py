"""Outputs that have no folder to lie in: said before any work, with the name of the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorplan.cli.main import main


@pytest.mark.parametrize(
    "command",
    [
        ["place", "NETLIST", "--out", "MISSING.plc"],
        ["place", "NETLIST", "--out", "KEPT.plc", "--png", "MISSING.png"],
        ["convert", "NETLIST", "MISSING.json"],
        ["evaluate", "NETLIST", "--png", "MISSING.png"],
        ["evaluate", "NETLIST", "--maps", "MISSING.png"],
        ["inspect", "NETLIST", "--png", "MISSING.png"],
        ["plot", "NETLIST", "--out", "MISSING.png"],
        ["report", "NETLIST", "--out", "MISSING.html"],
        ["cluster", "NETLIST", "--out", "KEPT.pb.txt", "--groups-out", "MISSING.txt"],
        ["roofline", "llama3-8b", "h100", "chat", "--plot", "MISSING.png"],
    ],
    ids=lambda command: " ".join(word for word in command if word.islower()),
)
def test_a_missing_folder_is_named_before_any_work(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # no netlist is there to be read: whoever reads it before looking at the output says so in place of the folder
    names = {
        "MISSING": str(tmp_path / "no" / "a"),
        "KEPT": str(tmp_path / "b"),
        "NETLIST": str(tmp_path / "unread.pb.txt"),
    }
    assert (
        main([names.get(stem, stem) + dot + suffix for stem, dot, suffix in (w.partition(".") for w in command)]) == 2
    )
    assert f"the folder {tmp_path / 'no'} does not exist" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
