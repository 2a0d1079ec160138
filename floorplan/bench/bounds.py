"""The certified lower bound of a problem, as far as it can be had."""

from __future__ import annotations

import logging
import math

from floorplan.bench.rows import Bound
from floorplan.cost.terms import CostOptions
from floorplan.netlist import Problem

__all__ = ["bound_of", "gap_pct"]

_log = logging.getLogger(__name__)


def bound_of(problem: Problem, options: CostOptions) -> Bound:
    """Return the bound of every part, or the reason why there is none: no bound is no reason to lose a run."""
    try:
        from floorplan.bound import lower_bound

        found = lower_bound(problem, options)
        parts = {k: float(getattr(found, k)) for k in ("wirelength", "density", "congestion", "proxy")}
        if not all(map(math.isfinite, parts.values())):
            raise ValueError(f"not finite: {parts}")
    except Exception as e:  # whatever is wrong with the bound, the runs themselves are sound
        _log.warning("no lower bound: %s", e)
        return Bound(reason=f"{type(e).__name__}: {e}")
    return Bound(**parts, reason=None)


def gap_pct(proxy: float, bound: Bound) -> float | None:
    """Return by how many percent a proxy is above the bound; None where there is no bound above 0."""
    if bound.proxy is None or bound.proxy <= 0:
        return None
    return 100.0 * (proxy - bound.proxy) / bound.proxy
