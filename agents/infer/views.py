"""Rounds of episodes in the mirrored views of a problem, every complete placement kept: many starts for a search."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import torch

from agents.base import Budget, BudgetClock
from agents.infer.game import I64, Game, Stop, drawn, most_probable
from agents.infer.symmetric import mirrored_game
from agents.infer.tally import Tally
from floorplan.cost import Cost
from floorplan.netlist import Placement, Problem
from floorplan.netlist.variants import SYMMETRIES

__all__ = ["WIDTH", "rounds_of_views"]

WIDTH = 4
"""Episodes side by side in a view."""

TEMPERATURE = 0.5
"""Of the episodes drawn. At 1 they differ no more in what they come to, and end 1 to 2 % higher."""


def rounds_of_views(
    problem: Problem, policy: Path, seed: int, stop: Stop, width: int = WIDTH
) -> Iterator[list[tuple[Placement, Cost]]]:
    """Yield the complete placements of one round of episodes after another, each in the next of the four views.

    In the first round of a view one episode takes the most probable cell at every step; all others are drawn. A view's
    game is set up when its turn comes. There is no end to it: stop asking.

    Args:
        problem: what is placed.
        policy: weights file.
        seed: of the draws.
        stop: asked after every macro; breaks off the round that is under way.
        width: episodes of a round, dead ends among them.

    Raises:
        CheckpointError: no policy, damaged, or made for other observations.
    """
    generator = torch.Generator().manual_seed(seed)
    games: list[Game] = []
    for number in count():
        fresh = number < len(SYMMETRIES)
        if number == 0:
            games.append(Game(problem, policy, width, seed))
        elif fresh:
            engine = games[0].batch.engine
            games.append(mirrored_game(problem, policy, SYMMETRIES[number], width, seed, engine))
        game = games[number % len(SYMMETRIES)]
        game.begin()
        found = _Found()

        def pick(log_prob: torch.Tensor, plain: bool = fresh) -> I64:
            actions = drawn(log_prob, generator, TEMPERATURE)
            if plain:
                actions[0] = most_probable(log_prob[:1])[0]
            return actions

        game.play_out(pick, found, stop)
        yield found.made


class _Found(Tally):
    """Keeps every placement that it is offered."""

    def __init__(self) -> None:
        super().__init__(BudgetClock(Budget("e", 1)))
        self.made: list[tuple[Placement, Cost]] = []

    def offer(self, placement: Placement, cost: Cost) -> bool:
        self.made.append((placement, cost))
        return super().offer(placement, cost)
