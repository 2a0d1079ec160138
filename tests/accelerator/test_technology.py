from __future__ import annotations

import itertools

import pytest

from floorplan.accelerator import TECHNOLOGIES
from floorplan.accelerator.technology import technology
from floorplan.errors import UnknownNameError


@pytest.mark.parametrize("name", TECHNOLOGIES)
def test_every_node_is_sensible_and_says_where_its_numbers_come_from(name: str) -> None:
    t = technology(name)
    assert t.name == name
    assert t.source
    assert 0 < t.array_efficiency_frac < 1
    assert 0 < t.logic_fill_frac < 1
    assert t.h_macro_tracks_per_um < t.h_tracks_per_um
    assert t.v_macro_tracks_per_um < t.v_tracks_per_um


def test_smaller_nodes_have_smaller_cells() -> None:
    order = [TECHNOLOGIES[n] for n in ("nangate45", "n28", "n16", "n7")]
    for a, b in itertools.pairwise(order):
        assert b.bitcell_um2 < a.bitcell_um2
        assert b.flop_um2 / a.flop_um2 == pytest.approx(b.bitcell_um2 / a.bitcell_um2)


def test_unknown_node_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="n16, n28, n7, nangate45"):
        technology("n5")
