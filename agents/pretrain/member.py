"""One netlist in training: its game with rewards in units of its own reference cost, and the shared network's view."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from stable_baselines3.common.callbacks import BaseCallback
from torch import nn

from agents.base import Budget
from agents.gnn.instance import Instance
from agents.greedy import GreedyAgent
from agents.ppo.algorithm import PlacementPPO, StepBaseline
from agents.ppo.config import RunConfig
from agents.ppo.gameconfig import construct_config
from agents.ppo.vecenv import ConstructVecEnv
from agents.pretrain.pool import PoolSettings
from floorplan.env import ConstructBatch
from floorplan.netlist import Problem
from floorplan.netlist.variants import SYMMETRIES, mirror, relabel, with_grid

__all__ = ["LiveCache", "Member", "Played", "reference_cost", "variant_of"]

Arrays = dict[str, npt.NDArray[Any]]


def reference_cost(problem: Problem, config: RunConfig) -> float:
    """Return the proxy cost of one greedy episode under the same rules: what 1.0 stands for on this netlist.

    Raises:
        InfeasibleProblemError: greedy placement found no way through.
    """
    rules = replace(construct_config(config.env), order="area", order_file=None, reward="terminal")
    return GreedyAgent(config=rules).place(problem, Budget("e", 1), seed=0).cost.proxy


def variant_of(problem: Problem, settings: PoolSettings, number: int, seed: int) -> Problem:
    """Return the variant `number` of a netlist: 0 is the netlist itself, the next ones its other symmetries first.

    Nodes are relabelled and the grid is changed as `seed` draws it.
    """
    if number == 0:
        return problem
    rng = np.random.default_rng(seed)
    flip_x, flip_y = SYMMETRIES[number % 4] if settings.symmetries else (False, False)
    variant = mirror(problem, flip_x, flip_y)
    if settings.relabel:
        variant = relabel(variant, int(rng.integers(2**31)))
    out = variant.problem
    if settings.jitter:
        change = rng.integers(-settings.jitter, settings.jitter + 1, 2)
        columns, rows = (max(4, n + int(d)) for n, d in zip((out.canvas.columns, out.canvas.rows), change, strict=True))
        out = with_grid(out, columns, rows)
    return out


class _RelativeVecEnv(ConstructVecEnv):
    """Gives rewards in units of a reference cost, so that one network sees netlists of any cost alike."""

    def __init__(self, batch: ConstructBatch, reference: float) -> None:
        super().__init__(batch)
        self.reference = reference

    def step_wait(self) -> tuple[Arrays, npt.NDArray[np.float32], npt.NDArray[np.bool_], list[dict[str, Any]]]:
        """Step; a dead end's total is the configured reward itself, the same on every netlist."""
        obs, reward, done, infos = super().step_wait()
        return obs, (reward / self.reference).astype(np.float32), done, infos


@dataclass(frozen=True)
class Played:
    """Episodes of one member in one round.

    Attributes:
        ratios: proxy over reference of each complete one.
        dead_ends: how many met a dead end.
        baseline: mean returns by step after them.
    """

    ratios: tuple[float, ...]
    dead_ends: int
    baseline: StepBaseline | None


class Member:
    """A netlist, or a variant of it, that is set up for playing.

    Every draw starts from new episodes and from a seed of its own, so nothing of a member must outlive a round: a
    resumed run makes it again. Its `PlacementPPO` collects rollouts and estimates advantages; what it would learn from
    them on its own is left to `agents.pretrain.update`.
    """

    def __init__(
        self, problem: Problem, reference: float, config: RunConfig, envs: int, network: nn.Module, device: str
    ) -> None:
        self.problem = problem
        self.reference = reference
        rules = construct_config(config.env)
        rules = replace(rules, dead_end_reward=rules.dead_end_reward * reference)
        self.batch = ConstructBatch(problem, envs, rules)
        self.env = _RelativeVecEnv(self.batch, reference)
        instance = Instance.of(problem, self.batch.graph)
        self.instance = instance if device == "cpu" else instance.to(torch.device(device))
        self.network: Any = network
        ppo = config.ppo.model_copy(update={"num_envs": envs, "episodes_per_env": 1})
        self.model = PlacementPPO(self.env, ppo, network, len(self.batch.graph.movable), 0, device)

    @property
    def samples(self) -> int:
        """Steps that one draw plays."""
        return int(self.model.n_steps) * self.batch.num_envs

    @property
    def nbytes(self) -> int:
        """Memory that it takes, to within some per cent: the rollout buffer is nearly all of it."""
        step = sum(a.nbytes for a in self.batch.obs.values()) + self.batch.masks.nbytes
        return step * (int(self.model.n_steps) + 8)

    def bind(self) -> None:
        """Let the network read this netlist."""
        self.network.bind(self.instance)

    def collect(self, seed: int, baseline: StepBaseline | None, watch: BaseCallback) -> Played:
        """Play one episode in every environment, as many steps as there are macros, and estimate advantages."""
        model = self.model
        self.bind()
        self.batch.reset(seed)
        self.env.take_finished()
        policy: Any = model.policy
        policy.generator.manual_seed(seed)
        model._last_obs = self.env.observe()
        model._last_episode_starts = np.ones(self.batch.num_envs, np.bool_)
        model.baseline = baseline
        watch.init_callback(model)
        model.collect_rollouts(self.env, watch, model.rollout_buffer, model.n_steps)
        finished, dead_ends = self.env.take_finished()
        return Played(tuple(f.cost.proxy / self.reference for f in finished), dead_ends, model.baseline)


class _Sized(Protocol):
    @property
    def nbytes(self) -> int: ...


SizedT = TypeVar("SizedT", bound=_Sized)


class LiveCache(Generic[SizedT]):
    """Netlists that stay set up, the least recently used dropped where memory runs out."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._kept: OrderedDict[tuple[str, int], SizedT] = OrderedDict()

    def get(self, key: tuple[str, int], make: Callable[[], SizedT]) -> SizedT:
        """Return what is set up under that key, made if need be."""
        member = self._kept.pop(key, None) or make()
        self._kept[key] = member
        while len(self._kept) > 1 and sum(m.nbytes for m in self._kept.values()) > self.limit_bytes:
            self._kept.popitem(last=False)
        return member

    def __len__(self) -> int:
        return len(self._kept)
