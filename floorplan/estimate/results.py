"""What an estimate says: totals, quantities with error bars, and a row for every net."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from floorplan.estimate.constants import PRICE_FACTORS
from floorplan.estimate.cost_usd import Money, Prices, usd_per_mtoken
from floorplan.estimate.kernels import chain
from floorplan.estimate.quantity import Quantity
from floorplan.estimate.technology import system_constants
from floorplan.showable import Showable

if TYPE_CHECKING:
    from floorplan.estimate.estimator import Estimator
    from floorplan.estimate.heat import HeatMap

__all__ = ["BOUNDS", "PARTS", "Estimate", "NetTable", "Totals", "summarise"]

F64 = npt.NDArray[np.float64]

PARTS = ("wire", "sram", "mac", "memory", "link", "clock", "leakage")
"""Where the joules go, in the order of the chain's results."""
BOUNDS = ("compute", "memory", "bus")


@dataclass(frozen=True)
class Totals:
    """The scalars that follow from net lengths for one draw of the constants, SI units.

    Energies are per output token of all chips. `mean_temperature_c` is infinite where leakage runs away.
    """

    wire_j: float
    sram_j: float
    mac_j: float
    memory_j: float
    link_j: float
    clock_j: float
    leakage_j: float
    seconds: float
    wns_s: float
    clock_hz: float
    mean_temperature_c: float
    decode_step_s: float
    prefill_step_s: float
    die_w: float
    decode_bound: int
    prefill_bound: int
    decode_stages: float
    prefill_stages: float

    @classmethod
    def of(cls, out: F64) -> Totals:
        """Name the rows of a result of the chain."""
        v = out.tolist()
        v[chain.O_DECODE_BOUND], v[chain.O_PREFILL_BOUND] = int(v[chain.O_DECODE_BOUND]), int(v[chain.O_PREFILL_BOUND])
        return cls(*v)

    @property
    def j_per_token(self) -> float:
        """Energy of an output token; infinite where leakage runs away."""
        return self.wire_j + self.sram_j + self.mac_j + self.memory_j + self.link_j + self.clock_j + self.leakage_j

    @property
    def ns_per_token(self) -> float:
        """Time in which the chips write one token."""
        return self.seconds * 1e9


@dataclass(frozen=True, eq=False)
class NetTable:
    """A row for every net, (E,) each.

    Attributes:
        source: name of the driving node.
        busiest: of decode and of prefill, the net that would bound them if buses did.
        klass: class of traffic, an index into `floorplan.accelerator.chip.TRAFFIC`.
        hpwl_um: half-perimeter.
        length_um: routed.
        bits: per output token, all chips.
        j_per_token: wire energy per output token, all chips.
        stages: pipeline registers on the way.
        slack_ps: of its slowest cycle; below 0 the clock must wait for it.
    """

    source: tuple[str, ...]
    busiest: tuple[int, int]
    klass: npt.NDArray[np.uint8]
    hpwl_um: F64
    length_um: F64
    bits: F64
    j_per_token: F64
    stages: F64
    slack_ps: F64

    def ranking(self, count: int) -> list[dict[str, Any]]:
        """Return the nets that cost most, most first."""
        return [self.row(int(e)) for e in np.argsort(-self.j_per_token, kind="stable")[:count]]

    def critical(self, count: int) -> list[dict[str, Any]]:
        """Return the nets with the least slack, then the most registers."""
        return [self.row(int(e)) for e in np.lexsort((-self.stages, self.slack_ps))[:count]]

    def row(self, e: int) -> dict[str, Any]:
        """Return net e as plain values."""
        from floorplan.accelerator.chip import TRAFFIC

        return {
            "net": e,
            "source": self.source[e],
            "traffic": TRAFFIC[self.klass[e]],
            "length_um": float(self.length_um[e]),
            "bits_per_token": float(self.bits[e]),
            "j_per_token": float(self.j_per_token[e]),
            "stages": int(self.stages[e]),
            "slack_ps": float(self.slack_ps[e]),
        }


@dataclass(frozen=True, eq=False)
class Estimate(Showable):
    """The estimate of one legal placement.

    Attributes:
        chip: its template.
        load: model, workload and sizes.
        technology: node.
        totals: nominal scalars.
        quantities: results by name, with error bars and sources.
        parts: J per output token by part.
        nets: a row for every net.
        heat: power and temperature maps.
    """

    chip: str
    load: str
    technology: str
    totals: Totals
    quantities: dict[str, Quantity]
    parts: dict[str, Quantity]
    nets: NetTable
    heat: HeatMap

    def __repr__(self) -> str:
        j, ns = self.totals.j_per_token, self.totals.ns_per_token
        return f"Estimate({self.chip}: {self.load}, {self.technology}: {j:.4g} J and {ns:.4g} ns a token)"

    def to_dict(self, nets: int = 10) -> dict[str, Any]:
        """Return plain values: the headline numbers, then every quantity with its error bar and source."""
        q = self.quantities
        headline = (
            "ns_per_token",
            "tokens_per_s",
            "tokens_per_s_per_w",
            "usd_per_mtoken",
            "temperature_max_c",
            "wns_ps",
        )
        j = q["j_per_token"]
        return {
            "legal": True,
            "chip": self.chip,
            "load": self.load,
            "technology": self.technology,
            **{name: q[name].value for name in headline},
            "j_per_token": {
                "total": j.value,
                "low": j.to_dict()["low"],
                "high": j.to_dict()["high"],
                "by_part": {name: part.to_dict() for name, part in self.parts.items()},
            },
            "bound": {"decode": BOUNDS[self.totals.decode_bound], "prefill": BOUNDS[self.totals.prefill_bound]},
            "busiest_net": {
                "decode": self.nets.row(self.nets.busiest[0]),
                "prefill": self.nets.row(self.nets.busiest[1]),
            },
            "quantities": {name: value.to_dict() for name, value in q.items()},
            "costliest_nets": self.nets.ranking(nets),
            "critical_nets": self.nets.critical(nets),
        }


_PART_SOURCES = {
    "wire": "sum of bits x routed length x energy per random bit and metre",
    "sram": "bits at the SRAM ends of buses x (base + slope sqrt(macro bits))",
    "mac": "multiply-accumulates x energy each",
    "memory": "bits of external memory x energy each",
    "link": "bits between chips x energy each",
    "clock": "C V^2 f of tree and registers, gated, x time",
    "leakage": "at the mean die temperature that balances power and cooling, x time",
}


def _bar(value: float, unit: str, sampled: F64, source: str) -> Quantity:
    if len(sampled) == 0:
        return Quantity(value, unit, float("nan"), float("nan"), source)
    low, high = np.quantile(sampled, (0.05, 0.95), method="nearest")
    return Quantity(value, unit, float(low), float(high), source)


def _prices(estimator: Estimator) -> Prices:
    s = {name: k.value for name, k in system_constants().items()}
    return Prices(
        estimator.node.constants["wafer"].value,
        s["wafer_diameter"],
        s["defects"],
        s["cluster"],
        s["memory_usd"],
        s["system_usd"],
        s["life"],
        s["utilisation"],
        s["pue"],
        s["electricity"],
    )


def _dollars(e: Estimator, power_w: Money, seconds: Money, k: Mapping[str, Money]) -> Money:
    cv, p = e.chip.problem.canvas, _prices(e)
    drawn = Prices(
        p.wafer_usd * k["wafer"],
        p.wafer_diameter_mm,
        p.defects_per_cm2 * k["defects"],
        p.cluster,
        p.memory_usd_per_gb * k["memory_usd"],
        p.system_usd * k["system_usd"],
        p.life_years,
        np.minimum(1.0, p.utilisation_frac * k["utilisation"]),
        p.pue,
        p.usd_per_kwh * k["electricity"],
    )
    memory = float(e.chip.block_memory_bytes.sum())
    area_mm2 = cv.width_um * cv.height_um * 1e-6
    return usd_per_mtoken(area_mm2, memory, power_w, 1.0 / seconds, e.load.chips, drawn)


def summarise(
    e: Estimator, totals: Totals, sampled: F64, heat: HeatMap
) -> tuple[dict[str, Quantity], dict[str, Quantity]]:
    """Return all quantities and the parts of the energy, with error bars from (S, N_OUT) draws of the chain."""
    s = sampled[np.isfinite(sampled[:, chain.O_MEAN_T])]
    energy = s[:, chain.O_WIRE : chain.O_LEAK + 1].sum(axis=1)
    seconds = s[:, chain.O_SECONDS]
    power = energy / seconds
    parts = {
        name: _bar(getattr(totals, f"{name}_j"), "J", s[:, i], _PART_SOURCES[name]) for i, name in enumerate(PARTS)
    }
    nominal_w = totals.j_per_token / totals.seconds
    # The chain draws the mean temperature; the hottest spot's excess over it goes with the power of the die.
    excess = (heat.max_c - heat.mean_c) * s[:, chain.O_DIE_W] / totals.die_w
    factors = {name: f[np.isfinite(sampled[:, chain.O_MEAN_T])] for name, f in e.price_draws.items()}
    usd = np.asarray(_dollars(e, power, seconds, factors), np.float64)
    stages = e.load.stages
    first = stages * (s[:, chain.O_PREFILL_STEP] + s[:, chain.O_DECODE_STEP])
    fact = {
        "j_per_token": (totals.j_per_token, "J", energy, "sum of the parts, per output token, all chips"),
        "ns_per_token": (totals.ns_per_token, "ns", seconds * 1e9, "placed roofline: slowest of compute, memory, bus"),
        "tokens_per_s": (1.0 / totals.seconds, "1/s", 1.0 / seconds, "output tokens of all chips together"),
        "tokens_per_s_per_w": (1.0 / totals.j_per_token, "1/(s W)", 1.0 / energy, "output tokens per joule"),
        "usd_per_mtoken": (
            float(_dollars(e, nominal_w, totals.seconds, dict.fromkeys(PRICE_FACTORS, 1.0))),
            "USD",
            usd,
            "dies with yield, memory, system over their life, and electricity",
        ),
        "step_time_s": (
            stages * totals.decode_step_s,
            "s",
            stages * s[:, chain.O_DECODE_STEP],
            "between two tokens of one request",
        ),
        "ttft_s": (
            stages * (totals.prefill_step_s + totals.decode_step_s),
            "s",
            first,
            "prefill of a mean request's new tokens and one decode step, no queue",
        ),
        "power_w": (nominal_w, "W", power, "energy over time, all chips and their memory"),
        "die_power_w": (totals.die_w, "W", s[:, chain.O_DIE_W], "one die, leakage counted"),
        "temperature_mean_c": (totals.mean_temperature_c, "degC", s[:, chain.O_MEAN_T], "ambient + r (P + leakage(T))"),
        "temperature_max_c": (
            heat.max_c,
            "degC",
            s[:, chain.O_MEAN_T] + excess,
            "2-D conduction with leakage feedback",
        ),
        "wns_ps": (totals.wns_s * 1e12, "ps", s[:, chain.O_WNS] * 1e12, "least slack of all buses: T - FF - path"),
        "clock_ghz": (totals.clock_hz / 1e9, "GHz", s[:, chain.O_CLOCK_HZ] / 1e9, "1 / (T - min(0, WNS))"),
        "runaway_share": (
            1.0 - len(s) / len(sampled) if len(sampled) else 0.0,
            "1",
            np.zeros(0),
            "draws that never settle",
        ),
        "leakage_gap": (
            float(heat.leakage_w.sum()) / (totals.leakage_j / (totals.seconds * e.load.chips)) - 1.0,
            "1",
            np.zeros(0),
            "leakage of the temperature map over that at the mean temperature, which the joules count",
        ),
    }
    return {name: _bar(*row) for name, row in fact.items()}, parts
