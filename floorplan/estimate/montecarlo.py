"""Does the better of two placements stay the better one when the constants are uncertain?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.errors import ProblemError
from floorplan.estimate.estimator import Estimator
from floorplan.estimate.kernels import chain
from floorplan.estimate.length import net_boxes_um
from floorplan.netlist import Placement

__all__ = ["Ranking", "compare"]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Two placements of one chip under the same draws of the constants.

    Attributes:
        j_ratio: J per token of the second over the first, nominal.
        ns_ratio: ns per token likewise.
        j_survival: share of the draws in which J per token ranks them as nominally.
        ns_survival: likewise for ns per token; 1 where nominally equal and equal in every draw.
        j_ratios: (S,) the ratio in each draw.
        ns_ratios: (S,) likewise.
    """

    j_ratio: float
    ns_ratio: float
    j_survival: float
    ns_survival: float
    j_ratios: npt.NDArray[np.float64]
    ns_ratios: npt.NDArray[np.float64]

    def to_dict(self) -> dict[str, float]:
        """Return the scalars."""
        names = ("j_ratio", "ns_ratio", "j_survival", "ns_survival")
        return {name: getattr(self, name) for name in names}


def compare(estimator: Estimator, first: Placement, second: Placement) -> Ranking:
    """Compare two legal placements by common random numbers: each draw costs both, so that what they share cancels.

    Raises:
        IllegalPlacementError: one of them is not legal.
        ProblemError: the estimator draws no samples.
    """
    if not len(estimator.draws):
        raise ProblemError("a comparison needs an estimator with samples")
    nominal, drawn = [], []
    for placement in (first, second):
        estimator.check(placement)
        length = estimator.scale_m_per_um(placement) * net_boxes_um(estimator.terminals, placement).hpwl_um
        totals = estimator.totals(length)
        nominal.append((totals.j_per_token, totals.ns_per_token))
        s = estimator.sampled(length)
        drawn.append((s[:, chain.O_WIRE : chain.O_LEAK + 1].sum(axis=1), s[:, chain.O_SECONDS]))
    settled = np.isfinite(drawn[0][0]) & np.isfinite(drawn[1][0])
    j, ns = (drawn[1][k][settled] / drawn[0][k][settled] for k in (0, 1))
    j_ratio, ns_ratio = (nominal[1][k] / nominal[0][k] for k in (0, 1))

    def survives(ratio: float, ratios: npt.NDArray[np.float64]) -> float:
        return float(np.mean(np.sign(ratios - 1.0) == np.sign(ratio - 1.0)))

    return Ranking(j_ratio, ns_ratio, survives(j_ratio, j), survives(ns_ratio, ns), j, ns)
