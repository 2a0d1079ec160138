from __future__ import annotations

from pathlib import Path

import pytest

from floorplan.cli.options import OptionError
from floorplan.cli.plot import Plot


@pytest.mark.parametrize(
    ("name", "head"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF"), ("a.gif", b"GIF8")]
)
def test_each_format_is_written_and_named(
    two_macros: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, head: bytes
) -> None:
    out = tmp_path / name
    assert Plot((str(two_macros / "overlap.plc"),), out).run() == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert out.read_bytes().startswith(head)


def test_several_placements_are_drawn_as_bars_and_as_a_search(two_macros: Path, tmp_path: Path) -> None:
    runs = tuple(str(two_macros / name) for name in ("initial.plc", "overlap.plc"))
    Plot(runs, tmp_path / "cost.png", what="cost", weights=(2.0, 1.0, 1.0)).run()
    Plot(runs, tmp_path / "search.gif").run()
    assert min((tmp_path / n).stat().st_size for n in ("cost.png", "search.gif")) > 2000


def test_what_cannot_be_drawn_is_refused(two_macros: Path, tmp_path: Path) -> None:
    one = (str(two_macros / "initial.plc"),)
    for plot, cause in (
        (Plot((), tmp_path / "a.png"), "at least one"),
        (Plot(one, tmp_path / "a.jpg"), "can be drawn as"),
        (Plot(one, tmp_path / "no" / "a.png"), "does not exist"),
        (Plot(one, tmp_path / "a.gif", what="cost"), "stands still"),
        (Plot(one, tmp_path / "a.gif", frames=1), "--frames is 2 to"),
        (Plot(one, tmp_path / "a.gif", fps=0), "--fps 1 to"),
    ):
        with pytest.raises(OptionError, match=cause):
            plot.run()
    assert list(tmp_path.glob("a.*")) == []
