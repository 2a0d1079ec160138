"""Batches: independence of environments, seeds, exact resume, orders, errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from env_play import assert_same, play, snapshot
from env_problems import PLAIN, crowded, hand_drawn, random_actions, random_problem

from floorplan.env import ConstructBatch, ConstructConfig
from floorplan.env.order import MacroOrder, area_order, read_order
from floorplan.errors import InfeasibleProblemError, ParseError, ProblemError
from floorplan.geometry import Orient, orient_bit
from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem

RANDOM_ORDER = ConstructConfig(soft_placer="none", soft_start="initial", order="random")


@pytest.mark.parametrize("threads", ["1", "2", "3"])
def test_batch_is_its_single_environments(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment i of a batch plays the episodes that it plays in any other batch that holds it."""
    monkeypatch.setenv("FLOORPLAN_THREADS", threads)
    problem = random_problem(5, max_size=0.9)
    wide, narrow = (
        ConstructBatch(problem, 13, RANDOM_ORDER, seed=3),
        ConstructBatch(problem, 2, RANDOM_ORDER, seed=3),
    )
    rng = np.random.default_rng(0)
    for _ in range(3 * wide.dims.macros):
        actions = random_actions(wide, rng)
        many, few = wide.step(actions), narrow.step(actions[:2])
        assert_same([v[:2] for v in snapshot(wide)], snapshot(narrow))
        assert_same([v[:2] for v in many], list(few))


def test_same_seed_same_bytes_and_other_seed_other_order() -> None:
    problem = random_problem(11, max_size=0.6)
    runs = [play(ConstructBatch(problem, 4, RANDOM_ORDER, seed=seed), 12) for seed in (1, 1, 2)]
    assert_same(runs[0], runs[1])
    assert any(x.shape != y.shape or (x != y).any() for x, y in zip(runs[0], runs[2], strict=False))


def test_reset_with_a_seed_begins_again() -> None:
    b = ConstructBatch(random_problem(11, max_size=0.6), 3, RANDOM_ORDER, seed=9)
    first = snapshot(b)
    play(b, 7)
    b.reset()
    assert b.episode.min() >= 1
    b.reset(seed=9)
    assert b.episode.tolist() == [0, 0, 0]
    assert_same(snapshot(b), first)


@pytest.mark.parametrize("steps", [0, 1, 2, 6, 11])
@pytest.mark.parametrize("config", [PLAIN, RANDOM_ORDER], ids=["area", "random"])
def test_state_resumes_bit_for_bit(steps: int, config: ConstructConfig) -> None:
    problem = random_problem(21, max_size=0.7)
    a = ConstructBatch(problem, 3, config, seed=4)
    play(a, steps)
    state = {k: v.copy() for k, v in a.get_state().items()}
    b = ConstructBatch(problem, 3, config, seed=77)
    play(b, 5, seed=1)
    b.set_state(state)
    assert_same(snapshot(a), snapshot(b))
    assert_same(play(a, 15, seed=2), play(b, 15, seed=2))


def test_state_of_another_problem_is_refused() -> None:
    b = ConstructBatch(hand_drawn(), 2, PLAIN)
    state = b.get_state()
    with pytest.raises(ProblemError, match="'episode'"):
        ConstructBatch(hand_drawn(), 3, PLAIN).set_state(state)
    with pytest.raises(ProblemError, match="'actions'"):
        ConstructBatch(crowded(2), 2, PLAIN).set_state(state)
    with pytest.raises(ProblemError, match="not legal"):
        b.set_state(state | {"steps": np.array([1, 0])})  # action 0 leaves the canvas
    with pytest.raises(ProblemError, match="steps"):
        b.set_state(state | {"steps": np.array([3, 0])})


def test_fixed_macros_stand_from_the_start() -> None:
    """B is fixed half outside the canvas: it forbids its inside part (and 1 nm) only, and keeps its place."""
    problem = hand_drawn()
    fixed = np.array([False, True, False, True])
    initial = problem.initial.replace([0, 30, 0, 0], [0, 5, 0, 15], placed=[False, True, False, True])
    b = ConstructBatch(problem.replace(initial=initial, fixed=fixed), 1, PLAIN)
    assert b.dims.macros == 2
    assert b.obs["maps"][0, 5].tolist() == pytest.approx(np.array([[0, 0, 0.32], [0, 0, 0], [0, 0, 0]]))
    b.step(np.array([7]))  # A to row 2
    # C may stand anywhere in rows 0 and 1 but on B, which covers x from 26 um.
    assert b.masks.reshape(3, 3).tolist() == [[True, True, False], [True] * 3, [False] * 3]
    b.step(np.array([0]))
    (done,) = b.finished
    assert done.placement.x_um[1] == 30


def test_soft_macros_start_on_the_canvas() -> None:
    problem = random_problem(2)  # has soft macros off the canvas
    soft, cv = problem.movable_soft, problem.canvas
    assert len(soft)
    outside = (problem.initial.x_um[soft] < 0) | (problem.initial.y_um[soft] > cv.height_um)
    assert outside.any()
    p = ConstructBatch(problem, 1, PLAIN).placement(0)
    np.testing.assert_array_equal(p.x_um[soft], np.clip(problem.initial.x_um[soft], 0, cv.width_um))
    np.testing.assert_array_equal(p.y_um[soft], np.clip(problem.initial.y_um[soft], 0, cv.height_um))


def test_macro_without_orientation_n_takes_the_first_allowed() -> None:
    problem = hand_drawn()
    allowed = problem.allowed_orient.copy()
    allowed[0] = orient_bit(Orient.E) | orient_bit(Orient.W)  # A stands upright: 8 wide, 18 high
    b = ConstructBatch(problem.replace(allowed_orient=allowed), 1, PLAIN)
    assert b.masks.reshape(3, 3).tolist() == [[False] * 3, [True] * 3, [False] * 3]
    # A/i (-9, 0) turns to (0, 9): from (25, 24) to the port at (0, 15).
    assert b.raw_wl(0)[1, 2] == pytest.approx(2 * (25 + 9))


def test_macro_larger_than_the_canvas_is_named() -> None:
    nb = NetlistBuilder("big")
    nb.add_macro("huge", 31, 5)
    nb.add_port("p")
    nb.add_port("q")
    nb.add_net("p", ["q"])
    initial = Placement(np.zeros(3), np.zeros(3), np.zeros(3), np.array([False, True, True]))
    problem = Problem(nb.build(), Canvas(30.0, 30.0, 3, 3, 1.0, 1.0), initial)
    with pytest.raises(InfeasibleProblemError, match=r"'huge' \(31 x 5 um\).*30 x 30"):
        ConstructBatch(problem, 1, PLAIN)
    with pytest.raises(InfeasibleProblemError, match=r"boundary spacing of 7 um"):
        ConstructBatch(hand_drawn().replace(boundary_spacing_um=7.0), 1, PLAIN)


def test_nothing_to_place_and_no_environment_are_errors() -> None:
    problem = hand_drawn()
    fixed = problem.replace(initial=problem.initial.replace(placed=np.ones(4)), fixed=np.ones(4))
    with pytest.raises(ProblemError, match="no movable hard macro"):
        ConstructBatch(fixed, 1, PLAIN)
    with pytest.raises(ProblemError, match="num_envs"):
        ConstructBatch(problem, 0, PLAIN)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"order": "backwards"}, "order"),
        ({"reward": "sparse"}, "reward"),
        ({"soft_start": "nowhere"}, "soft_start"),
        ({"order": "file"}, "order_file"),
        ({"order_file": Path("x")}, "order_file"),
        ({"dead_end_reward": float("nan")}, "dead_end_reward"),
    ],
)
def test_bad_config_is_refused(changes: dict[str, object], match: str) -> None:
    with pytest.raises(ProblemError, match=match):
        ConstructConfig(**changes)  # type: ignore[arg-type]  # wrong on purpose


def test_area_order_is_largest_first_and_stable() -> None:
    assert area_order(hand_drawn()).tolist() == [0, 1, 2]
    assert area_order(crowded()).tolist() == [0, 1, 2]


def test_random_order_depends_on_seed_environment_and_episode() -> None:
    order = MacroOrder(crowded(20), RANDOM_ORDER)
    seen = [tuple(order.of_episode(*key).tolist()) for key in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))]
    assert len(set(seen)) == 4
    assert all(sorted(s) == list(range(20)) for s in seen)
    assert seen[0] == tuple(order.of_episode(0, 0, 0).tolist())


def test_order_from_file(tmp_path: Path) -> None:
    path = tmp_path / "order.txt"
    path.write_text("# small ones first\nC\n\n  B\nA\n")
    config = ConstructConfig(order="file", order_file=path, soft_placer="none", soft_start="initial")
    b = ConstructBatch(hand_drawn(), 1, config)
    assert b.problem.netlist.node_name[b.current_node(0)] == "C"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("A\nX\n", 2, "'X' is not a movable hard macro"),
        ("A\nP\n", 2, "'P' is not a movable hard macro"),
        ("A\nB\nA\n", 3, "'A' comes twice"),
        ("C\nA\n", 0, "1 of 3 macros are missing, first 'B'"),
        (None, 0, "cannot read"),
        (b"\xff\xfe", 0, "cannot read"),
    ],
)
def test_bad_order_file_names_line_and_cause(tmp_path: Path, text: str | bytes | None, line: int, what: str) -> None:
    path = tmp_path / "order.txt"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ParseError) as error:
        read_order(hand_drawn(), path)
    assert error.value.line == line
    assert what in error.value.what
