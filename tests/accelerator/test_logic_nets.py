from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorplan.accelerator.logic import apportion, logic_nets, soft_areas_um2
from floorplan.accelerator.seeded import Draws
from floorplan.errors import ProblemError


@given(
    shares=st.lists(st.floats(0.1, 50.0), min_size=1, max_size=12),
    spare=st.integers(0, 200),
    least=st.integers(0, 3),
)
def test_apportion_gives_everything_away_and_each_its_due(shares: list[float], spare: int, least: int) -> None:
    total = least * len(shares) + spare
    got = apportion(total, {str(i): s for i, s in enumerate(shares)}, least)
    assert sum(got.values()) == total
    for i, share in enumerate(shares):
        assert abs(got[str(i)] - least - spare * share / sum(shares)) < 1


def test_apportion_refuses_what_cannot_be_divided() -> None:
    with pytest.raises(ProblemError, match="3 soft macros are too few: 2 blocks"):
        apportion(3, {"a": 1.0, "b": 1.0}, 2)


def test_areas_add_up_and_differ_by_no_more_than_a_factor_of_eight() -> None:
    areas = soft_areas_um2(Draws(1), [str(i) for i in range(100)], 5000.0)
    assert math.fsum(areas.values()) == pytest.approx(5000.0)
    assert max(areas.values()) / min(areas.values()) <= 8.0


def leaving(nets: list[tuple[str, list[str], int]], size: int) -> float:
    """Share of the nets that leave the aligned group of `size` clusters around their source."""
    out = [any(int(s[1:]) // size != int(source[1:]) // size for s in sinks) for source, sinks, _ in nets]
    return sum(out) / len(out)


def test_nets_are_as_local_as_rents_rule_says() -> None:
    block = [f"s{i}" for i in range(256)]
    far = [f"s{1000 + i}" for i in range(256)]
    p = 0.65
    nets = logic_nets(Draws(5), {"a": block, "b": far}, {"a": ["b"], "b": ["a"]}, 8, p)
    nets = [n for n in nets if int(n[0][1:]) < 256]
    for size in (4, 16, 64):
        # A net of reach B in (size / 2, size] finds its sinks within `size`; one of larger reach may do so by chance.
        assert leaving(nets, size) == pytest.approx(size ** (p - 1), abs=0.08)


def test_nets_have_sinks_other_than_their_source_and_each_cluster_drives_some() -> None:
    blocks = {"a": ["s0", "s1", "s2"], "lone": ["s3"]}
    nets = logic_nets(Draws(2), blocks, {"a": ["lone"], "lone": ["a"]}, 6, 0.6)
    assert {source for source, _, _ in nets} == {"s0", "s1", "s2", "s3"}
    for source, sinks, bits in nets:
        assert sinks
        assert source not in sinks
        assert len(set(sinks)) == len(sinks)
        assert 1 <= bits <= 48
    for name in ("s0", "s3"):
        assert 3 <= sum(source == name for source, _, _ in nets) <= 9
