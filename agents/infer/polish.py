"""The refine game: the policy lifts the macros of a placement one by one and puts them back where it is better."""

from __future__ import annotations

import numpy as np
import torch

from agents.gnn.choosing import rank
from agents.infer.game import Game, Stop, gumbel
from agents.infer.tally import Tally
from agents.ppo.config import CHOICES
from agents.ppo.second_look import SecondLook, least_of
from floorplan.env.choice import RefineConfig
from floorplan.env.refine import RefineBatch

__all__ = ["look_again", "polish"]

SIDE_BY_SIDE = 4
"""Refined copies of a placement; only the best goes on, so more of them are mostly work for nothing."""


def look_again(game: Game, tally: Tally, passes: int, choices: int = CHOICES) -> None:
    """Give the best placement its second look, some passes of it, each followed by placing the soft macros anew.

    Soft macros placed anew count only if that helps. Without a placement nothing is done.

    Args:
        game: of the problem itself, not of a mirrored view.
        tally: holds the best placement; told of better ones. A cell that is costed counts as a proposal.
        passes: how many.
        choices: cells costed for a macro.
    """
    if tally.placement is None or passes == 0:
        return
    construct = game.batch
    # The same order whatever the seed: one rollout is one answer.
    second = SecondLook(construct.problem, 1, choices, construct.config.cost)
    tally.clock.proposals += passes * second.batch.lifts * min(choices, second.batch.num_actions)
    tally.offer(*second.improve(tally.placement, second.by(game.network), passes, construct.soft_anew))
    tally.tell("second look")


def polish(
    game: Game,
    tally: Tally,
    generator: torch.Generator,
    stop: Stop,
    *,
    temperature: float = 0.5,
    choices: int = CHOICES,
) -> None:
    """Improve the best placement until `stop` or, with temperature 0, until a pass brings nothing.

    In a pass every macro is lifted once, in random order. The policy names `choices` cells for it, and of these it goes
    to the one of the least exact cost, unless that is worse than where it stood. After the pass the soft macros are
    placed anew, which counts only if it helps. One copy takes the most probable cells until that brings nothing, the
    others draw. Without a placement nothing is done.

    Args:
        game: of the problem itself, not of a mirrored view.
        tally: holds the best placement; told of better ones. A cell that is costed counts as a proposal, a pass as an
            episode.
        generator: of the draws.
        stop: asked after every macro.
        temperature: of the draws.
        choices: cells costed for a macro.
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
            scores = rank(game.network, batch.obs, batch.masks)
            if temperature > 0:
                noisy = scores / temperature + gumbel(scores.shape, generator)
                if greedy:
                    noisy[0] = scores[0]
                scores = noisy
            actions = least_of(batch, scores.numpy(), choices)
            last = bool(batch.steps[0] == batch.lifts - 1)
            batch.step(actions)
            tally.clock.proposals += batch.num_envs * min(choices, batch.num_actions)
            if not last and stop():
                _offer_all(batch, tally)
                return
        tally.clock.episodes += len(batch.finished)
        tally.ended += len(batch.finished)
        best = min(batch.finished, key=lambda f: f.cost.proxy)
        greedy = greedy and best.cost.proxy < before
        tally.offer(best.placement, best.cost)
        tally.offer(*construct.soft_anew(best.placement))
        start = tally.placement
        tally.tell("refine")
        if stop() or (temperature == 0 and tally.cost is not None and tally.cost.proxy >= before):
            return


def _offer_all(batch: RefineBatch, tally: Tally) -> None:
    for placement, cost in zip(batch.placements, batch.costs, strict=True):
        tally.offer(placement, cost)
