"""The refine game: the policy lifts the macros of a placement one by one and puts them back where it is better."""

from __future__ import annotations

import numpy as np
import torch

from agents.gnn.policy import look
from agents.infer.game import Game, Stop, drawn, most_probable
from agents.infer.tally import Tally
from floorplan.cost import Cost
from floorplan.env.choice import RefineConfig
from floorplan.env.refine import RefineBatch
from floorplan.netlist import Placement

__all__ = ["polish"]

SIDE_BY_SIDE = 4
"""Refined copies of a placement; only the best goes on, so more of them are mostly work for nothing."""


def polish(game: Game, tally: Tally, generator: torch.Generator, stop: Stop, *, temperature: float = 0.5) -> None:
    """Improve the best placement until `stop` or, with temperature 0, until a pass brings nothing.

    In a pass every macro is lifted once, in random order; where the policy puts it counts only if the exact cost is not
    worse. After it the soft macros are placed anew, which counts only if it helps. One copy takes the most probable
    cells until that brings nothing, the others draw. Without a placement nothing is done.

    Args:
        game: of the problem itself, not of a mirrored view.
        tally: holds the best placement; told of better ones. A lift counts as a proposal, a pass as an episode.
        generator: of the draws.
        stop: asked after every macro.
        temperature: of the draws.
    """
    if tally.placement is None or stop():
        return
    construct = game.batch
    config = RefineConfig(choice="uniform", cost=construct.config.cost)
    left = tally.clock.episodes_left
    # A budget in episodes is met without a remainder.
    width = next(w for w in range(SIDE_BY_SIDE, 0, -1) if left is None or left % w == 0)
    batch = RefineBatch(construct.problem, width, config, construct.seed)
    start = tally.placement
    greedy = True
    while True:
        before = tally.cost.proxy if tally.cost is not None else np.inf
        batch.begin(start)
        for _ in range(batch.lifts):
            log_prob, _ = look(game.network, batch.obs, batch.masks)
            actions = drawn(log_prob, generator, temperature) if temperature > 0 else most_probable(log_prob)
            if greedy:
                actions[0] = int(log_prob[0].argmax())
            last = bool(batch.steps[0] == batch.lifts - 1)
            batch.step(actions)
            tally.clock.proposals += batch.num_envs
            if not last and stop():
                _offer_all(batch, tally)
                return
        tally.clock.episodes += len(batch.finished)
        tally.ended += len(batch.finished)
        best = min(batch.finished, key=lambda f: f.cost.proxy)
        greedy = greedy and best.cost.proxy < before
        tally.offer(best.placement, best.cost)
        again, cost = _soft_anew(game, best.placement)
        tally.offer(again, cost)
        start = tally.placement
        tally.tell("refine")
        if stop() or (temperature == 0 and tally.cost is not None and tally.cost.proxy >= before):
            return


def _offer_all(batch: RefineBatch, tally: Tally) -> None:
    for placement, cost in zip(batch.placements, batch.costs, strict=True):
        tally.offer(placement, cost)


def _soft_anew(game: Game, placement: Placement) -> tuple[Placement, Cost]:
    """Return the placement with its soft macros placed by the game's soft placer, and its cost."""
    x, y, orient = placement.x_um[None].copy(), placement.y_um[None].copy(), placement.orient[None].copy()
    game.batch.soft_placer.place_batch(x, y, orient)
    made = placement.replace(x[0], y[0], orient[0])
    return made, game.batch.engine.full(made)
