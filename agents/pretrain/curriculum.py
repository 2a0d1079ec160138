"""What is played in a round: a pure function of seed, round and the spent share of the budget."""

from __future__ import annotations

import zlib
from collections.abc import Container
from dataclasses import dataclass

import numpy as np

from agents.pretrain.pool import Pool, PoolNetlist

__all__ = ["Draw", "draw_round"]


@dataclass(frozen=True)
class Draw:
    """One netlist of a round.

    Attributes:
        netlist: which.
        variant: number of its variant, 0 for itself.
        variant_seed: of what that variant draws; depends on netlist and number alone.
        seed: of its episodes.
    """

    netlist: PoolNetlist
    variant: int
    variant_seed: int
    seed: int


def draw_round(
    pool: Pool, seed: int, number: int, spent: float, dropped: Container[str] = (), count: int | None = None
) -> list[Draw]:
    """Return the netlists of a round, each at most once, sources taken by weight.

    Args:
        pool: what is drawn from.
        seed: of the run.
        number: of the round.
        spent: share of the budget, 0 to 1, which sources' `from` and `to` are about.
        dropped: names of netlists that cannot be played.
        count: how many; None: `netlists_per_round`.
    """
    rng = np.random.default_rng([seed, number, 1])
    at = min(max(spent, 0.0), 1 - 1e-9)
    sources = [s for s in pool.sources if s.start <= at < s.end]
    left = [[n for n in s.netlists if n.name not in dropped] for s in sources]
    draws: list[Draw] = []
    wanted = pool.settings.netlists_per_round if count is None else count
    while len(draws) < wanted and any(left):
        weight = np.array([s.weight if rest else 0.0 for s, rest in zip(sources, left, strict=True)])
        rest = left[int(rng.choice(len(sources), p=weight / weight.sum()))]
        netlist = rest.pop(int(rng.integers(len(rest))))
        variant = int(rng.integers(pool.settings.variants))
        variant_seed = zlib.crc32(f"{seed}/{netlist.name}/{variant}".encode())
        draws.append(Draw(netlist, variant, variant_seed, int(rng.integers(2**31))))
    return draws
