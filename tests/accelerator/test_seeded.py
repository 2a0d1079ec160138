from __future__ import annotations

import pytest

from floorplan.accelerator.seeded import Draws, power_law


def test_the_stream_never_changes() -> None:
    """Shipped netlists depend on these very numbers: PCG64 seeded with 1, upper 53 bits of each word."""
    d = Draws(1)
    assert [d.unit() for _ in range(3)] == [0.5118216247002567, 0.9504636963259353, 0.14415961271963373]


def test_draws_stay_in_their_ranges_and_reach_all_of_them() -> None:
    d = Draws(7)
    assert {d.below(5) for _ in range(200)} == set(range(5))
    assert all(2.0 <= d.between(2.0, 3.0) < 3.0 for _ in range(100))
    assert {d.choice("abc") for _ in range(60)} == set("abc")


def test_a_sample_has_no_entry_twice_and_ends_with_the_pool() -> None:
    d = Draws(3)
    got = d.sample(range(10), 4)
    assert len(set(got)) == 4
    assert sorted(d.sample([1, 2, 3], 99)) == [1, 2, 3]


def test_power_law_shares_are_in_proportion() -> None:
    # 1, 1/2, 1/3 over 11/6
    assert power_law(1.0, 3) == pytest.approx([6 / 11, 9 / 11, 1.0])
    cumulative = power_law(1.0, 3)
    d = Draws(0)
    counts = [0, 0, 0, 0]
    for _ in range(3000):
        counts[d.ranked(cumulative)] += 1
    assert counts[0] == 0
    assert counts[1] / 3000 == pytest.approx(6 / 11, abs=0.05)
