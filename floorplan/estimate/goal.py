"""What `place` is given to reach: an objective on a chip, as an agent's problem and as the score of what it returns."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from dataclasses import fields as dataclass_fields
from dataclasses import replace as dataclass_replace
from typing import TYPE_CHECKING, Any

import numpy as np

from floorplan.cost import CostOptions
from floorplan.errors import ProblemError
from floorplan.estimate.errors import EstimateError
from floorplan.estimate.estimator import Estimator, EstimatorOptions
from floorplan.estimate.objective import Objective, objective
from floorplan.estimate.objective_cost import ObjectiveCost
from floorplan.estimate.polish import Polished, polish
from floorplan.estimate.reward import Reward, Scored
from floorplan.estimate.surrogate import Surrogate, weighted_problem
from floorplan.netlist import Placement

if TYPE_CHECKING:
    from floorplan.accelerator.chip import Chip
    from floorplan.estimate.load import Load
    from floorplan.netlist import Problem

__all__ = ["Goal", "goal_of", "parse_objective"]

_POLISH_SHARE = {"s": 0.3, "p": 0.1, "e": 0.0}
"""Share of a budget of that kind that goes to polishing. One of its proposals takes as long as a dozen of a compiled
search; episodes are nothing that it has."""


def parse_objective(text: str, estimator: Estimator) -> Objective:
    """Return the objective of a name, or of weights as in `joules=2,nanoseconds=1,temperature=0.01,limit_c=95`.

    Raises:
        UnknownNameError: there is no such name.
        EstimateError: a weight is unknown, no number, or below 0.
    """
    if "=" not in text:
        return objective(text.strip(), estimator)
    known = [f.name for f in dataclass_fields(Objective)]
    weights: dict[str, float] = {}
    for part in text.split(","):
        key, _, value = (s.strip() for s in part.partition("="))
        if key not in known:
            raise EstimateError(f"an objective has no weight {key!r}; known: {', '.join(known)}")
        try:
            weights[key] = float(value)
        except ValueError:
            raise EstimateError(f"weight {key} of an objective must be a number, got {value!r}") from None
    return Objective(**weights)


@dataclass(frozen=True, eq=False)
class Goal:
    """An objective, ready to be placed for.

    Attributes:
        name: as it was asked for.
        reward: scores placements.
        surrogate: for agents.
    """

    name: str
    reward: Reward
    surrogate: Surrogate

    def polish_share(self, budget_kind: str) -> float:
        """Return the share of a budget of kind s, p or e that polishing takes; a stock objective is the agent's own."""
        return 0.0 if self.reward.objective.stock else _POLISH_SHARE[budget_kind]

    def get_ready(self) -> None:
        """Compile what scoring and polishing need, so that it does not count as budget."""
        at, cv = self.surrogate.problem.initial, self.surrogate.problem.canvas
        x = np.where(at.placed, at.x_um, cv.width_um / 2)
        y = np.where(at.placed, at.y_um, cv.height_um / 2)
        cost = ObjectiveCost(self.reward, Placement(x, y, at.orient, np.ones(len(at), np.bool_)))
        cost.propose((0,), (float(x[0]),), (float(y[0]),))
        cost.commit()
        cost.swap(0, len(at) - 1)
        cost.rollback()

    def finish(
        self, placement: Placement, seed: int, *, proposals: int | None = None, seconds: float | None = None
    ) -> Polished:
        """Polish what an agent returned on the exact reward; the better of both comes back, scored."""
        return polish(self.reward, placement, seed, proposals=proposals, seconds=seconds)

    def to_dict(self, scored: Scored, before: Scored) -> dict[str, Any]:
        """Return objective, score and what the agent alone had earned, as plain values; None is not finite."""
        out: dict[str, Any] = {"name": self.name, "weights": asdict(self.reward.objective)}
        out["reference"] = asdict(self.reward.reference)
        for key in ("reward", "j_per_token", "ns_per_token", "temperature_c"):
            value = getattr(scored, key)
            out[key] = value if math.isfinite(value) else None
        out["tokens_per_j"] = 1.0 / scored.j_per_token if math.isfinite(scored.j_per_token) else None
        out["reward_before_polish"] = before.reward
        return out


def goal_of(name: str, problem: Problem, chip: Chip, load: Load, options: CostOptions | None = None) -> Goal:
    """Return the goal of an objective on a problem that was read from the chip's files.

    Args:
        name: of an objective, or weights; see `parse_objective`.
        problem: whose netlist is the chip's.
        chip: what its nets mean.
        load: what they carry.
        options: of the stock proxy.

    Raises:
        ProblemError: the netlist is not the chip's.
        UnknownNameError: there is no such objective.
        EstimateError: as `parse_objective` and `Estimator` say.
    """
    ours, theirs = chip.problem.netlist, problem.netlist
    if ours.content_hash != theirs.content_hash:
        raise ProblemError(
            f"netlist {theirs.name!r} is not that of {chip.name}; "
            "give the parameters that it was made with by --set-chip"
        )
    # Ports, fixed nodes and canvas as in the file that is placed; what the nets mean as in the template.
    estimator = Estimator(dataclass_replace(chip, problem=problem), load, EstimatorOptions(samples=0))
    wanted = parse_objective(name, estimator)
    return Goal(name, Reward(estimator, wanted, options), weighted_problem(estimator, wanted, options))
