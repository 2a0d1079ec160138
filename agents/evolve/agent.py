"""The agent `evolve`: evolves what each macro of a greedy construction would like, by the exact cost of the outcome."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from agents.base import Budget, BudgetClock, ProgressCallback, Result, legal_result
from agents.evolve.decode import F64, Decoder
from agents.evolve.search import CmaSearch, Search, SwapSearch
from floorplan.env import ConstructConfig, Finished
from floorplan.errors import InfeasibleProblemError, ProblemError
from floorplan.netlist import Problem
from floorplan.soft import SOFT_PLACERS
from floorplan.soft.outlook import soft_outlook

__all__ = ["EvolveAgent"]


class EvolveAgent:
    """Searches target positions of the hard macros, which a greedy construction turns into legal placements.

    After WireMask-BBO (Shi, Xue, Song, Qian, 2023): a black-box search proposes, a greedy decoder that sees the exact
    change of the wirelength on every cell disposes (`agents.evolve.decode`). Soft macros are then placed, and the exact
    cost is the fitness. The search begins where the problem's initial placement has the macros, or where they would go
    as soft ones. The best complete placement is kept.

    One macro placed is one proposal, as for `random`; one decoded genotype one episode. A budget of proposals must pay
    for a whole round of episodes side by side, so up to a round's worth of it may be left over.

    Args:
        search: `swap`, an evolution by moves, swaps and recombination of the best few; or `cma`, covariance matrix
            adaptation of all coordinates (package `cmaes`).
        by: what the decoder goes by besides the targets: `wire`, the exact change of the wirelength, or `cost`, the
            estimated change of the proxy.
        pull: weight of the distance to the target.
        population: genotypes decoded side by side; fewer where the budget asks for fewer.
        start: `initial` (the problem's placement where it is complete) or `outlook`.
        config: rules of the game, among them the macro order and the soft-macro placer.
        patience: dead ends, no genotype having come to a placement before, after which to give up.
    """

    name = "evolve"

    def __init__(
        self,
        search: str = "swap",
        by: str = "wire",
        pull: float = 16.0,
        population: int = 16,
        start: str = "initial",
        config: ConstructConfig | None = None,
        patience: int = 2000,
    ) -> None:
        for name, value, known in (
            ("search", search, ("swap", "cma")),
            ("by", by, ("wire", "cost")),
            ("start", start, ("initial", "outlook")),
        ):
            if value not in known:
                raise ProblemError(f"{name} must be one of {', '.join(known)}, got {value!r}")
        if pull < 0 or population < 1:
            raise ProblemError(f"pull must be >= 0 and population >= 1, got {pull} and {population}")
        self.search = search
        self.by = by
        self.pull = pull
        self.population = population
        self.start = start
        self.config = config or ConstructConfig()
        self.patience = patience

    def place(self, problem: Problem, budget: Budget, seed: int, progress: ProgressCallback | None = None) -> Result:
        """Return the best of the decoded placements; the first round goes beyond a budget of seconds if need be.

        Raises:
            InfeasibleProblemError: no genotype came to a complete placement; the message counts the dead ends.
        """
        clock = BudgetClock(budget)
        macros = len(problem.movable_hard)
        lanes = self._side_by_side(budget, macros)
        decoder = Decoder(problem, lanes, self.config, seed, pull=self.pull, by=self.by)
        search = self._search(problem, lanes, seed)
        best: Finished | None = None
        dead_ends = 0
        while True:
            count = lanes if clock.episodes_left is None or best is None else min(lanes, clock.episodes_left)
            if clock.proposals_left is not None:
                count = min(count, clock.proposals_left // macros)
            if count < 1 or (clock.spent and (best is not None or dead_ends)):
                break
            genotypes = search.ask(count)
            decoded = decoder.decode(genotypes, clock, needed=best is None and dead_ends == 0)
            if decoded is None:
                break
            for episode in decoded.finished:
                if episode is None:
                    dead_ends += 1
                    continue
                clock.episodes += 1
                if best is None or episode.cost.proxy < best.cost.proxy:
                    best = episode
            search.tell(genotypes, decoded.at, decoded.fitness)
            if progress is not None:
                dead = f"{dead_ends} dead ends"
                progress(clock.progress(best.cost, dead, best.placement) if best else clock.progress(note=dead))
            if best is None and dead_ends >= self.patience:
                break
        if best is None:
            raise InfeasibleProblemError(
                f"evolution completed no placement within {budget}: {dead_ends} dead ends, "
                f"{clock.proposals} proposals for {macros} macros"
            )
        return legal_result(problem, best.placement, best.cost, clock)

    def _side_by_side(self, budget: Budget, macros: int) -> int:
        """Return how many genotypes the budget can keep busy."""
        wanted = {"s": float(self.population), "p": budget.amount // max(macros, 1), "e": budget.amount}[budget.kind]
        return max(1, min(self.population, int(wanted)))

    def _search(self, problem: Problem, lanes: int, seed: int) -> Search:
        start = self._start(problem)
        if self.search == "cma":
            return CmaSearch(start, lanes, seed)
        hard, nl = problem.movable_hard, problem.netlist
        sizes = np.stack([nl.node_w_um[hard], nl.node_h_um[hard]], axis=1)
        return SwapSearch(start, sizes, np.random.default_rng(seed))

    def _start(self, problem: Problem) -> F64:
        """Return (M, 2) targets to begin with."""
        hard, cv, seen = problem.movable_hard, problem.canvas, problem.initial
        if self.start == "outlook" or not seen.placed.all():
            x, y, placed = seen.x_um.copy(), seen.y_um.copy(), np.ones(len(seen), np.bool_)
            loose = np.concatenate([hard, problem.movable_soft])
            x[loose], y[loose] = cv.width_um / 2, cv.height_um / 2
            placed[hard] = False
            orient = np.where(placed, seen.orient, 0)
            seen = soft_outlook(problem, replace(seen, x_um=x, y_um=y, orient=orient, placed=placed),
                                SOFT_PLACERS[self.config.guessing_placer], self.config.cost)  # fmt: skip
        at = np.stack([seen.x_um[hard] / cv.width_um, seen.y_um[hard] / cv.height_um], axis=1)
        return np.clip(at, 0.0, 1.0)
