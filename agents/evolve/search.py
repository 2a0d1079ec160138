"""Two ways to come to new genotypes from the fitness of old ones."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["CmaSearch", "Search", "SwapSearch"]

F64 = npt.NDArray[np.float64]


class Search(Protocol):
    """Asks for the fitness of genotypes, each (M, 2) within 0 to 1, and is told it: less is better."""

    def ask(self, count: int) -> F64:
        """Return (count, M, 2) genotypes to try."""
        ...

    def tell(self, genotypes: F64, at: F64, fitness: F64, /) -> None:
        """Take the fitness (G,) of genotypes (G, M, 2), whose macros went to `at` (G, M, 2)."""
        ...


class SwapSearch:
    """A (mu + lambda) evolution that moves, swaps and recombines targets.

    A child inherits where its parent's macros went, not where they were to go: what the parent was good for.
    """

    def __init__(self, start: F64, sizes: F64, rng: np.random.Generator, parents: int = 8) -> None:
        """Begin at `start` (M, 2); sizes (M, 2) tell which macros are alike."""
        self._rng = rng
        self._parents = parents
        self._start = start
        self._pool: list[tuple[float, F64]] = []
        _, kind = np.unique(sizes, axis=0, return_inverse=True)
        kind = kind.reshape(-1)
        self._kin = [np.flatnonzero(kind == k) for k in kind.tolist()]

    def ask(self, count: int) -> F64:
        """Return the start first, then children of the best."""
        if not self._pool:
            # The start itself, and variants of it from near to far.
            spread = 0.3 * np.arange(count) / max(count - 1, 1)
            noise = spread[:, None, None] * self._rng.standard_normal((count, *self._start.shape))
            return np.clip(self._start + noise, 0.0, 1.0)
        return np.stack([self._child() for _ in range(count)])

    def tell(self, _genotypes: F64, at: F64, fitness: F64, /) -> None:
        """Keep the best of old and new; of equal fitness one only."""
        known = {f for f, _ in self._pool}
        for value, where in zip(fitness.tolist(), at, strict=True):
            if value not in known:
                known.add(value)
                self._pool.append((value, where.copy()))
        self._pool.sort(key=lambda entry: entry[0])
        del self._pool[self._parents :]

    def _child(self) -> F64:
        rng = self._rng
        # Better parents more often.
        child = self._pool[int(len(self._pool) * rng.random() ** 2)][1].copy()
        count = len(child)
        if len(self._pool) > 1 and rng.random() < 0.2:
            other = self._pool[rng.integers(len(self._pool))][1]
            # A half of the canvas from the other parent: what is near each other stays together.
            angle = rng.random() * 2 * math.pi
            side = (child - 0.5) @ np.array([math.cos(angle), math.sin(angle)]) > rng.uniform(-0.3, 0.3)
            child[side] = other[side]
        for _ in range(1 + rng.geometric(0.4)):
            i = rng.integers(count)
            what = rng.random()
            if what < 0.35:
                child[i] += 0.02 * 20.0 ** rng.random() * rng.standard_normal(2)
            elif what < 0.6:
                j = rng.choice(self._kin[i])
                child[[i, j]] = child[[j, i]]
            elif what < 0.75:
                j = rng.integers(count)
                child[[i, j]] = child[[j, i]]
            elif what < 0.85:
                child[i] = rng.random(2)
            else:
                near = np.argsort(((child - child[i]) ** 2).sum(axis=1))[: rng.integers(2, 9)]
                child[near] += 0.1 * rng.standard_normal(2)
        return np.clip(child, 0.0, 1.0)


class CmaSearch:
    """Covariance matrix adaptation on all coordinates; its diagonal alone above 100 of them."""

    def __init__(self, start: F64, population: int, seed: int, sigma: float = 0.1) -> None:
        """Begin at `start` (M, 2)."""
        from cmaes import CMA, SepCMA  # type: ignore[import-untyped]  # it ships no type information

        self._shape = start.shape
        bounds = np.tile([0.0, 1.0], (start.size, 1))
        kind = SepCMA if start.size > 100 else CMA
        self._cma = kind(
            mean=np.clip(start.reshape(-1), 0.0, 1.0),
            sigma=sigma,
            bounds=bounds,
            seed=seed % 2**32,
            population_size=max(population, 2),
        )
        self._told: list[tuple[F64, float]] = []

    def ask(self, count: int) -> F64:
        """Return draws from the distribution."""
        return np.stack([self._cma.ask().reshape(self._shape) for _ in range(count)])

    def tell(self, genotypes: F64, _at: F64, fitness: F64, /) -> None:
        """Adapt the distribution as soon as a whole population is known."""
        self._told += [(g.reshape(-1), float(f)) for g, f in zip(genotypes, fitness, strict=True)]
        size = self._cma.population_size
        while len(self._told) >= size:
            self._cma.tell(self._told[:size])
            del self._told[:size]
