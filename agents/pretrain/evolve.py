"""Evolution of the weights that read the maps: CMA-ES over whole rollouts on many netlists.

What a rollout of most probable cells ends up costing is what counts on a netlist never seen, and gradients of sampled
play are a noisy way there. A policy that is linear in the exact maps has a dozen weights; a population of them plays
side by side, and covariance matrix adaptation (Hansen and Ostermeier 2001, package `cmaes`) needs minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.gnn.network import GridNetwork
from agents.ppo.config import ConfigError, RunConfig
from agents.ppo.evolution import Evolution, map_scores, play_population
from agents.ppo.gameconfig import construct_config
from agents.ppo.second_look import SecondLook
from agents.pretrain.curriculum import Draw, draw_round
from agents.pretrain.library import Library
from agents.pretrain.member import LiveCache
from agents.pretrain.pool import Pool, PoolError
from floorplan.env import MAP_CHANNELS, ConstructBatch, Finished
from floorplan.errors import ProblemError
from floorplan.netlist import Problem

__all__ = ["Breeder", "EvolutionSettings", "Generation", "Stage", "evolution_settings", "linear_network"]

F64 = npt.NDArray[np.float64]


class EvolutionSettings(BaseModel):
    """`[settings.evolution]` of a pool.

    Attributes:
        population: policies of a generation, played side by side.
        netlists: that each generation plays; all of it the same ones.
        sigma: standard deviation of the first generation's weights.
        share: of the budget that evolution takes where other learning follows.
        trend: whether the weights for the first macro and for the last evolve apart, twice as many.
        looks: passes of the refine game after each episode. They cost six times the episode, and their exact choice is
            much the same for all policies: more generations without them gain more.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    population: int = Field(16, ge=4, le=256)
    netlists: int = Field(10, ge=1)
    sigma: float = Field(1.0, gt=0)
    share: float = Field(0.5, gt=0, le=1)
    trend: bool = False
    looks: int = Field(0, ge=0)


def evolution_settings(pool: Pool) -> EvolutionSettings:
    """Return the checked settings of a pool's evolution.

    Raises:
        PoolError: a key is unknown or its value wrong.
    """
    try:
        return EvolutionSettings.model_validate(pool.settings.evolution)
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        key = ".".join(["settings.evolution", *map(str, first["loc"])])
        raise PoolError(pool.path, key, first["msg"]) from None


def linear_network(network: object) -> GridNetwork:
    """Return the network if it has a linear path from maps to logits.

    Raises:
        ConfigError: it has none.
    """
    if not isinstance(network, GridNetwork):
        raise ConfigError("evolution needs a network that reads the maps: network.kind = 'grid'")
    return network


class Stage:
    """A netlist, or a variant of it, set up for a population to play side by side.

    Args:
        problem: what is placed.
        reference: proxy cost that is 1.
        config: rules of the game.
        population: policies, an environment each.
        looks: passes of the refine game after an episode.
        choices: cells that a policy names for a macro in them.
    """

    def __init__(
        self, problem: Problem, reference: float, config: RunConfig, population: int, looks: int, choices: int
    ) -> None:
        self.reference = reference
        self.looks = looks
        rules = construct_config(config.env)
        self.batch = ConstructBatch(problem, population, rules)
        self._second = SecondLook(problem, population, choices, rules.cost) if looks else None
        self._dead_end = -config.env.dead_end_reward
        hidden = config.network.hide_maps
        self._shown = np.array([name not in hidden for name in MAP_CHANNELS], np.float32)

    @property
    def nbytes(self) -> int:
        """Memory that it takes, roughly: observations and the kernels' own maps."""
        games = 1 if self._second is None else 2
        return 3 * games * sum(a.nbytes for a in self.batch.obs.values())

    def play(self, weights: F64, seed: int) -> F64:
        """Return what one rollout of each policy costs over the reference; a dead end counts as its reward.

        Args:
            weights: (population, 2, maps) of the maps in the logits, as in `play_population`; the cell of the highest
                logit is taken.
            seed: of drawn macro orders, if any are.
        """
        shown = weights * self._shown
        proxy, finished = play_population(self.batch, shown, seed)
        if self._second is not None and finished:
            proxy = self._look_again(self._second, shown, proxy, finished)
        return np.where(np.isnan(proxy), self._dead_end, proxy / self.reference)

    def _look_again(self, second: SecondLook, weights: F64, proxy: F64, finished: list[Finished]) -> F64:
        """Return (population,) proxies after the passes of the refine game, NaN where a dead end was met."""
        game = second.batch
        stand = np.ones(game.num_envs)
        # who met a dead end goes along with somebody else's placement
        now = {f.env: f.placement for f in finished}
        start = [now.get(b, finished[0].placement) for b in range(game.num_envs)]

        def scores() -> npt.NDArray[np.float32]:
            return np.where(game.masks, map_scores(weights, game.obs["maps"], stand), -np.inf).astype(np.float32)

        found = proxy
        for number in range(self.looks):
            done = second(start, scores, number)
            start = [f.placement for f in done]
            found = np.array([f.cost.proxy for f in done])
        return np.where(np.isnan(proxy), np.nan, found)


@dataclass(frozen=True)
class Generation:
    """What a generation came to.

    Attributes:
        names: netlists that it played.
        dropped: netlists that it drew and that cannot be played.
        episodes: played, dead ends among them.
        mean_ratio: mean over the population of its cost over the reference.
        best_ratio: of the best policy.
        sigma: step size after it.
    """

    names: tuple[str, ...]
    dropped: tuple[str, ...]
    episodes: int
    mean_ratio: float
    best_ratio: float
    sigma: float

    def to_row(self) -> dict[str, float]:
        """Return its figures as they stand in metrics.jsonl."""
        return {"mean_ratio": self.mean_ratio, "best_ratio": self.best_ratio, "sigma": self.sigma}


class Breeder:
    """Evolves a network's linear path on the netlists of a pool.

    Args:
        library: of the netlists.
        config: the game and the network.
        network: becomes the middle of the population after each generation.
        seed: of the run.
        alone: whether nothing follows, and evolution has the whole budget.
    """

    def __init__(self, library: Library, config: RunConfig, network: object, seed: int, *, alone: bool) -> None:
        self.settings = evolution_settings(library.pool)
        self.alone = alone
        self._library = library
        self._config = config
        self._network = linear_network(network)
        self._seed = seed
        self._stages: LiveCache[Stage] = LiveCache(library.pool.settings.live_mb << 20)
        start = self._network.map_weights()
        if not self.settings.trend:
            start = start.mean(axis=0)
        self.evolution = Evolution(start, self.settings.sigma, self.settings.population, seed)

    def resume(self, scores: Sequence[F64]) -> None:
        """Go to where these scores lead; the network is left as it is."""
        self.evolution.replay(scores)

    def over(self, spent: float) -> bool:
        """Return whether evolution has had its share, `spent` of the budget being gone, or has nothing left to do."""
        return self.evolution.settled or (not self.alone and spent >= self.settings.share)

    def generation(self, number: int, spent: float, dropped: Sequence[str]) -> Generation:
        """Let one generation play, and the network become what comes of it.

        Args:
            number: of the round.
            spent: share of the budget that is gone.
            dropped: names of netlists that cannot be played.

        Raises:
            ProblemError: no netlist of the pool can be played.
        """
        if not self.alone:  # sources come and go within evolution's own share, and again in what follows
            spent = min(spent / self.settings.share, 1.0)
        out = set(dropped)
        pairs: list[tuple[Draw, Stage]] = []
        while not pairs:
            draws = draw_round(self._library.pool, self._seed, number, spent, out, self.settings.netlists)
            if not draws:
                raise ProblemError(f"{self._library.pool.path}: no netlist can be played at {spent:.0%} of the budget")
            for draw in draws:
                stage = self._stage(draw)
                if stage is None:
                    out.add(draw.netlist.name)
                else:
                    pairs.append((draw, stage))
        score = self.evolution.generation(lambda w: [stage.play(_both(w, 2), draw.seed) for draw, stage in pairs])
        self._network.read_maps_by(_both(self.evolution.mean, 1))
        return Generation(
            names=tuple(draw.netlist.name for draw, _ in pairs),
            dropped=tuple(sorted(out)),
            episodes=len(pairs) * self.settings.population,
            mean_ratio=float(np.exp(np.log(score).mean())),
            best_ratio=float(score.min()),
            sigma=self.evolution.sigma,
        )

    def _stage(self, draw: Draw) -> Stage | None:
        s = self._library.pool.settings

        def make(problem: Problem, reference: float) -> Stage:
            return Stage(problem, reference, self._config, self.settings.population, self.settings.looks, s.choices)

        return self._library.set_up(self._stages, draw, make)


def _both(weights: F64, ndim: int) -> F64:
    """Return weights for the first and the last macro, (..., 2, maps); of `ndim` dimensions they are the same."""
    return np.stack([weights, weights], axis=-2) if weights.ndim == ndim else weights
