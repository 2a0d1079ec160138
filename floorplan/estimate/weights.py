"""The weights under which wirelength is energy: joules per token and um of half-perimeter, for every net."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from floorplan.errors import ProblemError
from floorplan.estimate.length import pin_factor, terminals
from floorplan.estimate.technology import node, system_constants
from floorplan.estimate.wires import energy_per_bit_m

if TYPE_CHECKING:
    from collections.abc import Mapping

    from floorplan.accelerator.chip import Chip
    from floorplan.estimate.load import Load

__all__ = ["placer_weights", "traffic_weights"]

F64 = npt.NDArray[np.float64]


def traffic_weights(
    chip: Chip, load: Load, technology: str | None = None, layers: Mapping[str, str] | None = None
) -> F64:
    """Return (E,) J per output token and um of half-perimeter, so that weights @ HPWL is the wire part of J/token.

    Exact for an estimator without congestion detours: bits x energy per bit and metre x pin factor x base detour.

    Args:
        chip: whose nets.
        load: what they carry.
        technology: node; None takes the chip's.
        layers: class of traffic -> routing layer, as in `EstimatorOptions`.
    """
    from floorplan.accelerator.chip import TRAFFIC

    kit, chosen = node(technology or chip.technology), dict(layers or {})
    energy = np.array([energy_per_bit_m(kit, chosen.get(c)).value for c in TRAFFIC])[chip.net_class]
    factor = pin_factor(terminals(chip.problem.netlist).pins) * system_constants()["base_detour"].value
    return np.asarray(load.bits_per_output * energy * factor * 1e-6, np.float64)


def placer_weights(weights: F64, floor: float = 1e-3) -> F64:
    """Return weights of mean 1 for a placer, none below `floor`, since a net's weight must be positive.

    Raises:
        ProblemError: no net carries anything.
    """
    if not weights.sum() > 0:
        raise ProblemError("no net carries a bit, so traffic gives no weights")
    return np.asarray(np.maximum(weights / weights.mean(), floor), np.float64)
