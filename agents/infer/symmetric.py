"""The four mirrored views of a problem, each a game of its own; what they come to is costed on the original."""

from __future__ import annotations

from pathlib import Path

from agents.infer.game import Game
from floorplan.cost import Cost
from floorplan.netlist import Placement, Problem
from floorplan.netlist.variants import SYMMETRIES, Variant, mirror

__all__ = ["games_of"]


def games_of(problem: Problem, policy: Path, width: int, seed: int, count: int = 1) -> list[Game]:
    """Return the game of a problem and, with a count above 1, those of its mirrored views, the plain one first.

    Args:
        problem: what is placed.
        policy: where the policy is.
        width: episodes side by side, all games together; each has at least one.
        seed: of random macro orders.
        count: of games, 1 to 4.

    Raises:
        CheckpointError: no policy, damaged, or made for other observations.
    """
    share = [max(width // count + (i < width % count), 1) for i in range(count)]
    plain = Game(problem, policy, share[0], seed)
    games = [plain]
    for (flip_x, flip_y), n in zip(SYMMETRIES[1:count], share[1:], strict=True):
        variant = mirror(problem, flip_x, flip_y)

        def judge(placement: Placement, _cost: Cost, variant: Variant = variant) -> tuple[Placement, Cost]:
            back = variant.back(placement)
            return back, plain.batch.engine.full(back)

        games.append(Game(variant.problem, policy, n, seed, judge))
    return games
