"""How hot annealing should start, measured on the netlist at hand."""

from __future__ import annotations

import math

from floorplan.search import Chain

__all__ = ["starting_heat"]

TRIED = (0.05, 0.1, 0.2, 0.3)
"""Temperatures tried, in proxy cost times the movable nodes."""

ACCEPTED = 0.45
"""Share of soft macros' jumps that a good start accepts."""

SOFT_JUMPS = 4
"""Row of a chain's tally."""


def starting_heat(chain: Chain, proposals: int) -> float:
    """Return the temperature, within `TRIED`, at which nearly half of soft macros' jumps are accepted.

    One number does not serve all netlists: where congestion decides, the same temperature accepts a third as many. The
    starts that did best on six designs, 0.07 to 0.3 hot, accepted 0.3 to 0.55 of them.

    Args:
        chain: is left where it was.
        proposals: to spend, in all.
    """
    start = chain.engine.placement
    rates: list[float] = []
    for hot in TRIED:
        before = chain.tally[SOFT_JUMPS].copy()
        heat = hot / max(chain.movable, 1)
        chain.anneal(max(proposals // len(TRIED), 1), heat, heat)
        made, accepted = (chain.tally[SOFT_JUMPS] - before).tolist()
        rates.append(accepted / made if made else 0.0)
        chain.go_to(start)
    if rates[0] >= ACCEPTED:
        return TRIED[0]
    for (low, a), (high, b) in zip(
        zip(TRIED, rates, strict=True), zip(TRIED[1:], rates[1:], strict=True), strict=False
    ):
        if a < ACCEPTED <= b:
            return low * math.exp(math.log(high / low) * (ACCEPTED - a) / (b - a))
    return TRIED[-1]
