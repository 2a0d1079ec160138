"""Fitting the serving model's constants, and what the fit is worth on configurations that it did not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.accelerator.hardware import hardware
from floorplan.accelerator.llm import model
from floorplan.accelerator.roofline.serving import IDEAL, MAX_BATCH, Constants, Load, loads_of
from floorplan.accelerator.roofline.serving_data import Configuration, Measured, measured
from floorplan.accelerator.roofline.walls import roof_of

__all__ = ["PRIOR", "HeldOut", "fit", "geomean_error", "hold_out", "load_of_measured", "log_ratio", "naive_log_ratio"]

F64 = npt.NDArray[np.float64]

KV_PRECISION = "fp8"

PRIOR = Constants(mfu=0.75, mbu=0.85, refill_bytes_per_flop=1e-4, step_s=2e-3, token_s=5e-6, link=0.6)
"""Where the fit starts and leans to: common figures of dense kernels, streams and ring all-reduces, in round numbers.
It keeps a constant in range that the configurations at hand say little about."""

_PRIOR_SPREAD = np.array([0.3, 0.15, 2.0, 1.5, 1.5, 0.5])
"""Standard deviation of the logarithms: shares are known well, refill and overheads to an order of magnitude."""

_PRIOR_WEIGHT = 0.3
"""Size of a typical residual (log): a point this far off weighs as much as a constant one spread off."""

_LOW = np.log([0.05, 0.05, 1e-8, 1e-6, 1e-9, 0.05])
_HIGH = np.log([0.98, 0.98, 1.0, 0.1, 1e-3, 1.0])


def load_of_measured(points: Measured) -> Load:
    """Return the work behind published points; a run of fewer requests than fit has a smaller batch."""
    c = points.configuration
    roof = roof_of(hardware(c.hardware), c.precision, c.chips)
    limit = np.minimum(points.requests, MAX_BATCH)
    return loads_of(roof, model(c.model), c.precision, KV_PRECISION, points.input_tokens, points.output_tokens, limit)


def log_ratio(load: Load, points: Measured, constants: Constants) -> F64:
    """Return (P,) ln(predicted / measured)."""
    ratio: F64 = np.log(load.tokens_per_s(constants) / points.tokens_per_s)
    return ratio


def naive_log_ratio(load: Load, points: Measured) -> F64:
    """Return (P,) ln(predicted / measured) of the roofline that loses nothing and overlaps perfectly."""
    ratio: F64 = np.log(load.tokens_per_s(IDEAL, np.inf) / points.tokens_per_s)
    return ratio


def geomean_error(log_ratios: F64) -> float:
    """Return exp(mean |ln(predicted / measured)|) - 1: over and under count alike, 0 is exact."""
    return float(np.expm1(np.abs(log_ratios).mean()))


def fit(points: Sequence[Measured]) -> Constants:
    """Return the constants of least squared log error over all points, leaning to `PRIOR`.

    Levenberg-Marquardt on the logarithms, within bounds; equal points give equal constants.
    """
    return _fit([(load_of_measured(p), p) for p in points])


def _fit(work: Sequence[tuple[Load, Measured]]) -> Constants:
    centre = np.log(PRIOR.vector())

    def residuals(z: F64) -> F64:
        constants = Constants(*np.exp(z).tolist())
        parts = [log_ratio(load, p, constants) for load, p in work]
        return np.concatenate([*parts, _PRIOR_WEIGHT * (z - centre) / _PRIOR_SPREAD])

    z, damping = centre.copy(), 1e-2
    r = residuals(z)
    for _ in range(200):
        jacobian = np.stack([(r - residuals(_below(z, k))) / 1e-6 for k in range(len(z))], axis=1)
        normal, gradient = jacobian.T @ jacobian, jacobian.T @ r
        # a constant at its bound that is pushed further out is held there
        free = ~(((z <= _LOW) & (gradient > 0)) | ((z >= _HIGH) & (gradient < 0)))
        if not free.any() or np.abs(gradient[free]).max() < 1e-7:
            break
        a = normal[np.ix_(free, free)]
        trial = z.copy()
        trial[free] -= np.linalg.solve(a + damping * np.diag(np.diag(a)), gradient[free])
        trial = np.clip(trial, _LOW, _HIGH)
        r_trial = residuals(trial)
        gain = float(r @ r - r_trial @ r_trial)
        if gain > 0.0:
            z, r, damping = trial, r_trial, max(damping / 5, 1e-9)
        else:
            damping *= 5
        if 0.0 <= gain < 1e-13 * float(r @ r) or damping > 1e9:
            break
    return Constants(*np.exp(z).tolist())


def _below(z: F64, k: int) -> F64:
    # a step down, so that a share at its upper bound stays a share
    moved = z.copy()
    moved[k] -= 1e-6
    return moved


@dataclass(frozen=True, eq=False)
class HeldOut:
    """How well constants predict a configuration that they were not fitted on.

    Attributes:
        configuration: the one left out.
        constants: fitted on the others.
        log_ratio: (P,) ln(predicted / measured).
        naive_log_ratio: (P,) of the naive roofline.
    """

    configuration: Configuration
    constants: Constants
    log_ratio: F64
    naive_log_ratio: F64

    @property
    def error(self) -> float:
        """Geometric-mean error on the configuration."""
        return geomean_error(self.log_ratio)

    @property
    def naive_error(self) -> float:
        """That of the naive roofline."""
        return geomean_error(self.naive_log_ratio)


def hold_out(points: Sequence[Measured] | None = None) -> tuple[HeldOut, ...]:
    """Leave each configuration out once, fit on the others, predict it; by default the seven of role "fit"."""
    chosen = [p for p in measured() if p.configuration.role == "fit"] if points is None else list(points)
    work = [(load_of_measured(p), p) for p in chosen]
    found = []
    for k, (load, left_out) in enumerate(work):
        constants = _fit(work[:k] + work[k + 1 :])
        found.append(
            HeldOut(
                left_out.configuration,
                constants,
                log_ratio(load, left_out, constants),
                naive_log_ratio(load, left_out),
            )
        )
    return tuple(found)
