"""Beam search over a policy: the most promising beginnings are kept, the exact cost of what they lead to decides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from agents.infer.game import NEVER, Game, Stop, gumbel
from agents.infer.tally import Tally

__all__ = ["Forecast", "beam_search"]

F64 = npt.NDArray[np.float64]

NEIGHBOURS = 8
"""A step's forecast is fitted to the steps up to one part in so many of an episode away."""

RIDGE = 1e-3
"""Of the sum of squares: keeps a fit to a few episodes from weighing what hardly varies."""


@dataclass(frozen=True, eq=False)
class Forecast:
    """What the final cost is likely to be, seen from each step: linear in partial cost and the critic's value.

    The critic learned deviations in a unit of its own and the soft macros' part of the cost comes last, so both are
    weighed by what episodes of this very problem came to.

    Attributes:
        weight: (M, 2) of partial cost and value at each step.
    """

    weight: F64

    @classmethod
    def fit(cls, game: Game) -> Forecast:
        """Fit to the episodes that a game remembers; with fewer than three, the partial cost counts as it is."""
        played = game.episodes
        weight = np.tile([1.0, 0.0], (game.length, 1))
        if len(played) < 3:
            return cls(weight)
        final = np.array([e.proxy for e in played])
        features = np.stack([[e.partial for e in played], [e.value for e in played]], axis=2)  # (episodes, M, 2)
        features = features - features.mean(axis=0)
        target = np.tile((final - final.mean())[:, None], (1, game.length))
        reach = max(game.length // NEIGHBOURS, 1)
        for t in range(game.length):
            near = slice(max(t - reach, 0), t + reach + 1)
            a, b = features[:, near].reshape(-1, 2), target[:, near].ravel()
            scale = np.sqrt((a * a).mean(axis=0)) + 1e-12
            a = a / scale
            weight[t] = np.linalg.solve(a.T @ a + RIDGE * len(a) * np.eye(2), a.T @ b) / scale
        return cls(weight)

    def score(self, step: int, partial: F64, value: F64) -> F64:
        """Return (B,) numbers that order beginnings of `step` macros, the lowest the most promising."""
        w = self.weight[min(step, len(self.weight) - 1)]
        out: F64 = w[0] * partial + w[1] * value
        return out


def beam_search(
    game: Game, tally: Tally, generator: torch.Generator, stop: Stop, *, fan: int = 4, noise: float = 0.0
) -> None:
    """Keep `width / fan` beginnings, try `fan` cells for the next macro of each, and play on from the best.

    The cells are the most probable ones, or with noise 1 drawn without replacement (Gumbel noise on the log
    probabilities: Kool et al., ICML 2019). All that is left at the last macro is completed and costed exactly. One
    search costs what `width` rollouts cost.

    Args:
        game: at any state; left at first macros.
        tally: told of all complete episodes.
        generator: of the noise.
        stop: breaks off.
        fan: cells tried from each beginning, at most the game's width.
        noise: scale of the noise.
    """
    width, fan = game.width, min(fan, game.width)
    keep = max(width // fan, 1)
    forecast = Forecast.fit(game)
    game.begin()
    alive = np.ones(width, np.bool_)
    log_prob, value = game.look()
    for step in range(game.length):
        if stop():
            return
        if step == 0:
            chosen = np.zeros(1, np.int64)
        else:
            score = np.where(alive, forecast.score(step, game.batch.partial[:, 3], value), np.inf)
            order = np.argsort(score, kind="stable")
            chosen = order[: max(min(keep, int(alive.sum())), 1)]
        rows = log_prob[torch.from_numpy(chosen)]
        if noise > 0:
            rows = torch.where(rows > NEVER, rows + noise * gumbel(rows.shape, generator), rows)
        tries = -(-width // len(chosen))
        top = torch.topk(rows, min(tries, rows.shape[1]), dim=1)
        parent = np.repeat(np.arange(len(chosen)), top.indices.shape[1])[:width]
        cells = top.indices.numpy().ravel()[:width]
        legal = (top.values.numpy() > NEVER).ravel()[:width]
        # A beginning with fewer legal cells than places tries its best one again: a duplicate, dropped by `alive`.
        best = top.indices.numpy()[:, 0][parent]
        source = np.resize(chosen[parent], width)
        game.take(source)
        result = game.step(np.resize(np.where(legal, cells, best), width), tally)
        alive = np.resize(legal, width) & ~result.done
        alive[len(cells) :] = False
        if not alive.any():
            return
        log_prob, value = game.look()
