"""Charts put values where their axes say, and keep labels apart."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorplan.report.charts import Line, line_chart, nice_ticks

X = np.arange(5.0)


def test_points_lie_where_the_axis_says() -> None:
    svg = line_chart("cost", "episodes", [Line("best", X, np.array([5.0, 4.0, 3.0, 2.0, 1.0]), "#0072B2")])
    path = re.search(r'class="line" stroke="#0072B2" d="([^"]+)"', svg)
    assert path is not None
    y = [float(v.split()[1]) for v in re.split("[ML]", path[1])[1:]]
    ticks = {float(t): float(h) for h, t in re.findall(r'class="tick" x="47.0" y="([\d.]+)"[^>]*>([\d.]+)<', svg)}
    for value, height in zip((5.0, 4.0, 3.0, 2.0, 1.0), y, strict=True):
        if value in ticks:
            assert height == pytest.approx(ticks[value] - 3.8, abs=0.11)  # the label's line is that much lower
    assert len(ticks) >= 3
    assert "best 1.0000" in svg


def test_a_level_is_drawn_near_and_said_when_far() -> None:
    line = Line("best", X, np.linspace(0.7, 0.6, 5), "#000000")
    near, far = (line_chart("cost", "s", [line], (level, "bound")) for level in (0.5, 0.1))
    assert 'class="level"' in near
    assert "bound 0.5000" in near
    assert 'class="level"' not in far
    assert "bound 0.1000 is below the chart" in far


def test_labels_of_lines_that_end_together_do_not_overlap() -> None:
    lines = [Line(f"run {i}", X, X * 0 + 1 + i * 1e-6, "#000000") for i in range(5)]
    y = sorted(float(v) for v in re.findall(r'class="end" x="[\d.]+" y="(-?[\d.]+)"', line_chart("c", "s", lines)))
    assert len(y) == 5
    assert min(np.diff(y)) > 13


def test_what_is_not_finite_is_left_out_and_nothing_gives_no_chart() -> None:
    y = np.array([1.0, np.nan, np.inf, 2.0, 3.0])
    svg = line_chart("c", "s", [Line("a", X, y, "#000000"), Line("b", X, X * np.nan, "#111111")])
    assert "nan" not in svg
    assert "inf" not in svg
    assert 'stroke="#111111"' not in svg
    assert line_chart("c", "s", [Line("b", X, X * np.nan, "#111111")]) == ""


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e9))
def test_ticks_are_within_and_few(low: float, span: float) -> None:
    ticks = nice_ticks(low, low + span)
    assert len(ticks) <= 7
    assert all(low - 1e-6 * span <= t <= low + span * (1 + 1e-6) for t in ticks)
    assert ticks == sorted(ticks)


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=12))
def test_any_values_make_a_chart(values: list[float]) -> None:
    svg = line_chart("c", "s", [Line("a", np.arange(float(len(values))), np.array(values), "#000000")])
    assert svg.startswith("<figure")
    assert "nan" not in svg
