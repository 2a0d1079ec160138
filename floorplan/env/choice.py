"""Which macro of a complete placement is lifted next."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from floorplan.cost import CostOptions
from floorplan.cost.incremental import IncrementalCost
from floorplan.env.kernels.shares import macro_parts
from floorplan.errors import ProblemError

__all__ = ["ChoiceName", "RefineConfig", "checked_macros", "cost_shares", "draw_by_share", "draw_uniform"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

ChoiceName = Literal["uniform", "cost", "given"]

EVEN_SHARE = 0.1
"""Part of the draws by cost that is spread evenly, so that every macro's turn comes."""


@dataclass(frozen=True)
class RefineConfig:
    """Rules of the refine game.

    Attributes:
        lifts: macros lifted in an episode; None: as many as there are movable ones.
        choice: which macro comes next: `uniform` (each once in random order, then each once more, ...), `cost` (drawn
            by its share of the cost, one in ten evenly) or `given` (as handed to `begin`).
        keep_worse: whether a move that makes the proxy worse stands. If not it is taken back, its reward is 0, and an
            episode never ends worse than it began.
        cost: weights and options of the proxy cost.
    """

    lifts: int | None = None
    choice: ChoiceName = "uniform"
    keep_worse: bool = False
    cost: CostOptions = field(default_factory=CostOptions)

    def __post_init__(self) -> None:
        if self.choice not in ("uniform", "cost", "given"):
            raise ProblemError(f"choice must be one of uniform, cost, given, got {self.choice!r}")
        if self.lifts is not None and self.lifts < 1:
            raise ProblemError(f"lifts must be at least 1, got {self.lifts}")


def checked_macros(macros: npt.ArrayLike, num_envs: int, count: int, *, drawn: bool = False) -> I64:
    """Return the macros that a caller named, (B,) or (B, L), as (B, L); nothing named is (B, 0).

    Raises:
        ProblemError: they are not integers below `count`, from 0 or (with `drawn`) from -1, one or a row each.
    """
    m = np.asarray(macros)
    m = np.zeros((num_envs, 0), np.int64) if m.shape == (0,) else m[:, None] if m.ndim == 1 else m
    if m.ndim != 2 or len(m) != num_envs or not np.issubdtype(m.dtype, np.integer):
        raise ProblemError(f"macros must be integers, one or a row for each of {num_envs} environments")
    if m.size and (m.min() < -int(drawn) or m.max() >= count):
        raise ProblemError(f"macros must lie in 0..{count - 1}, got {m.min()} to {m.max()}")
    return m.astype(np.int64)


def cost_shares(engine: IncrementalCost, nodes: I32) -> F64:
    """Return (M,) how much of the proxy of the placement in the engine lies on each of some hard macros; sums to 1.

    Wirelength counts by the weighted wirelength of a macro's nets, density and congestion by what the macro covers of
    the cells that count in them; each part of the proxy is shared out on its own.
    """
    parts = np.empty((len(nodes), 3))
    macro_parts(nodes, engine.tables, engine.state, parts)
    total = parts.sum(axis=0)
    cost, weights = engine.cost, engine.options.weights
    amount = np.array(
        [weights.wirelength * cost.wirelength, weights.density * cost.density, weights.congestion * cost.congestion]
    )
    share: F64 = (parts * np.divide(amount, total, out=np.zeros(3), where=total > 0)).sum(axis=1)
    # Weights may be negative or zero; nobody can be drawn by less than nothing.
    share = np.maximum(share, 0.0)
    return share / share.sum() if share.sum() > 0 else np.full(len(nodes), 1.0 / len(nodes))


def draw_uniform(seed: int, env: int, episode: int, step: int, macros: int) -> I32:
    """Return (M,) positions in the order in which they are to be tried for a step; the first is the one meant."""
    turn, at = divmod(step, macros)
    return np.roll(_turn(seed, env, episode, turn, macros), -at)


@lru_cache(maxsize=1024)
def _turn(seed: int, env: int, episode: int, turn: int, macros: int) -> I32:
    # Kept for its steps: to seed a generator takes as long as to lift a macro.
    return np.random.default_rng([seed, env, episode, turn]).permutation(macros).astype(np.int32)


def draw_by_share(seed: int, env: int, episode: int, step: int, share: F64) -> I32:
    """Return what `draw_uniform` does, drawn without replacement by share (M,)."""
    p = (1 - EVEN_SHARE) * share + EVEN_SHARE / len(share)
    # The largest of log p + Gumbel noise is a draw by p, and so are those that follow among what is left.
    key = np.log(p) + np.random.default_rng([seed, env, episode, step]).gumbel(size=len(p))
    return np.argsort(-key, kind="stable").astype(np.int32)
