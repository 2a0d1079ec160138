"""From a placed layout to watts, nanoseconds and tokens per joule; nothing heavy is loaded until a name is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from floorplan.estimate.errors import DoesNotFitError, EstimateError, IllegalPlacementError, ThermalRunawayError
    from floorplan.estimate.estimator import Estimator, EstimatorOptions
    from floorplan.estimate.hotspot import read_flp, read_ptrace, write_hotspot
    from floorplan.estimate.increments import IncrementalEstimate
    from floorplan.estimate.load import Demand, Load, load_of
    from floorplan.estimate.montecarlo import Ranking, compare
    from floorplan.estimate.objective import Objective
    from floorplan.estimate.objective_cost import ObjectiveCost
    from floorplan.estimate.quantity import Constant, Quantity
    from floorplan.estimate.results import Estimate, NetTable, Totals
    from floorplan.estimate.reward import Reward, Scored
    from floorplan.estimate.surrogate import weighted_problem
    from floorplan.estimate.weights import placer_weights, traffic_weights

_HOMES = {
    "Constant": "quantity",
    "Demand": "load",
    "DoesNotFitError": "errors",
    "Estimate": "results",
    "EstimateError": "errors",
    "Estimator": "estimator",
    "EstimatorOptions": "estimator",
    "IllegalPlacementError": "errors",
    "IncrementalEstimate": "increments",
    "Load": "load",
    "NetTable": "results",
    "Objective": "objective",
    "ObjectiveCost": "objective_cost",
    "Quantity": "quantity",
    "Ranking": "montecarlo",
    "Reward": "reward",
    "Scored": "reward",
    "ThermalRunawayError": "errors",
    "Totals": "results",
    "compare": "montecarlo",
    "load_of": "load",
    "placer_weights": "weights",
    "read_flp": "hotspot",
    "read_ptrace": "hotspot",
    "traffic_weights": "weights",
    "weighted_problem": "surrogate",
    "write_hotspot": "hotspot",
}

__all__ = [
    "Constant",
    "Demand",
    "DoesNotFitError",
    "Estimate",
    "EstimateError",
    "Estimator",
    "EstimatorOptions",
    "IllegalPlacementError",
    "IncrementalEstimate",
    "Load",
    "NetTable",
    "Objective",
    "ObjectiveCost",
    "Quantity",
    "Ranking",
    "Reward",
    "Scored",
    "ThermalRunawayError",
    "Totals",
    "compare",
    "load_of",
    "placer_weights",
    "read_flp",
    "read_ptrace",
    "traffic_weights",
    "weighted_problem",
    "write_hotspot",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"floorplan.estimate.{home}"), name)
