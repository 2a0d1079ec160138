"""A small problem on which agents compile their kernels before they are timed."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import numpy as np

from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem, Side
from floorplan.plugins import parse_budget

__all__ = ["small_problem", "warm_up"]

_STEPS = "2000p"
"""What is spent in proposals, unless the agent's attribute `warm_up` says how much it takes to run all that it has."""

_LEAST = {"s": "0.3s", "e": "1e"}
"""A budget of the kind to come, besides: an agent may do other things under a clock."""


def warm_up(agent: Any, budget: str) -> tuple[float, str | None]:
    """Let an agent place the small problem; return the seconds it took, and what went wrong, if anything did.

    First with a budget in proposals, since that is spent the same way however long compiling takes.
    """
    begin = time.perf_counter()
    wrong = None
    kind = str(parse_budget(budget).kind)
    for text in filter(None, (getattr(agent, "warm_up", _STEPS), _LEAST.get(kind))):
        try:
            agent.place(small_problem(), parse_budget(text), 0, lambda _: None)
        except (Exception, SystemExit) as e:  # an agent that cannot place this may still place the design
            wrong = f"{type(e).__name__}: {e}"
    return time.perf_counter() - begin, wrong


@cache
def small_problem() -> Problem:
    """Return 16 hard and 24 soft macros with 60 nets of 2 to 6 pins, placed legally on a canvas half full."""
    rng = np.random.default_rng(1)
    b = NetlistBuilder("warm_up")
    pins: list[str] = []
    for i in range(8):
        b.add_port(f"port{i}", (Side.LEFT, Side.RIGHT)[i % 2])
        pins.append(f"port{i}")
    for kind, count, size in (("hard", 16, (14.0, 10.0)), ("Grp", 24, (7.0, 7.0))):
        for i in range(count):
            b.add_macro(f"{kind}_{i}", *size, soft=kind == "Grp")
            for k in range(3):
                pins.append(f"{kind}_{i}/{k}")
                b.add_pin(pins[-1], f"{kind}_{i}", float(k - 1), float(1 - k))
    sources = rng.permutation(len(pins))[:60].tolist()
    for source in sources:
        sinks = rng.choice(len(pins), size=int(rng.integers(1, 6)), replace=False).tolist()
        b.add_net(pins[source], [pins[s] for s in sinks if s != source] or [pins[source - 1]], 1.0 + source % 3)
    netlist = b.build()
    x, y = np.zeros(netlist.num_nodes), np.zeros(netlist.num_nodes)
    ports, hard, soft = netlist.ports, netlist.hard, netlist.soft
    x[ports], y[ports] = np.where(np.arange(8) % 2, 100.0, 0.0), 5.0 + 90.0 * np.arange(8) / 7
    x[hard], y[hard] = 12.0 + 24.0 * (np.arange(16) % 4), 12.0 + 24.0 * (np.arange(16) // 4)
    x[soft], y[soft] = 10.0 + 16.0 * (np.arange(24) % 6), 15.0 + 22.0 * (np.arange(24) // 6)
    initial = Placement(x, y, np.zeros(netlist.num_nodes, np.uint8), np.ones(netlist.num_nodes, np.bool_))
    return Problem(netlist, Canvas(100.0, 100.0, 12, 12, 20.0, 20.0, 8.0, 8.0, 2), initial)
