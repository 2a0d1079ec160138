"""What all studies share: how large they are, and how a template under a load is placed and measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from floorplan.accelerator.llm import model
from floorplan.accelerator.templates import CHIPS, chip
from floorplan.accelerator.workloads import workload
from floorplan.cost import Cost, CostEngine, CostOptions
from floorplan.errors import ProblemError, UnknownNameError
from floorplan.estimate import Estimator, EstimatorOptions, Load, load_of
from floorplan.estimate.length import net_boxes_um
from floorplan.plugins import make_agent, parse_budget

if TYPE_CHECKING:
    from floorplan.accelerator.chip import Chip
    from floorplan.estimate import Totals
    from floorplan.netlist import Placement, Problem

__all__ = ["Bench", "Row", "Setting", "Tell", "load_for", "place", "rounded", "with_weights"]

F64 = npt.NDArray[np.float64]
Row = dict[str, Any]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Setting:
    """How large a study is.

    Attributes:
        templates: chips studied.
        model: language model served, where a study does not vary it.
        workload: what it is asked, likewise.
        placements: legal placements per template in `correlation`.
        seeds: runs of each kind.
        proposals: that an annealing run makes.
        samples: draws of the uncertain constants, and of the bootstrap.
    """

    templates: tuple[str, ...] = tuple(CHIPS)
    model: str = "llama3-8b"
    workload: str = "chatbot"
    placements: int = 200
    seeds: int = 3
    proposals: int = 400_000
    samples: int = 200

    def __post_init__(self) -> None:
        for name in self.templates:
            if name not in CHIPS:
                raise UnknownNameError("chip", name, list(CHIPS))
        for f in fields(self):
            if f.type == "int" and getattr(self, f.name) < 1:
                raise ProblemError(f"{f.name} must be >= 1, got {getattr(self, f.name)}")
        if not self.templates:
            raise ProblemError("a study needs a template")


def load_for(made: Chip, setting: Setting, **choices: Any) -> Load:
    """Return the load of the setting's model and workload; `choices` as in `load_of`."""
    return load_of(made, model(setting.model), workload(setting.workload), **choices)


class Bench:
    """One template under one load: its exact cost and its estimate, for as many placements as a study likes."""

    def __init__(self, made: Chip, load: Load, samples: int = 0) -> None:
        """Prepare; `samples` draws of the uncertain constants where error bars are wanted."""
        self.chip, self.load, self.problem = made, load, made.problem
        self.estimator = Estimator(made, load, EstimatorOptions(samples=samples, grid=16))
        self.engine = CostEngine(made.problem)

    @classmethod
    def of(cls, name: str, setting: Setting, samples: int = 0, **choices: Any) -> Bench:
        """Make the chip of a template and its load; `choices` as in `load_of`."""
        made = chip(name)
        return cls(made, load_for(made, setting, **choices), samples)

    def lengths_m(self, placement: Placement) -> F64:
        """Return the routed length of every net.

        Raises:
            IllegalPlacementError: the placement is not legal.
        """
        self.estimator.check(placement)
        hpwl = net_boxes_um(self.estimator.terminals, placement).hpwl_um
        return np.asarray(self.estimator.scale_m_per_um(placement) * hpwl, np.float64)

    def totals(self, placement: Placement) -> Totals:
        """Return the nominal estimate of a legal placement."""
        return self.estimator.totals(self.lengths_m(placement))

    def cost(self, placement: Placement) -> Cost:
        """Return the stock proxy cost, with its parts."""
        return self.engine.full(placement)

    def figures(self, placement: Placement) -> Row:
        """Return proxy, its parts, J and ns a token of a legal placement."""
        cost, totals = self.cost(placement), self.totals(placement)
        return {
            "proxy": cost.proxy,
            "wirelength": cost.wirelength,
            "density": cost.density,
            "congestion": cost.congestion,
            "j_per_token": totals.j_per_token,
            "ns_per_token": totals.ns_per_token,
            "wire_j": totals.wire_j,
        }


def place(
    problem: Problem, agent: str, budget: str, seed: int, cost: CostOptions | None = None
) -> tuple[Placement, int]:
    """Return what an installed agent makes of a problem, and the proposals it made."""
    made = make_agent(agent) if cost is None else make_agent(agent, cost=cost)
    result = made.place(problem, parse_budget(budget), seed)
    return result.placement, int(result.proposals)


def with_weights(problem: Problem, weights: F64) -> Problem:
    """Return the problem with other net weights: placements of the one are placements of the other."""
    return replace(problem, netlist=replace(problem.netlist, net_weight=weights))


def rounded(row: Row, digits: int = 6) -> Row:
    """Return the row with its floats rounded to significant digits."""
    return {k: float(f"{v:.{digits}g}") if isinstance(v, float) else v for k, v in row.items()}
