"""Episodes drawn from the policy, side by side, on one problem or on several that are the same."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from agents.infer.game import Game, Stop, drawn, most_probable
from agents.infer.tally import Tally

__all__ = ["roll_out"]


def roll_out(
    games: Sequence[Game],
    tally: Tally,
    generator: torch.Generator,
    stop: Stop,
    *,
    temperature: float = 1.0,
    critic: bool = False,
) -> None:
    """Play until `stop`: in each game one episode of most probable cells, all others drawn from the policy.

    Episodes that end begin anew at once. Temperature 0 takes the most probable cell everywhere. What the critic says of
    each state is noted with `critic` only.
    """
    plain = [True] * len(games)
    while True:
        ended = tally.ended
        for i, game in enumerate(games):
            log_prob = game.look()[0] if critic else game.rank()
            best = most_probable(log_prob)
            actions = drawn(log_prob, generator, temperature) if temperature > 0 else best
            if plain[i]:
                actions[0] = best[0]
            result = game.step(actions, tally)
            plain[i] = plain[i] and not bool(result.done[0])
        if tally.ended > ended:
            tally.tell("rollouts")
        if stop():
            return
