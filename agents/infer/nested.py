"""Rollout search: at uncertain steps of the best episode other cells are tried, each played out to its exact cost."""

from __future__ import annotations

import numpy as np
import torch

from agents.infer.game import NEVER, Game, Stop, drawn, gumbel, most_probable
from agents.infer.tally import Tally

__all__ = ["rollout_search"]


def rollout_search(
    game: Game, tally: Tally, generator: torch.Generator, stop: Stop, *, temperature: float = 1.0
) -> None:
    """Improve the game's best episode until `stop`.

    A step is drawn in proportion to the policy's entropy there. From it, `width` different cells are tried, drawn
    from the policy without replacement, and the policy plays each to the end: one with the most probable cells, in the
    manner of a nested rollout (Tesauro and Galperin, 1996), the others drawn at a third of the temperature, so that
    the many macros that follow do not drown the one that is tried. Without a complete episode nothing is done.

    Args:
        game: at any state; left at first macros.
        tally: told of all complete episodes.
        generator: of everything random.
        stop: asked after every macro.
        temperature: of the cells tried.
    """
    while game.best is not None and not stop():
        best = game.best
        weight = torch.from_numpy(np.maximum(best.entropy, 1e-3))
        at = int(torch.multinomial(weight, 1, generator=generator))
        game.go_to(best.actions[:at])
        log_prob, _ = game.look()
        row = log_prob[0] / max(temperature, 1e-3)
        noisy = torch.where(log_prob[0] > NEVER, row + gumbel(row.shape, generator), -torch.inf)
        noisy[int(best.actions[at])] = -torch.inf
        top = torch.topk(noisy, min(game.width, len(noisy)))
        cells = top.indices[top.values > -torch.inf].numpy()
        if len(cells) == 0:
            if not (best.entropy > 1e-3).any():
                return  # a policy that leaves no choice anywhere has nothing to search
            tally.clock.proposals += 1
            continue
        done = game.step(np.resize(cells, game.width), tally).done
        if done.all():
            tally.tell("search")
            continue

        def pick(log_prob: torch.Tensor) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
            actions = drawn(log_prob, generator, temperature / 3) if temperature > 0 else most_probable(log_prob)
            actions[0] = int(log_prob[0].argmax())
            return actions

        game.play_out(pick, tally, stop)
        tally.tell("search")
