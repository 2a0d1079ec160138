"""Greedy construction: each macro goes where the exact cost of what stands so far grows least."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from agents.base import Budget, BudgetClock, ProgressCallback, Result, legal_result
from floorplan.env import ConstructBatch, ConstructConfig, Finished
from floorplan.errors import InfeasibleProblemError, ProblemError
from floorplan.netlist import Problem
from floorplan.soft import SOFT_PLACERS
from floorplan.soft.outlook import soft_outlook

__all__ = ["GreedyAgent", "exact_proxy"]

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

CHUNK = 256
"""Candidates costed in one call: bounds the memory that a large grid takes."""


MASKS = ("cost", "wire")


class GreedyAgent:
    """Places macros in order, each on the legal cell with the best exact change of the partial proxy cost.

    Legal cells are ranked by a mask: the environment's estimate of the change of proxy (its wirelength part is exact),
    or the exact change of the wirelength alone, the wire mask of MaskPlace (Lai, Mu, Luo, 2022). The best `candidates`
    of them are costed in full: wirelength, density and congestion of everything that stands, soft macros included.
    Where those will stand is not known yet; `soft_updates` times an episode they are placed anew around what stands,
    with the macros to come placed along with them as if soft. (Where an episode starts them they are pulled by ports
    alone, and greedy choices made on that are worse than random ones on netlists whose hard macros connect to soft ones
    mostly.)

    The first episode takes the best candidate always. Later ones add Gumbel noise to the costs, and more of it after a
    dead end, so that a run of many episodes explores; the best complete placement is kept.

    Each cell that is costed is one proposal. Where the budget ends within an episode that is still needed for a result,
    the remaining macros go to the cell that the mask ranks first, one proposal each.

    Args:
        candidates: cells costed for each macro; 0 costs all legal ones.
        soft_updates: how often an episode places the soft macros anew; 0 leaves them where the episode starts them.
        noise: standard deviation of the noise of later episodes, in those of the candidates' costs.
        config: rules of the game, among them the macro order and the soft-macro placer; its `outlooks` are not used:
            the agent's own, from scratch with the placer's last stage, cost ten times as much and are a little better.
        mask: what ranks the cells: `wire` (exact change of the wirelength) or `cost` (estimated change of the proxy).
        patience: dead ends, none of the episodes having been completed, after which to give up.
    """

    name = "greedy"

    def __init__(
        self,
        candidates: int = 32,
        soft_updates: int = 8,
        noise: float = 0.25,
        config: ConstructConfig | None = None,
        patience: int = 100,
        mask: str = "wire",
    ) -> None:
        if mask not in MASKS:
            raise ProblemError(f"mask must be one of {', '.join(MASKS)}, got {mask!r}")
        if candidates < 0 or soft_updates < 0 or noise < 0:
            raise ProblemError(
                f"candidates, soft_updates and noise must be >= 0, got {candidates}, {soft_updates} and {noise}"
            )
        self.candidates = candidates
        self.soft_updates = soft_updates
        self.noise = noise
        self.config = config or ConstructConfig()
        self.patience = patience
        self.mask = mask

    def place(self, problem: Problem, budget: Budget, seed: int, progress: ProgressCallback | None = None) -> Result:
        """Return the best of the complete episodes within the budget; the first is completed beyond it if need be.

        Raises:
            InfeasibleProblemError: no episode was completed; the message counts the dead ends.
        """
        clock = BudgetClock(budget)
        batch = ConstructBatch(problem, 1, replace(self.config, outlooks=1), seed)
        rng = np.random.default_rng(seed)
        best: Finished | None = None
        dead_ends = in_a_row = played = 0
        while best is None or not clock.spent:
            if best is None and dead_ends and (clock.spent or dead_ends >= self.patience):
                break
            noise = self.noise * (in_a_row + 1) if played else 0.0
            episode, dead = self._play(batch, clock, rng, noise, needed=best is None, progress=progress)
            played += 1
            dead_ends += dead
            in_a_row = in_a_row + 1 if dead else 0
            if episode is not None:
                clock.episodes += 1
                if best is None or episode.cost.proxy < best.cost.proxy:
                    best = episode
            if progress is not None:
                dead_note = f"{dead_ends} dead ends"
                progress(
                    clock.progress(best.cost, dead_note, best.placement) if best else clock.progress(note=dead_note)
                )
        if best is None:
            raise InfeasibleProblemError(
                f"greedy placement completed no episode within {budget}: {dead_ends} dead ends, "
                f"{clock.proposals} proposals for {len(problem.movable_hard)} macros"
            )
        return legal_result(problem, best.placement, best.cost, clock)

    def _play(
        self,
        batch: ConstructBatch,
        clock: BudgetClock,
        rng: np.random.Generator,
        noise: float,
        needed: bool,
        progress: ProgressCallback | None,
    ) -> tuple[Finished | None, bool]:
        """Play one episode; return it, if it was completed, and whether it met a dead end.

        An episode that is not needed for a result stops where the budget ends.
        """
        macros = batch.dims.macros
        updates = {round(i * macros / self.soft_updates) for i in range(self.soft_updates)}
        view = batch
        for step in range(macros):
            if clock.spent and not needed:
                batch.reset()
                return None, False
            if step in updates and not clock.spent:
                view = self._view(batch)
            action = np.array([self._choose(view, clock, rng, noise)])
            result = batch.step(action)
            if result.done[0]:
                return (batch.finished[0] if batch.finished else None), bool(result.dead_end[0])
            if view is not batch:
                view.step(action)
            if progress is not None and needed:
                progress(clock.progress(None, f"macro {step + 1} of {macros}"))
        raise AssertionError("an episode ends with its last macro")

    def _view(self, batch: ConstructBatch) -> ConstructBatch:
        """Return the same game at the same point, with the soft macros where they would go by now."""
        problem = batch.problem
        make = SOFT_PLACERS[self.config.soft_placer]
        guess = soft_outlook(problem, batch.placement(0), make, self.config.cost)
        soft = problem.netlist.soft
        x, y, placed = problem.initial.x_um.copy(), problem.initial.y_um.copy(), problem.initial.placed.copy()
        x[soft], y[soft], placed[soft] = guess.x_um[soft], guess.y_um[soft], True
        seen = problem.replace(initial=problem.initial.replace(x, y, placed=placed))
        view = ConstructBatch(seen, 1, replace(batch.config, soft_start="initial", soft_placer="none"), batch.seed)
        view.set_state(batch.get_state())
        return view

    def _choose(self, batch: ConstructBatch, clock: BudgetClock, rng: np.random.Generator, noise: float) -> int:
        legal = np.flatnonzero(batch.masks[0])
        if len(legal) == 0:
            return 0
        left = clock.proposals_left
        count = len(legal) if self.candidates == 0 else min(self.candidates, len(legal))
        if left is not None:
            # One proposal is kept for each macro to come, so that the episode can be completed.
            count = min(count, left - (batch.dims.macros - int(batch.steps[0])) + 1)
        ranked = batch.cost_change[0] if self.mask == "cost" else batch.raw_wl(0)
        change = ranked.reshape(-1)[legal]
        if clock.spent or count < 2:
            clock.proposals += 1
            return int(legal[np.argmin(change)])
        cells = legal[np.argsort(change, kind="stable")[:count]]
        proxy = exact_proxy(batch, cells)
        clock.proposals += len(cells)
        if noise > 0:
            proxy = proxy - noise * float(proxy.std()) * rng.gumbel(size=len(cells))
        return int(cells[np.argmin(proxy)])


def exact_proxy(batch: ConstructBatch, cells: I64) -> F64:
    """Return (K,) proxy costs of what stands in environment 0 with its macro in hand on each of `cells` (K,)."""
    now = batch.placement(0)
    node = batch.current_node(0)
    placed = now.placed.copy()
    placed[node] = True
    out = np.empty(len(cells))
    for begin in range(0, len(cells), CHUNK):
        part = cells[begin : begin + CHUNK]
        k = len(part)
        x, y = np.tile(now.x_um, (k, 1)), np.tile(now.y_um, (k, 1))
        x[:, node], y[:, node] = batch.spots(0, part)
        orient, on = np.tile(now.orient, (k, 1)), np.tile(placed, (k, 1))
        out[begin : begin + k] = batch.engine.batch(x, y, orient, on).proxy
    return out
