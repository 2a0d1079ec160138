"""Evolution of the weights by which a policy reads the maps: CMA-ES over whole rollouts of most probable cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from cmaes import CMA  # type: ignore[import-untyped]  # it ships no type information

from floorplan.env import ConstructBatch, Finished

__all__ = ["Evolution", "map_scores", "play_population"]

F64 = npt.NDArray[np.float64]

SMALLEST_SIGMA = 0.02
"""Where the population has shrunk to this there is nothing left to tell apart."""


LEAST_SPREAD = 1e-3
"""Standard deviation of log costs below which a netlist tells policies apart by less than its say."""


class Evolution:
    """A search distribution over the weights of the linear path.

    Everything follows from the seed and the scores told, so the scores are all that a checkpoint needs.

    Args:
        mean: weights where the search begins, of any shape.
        sigma: standard deviation of the first generation about them.
        population: policies of a generation.
        seed: of the draws.

    Attributes:
        scores: those of all generations, (population,) each.
    """

    def __init__(self, mean: npt.ArrayLike, sigma: float, population: int, seed: int) -> None:
        self.population = population
        self.scores: list[F64] = []
        start = np.asarray(mean, np.float64)
        self.shape = start.shape
        self._cma = CMA(mean=start.ravel(), sigma=sigma, population_size=population, seed=seed)

    @property
    def mean(self) -> F64:
        """Weights in the middle of the population."""
        found: F64 = np.array(self._cma.mean, np.float64).reshape(self.shape)
        return found

    @property
    def sigma(self) -> float:
        """Step size."""
        return float(self._cma._sigma)  # the package shows it nowhere else

    @property
    def settled(self) -> bool:
        """Whether the population has shrunk to a point."""
        return self.sigma < SMALLEST_SIGMA

    def generation(self, play: Callable[[F64], Sequence[F64]]) -> F64:
        """Draw a generation, let it play, and move on; return the mean cost of each of its policies.

        Policies are told apart by the mean of their standardised log costs: each netlist has the same say, whether
        policies differ on it by one per cent or by ten.

        Args:
            play: (population, ...) weights -> (population,) costs on each netlist; means are geometric.
        """
        drawn = np.array([self._cma.ask() for _ in range(self.population)])
        logs = np.log(np.array(play(drawn.reshape(-1, *self.shape))))
        spread = np.maximum(logs.std(axis=1, keepdims=True), LEAST_SPREAD)
        self._tell(drawn, ((logs - logs.mean(axis=1, keepdims=True)) / spread).mean(axis=0))
        cost: F64 = np.exp(logs.mean(axis=0))
        return cost

    def replay(self, scores: Sequence[F64]) -> None:
        """Go to where telling these scores, generation by generation, leads."""
        for score in scores:
            self._tell(np.array([self._cma.ask() for _ in range(self.population)]), score)

    def _tell(self, drawn: F64, score: F64) -> None:
        self._cma.tell(list(zip(drawn, score.tolist(), strict=True)))
        self.scores.append(score)


def play_population(
    batch: ConstructBatch,
    weights: npt.NDArray[np.floating[Any]],
    seed: int,
    base: Callable[[], npt.NDArray[np.float32]] | None = None,
) -> tuple[F64, list[Finished]]:
    """Play one episode of each of B policies side by side, always the cell of the highest logit.

    Args:
        batch: an environment for each.
        weights: (B, 2, maps) of the maps in the logits, for the first and the last macro, mixed in between.
        seed: of drawn macro orders, if any are.
        base: gives (B, A) logits to add to those, of the batch as it stands.

    Returns:
        proxies (B,), NaN for a dead end, and the complete episodes.
    """
    batch.reset(seed)
    count = batch.num_envs
    proxy = np.full(count, np.nan)
    running = np.ones(count, np.bool_)
    finished: list[Finished] = []
    for _ in range(batch.dims.macros):
        logits = map_scores(weights, batch.obs["maps"], batch.steps / max(batch.dims.macros - 1, 1))
        if base is not None:
            logits = logits + base()
        done = batch.step(np.where(batch.masks, logits, -np.inf).argmax(axis=1)).done
        for f in batch.finished:
            if running[f.env]:  # an episode begun after a dead end does not count
                proxy[f.env] = f.cost.proxy
                finished.append(f)
        running &= ~done
        if not running.any():
            break
    return proxy, finished


def map_scores(
    weights: npt.NDArray[np.floating[Any]], maps: npt.NDArray[Any], stand: npt.NDArray[np.floating[Any]]
) -> npt.NDArray[np.float32]:
    """Return (B, A) logits of B policies that are linear in the maps.

    Args:
        weights: (B, 2, maps), as in `play_population`.
        maps: (B, maps, R, C).
        stand: (B,) share of the other macros that stand.
    """
    count, channels = maps.shape[:2]
    t = stand[:, None]
    w = ((1 - t) * weights[:, 0] + t * weights[:, 1]).astype(np.float32)
    out: npt.NDArray[np.float32] = np.matmul(w[:, None], maps.reshape(count, channels, -1))[:, 0]
    return out
