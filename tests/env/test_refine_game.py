"""Episodes of the refine game: exact rewards, moves taken back, draws, resume, errors."""

from __future__ import annotations

import warnings
from collections import Counter

import gymnasium
import numpy as np
import pytest
from env_play import assert_same, play, snapshot
from env_problems import random_actions
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st
from refine_problems import finished, roomy, wedged

from floorplan.cost import CostEngine, CostOptions, CostWeights
from floorplan.cost.incremental import IncrementalCost
from floorplan.env import RefineBatch, RefineConfig, RefineEnv
from floorplan.env.choice import cost_shares, draw_by_share, draw_uniform
from floorplan.errors import InfeasibleActionError, ProblemError
from floorplan.netlist import Canvas, Placement, check_legality

SEEDS = st.integers(0, 10**9)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.booleans(), st.sampled_from(["uniform", "cost"]))
def test_rewards_are_exact_and_nothing_else_moves(seed: int, keep_worse: bool, choice: str) -> None:
    problem, placement = finished(seed)
    options = CostOptions(CostWeights(1.3, 0.4, 0.7), density_top=0.2, congestion_top=0.1, square_soft=seed % 2 == 0)
    config = RefineConfig(lifts=5, choice=choice, keep_worse=keep_worse, cost=options)  # type: ignore[arg-type]  # sampled
    b, engine, rng = (
        RefineBatch(problem, 2, config, seed=seed),
        CostEngine(problem, options),
        np.random.default_rng(seed),
    )
    b.begin(placement)
    cv = problem.canvas
    for _ in range(config.lifts or 0):
        before, nodes = b.placements, [b.current_node(e) for e in range(2)]
        actions, had_cell = random_actions(b, rng), b.masks.any(axis=1)
        assert [c.proxy for c in b.costs] == pytest.approx([engine.full(p).proxy for p in before], abs=1e-9)
        result = b.step(actions)
        after = [f.placement for f in b.finished] or b.placements
        for e in range(2):
            assert not problem.fixed[nodes[e]]
            x, y = before[e].x_um.copy(), before[e].y_um.copy()
            x[nodes[e]] = (actions[e] % cv.columns + 0.5) * cv.cell_w_um
            y[nodes[e]] = (actions[e] // cv.columns + 0.5) * cv.cell_h_um
            tried = before[e].replace(x, y)
            change = engine.full(tried).proxy - engine.full(before[e]).proxy if had_cell[e] else 0.0
            assert b.proposed[e] == pytest.approx(change, abs=1e-9)
            stands = had_cell[e] and (keep_worse or b.proposed[e] <= 0)
            assert b.reward_exact[e] == (-b.proposed[e] if stands else 0.0)
            assert result.reward[e] == np.float32(b.reward_exact[e])
            want = tried if stands else before[e]
            np.testing.assert_array_equal(after[e].x_um, want.x_um)
            np.testing.assert_array_equal(after[e].y_um, want.y_um)
            np.testing.assert_array_equal(after[e].orient, placement.orient)
    assert result.done.all()
    start = engine.full(placement).proxy
    movable = {problem.netlist.node_name[i] for i in problem.movable_hard.tolist()}
    for f in b.finished:
        assert f.cost.proxy == pytest.approx(engine.full(f.placement).proxy, abs=1e-9)
        assert f.reward_sum == pytest.approx(start - f.cost.proxy, abs=1e-9)
        assert keep_worse or f.cost.proxy <= start + 1e-12
        assert not [v for v in check_legality(problem, f.placement).violations if movable & set(v.nodes)]
    # The next episode begins where this one began.
    for p in b.placements:
        np.testing.assert_array_equal(p.x_um, placement.x_um)


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_state_resumes_bit_for_bit(seed: int) -> None:
    problem, placement = finished(seed)
    config = RefineConfig(lifts=4, choice="cost" if seed % 2 else "uniform", keep_worse=seed % 3 == 0)
    a, b = RefineBatch(problem, 3, config, seed=4), RefineBatch(problem, 3, config, seed=99)
    a.begin(placement, np.zeros(3, np.int64))
    play(a, seed % 7)
    a.lift(np.array([-1, 0, -1]))
    state = {k: v.copy() for k, v in a.get_state().items()}
    b.begin(placement)
    play(b, 3, seed=1)
    b.set_state(state)
    assert_same(snapshot(a), snapshot(b))
    assert_same(play(a, 9, seed=2), play(b, 9, seed=2))


def test_state_of_an_episode_that_is_over() -> None:
    problem, placement = finished(8)
    a, b = (RefineBatch(problem, 1, RefineConfig(lifts=2), auto_reset=False) for _ in range(2))
    a.begin(placement)
    play(a, 2)
    assert a.over.all()
    assert a.obs["placed"].all()
    assert not a.masks.any()
    b.set_state(a.get_state())
    assert b.over.all()
    assert_same(snapshot(a), snapshot(b))
    with pytest.raises(ProblemError, match="over"):
        b.step(np.array([0]))
    b.reset()
    assert b.episode.tolist() == [1]
    play(b, 2)


@pytest.mark.parametrize("threads", ["1", "2", "3"])
@pytest.mark.parametrize("choice", ["uniform", "cost"])
def test_batch_is_its_single_environments(threads: str, choice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOORPLAN_THREADS", threads)
    problem, placement = finished(5)
    config = RefineConfig(lifts=4, choice=choice)  # type: ignore[arg-type]  # both exist
    wide, narrow = RefineBatch(problem, 13, config, seed=3), RefineBatch(problem, 2, config, seed=3)
    for b in (wide, narrow):
        b.begin(placement)
    rng = np.random.default_rng(0)
    for _ in range(10):
        actions = random_actions(wide, rng)
        many, few = wide.step(actions), narrow.step(actions[:2])
        assert_same([v[:2] for v in snapshot(wide)], snapshot(narrow))
        assert_same([v[:2] for v in many], list(few))


def test_uniform_draws_bring_every_macro_before_any_comes_again() -> None:
    turns = [[int(draw_uniform(3, 1, 0, t, 6)[0]) for t in range(k, k + 6)] for k in (0, 6, 12)]
    assert all(sorted(turn) == list(range(6)) for turn in turns)
    assert turns[0] != turns[1]
    assert sorted(draw_uniform(3, 1, 0, 4, 6).tolist()) == list(range(6))
    assert any(
        draw_uniform(*key, 0, 6).tolist() != draw_uniform(3, 1, 0, 0, 6).tolist() for key in ((4, 1, 0), (3, 2, 0))
    )


def test_draws_follow_the_share() -> None:
    share = np.array([0.0, 0.2, 0.8])
    seen = Counter(int(draw_by_share(0, 0, 0, t, share)[0]) for t in range(2000))
    for m, p in enumerate(0.9 * share + 0.1 / 3):
        assert seen[m] / 2000 == pytest.approx(p, abs=0.04)
    assert sorted(draw_by_share(0, 0, 0, 0, share).tolist()) == [0, 1, 2]


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_shares_are_what_lies_on_each_macro(seed: int) -> None:
    problem, placement = finished(seed)
    nl, cv, engine = problem.netlist, problem.canvas, CostEngine(problem)
    nodes = problem.movable_hard.astype(np.int32)
    b = RefineBatch(problem, 1)
    b.begin(placement)
    share = b.shares(0)
    assert share.sum() == pytest.approx(1)
    assert share.min() >= 0
    incremental = IncrementalCost(problem, placement)
    np.testing.assert_allclose(share, cost_shares(incremental, nodes), rtol=1e-9, atol=1e-12)
    # By wirelength alone it is the length of each macro's nets.
    only = IncrementalCost(problem, placement, CostOptions(CostWeights(1.0, 0.0, 0.0)))
    length = engine.net_hpwl_um(placement) * nl.net_weight
    touches = [
        [node in nl.pin_node[nl.net_pin[nl.net_ptr[e] : nl.net_ptr[e + 1]]] for e in range(nl.num_nets)]
        for node in nodes
    ]
    own = np.array(touches, float) @ length
    if own.sum() > 1e-9:
        np.testing.assert_allclose(cost_shares(only, nodes), own / own.sum(), rtol=1e-9, atol=1e-12)
    # By density alone it is the area over cells that are at least as dense as the last that counts.
    cells = cv.num_cells
    dense = IncrementalCost(problem, placement, CostOptions(CostWeights(0.0, 1.0, 0.0), density_top=1.0))
    if cells >= 10:
        grid = engine.maps(placement).density
        least, weight = grid.min(), np.zeros(len(nodes))
        for k, node in enumerate(nodes.tolist()):
            gone = placement.placed.copy()
            gone[node] = False
            covered = grid - engine.maps(placement.replace(placed=gone)).density
            weight[k] = (covered * grid * (grid >= least)).sum()
        np.testing.assert_allclose(cost_shares(dense, nodes), weight / weight.sum(), rtol=1e-6, atol=1e-9)


def test_given_macros_come_in_their_order() -> None:
    problem, placement = finished(8)
    macros = len(problem.movable_hard)
    order = np.array([[0, macros - 1, 0], [macros - 1, 0, 0]])
    b = RefineBatch(problem, 2, RefineConfig(lifts=3, choice="given"))
    b.begin(placement, order)
    for t in range(6):
        assert b.obs["current"].tolist() == order[:, t % 3].tolist()
        play(b, 1)
    first = RefineBatch(problem, 2, RefineConfig(lifts=1))
    first.begin(placement, [macros - 1, macros - 1])
    assert first.obs["current"].tolist() == [macros - 1] * 2


def test_new_draws_with_every_begin_and_the_same_after_a_reset_with_a_seed() -> None:
    problem, placement = finished(8)
    b = RefineBatch(problem, 16, seed=1)
    b.begin(placement)
    drawn = b.obs["current"].copy()
    b.begin(placement)
    assert b.episode.tolist() == [1] * 16
    assert (b.obs["current"] != drawn).any()
    b.reset(seed=1)
    assert b.episode.tolist() == [0] * 16
    assert b.obs["current"].tolist() == drawn.tolist()


def test_each_environment_may_begin_from_a_placement_of_its_own() -> None:
    problem, placement = finished(8)
    b = RefineBatch(problem, 2, RefineConfig(keep_worse=True, lifts=9))
    b.begin(placement)
    play(b, 3)
    moved = b.placements
    assert (moved[0].x_um != placement.x_um).any()
    b.begin([placement, moved[0]], [0, 0])
    np.testing.assert_array_equal(b.placements[0].x_um, placement.x_um)
    np.testing.assert_array_equal(b.placements[1].x_um, moved[0].x_um)
    with pytest.raises(ProblemError, match="one placement or 2"):
        b.begin([placement])


def test_what_is_not_a_finished_placement_is_refused_with_the_reason() -> None:
    problem, legal = roomy()
    b = RefineBatch(problem, 1)
    with pytest.raises(ProblemError, match="begin"):
        b.step(np.array([0]))
    for call in (b.get_state, b.reset, lambda: b.shares(0), lambda: b.lift([0])):
        with pytest.raises(ProblemError, match="begin"):
            call()
    for wrong, match in (
        (legal.replace(placed=[True, True, False, True]), "unplaced of C"),
        (legal.replace(x_um=[15, 5, 6, 0]), "overlap of B and C by 7 um"),
        (legal.replace(x_um=[5, 5, 15, 0]), "outside of A"),
        (legal.replace(x_um=[15, 5, 15, 3]), "moved of P"),
        (Placement.empty(3), "3 nodes, the netlist 4"),
        (legal.replace(x_um=[5, 5, 6, 0]), "and 1 more"),
    ):
        with pytest.raises(ProblemError, match=match):
            b.begin(wrong)
    b.begin(legal)
    assert not b.masks.all()


def test_bad_arguments_are_refused() -> None:
    problem, placement = finished(8)
    b = RefineBatch(problem, 2)
    for macros in ([0], [0, 99], [-1, 0], [0.5, 1.0]):
        with pytest.raises(ProblemError, match="macros must"):
            b.begin(placement, macros)
    with pytest.raises(ProblemError, match="needs 3 macros"):
        RefineBatch(problem, 2, RefineConfig(lifts=3, choice="given")).begin(placement)
    b.begin(placement)
    with pytest.raises(ProblemError, match="actions must be"):
        b.step(np.array([0.5, 0.5]))
    with pytest.raises(InfeasibleActionError):
        b.step(np.array([-1, -1]))
    with pytest.raises(ProblemError, match="macros must"):
        b.lift([0, 99])
    for changes, match in (({"choice": "worst"}, "choice"), ({"lifts": 0}, "lifts")):
        with pytest.raises(ProblemError, match=match):
            RefineConfig(**changes)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ProblemError, match="num_envs"):
        RefineBatch(problem, 0)
    fixed = problem.replace(initial=placement, fixed=np.ones(problem.netlist.num_nodes))
    with pytest.raises(ProblemError, match="nothing to lift"):
        RefineBatch(fixed, 1)


def test_state_of_another_batch_is_refused() -> None:
    problem, placement = finished(8)
    b = RefineBatch(problem, 2, RefineConfig(lifts=3))
    b.begin(placement)
    state = b.get_state()
    with pytest.raises(ProblemError, match="'episode'"):
        RefineBatch(problem, 3, RefineConfig(lifts=3)).set_state(state)
    with pytest.raises(ProblemError, match="'macros'"):
        RefineBatch(problem, 2, RefineConfig(lifts=4)).set_state(state)
    with pytest.raises(ProblemError, match="steps outside"):
        b.set_state(state | {"steps": np.array([3, 0])})
    with pytest.raises(ProblemError, match="does not exist"):
        b.set_state(state | {"actions": np.full((2, 3), 10**6)})
    with pytest.raises(ProblemError, match="legal complete"):
        b.set_state(state | {"x_um": state["x_um"] - 10**6})


def test_passes_gymnasiums_checker_and_plays_to_the_end() -> None:
    problem, placement = roomy()
    # More room than macros can fill, as the checker draws an action before the reset that it is for.
    problem = problem.replace(canvas=Canvas(80.0, 80.0, 8, 8, 1.0, 1.0))
    env = gymnasium.make("floorplan/Refine-v0", problem=problem, placement=placement, config=RefineConfig(lifts=3))
    assert len(problem.movable_hard) == 3
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(maximum|minimum) value is.*infinity.*")
        check_env(env.unwrapped)
    obs, info = env.reset(seed=1)
    assert info == {}
    total, done, steps = 0.0, False, 0
    while not done:
        assert obs in env.observation_space
        assert obs["placed"].sum() == len(problem.movable_hard) - 1
        obs, reward, done, truncated, info = env.step(int(np.flatnonzero(env.unwrapped.action_masks())[0]))
        total, steps = total + reward, steps + 1
        assert not truncated
        assert info["proposed"] >= -reward
    assert steps == 3
    assert obs in env.observation_space
    assert obs["placed"].all()
    start = CostEngine(problem).full(placement).proxy
    assert info["cost"]["proxy"] == pytest.approx(start - total, abs=1e-9)
    assert env.unwrapped.finished.placement.placed.all()
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(0)


def test_environment_wants_a_finished_placement_and_draws_its_macros() -> None:
    problem, placement = wedged()
    assert RefineEnv(problem, placement).placement().x_um.tolist() == placement.x_um.tolist()
    with pytest.raises(ProblemError, match="unplaced"):
        RefineEnv(problem)
    with pytest.raises(ProblemError, match="given"):
        RefineEnv(problem, placement, RefineConfig(choice="given"))
