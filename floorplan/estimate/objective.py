"""What to place for: the proxy, joules and nanoseconds per token and the temperature, in one reward.

    reward = -proxy - d log(J / J_ref) - e log(ns / ns_ref) - h max(0, T - T_limit)

J_ref and ns_ref only shift it. They are those of the chip with the pins of every net evenly at random over the die, so
that they depend on no placement.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from floorplan.cost import CostOptions
from floorplan.errors import UnknownNameError
from floorplan.estimate.errors import EstimateError
from floorplan.estimate.kernels import chain
from floorplan.estimate.technology import system_constants

if TYPE_CHECKING:
    from floorplan.estimate.estimator import Estimator

__all__ = ["OBJECTIVES", "Objective", "Reference", "objective", "random_hpwl_um", "reference"]

F64 = npt.NDArray[np.float64]

MOST_LOG = 10.0
"""A logarithm counts at most this, so that a die that runs away is bad, not infinite or NaN."""
MOST_RISE_K = 1000.0
"""Likewise degrees over the limit: silicon melts at 1414 degC."""


@dataclass(frozen=True)
class Objective:
    """Weights of what counts beside the proxy; all 0 is the proxy alone, bit for bit.

    Attributes:
        joules: d, reward for a factor e in J per token.
        nanoseconds: e, likewise in ns per token.
        temperature: h, reward for a K below the limit where the hottest cell is above it.
        limit_c: junction limit. HotSpot leaves it open; 105 degC is what data sheets name (recalled, not verified).
    """

    joules: float = 0.0
    nanoseconds: float = 0.0
    temperature: float = 0.0
    limit_c: float = 105.0

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if not (math.isfinite(value) and value >= 0):
                raise EstimateError(f"{f.name} of an objective must be >= 0, got {value}")

    @property
    def stock(self) -> bool:
        """True where the reward is minus the proxy and nothing else."""
        return self.joules == self.nanoseconds == self.temperature == 0.0

    def check(self, options: CostOptions) -> None:
        """Refuse costs under which joules are won by piling macros up at the memory PHYs.

        Raises:
            EstimateError: density or congestion has no weight although joules or nanoseconds have.
        """
        w = options.weights
        if self.joules + self.nanoseconds > 0 and not (w.density > 0 and w.congestion > 0):
            raise EstimateError("an objective of joules or nanoseconds needs weights of density and congestion above 0")

    def terms(self, j: float, ns: float, temperature_c: float, ref: Reference) -> float:
        """Return what is taken off minus the proxy; finite whatever goes in."""
        out = 0.0
        if self.joules:
            out += self.joules * _log(j, ref.j_per_token)
        if self.nanoseconds:
            out += self.nanoseconds * _log(ns, ref.ns_per_token)
        if self.temperature:
            rise = temperature_c - self.limit_c
            out += self.temperature * (min(max(rise, 0.0), MOST_RISE_K) if not math.isnan(rise) else MOST_RISE_K)
        return out


@dataclass(frozen=True)
class Reference:
    """What a chip needs with its pins at random.

    Attributes:
        j_per_token: J.
        ns_per_token: ns.
    """

    j_per_token: float
    ns_per_token: float


def _log(value: float, ref: float) -> float:
    if math.isnan(value):
        return MOST_LOG
    return min(max(math.log(value / ref), -MOST_LOG), MOST_LOG) if value > 0 else -MOST_LOG


def random_hpwl_um(estimator: Estimator) -> F64:
    """Return (E,) the half-perimeter that each net's n nodes span on average, evenly at random over the canvas.

    (n - 1) / (n + 1) of its width and of its height: the expected range of n uniform numbers.
    """
    cv, n = estimator.chip.problem.canvas, estimator.terminals.pins
    return np.asarray((cv.width_um + cv.height_um) * (n - 1.0) / (n + 1.0), np.float64)


def base_scale_m_per_um(estimator: Estimator) -> F64:
    """Return (E,) metres of wire per um of half-perimeter where nothing is crowded."""
    return np.asarray(1e-6 * estimator.pin_factor * system_constants()["base_detour"].value, np.float64)


def reference(estimator: Estimator) -> Reference:
    """Return the reference of a chip under a load; it depends on no placement.

    Where leakage would run away even there, the leakage is left out of it.
    """
    length = base_scale_m_per_um(estimator) * random_hpwl_um(estimator)
    totals = estimator.totals(length)
    if not math.isfinite(totals.j_per_token):
        cold = np.ones(chain.N_FACTOR)
        cold[chain.F_LEAK] = 0.0
        totals = estimator.totals(length, cold)
    return Reference(totals.j_per_token, totals.ns_per_token)


_PULL = 8.0
"""How much more than the proxy's wirelength traffic counts in the named objectives, at the reference."""

OBJECTIVES: dict[str, tuple[float, float]] = {
    "proxy": (0.0, 0.0),
    "joules-and-proxy": (1.0, 0.0),
    "tokens-per-joule": (_PULL, 0.0),
    "tokens-per-second": (0.0, _PULL),
    "tokens-per-joule-second": (_PULL / 2, _PULL / 2),
}
"""Name -> pull of joules and of nanoseconds: a pull of 1 weighs the wires' part of the logarithm, at the reference, as
much as the wirelength of the proxy."""


def objective(name: str, estimator: Estimator, *, temperature: float = 0.01, limit_c: float = 105.0) -> Objective:
    """Return the objective of a name, its weights scaled to what the layout decides on this chip.

    On a chip whose wires take 1 % of its joules a logarithm hardly moves: its weight is larger by as much.

    Args:
        name: key in `OBJECTIVES`.
        estimator: of chip and load.
        temperature: penalty for a K over the limit; `proxy` has none.
        limit_c: of the hottest cell.

    Raises:
        UnknownNameError: there is no such objective.
    """
    from floorplan.estimate.gradient import log_slopes

    if name not in OBJECTIVES:
        raise UnknownNameError("objective", name, list(OBJECTIVES))
    j_pull, ns_pull = OBJECTIVES[name]
    if j_pull == ns_pull == 0.0:
        return Objective(limit_c=limit_c)
    hpwl, nl, cv = random_hpwl_um(estimator), estimator.chip.problem.netlist, estimator.chip.problem.canvas
    proxy = float(nl.net_weight @ hpwl) / ((cv.width_um + cv.height_um) * float(nl.net_weight.sum()))
    j_slope, ns_slope = log_slopes(estimator, hpwl, base_scale_m_per_um(estimator))
    j_share, ns_share = float(j_slope @ hpwl), float(ns_slope @ hpwl)
    return Objective(
        joules=j_pull * proxy / j_share if j_pull and j_share > 0 else 0.0,
        nanoseconds=ns_pull * proxy / ns_share if ns_pull and ns_share > 0 else 0.0,
        temperature=temperature,
        limit_c=limit_c,
    )
