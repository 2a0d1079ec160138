"""Temperature of the die: two conducting sheets, silicon and heat spreader, with the interface material between them.

Steady heat conduction on a grid over the canvas: -k t lap(T) per sheet, coupling k_tim / t_tim per area, and the heat
sink as an even conductance to air that adds up to 1 / r_convec. The matrix depends on the canvas alone and is factored
once. Since heat leaves only through the even sink, the MEAN silicon temperature is ambient + P (r_convec + t_tim /
(k_tim A)) whatever the layout; the layout decides the peaks. Blocks' default values are HotSpot's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from floorplan.estimate.errors import ThermalRunawayError
from floorplan.estimate.kernels.spread import spread
from floorplan.estimate.technology import system_constants

__all__ = ["ThermalGrid", "raster"]

F64 = npt.NDArray[np.float64]
_ROUNDS = 60
_CLOSE_K = 1e-3
_HOT_C = 2000.0
"""Silicon has molten: the iteration runs away."""


def raster(
    x0_um: F64, x1_um: F64, y0_um: F64, y1_um: F64, amount: F64, width_um: float, height_um: float, n: int
) -> F64:
    """Spread amounts (K,) evenly over rectangles onto an (n, n) grid of the canvas; nothing is lost at its edges.

    Rectangles thinner than a thousandth of a cell are widened to that; parts outside the canvas count inside it.
    """
    out = np.zeros((n, n))
    spread(x0_um, x1_um, y0_um, y1_um, amount, width_um, height_um, out)
    return out


class ThermalGrid:
    """A factored n x n model of a die.

    Attributes:
        n: cells along each side.
        mean_k_per_w: rise of the mean silicon temperature per watt.
        ambient_c: air at the heat sink.
    """

    def __init__(self, width_um: float, height_um: float, n: int = 48) -> None:
        c = {name: k.value for name, k in system_constants().items()}
        self.n = n
        self.width_um, self.height_um = width_um, height_um
        self.ambient_c = c["ambient"]
        dx, dy = width_um * 1e-6 / n, height_um * 1e-6 / n
        area = dx * dy * n * n
        self.mean_k_per_w = c["r_convec"] + c["t_tim"] * 1e-6 / (c["k_tim"] * area)
        beside = np.eye(n, k=1) + np.eye(n, k=-1)
        line = sp.csr_array(np.diag(beside.sum(axis=1)) - beside)
        eye = sp.eye_array(n)
        lateral = sp.kron(eye, line * (dy / dx)) + sp.kron(line * (dx / dy), eye)
        silicon = lateral * (c["k_silicon"] * c["t_silicon"] * 1e-6)
        spreader = lateral * (c["k_spreader"] * c["t_spreader"] * 1e-6)
        one = sp.eye_array(n * n)
        tim = one * (c["k_tim"] / (c["t_tim"] * 1e-6) * dx * dy)
        sink = one * (1.0 / (c["r_convec"] * n * n))
        matrix = sp.block_array([[silicon + tim, -tim], [-tim, spreader + tim + sink]], format="csc")
        self._solve = splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve
        self._load = np.zeros(2 * n * n)

    def temperature_c(self, power_w: F64) -> F64:
        """Return the silicon temperature of every cell for powers (n, n)."""
        self._load[: self.n * self.n] = power_w.ravel()
        rise = self._solve(self._load)[: self.n * self.n]
        return np.asarray(self.ambient_c + rise.reshape(self.n, self.n), np.float64)

    def settle_c(self, power_w: F64, leak_w: F64, reference_c: float, doubling_k: float) -> tuple[F64, F64]:
        """Return temperatures and leakage (n, n) where leakage, given at `reference_c`, follows the temperature.

        Raises:
            ThermalRunawayError: it grows without end.
        """
        t = self.temperature_c(power_w)
        for _ in range(_ROUNDS):
            leak = leak_w * np.exp2((t - reference_c) / doubling_k)
            new = self.temperature_c(power_w + leak)
            rise = float(np.abs(new - t).max())
            t = new
            if not np.isfinite(rise) or t.max() > _HOT_C:
                break
            if rise < _CLOSE_K:
                return t, leak_w * np.exp2((t - reference_c) / doubling_k)
        raise ThermalRunawayError(
            f"leakage and temperature do not settle: {power_w.sum():.4g} W, {leak_w.sum():.4g} W of leakage at "
            f"{reference_c:g} degC and {self.mean_k_per_w:.3g} K/W"
        )
