"""Measured power against measured wirelength: does one switched capacitance per length explain placed and routed chips?

Within a group (one netlist, clock and utilisation, several macro placements) power changes with wire by
dP/dL = alpha C V^2 f. The effective capacitance alpha C [F/m] is fitted on some designs and predicts the slope of
another. Slack is not predicted from wirelength: in these groups the two hardly correlate.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from floorplan.errors import ProblemError

__all__ = ["Group", "LeftOut", "fitted_c_f_per_m", "leave_one_design_out", "sign_agreement", "tilos_groups"]

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Group:
    """Placements of one netlist at one clock, after routing.

    Attributes:
        design: name.
        clock_ns: target period.
        utilisation_pct: of the core.
        vdd_v: supply.
        power_w: (n,).
        wirelength_m: (n,) routed.
    """

    design: str
    clock_ns: float
    utilisation_pct: int
    vdd_v: float
    power_w: F64
    wirelength_m: F64

    @property
    def slope_w_per_m(self) -> float:
        """Least-squares dP/dL."""
        return float(np.polyfit(self.wirelength_m, self.power_w, 1)[0])

    @property
    def correlation(self) -> float:
        """Pearson's r of power and wirelength."""
        return float(np.corrcoef(self.wirelength_m, self.power_w)[0, 1])

    @property
    def j_per_cycle_m(self) -> float:
        """Energy per clock cycle and metre of wire that the slope stands for."""
        return self.slope_w_per_m * self.clock_ns * 1e-9

    @property
    def c_f_per_m(self) -> float:
        """Effective capacitance alpha C that the slope stands for."""
        return self.j_per_cycle_m / self.vdd_v**2


@dataclass(frozen=True)
class LeftOut:
    """A group predicted from the other designs.

    Attributes:
        group: what was left out, with every other group of its design.
        predicted_w_per_m: slope by alpha C of the others.
        measured_w_per_m: its own.
    """

    group: Group
    predicted_w_per_m: float
    measured_w_per_m: float

    @property
    def ratio(self) -> float:
        """Predicted over measured."""
        return self.predicted_w_per_m / self.measured_w_per_m


@cache
def tilos_groups() -> tuple[Group, ...]:
    """Return the NanGate45 groups of TILOS MacroPlacement."""
    table = tomllib.loads((resources.files("floorplan.estimate") / "data" / "tilos.toml").read_text("utf-8"))
    return tuple(
        Group(
            row["design"],
            row["clock_ns"],
            row["utilisation_pct"],
            table["vdd_v"],
            np.array(row["power_mw"]) * 1e-3,
            np.array(row["wirelength_um"]) * 1e-6,
        )
        for row in table["groups"]
    )


def fitted_c_f_per_m(groups: tuple[Group, ...]) -> float:
    """Return one alpha C for several groups: the geometric mean of theirs.

    Raises:
        ProblemError: there is no group, or one whose power falls with wire.
    """
    values = [g.c_f_per_m for g in groups]
    if not values or min(values) <= 0:
        raise ProblemError("a fit needs groups whose power rises with their wire")
    return float(np.exp(np.mean(np.log(values))))


def leave_one_design_out(groups: tuple[Group, ...], least_correlation: float = 0.9) -> tuple[LeftOut, ...]:
    """Predict every group from the groups of other designs whose power and wire correlate.

    Args:
        groups: all, the poorly correlated too: those are predicted, but nothing is fitted to them.
        least_correlation: from which a group is fitted to.
    """
    good = tuple(g for g in groups if g.correlation >= least_correlation)
    out = []
    for g in groups:
        c = fitted_c_f_per_m(tuple(o for o in good if o.design != g.design))
        out.append(LeftOut(g, c * g.vdd_v**2 / (g.clock_ns * 1e-9), g.slope_w_per_m))
    return tuple(out)


def sign_agreement(groups: tuple[Group, ...], least_change: float = 0.1) -> tuple[int, int]:
    """Return (right, all) pairs of placements whose wire differs by more than a share: does more mean more power?"""
    right = count = 0
    for g in groups:
        order = np.argsort(g.wirelength_m)
        wire, power = g.wirelength_m[order], g.power_w[order]
        for i in range(len(wire)):
            far = wire[i + 1 :] > (1 + least_change) * wire[i]
            count += int(far.sum())
            right += int((far & (power[i + 1 :] > power[i])).sum())
    return right, count
