"""From genotypes to placements: each macro goes to the legal cell that suits its wires and its target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.base import BudgetClock
from floorplan.env import ConstructBatch, ConstructConfig, Finished
from floorplan.netlist import Problem

__all__ = ["Decoded", "Decoder"]

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Decoded:
    """What became of G genotypes.

    Attributes:
        finished: (G,) the complete episode of each, None after a dead end.
        fitness: (G,) proxy cost; after a dead end 1,000 and one for each macro left over.
        at: (G, M, 2) where the macros went, shares of the canvas; the target itself where a macro was not placed.
    """

    finished: list[Finished | None]
    fitness: F64
    at: F64


class Decoder:
    """Plays one construct episode for each genotype, several side by side.

    A genotype is (M, 2): a target for each movable hard macro as a share of the canvas. Macros come in the order of the
    configuration (largest first); each goes to the legal cell with the least sum of the exact change of the wirelength
    (or the estimated one of the proxy), in standard deviations over the legal cells, and `pull` times the distance to
    its target, as a share of the canvas' diagonal.
    """

    def __init__(
        self, problem: Problem, lanes: int, config: ConstructConfig, seed: int, *, pull: float, by: str
    ) -> None:
        self.batch = ConstructBatch(problem, lanes, config, seed)
        self.lanes = lanes
        self.macros = self.batch.dims.macros
        self._pull = pull
        self._by = by
        cv = problem.canvas
        cell = np.arange(cv.num_cells)
        self._cell_at = np.stack([(cell % cv.columns + 0.5) / cv.columns, (cell // cv.columns + 0.5) / cv.rows], axis=1)
        diagonal = float(np.hypot(cv.width_um, cv.height_um))
        self._share = np.array([cv.width_um, cv.height_um]) / diagonal
        self._canvas = np.array([cv.width_um, cv.height_um])

    def decode(self, targets: F64, clock: BudgetClock, needed: bool) -> Decoded | None:
        """Place the macros of G <= lanes genotypes, targets (G, M, 2).

        Each macro placed is a proposal. None where the budget ended before the episodes did and none is needed; those
        that are needed go on to their end.
        """
        count = len(targets)
        alive = np.arange(self.lanes) < count
        left_over = np.zeros(count)
        padded = np.concatenate([targets, np.tile(targets[:1], (self.lanes - count, 1, 1))])
        finished: list[Finished | None] = [None] * count
        at = targets.copy()
        for step in range(self.macros):
            if clock.spent and not needed:
                self.batch.reset()
                return None
            actions = self._choose(padded)
            current = self.batch.obs["current"].reshape(-1)
            lanes = np.flatnonzero(alive)
            at[lanes, current[lanes]] = self._cell_at[actions[lanes]]
            result = self.batch.step(actions)
            clock.proposals += len(lanes)
            for episode in self.batch.finished:
                # A lane that met a dead end plays on by itself, for nothing.
                if alive[episode.env]:
                    finished[episode.env] = episode
            dead = np.flatnonzero(result.dead_end & alive)
            left_over[dead] = self.macros - 1 - step
            alive[dead] = False
            if not alive.any():
                break
        if not alive.all():
            self.batch.reset()
        fitness = np.array([1000.0 + left_over[i] if f is None else f.cost.proxy for i, f in enumerate(finished)])
        return Decoded(finished, fitness, at)

    def _choose(self, targets: F64) -> npt.NDArray[np.int64]:
        batch = self.batch
        change = batch.wl_change_um if self._by == "wire" else batch.cost_change
        change = change.reshape(self.lanes, -1)
        legal = batch.masks
        number = np.maximum(legal.sum(axis=1), 1)[:, None]
        mean = np.where(legal, change, 0.0).sum(axis=1, keepdims=True) / number
        off = np.where(legal, change - mean, 0.0)
        spread = np.sqrt((off * off).sum(axis=1, keepdims=True) / number)
        want = targets[np.arange(self.lanes), batch.obs["current"].reshape(-1)]
        apart = (self._cell_at[None, :, :] - want[:, None, :]) * self._share
        score = off / np.maximum(spread, 1e-30) + self._pull * np.sqrt((apart * apart).sum(axis=2))
        chosen: npt.NDArray[np.int64] = np.where(legal, score, np.inf).argmin(axis=1)
        return chosen
