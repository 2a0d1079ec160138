"""An objective as a problem: net weights under which the proxy of any agent is the objective to first order."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as dataclass_replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from floorplan.cost import CostOptions
from floorplan.estimate.gradient import log_slopes
from floorplan.estimate.objective import Objective, base_scale_m_per_um, random_hpwl_um

if TYPE_CHECKING:
    from floorplan.estimate.estimator import Estimator
    from floorplan.netlist import Problem

__all__ = ["Surrogate", "weighted_problem"]

F64 = npt.NDArray[np.float64]

_LEAST = 1e-9
"""Weights must be positive; a bus that carries nothing and has no wires weighs this share of the mean."""


@dataclass(frozen=True, eq=False)
class Surrogate:
    """What to hand to an agent in place of problem and cost.

    Attributes:
        problem: the same nodes, canvas and rules; its net weights carry wires and traffic together.
        options: the cost with the weight that this wirelength must have.
    """

    problem: Problem
    options: CostOptions


def weighted_problem(
    estimator: Estimator,
    objective: Objective,
    options: CostOptions | None = None,
) -> Surrogate:
    """Return a problem whose proxy is minus the reward of `objective`, up to a constant and to first order.

    Each net weighs `a w / ((W + H) sum(w)) + d dlogJ/dHPWL + e dlogns/dHPWL`; the weight of wirelength in the options
    makes up for what the proxy divides by. A stock objective returns problem and options themselves.

    Slopes are those at the lengths of random nets: weights taken where an agent arrived chase the one bus that was
    slowest there, and were found to be worse. The temperature enters by its joules alone.

    Weights are scaled so that nets as long as random ones want as many tracks as before. The engine has one number for
    both, so that in the congestion a busy bus counts as wider than it is, a quiet one as narrower.

    Args:
        estimator: of chip and load.
        objective: what to place for.
        options: of the stock proxy.

    Raises:
        EstimateError: the options invite macros piled up at the PHYs.
    """
    stock, given = options or CostOptions(), estimator.chip.problem
    objective.check(stock)
    nl, cv = given.netlist, given.canvas
    if objective.joules == objective.nanoseconds == 0.0:
        return Surrogate(given, stock)
    scale = base_scale_m_per_um(estimator)
    usual = random_hpwl_um(estimator)
    joules, seconds = log_slopes(estimator, usual, scale)
    span = cv.width_um + cv.height_um
    wires = stock.weights.wirelength * nl.net_weight / (span * float(nl.net_weight.sum()))
    slope = wires + objective.joules * joules + objective.nanoseconds * seconds
    slope = np.maximum(slope, _LEAST * slope.mean())
    tracks = float(nl.net_weight @ usual) / float(slope @ usual)
    weights = dataclass_replace(stock.weights, wirelength=span * float(slope.sum()))
    made = given.replace(netlist=dataclass_replace(nl, net_weight=_frozen(slope * tracks)))
    return Surrogate(made, dataclass_replace(stock, weights=weights))


def _frozen(a: F64) -> F64:
    a.flags.writeable = False
    return a
