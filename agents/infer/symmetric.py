"""The four mirrored views of a problem, each a game of its own; what they come to is costed on the original."""

from __future__ import annotations

from pathlib import Path

from agents.infer.game import Game
from floorplan.cost import Cost, CostEngine
from floorplan.netlist import Placement, Problem
from floorplan.netlist.variants import SYMMETRIES, mirror

__all__ = ["games_of", "mirrored_game"]


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
    engine = plain.batch.engine
    others = zip(SYMMETRIES[1:count], share[1:], strict=True)
    return [plain, *(mirrored_game(problem, policy, symmetry, n, seed, engine) for symmetry, n in others)]


def mirrored_game(
    problem: Problem, policy: Path, symmetry: tuple[bool, bool], width: int, seed: int, engine: CostEngine
) -> Game:
    """Return the game of a mirrored view; its placements and costs are those of the problem itself.

    Args:
        problem: what is placed.
        policy: where the policy is.
        symmetry: which axes are mirrored.
        width: episodes side by side.
        seed: of random macro orders.
        engine: of the problem itself.

    Raises:
        CheckpointError: no policy, damaged, or made for other observations.
    """
    variant = mirror(problem, *symmetry)

    def judge(placement: Placement, _cost: Cost) -> tuple[Placement, Cost]:
        back = variant.back(placement)
        return back, engine.full(back)

    return Game(variant.problem, policy, width, seed, judge)
