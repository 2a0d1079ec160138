"""The pictures hold what they should: colours are counted where things were drawn."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import numpy.typing as npt
import pytest

from floorplan.cost import CostEngine
from floorplan.netlist import Blockage, Canvas, NetlistBuilder, Placement, Problem
from floorplan.report import write_curves_png, write_maps_png, write_placement_png

Pixels = npt.NDArray[np.float64]


def pixels(path: Path) -> Pixels:
    image: Pixels = matplotlib.image.imread(path)[:, :, :3].astype(np.float64)
    return image


def near(image: Pixels, colour: tuple[float, float, float], tolerance: float = 0.02) -> npt.NDArray[np.bool_]:
    close: npt.NDArray[np.bool_] = (np.abs(image - np.array(colour)) < tolerance).all(axis=2)
    return close


@pytest.fixture
def problem() -> Problem:
    """Two hard macros of 20 x 20 um and a soft one of 30 x 10 um on a canvas of 100 x 80 um."""
    b = NetlistBuilder("small")
    b.add_port("in")
    b.add_macro("ram", 20.0, 20.0)
    b.add_pin("ram/i", "ram")
    b.add_macro("rom", 20.0, 20.0)
    b.add_pin("rom/i", "rom")
    b.add_macro("Grp_0", 30.0, 10.0, soft=True)
    b.add_pin("Grp_0/i", "Grp_0")
    b.add_net("in", ["ram/i", "rom/i", "Grp_0/i"])
    placement = Placement([0, 20, 70, 50], [40, 20, 20, 60], [0] * 4, [True] * 4)
    return Problem(b.build(), Canvas(100.0, 80.0, 10, 8, 10.0, 10.0, 1.0, 1.0, 1), placement)


RED = (212 / 255, 0.0, 0.0)


def test_legal_macros_have_no_red_outline_and_overlapping_ones_have(problem: Problem, tmp_path: Path) -> None:
    write_placement_png(tmp_path / "a.png", problem, problem.initial, "small\nproxy 0.1")
    assert near(pixels(tmp_path / "a.png"), RED).sum() == 0
    write_placement_png(tmp_path / "b.png", problem, problem.initial.replace(x_um=[0, 20, 35, 50]))
    assert near(pixels(tmp_path / "b.png"), RED).sum() > 500


def test_hard_macros_cover_their_share_of_the_canvas(problem: Problem, tmp_path: Path) -> None:
    write_placement_png(tmp_path / "a.png", problem, problem.initial)
    image = pixels(tmp_path / "a.png")
    # first group: Okabe and Ito's blue over the near-white canvas at 82 %
    blue = np.array([0x00, 0x72, 0xB2]) / 255 * 0.82 + np.array([0xFB, 0xFC, 0xFD]) / 255 * 0.18
    found = near(image, tuple(blue), 0.03)
    rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
    height, width = rows[-1] - rows[0], columns[-1] - columns[0]
    assert width == pytest.approx(height, rel=0.05)  # a square macro is drawn square


def test_equal_input_gives_equal_bytes(problem: Problem, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_placement_png(tmp_path / name, problem, problem.initial, "small")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_nothing_placed_outside_nodes_and_blockages_are_drawn(problem: Problem, tmp_path: Path) -> None:
    ports_only = problem.initial.replace(placed=[True, False, False, False])
    write_placement_png(tmp_path / "a.png", problem, ports_only)
    outside = problem.replace(blockages=(Blockage(50.0, 50.0, 80.0, 70.0),))
    write_placement_png(tmp_path / "b.png", outside, problem.initial.replace(x_um=[0, -30, 130, 50]))
    a, b = pixels(tmp_path / "a.png"), pixels(tmp_path / "b.png")
    assert a.shape[1] / a.shape[0] < b.shape[1] / b.shape[0]  # the view grows with what stands outside
    assert near(b, RED).sum() > 500


def test_maps_show_where_macros_are(problem: Problem, tmp_path: Path) -> None:
    engine = CostEngine(problem)
    write_maps_png(tmp_path / "m.png", problem, problem.initial, engine.maps(problem.initial), "small")
    image = pixels(tmp_path / "m.png")
    dark, bright = (0.0, 0.135, 0.305), (0.995, 0.909, 0.218)  # the ends of cividis
    assert near(image, dark, 0.05).sum() > 1000
    assert near(image, bright, 0.05).sum() > 1000


ROW = {
    "step": 64,
    "seconds": 1.0,
    "episodes": 16,
    "best_proxy": 0.9,
    "mean_proxy": 1.0,
    "entropy": 5.0,
    "explained_variance": None,
    "episodes_per_s": 4.0,
}


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [ROW],
        [ROW, ROW | {"episodes": 32, "best_proxy": 0.8, "mean_proxy": float("nan"), "explained_variance": 0.5}],
        [{"step": 1}, {"step": 2, "best_proxy": 0.7, "extra": "text"}],
    ],
    ids=["none", "one", "gaps", "few keys"],
)
def test_curves_take_what_rows_there_are(rows: list[dict[str, object]], tmp_path: Path) -> None:
    write_curves_png(tmp_path / "c.png", rows, "small")
    blue = (0x00 / 255, 0x72 / 255, 0xB2 / 255)
    has_best = any("best_proxy" in row for row in rows)
    assert (near(pixels(tmp_path / "c.png"), blue, 0.05).sum() > 10) == has_best


def test_an_old_picture_survives_a_failure(problem: Problem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def fail(*args: object, **options: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        write_placement_png(path, problem, problem.initial)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
