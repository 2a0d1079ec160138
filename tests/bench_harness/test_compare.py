from __future__ import annotations

import math

import pytest
from test_report import row

from floorplan.bench import BenchError
from floorplan.bench.compare import compare, interquartile_mean, markdown


def runs(label: str, proxies: list[float | None], **more: object) -> list[object]:
    return [
        row(
            p, label=label, seed=k, budget=more.get("budget", "60s"), **{k: v for k, v in more.items() if k != "budget"}
        )
        for k, p in enumerate(proxies)
    ]


def test_the_middle_half_counts() -> None:
    assert interquartile_mean([1.0, 2.0, 3.0, 100.0]) == pytest.approx(2.5)
    assert interquartile_mean([1.0, 2.0, 6.0]) == pytest.approx(3.0)  # too few to cut any off


def test_a_clear_gain_is_better_and_noise_is_open() -> None:
    rows = [
        *runs("plain", [0.60, 0.61, 0.62, 0.61]),
        *runs("guided", [0.57, 0.58, 0.57, 0.58]),
        *runs("same", [0.61, 0.60, 0.62, 0.61]),
    ]
    guided, same = compare(rows, "plain")
    assert (guided.label, guided.together.verdict) == ("guided", "better")
    assert guided.designs[0].change_pct == pytest.approx(100 * (0.575 / 0.61 - 1), abs=0.01)
    assert guided.together.low_pct <= guided.together.change_pct <= guided.together.high_pct < 0
    assert same.together.verdict == "open"
    assert same.together.low_pct < 0 < same.together.high_pct
    (worse,) = [c for c in compare(rows, "guided") if c.label == "plain"]
    assert worse.together.verdict == "worse"


def test_designs_are_paired_and_together_weighs_runs() -> None:
    rows = [
        *runs("a", [0.5, 0.5]),
        *runs("b", [0.4, 0.4]),
        *runs("a", [1.0, 1.0], design="other", netlist_hash="ef" * 32),
        *runs("b", [1.0, 1.0], design="other", netlist_hash="ef" * 32),
        *runs("b", [9.0, 9.0], design="alone", netlist_hash="01" * 32),
    ]
    (b,) = compare(rows, "a")
    assert [(c.design, round(c.change_pct, 6)) for c in b.designs] == [("chip", -20.0), ("other", 0.0)]
    assert b.together.change_pct == pytest.approx(-10.0)
    assert b.together.runs == (4, 4)


def test_results_that_are_not_legal_are_left_out_and_counted() -> None:
    rows = [*runs("a", [0.5, 0.5, 0.5]), *runs("b", [0.4, -0.1, None])]
    (b,) = compare(rows, "a")
    assert b.designs[0].proxy == pytest.approx(0.4)
    assert (b.designs[0].runs, b.designs[0].dropped) == ((1, 3), 2)
    assert b.designs[0].low_pct is None
    assert b.designs[0].verdict == "open"
    text = markdown(b, "a")
    assert "2 ILLEGAL or FAILED left out" in text
    assert "one run" in text


def test_a_baseline_of_another_budget() -> None:
    rows = [*runs("random", [0.8, 0.8], budget="100e"), *runs("policy", [0.7, 0.7], budget="1e")]
    (c,) = compare(rows, "random", "100e")
    assert (c.label, c.budget) == ("policy", "1e")
    assert c.together.change_pct == pytest.approx(-12.5)
    with pytest.raises(BenchError, match="nothing to compare 'random' with at equal budgets"):
        compare(rows, "random")
    with pytest.raises(BenchError, match="no agent is called 'nobody'; there are policy, random"):
        compare(rows, "nobody")


def test_the_interval_is_the_same_every_time() -> None:
    rows = [*runs("a", [0.5, 0.52, 0.55]), *runs("b", [0.5, 0.49, 0.51])]
    first, again = compare(rows, "a"), compare(rows, "a")
    assert first == again
    assert math.isfinite(first[0].together.change_pct)
