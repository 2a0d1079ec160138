from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorplan.report import group_macros


def test_numbers_are_indices_and_shared_levels_are_left_out_of_labels() -> None:
    names = [f"top/{unit}/bank[{i}].ram/i_ram" for unit in ("icache", "dcache") for i in range(2 + 2 * (unit > "e"))]
    groups = group_macros(names)
    assert [(g.label, g.members) for g in groups] == [("icache", (0, 1, 2, 3)), ("dcache", (4, 5))]


def test_the_deepest_level_within_the_limit_is_taken() -> None:
    names = ["a/x/p", "a/x/q", "a/y/p", "b/x/p"]
    assert [g.members for g in group_macros(names, limit=8)] == [(0,), (1,), (2,), (3,)]
    assert [g.members for g in group_macros(names, limit=3)] == [(0, 1), (2,), (3,)]
    assert [g.members for g in group_macros(names, limit=2)] == [(0, 1, 2), (3,)]


def test_more_groups_than_colours_end_in_others() -> None:
    groups = group_macros([f"m{chr(97 + i)}" for i in range(10)], limit=4)
    assert len(groups) == 4
    assert groups[-1].label == "others"
    assert len(groups[-1].members) == 7


def test_one_group_has_a_name() -> None:
    assert [(g.label, len(g.members)) for g in group_macros(["M_R0_C0", "M_R0_C1"])] == [("M_R_C", 2)]


@given(st.lists(st.text("ab/[]1_.", min_size=1, max_size=12), max_size=30), st.integers(2, 9))
def test_every_macro_is_in_exactly_one_group(names: list[str], limit: int) -> None:
    groups = group_macros(names, limit)
    assert len(groups) <= limit
    assert all(g.label for g in groups)
    assert sorted(i for g in groups for i in g.members) == list(range(len(names)))
