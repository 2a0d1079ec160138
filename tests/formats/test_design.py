"""What a `Design` refuses to be."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from floorplan.errors import ProblemError
from floorplan.formats.design import Design
from floorplan.formats.problem import read_problem


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"master": ("RAM",)}, "1 masters given for 3 nodes"),
        ({"units_per_um": 0.0}, "units_per_um must be positive"),
        ({"units_per_um": math.inf}, "units_per_um must be positive"),
        ({"origin_um": (math.nan, 0.0)}, "origin must be finite"),
        ({"manufacturing_grid_um": -0.005}, "manufacturing_grid_um must be >= 0"),
        ({"site_um": (0.19, 0.0)}, "site's width and height must be positive"),
    ],
)
def test_values_that_mean_nothing_are_refused(two_macros: Path, change: dict[str, object], said: str) -> None:
    design = Design(read_problem(two_macros / "netlist.pb.txt"), "protobuf", ())
    with pytest.raises(ProblemError, match=said):
        design.replace(**change)


def test_a_copy_differs_only_where_it_is_told_to(two_macros: Path) -> None:
    design = Design(read_problem(two_macros / "netlist.pb.txt"), "protobuf", (two_macros / "netlist.pb.txt",))
    other = design.replace(origin_um=(3.0, -4.0), master=("", "RAM", "RAM"))
    assert other.origin_um == (3.0, -4.0)
    assert other.master == ("", "RAM", "RAM")
    assert (other.problem, other.paths, other.format) == (design.problem, design.paths, design.format)
