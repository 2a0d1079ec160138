"""The agent `policy`: places with a trained policy. torch is imported when it places, not when it is made."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agents.base import Budget, BudgetClock, ProgressCallback, Result, legal_result
from agents.ppo.config import CHOICES
from agents.ppo.policyfile import find_policy
from floorplan.errors import InfeasibleProblemError, ProblemError
from floorplan.netlist import Problem

if TYPE_CHECKING:
    from agents.infer.tally import Tally

__all__ = ["PolicyAgent"]

BATCH = 16
"""Episodes played side by side; more only help where one forward pass does not fill the machine."""

MAX_TRIES = 20
"""Episodes, dead ends included, that are begun for each one asked for."""

Search = Literal["sample", "beam", "rollout"]


class PolicyAgent:
    """Plays episodes with a trained policy and keeps the best legal placement.

    The first episode takes the most probable cell at every step and, with a budget of one episode, is the only one.
    The rest of the first round is drawn from the policy, seeded, and the best placement of the round gets its second
    look. Then comes the search that is chosen, then more of the refine game. The defaults are what came out best on
    designs for training.

    A rollout plays both games: the macros are placed one by one, and then lifted once each and put back where, of
    `choices` cells that the policy names, the exact cost is least and no worse.

    Args:
        policy: a run folder, a policy folder, or a `policy.safetensors` file; the shipped policy where none is given.
        search: what follows the first round of episodes. `sample`: more of the same. `beam`: beam searches, the first
            of the most probable cells, later ones with noise. `rollout`: at uncertain steps of the best episode other
            cells are tried and played out.
        symmetries: play the four mirrored views of the problem side by side.
        temperature: of the episodes drawn; below 1 keeps nearer to the most probable cells.
        fan: cells that `beam` tries from each beginning.
        refine: share of the budget for the refine game at the end, 0 to 0.95: the policy lifts the macros of the best
            placement one by one and puts them back where the exact cost is not worse.
        looks: passes of the refine game that belong to the first round; 0 leaves the construct game alone.
        choices: cells that the policy names for a macro it has lifted.
    """

    name = "policy"
    warm_up = "600p"

    def __init__(
        self,
        policy: str | Path | None = None,
        search: Search = "sample",
        symmetries: bool = False,
        temperature: float = 1.0,
        fan: int = 4,
        refine: float = 0.9,
        looks: int = 1,
        choices: int = CHOICES,
    ) -> None:
        if search not in ("sample", "beam", "rollout"):
            raise ProblemError(f"search must be sample, beam or rollout, got {search!r}")
        if not (math.isfinite(temperature) and temperature >= 0):
            raise ProblemError(f"temperature must be a number of at least 0, got {temperature}")
        if fan < 1:
            raise ProblemError(f"fan must be at least 1, got {fan}")
        if not 0 <= refine <= 0.95:
            raise ProblemError(f"refine must be a share of the budget from 0 to 0.95, got {refine}")
        if looks < 0 or choices < 1:
            raise ProblemError(f"looks must be at least 0 and choices at least 1, got {looks} and {choices}")
        self.refine = float(refine)
        self.looks = looks
        self.choices = choices
        self.path = find_policy(policy)
        self.search = search
        self.symmetries = symmetries
        self.temperature = temperature
        self.fan = fan

    def place(self, problem: Problem, budget: Budget, seed: int, progress: ProgressCallback | None = None) -> Result:
        """Return the best placement within the budget; at least one round of episodes is played.

        Seconds count everything but the import of torch: reading the policy, setting up the game, placing, costing. A
        budget in seconds that runs out breaks off whatever is under way once there is a placement.

        Raises:
            CheckpointError: no policy, damaged, or made for other observations.
            InfeasibleProblemError: no episode came to a complete legal placement.
        """
        import torch

        from agents.infer.beam import beam_search
        from agents.infer.nested import rollout_search
        from agents.infer.polish import look_again, polish
        from agents.infer.rollouts import roll_out
        from agents.infer.symmetric import games_of
        from agents.infer.tally import Tally

        clock = BudgetClock(budget)
        tally = Tally(clock, progress)
        width = _width(budget)
        count = min(4, width) if self.symmetries else 1
        games = games_of(problem, self.path, width, seed, count)
        generator = torch.Generator().manual_seed(seed)

        def over() -> bool:
            return self._over(tally, width)

        def stop() -> bool:
            return self._over(tally, width, 1.0 - self.refine)

        def first_round() -> bool:
            return over() or (tally.ended >= width and tally.placement is not None)

        critic = self.search == "beam"
        roll_out(games, tally, generator, first_round, temperature=self.temperature, critic=critic)
        if budget.kind == "e" or not over():  # a budget in episodes counts whole rollouts
            look_again(games[0], tally, self.looks, self.choices)
        if self.search == "sample" and not stop():
            roll_out(games, tally, generator, stop, temperature=self.temperature)
        rounds = 0
        while tally.placement is not None and not stop():
            # The view of the problem that came to the best placement is the one that is searched.
            game = min(games, key=lambda g: math.inf if g.best is None else g.best.proxy)
            if self.search == "beam":
                beam_search(game, tally, generator, stop, fan=self.fan, noise=float(rounds > 0))
                tally.tell("beam")
            else:
                rollout_search(game, tally, generator, stop, temperature=self.temperature)
                if not stop():  # nothing is left to choose
                    break
            rounds += 1
        if self.refine > 0:
            polish(games[0], tally, generator, over, choices=self.choices)
        if tally.placement is None or tally.cost is None:
            raise InfeasibleProblemError(f"{tally.ended} episodes of the policy ended without a complete placement")
        return legal_result(problem, tally.placement, tally.cost, clock)

    @staticmethod
    def _over(tally: Tally, width: int, share: float = 1.0) -> bool:
        budget = tally.clock.budget
        if tally.spent(share) and (tally.placement is not None or tally.ended >= width):
            return True
        # a policy that finds no way through would never complete the episodes asked for
        return budget.kind == "e" and tally.ended >= MAX_TRIES * budget.amount


def _width(budget: Budget) -> int:
    """Return how many episodes to play side by side, so that a budget in episodes is met without a remainder."""
    if budget.kind != "e":
        return BATCH
    count = max(1, int(budget.amount))
    return math.ceil(count / math.ceil(count / BATCH))
