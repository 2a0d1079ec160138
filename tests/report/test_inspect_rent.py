"""Rent's exponent against netlists that were made to have a known one."""

from __future__ import annotations

import numpy as np
import pytest

from floorplan.accelerator.synthetic import synthetic
from floorplan.accelerator.synthetic_parameters import Synthetic
from floorplan.inspection import rent_exponent
from floorplan.netlist import Netlist, NetlistBuilder

TERMINALS = 5.0


def planted(levels: int, exponent: float) -> Netlist:
    """Return 2**levels macros in a binary hierarchy, each block of B of them with TERMINALS * B**exponent terminals.

    A block of B has twice the terminals of its halves less two for each net between these, so the law fixes how many
    two-pin nets join the halves at each level; what the whole has left goes to ports.
    """
    draws, count, b = np.random.default_rng(3), 1 << levels, NetlistBuilder("planted")
    nets: list[tuple[int, int]] = []
    for level in range(1, levels + 1):
        size, owed = 1 << level, 0.0
        for start in range(0, count, size):
            owed += TERMINALS / 2 * size**exponent * (2 ** (1 - exponent) - 1)
            for _ in range(int(owed)):
                low, high = draws.integers(size // 2, size=2)
                nets.append((start + int(low), start + size // 2 + int(high)))
            owed -= int(owed)
    for i in range(count):
        b.add_macro(f"Grp_{i}", 1.0, 1.0, soft=True)
    for e, (low, high) in enumerate(nets):
        b.add_pin(f"a{e}", f"Grp_{low}")
        b.add_pin(f"b{e}", f"Grp_{high}")
        b.add_net(f"a{e}", [f"b{e}"])
    for k in range(round(TERMINALS * count**exponent)):
        b.add_port(f"P{k}")
        b.add_pin(f"q{k}", f"Grp_{draws.integers(count)}")
        b.add_net(f"P{k}", [f"q{k}"])
    return b.build()


@pytest.mark.parametrize("exponent", [0.3, 0.7])
def test_the_exponent_of_a_planted_hierarchy_is_found(exponent: float) -> None:
    pytest.importorskip("mtkahypar")
    found = rent_exponent(planted(7, exponent))
    assert found is not None
    print(f"planted {exponent}: measured {found.exponent:.3f}, {found.coefficient:.2f} terminals, R2 {found.r2:.4f}")
    assert found.exponent == pytest.approx(exponent, abs=0.03)
    assert found.coefficient == pytest.approx(TERMINALS, rel=0.05)
    assert found.r2 > 0.995
    assert [v.blocks for v in found.levels] == [128, 32, 16, 8]
    assert [v.nodes for v in found.levels] == [1.0, 4.0, 8.0, 16.0]


def test_too_few_nodes_or_no_nets_have_none() -> None:
    b = NetlistBuilder("few")
    for i in range(100):
        b.add_cell(f"c{i}", 1.0, 1.0)
    assert rent_exponent(b.build()) is None
    assert rent_exponent(planted(5, 0.5)) is None


@pytest.mark.slow
def test_generated_netlists_keep_the_order_of_the_exponent_they_were_asked_for() -> None:
    """The generator follows Rent's rule within leaves of eight soft macros; its upper hierarchy is always the same."""
    pytest.importorskip("mtkahypar")
    asked, measured = (0.3, 0.5, 0.7, 0.9), []
    for exponent in asked:
        given = Synthetic(hard_macros=4, soft_macros=400, modules=2, nets_per_soft=8, rent_exponent=exponent)
        found = rent_exponent(synthetic(given).netlist)
        assert found is not None
        print(f"asked {exponent}: measured {found.exponent:.3f}, R2 {found.r2:.3f}")
        measured.append(found.exponent)
    assert measured == sorted(measured)
    assert measured[-1] - measured[0] > 0.15
