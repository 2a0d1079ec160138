"""The certified lower bound of a problem's proxy cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from floorplan.bound.congestion import congestion_bound
from floorplan.bound.density import density_bound
from floorplan.bound.joint import wirelength_and_density
from floorplan.bound.netpoints import gather_points
from floorplan.bound.wirelength import extent_bound
from floorplan.cost.terms import CostOptions, CostWeights
from floorplan.netlist import Problem
from floorplan.showable import Showable

__all__ = ["LowerBound", "lower_bound"]

_ROUND_DOWN = 1.0 - 1e-9


@dataclass(frozen=True)
class LowerBound(Showable):
    """Costs that no legal placement of a problem goes below, soft macros lying wholly inside the canvas.

    Attributes:
        wirelength: bound of the wirelength.
        density: bound of the density.
        congestion: bound of the congestion.
        proxy: bound of the weighted sum.
        weights: of that sum.
        wirelength_by: the argument behind the wirelength bound.
        density_by: likewise.
        congestion_by: likewise.
        proxy_by: likewise; where wirelength and density are bounded together, the proxy bound exceeds the weighted sum.
    """

    wirelength: float
    density: float
    congestion: float
    proxy: float
    weights: CostWeights
    wirelength_by: str
    density_by: str
    congestion_by: str
    proxy_by: str

    def gap(self, proxy: float) -> float:
        """Return how far a proxy cost lies above the bound, as a share of that cost (0 where the cost is 0)."""
        return (proxy - self.proxy) / proxy if proxy else 0.0

    def to_dict(self) -> dict[str, object]:
        """Return all fields by name."""
        return asdict(self)


def lower_bound(problem: Problem, options: CostOptions | None = None) -> LowerBound:
    """Return a certified lower bound of each part of the cost and of the proxy.

    It holds for every placement with all nodes placed, hard macros without overlap and inside the canvas (up to the
    tolerance of `check_legality`) in orientations that the problem allows, fixed nodes where `problem.initial`
    has them, and soft macros wholly inside the canvas. Blockages and spacings only take placements away. It
    holds in floating point: each part is rounded down by a relative 1e-9.

    Raises:
        ProblemError: the netlist has no net, so that no cost is defined.
    """
    options = options or CostOptions()
    nl, cv = problem.netlist, problem.canvas
    nets = gather_points(problem, nl.net_weight)
    wirelength_um, wirelength_by = extent_bound(problem, nets)
    wirelength = wirelength_um / ((cv.width_um + cv.height_um) * float(nl.net_weight.sum())) * _ROUND_DOWN
    density, density_by = density_bound(problem, options)
    density *= _ROUND_DOWN
    congestion, congestion_by = congestion_bound(problem, options, wirelength_um)
    congestion *= _ROUND_DOWN
    w = options.weights
    apart = w.wirelength * wirelength + w.density * density
    together = wirelength_and_density(problem, options, nets, wirelength, density)
    return LowerBound(
        wirelength,
        density,
        congestion,
        (together + w.congestion * congestion) * _ROUND_DOWN,
        w,
        wirelength_by,
        density_by,
        congestion_by,
        "wirelength of macros spread to a low density" if together > apart else "weighted sum of the parts",
    )
