"""One episode played move by move; every number is worked out here."""

from __future__ import annotations

import numpy as np
import pytest
from env_problems import PLAIN, crowded, hand_drawn

from floorplan.env import ConstructBatch, ConstructConfig
from floorplan.errors import InfeasibleActionError, ProblemError
from floorplan.netlist import Blockage, check_legality


def cell(row: int, column: int) -> int:
    return 3 * row + column


def test_episode_move_by_move() -> None:
    problem = hand_drawn()
    b = ConstructBatch(problem, 1, PLAIN)
    rewards = []

    # A is 18 wide: only in the middle column does it stay on the canvas. P -> A costs 2 * (|X - 9| + |Y - 15|).
    assert b.current_node(0) == problem.netlist.node_id["A"]
    assert b.masks.reshape(3, 3).tolist() == [[False, True, False]] * 3
    assert b.raw_wl(0) == pytest.approx(
        np.array([[2 * (abs(x - 9) + abs(y - 15)) for x in (5, 15, 25)] for y in (5, 15, 25)])
    )
    rewards.append(b.step(np.array([cell(1, 1)])).reward[0])
    assert b.partial[0, 0] == pytest.approx(12 / 240)  # W + H = 60, weights 4

    # B: row 1 is full; A/o stands at (24, 15), so A -> B costs |X - 4 - 24| + |Y - 15|. B -> C has no other pin yet.
    assert b.masks.reshape(3, 3).tolist() == [[True] * 3, [False] * 3, [True] * 3]
    assert b.raw_wl(0)[0].tolist() == pytest.approx([23 + 10, 13 + 10, 3 + 10])
    rewards.append(b.step(np.array([cell(0, 2)])).reward[0])
    assert b.partial[0, 0] == pytest.approx((12 + 13) / 240)

    # C: the net of P spans x 0..6 at y 15, B/o stands at (25, 9).
    assert b.masks.reshape(3, 3).tolist() == [[True, True, False], [False] * 3, [True] * 3]
    assert b.raw_wl(0)[0, 0] == pytest.approx(2 * (0 + 6) + (20 + 8))
    assert b.raw_wl(0)[2, 1] == pytest.approx(2 * (9 + 14) + (10 + 12))
    result = b.step(np.array([cell(0, 0)]))
    rewards.append(result.reward[0])

    # Wirelength 12 + 13 + 40 = 65. Cells filled: A .32 .8 .32, B .64, C .64. Routes: A -> B one up column 2, P -> C two
    # down column 0, B -> C one along row 0; fewer than 20 values, so the fullest counts: 2 of 10 tracks.
    (done,) = b.finished
    assert result.done[0]
    assert not result.dead_end[0]
    assert done.cost.wirelength_um == pytest.approx(65)
    assert done.cost.density == pytest.approx(0.5 * (0.32 + 0.8 + 0.32 + 0.64 + 0.64) / 5)
    assert done.cost.congestion == pytest.approx(2 / 10)
    assert done.cost.proxy == pytest.approx(65 / 240 + 0.5 * 0.272 + 0.5 * 0.2)
    assert done.reward_sum == pytest.approx(-done.cost.proxy, abs=1e-12)
    assert sum(rewards) == pytest.approx(-done.cost.proxy, abs=1e-6)  # each is a float32
    assert check_legality(problem, done.placement).legal

    # The next episode stands ready.
    assert b.episode.tolist() == [1]
    assert b.current_node(0) == problem.netlist.node_id["A"]
    assert not b.obs["placed"].any()


def test_observation_follows_the_moves() -> None:
    b = ConstructBatch(hand_drawn(), 1, PLAIN)
    b.step(np.array([cell(1, 1)]))
    assert b.obs["placed"].tolist() == [[True, False, False]]
    assert b.obs["cell"].tolist() == [[4, 0, 0]]
    assert b.obs["pos"][0, 0].tolist() == [0.5, 0.5]
    assert b.obs["current"].tolist() == [1]
    density = np.array([[0, 0, 0], [0.32, 0.8, 0.32], [0, 0, 0]])
    assert b.obs["maps"][0, 2] == pytest.approx(density)
    assert b.obs["maps"][0, 5] == pytest.approx(density)
    # Legal cells of B cost 33 23 13 at the bottom and at the top: mean 23, standard deviation sqrt(200 / 3).
    assert b.obs["maps"][0, 1][[0, 2]] == pytest.approx(np.tile(np.array([10, 0, -10]) / np.sqrt(200 / 3), (2, 1)))
    # No net is complete: A -> B has one pin, P -> A, C both pins in one cell.
    assert not b.obs["maps"][0, 3:5].any()


def test_terminal_reward_is_minus_proxy_at_the_end() -> None:
    b = ConstructBatch(hand_drawn(), 1, ConstructConfig(soft_placer="none", soft_start="initial", reward="terminal"))
    rewards = [b.step(np.array([a])).reward[0] for a in (cell(1, 1), cell(0, 2), cell(0, 0))]
    assert rewards[:2] == [0, 0]
    assert rewards[2] == pytest.approx(-(65 / 240 + 0.5 * 0.272 + 0.5 * 0.2))


def test_spacing_and_blockage_take_cells_away() -> None:
    # B 8 high leaves 2 um to A in the next row: enough for a spacing of 2, not of 2.1.
    for spacing, legal in ((2.0, 6), (2.1, 0)):
        b = ConstructBatch(hand_drawn().replace(macro_spacing_um=spacing), 1, PLAIN)
        b.step(np.array([cell(1, 1)]))
        # At 2.1 the second macro is a dead end, and the next episode's first mask has 3 cells.
        assert b.masks.sum() == (legal or 3)
    blocked = hand_drawn().replace(blockages=(Blockage(0, 0, 30, 9),))
    assert ConstructBatch(blocked, 1, PLAIN).masks.reshape(3, 3).any(axis=1).tolist() == [False, True, True]
    touching = hand_drawn().replace(blockages=(Blockage(0, 0, 30, 1),))
    assert ConstructBatch(touching, 1, PLAIN).masks.sum() == 3


@pytest.mark.parametrize("action", [cell(0, 0), -1, 9])
def test_illegal_action_raises_and_moves_nothing(action: int) -> None:
    b = ConstructBatch(hand_drawn(), 2, PLAIN)
    with pytest.raises(InfeasibleActionError, match=f"action {action} is masked; 3 legal"):
        b.step(np.array([cell(1, 1), action]))
    assert b.steps.tolist() == [0, 0]
    assert b.step(np.array([cell(1, 1), cell(1, 1)])).done.tolist() == [False, False]


@pytest.mark.parametrize("actions", [np.zeros(3, int), np.zeros(2), np.zeros((2, 1), int)])
def test_actions_of_another_shape_or_type_are_refused(actions: np.ndarray) -> None:
    with pytest.raises(ProblemError, match="2 integers"):
        ConstructBatch(hand_drawn(), 2, PLAIN).step(actions)


@pytest.mark.parametrize("reward", ["dense", "terminal"])
def test_dead_end_gives_its_own_total(reward: str) -> None:
    config = ConstructConfig(soft_placer="none", soft_start="initial", reward=reward, dead_end_reward=-7.5)
    b = ConstructBatch(crowded(), 1, config)
    total, steps = 0.0, 0
    while True:
        result = b.step(np.array([int(np.argmax(b.masks[0]))]))
        total += b.reward_exact[0]
        steps += 1
        if result.done[0]:
            break
    assert steps == 2  # two places, three macros
    assert result.dead_end[0]
    assert b.finished == []
    assert total == pytest.approx(-7.5, abs=1e-12)
    assert b.masks.any()


def test_dead_end_at_reset_ends_with_any_action() -> None:
    # The blockage leaves no place for any macro.
    b = ConstructBatch(crowded().replace(blockages=(Blockage(0, 0, 16, 10),)), 2, PLAIN)
    assert not b.masks.any()
    for episode in (1, 2):
        result = b.step(np.array([0, 99]))
        assert result.dead_end.all()
        assert result.reward.tolist() == [-4, -4]
        assert b.episode.tolist() == [episode, episode]
