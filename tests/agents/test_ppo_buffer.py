from __future__ import annotations

import numpy as np
import torch

from agents.ppo.buffer import PlacementRolloutBuffer
from agents.ppo.vecenv import ConstructVecEnv
from floorplan.env import ConstructBatch, ConstructConfig
from tests.agents.ppo_cases import tiny_problem


def make_env(num_envs: int = 3) -> ConstructVecEnv:
    config = ConstructConfig(soft_placer="none", soft_start="initial")
    return ConstructVecEnv(ConstructBatch(tiny_problem(), num_envs, config, seed=0))


def first_legal(env: ConstructVecEnv) -> np.ndarray:
    return env.batch.masks.argmax(axis=1)


def filled(env: ConstructVecEnv, seed: int = 0, steps: int = 6) -> PlacementRolloutBuffer:
    buffer = PlacementRolloutBuffer(
        steps, env.observation_space, env.action_space, n_envs=env.num_envs, rng=np.random.default_rng(seed)
    )
    buffer.reset()
    obs = env.reset()
    starts = np.ones(env.num_envs, np.bool_)
    for t in range(steps):
        masks = env.batch.masks.copy()
        actions = first_legal(env)
        env.step_async(actions)
        new_obs, reward, done, _ = env.step_wait()
        value = torch.full((env.num_envs,), float(t))
        buffer.add(obs, actions[:, None], reward, starts, value, value, action_masks=masks)
        obs, starts = new_obs, done
    buffer.compute_returns_and_advantage(torch.zeros(env.num_envs), starts)
    return buffer


def test_masks_take_one_byte_a_cell() -> None:
    buffer = filled(make_env())
    assert buffer.action_masks.dtype == np.bool_
    assert buffer.action_masks.nbytes == 6 * 3 * 64


def test_every_sample_comes_once_with_its_own_observation_and_mask() -> None:
    env = make_env()
    buffer = filled(env)
    seen = []
    for part in buffer.get(4):
        legal = part.observations["maps"][:, 0].flatten(1) > 0.5
        assert torch.equal(legal, part.action_masks)
        assert part.action_masks[torch.arange(len(part.actions)), part.actions].all()
        seen += part.old_values.tolist()
    assert sorted(seen) == sorted(float(t) for t in range(6) for _ in range(3))


def test_order_comes_from_the_buffers_own_generator() -> None:
    def order(seed: int) -> list[float]:
        return [v for part in filled(make_env(), seed).get(5) for v in part.returns.tolist()]

    np.random.seed(0)  # noqa: NPY002  # the global state that the parent class draws from
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert order(1) == order(1) != order(2)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_memory_is_taken_once() -> None:
    env = make_env()
    buffer = filled(env)
    address = buffer.observations["maps"].ctypes.data
    list(buffer.get(4))
    buffer.reset()
    assert buffer.observations["maps"].ctypes.data == address
    assert buffer.pos == 0


def test_observations_survive_the_next_step() -> None:
    env = make_env()
    obs = env.reset()
    kept = obs["placed"].copy()
    env.step(first_legal(env))
    assert np.array_equal(obs["placed"], kept)
    assert env.batch.obs["placed"].sum() == 3


def test_rewards_add_up_to_the_cost() -> None:
    env = make_env()
    env.reset()
    total = np.zeros(3)
    for _ in range(6):
        _, reward, done, _ = env.step(first_legal(env))
        total += reward
    assert done.all()
    finished, dead_ends = env.take_finished()
    assert dead_ends == 0
    np.testing.assert_allclose(total, [-f.cost.proxy for f in finished], rtol=1e-5)
    assert env.take_finished() == ([], 0)
