"""Power against wirelength of TILOS' placed and routed designs, each design predicted from the others."""

from __future__ import annotations

from collections.abc import Iterator

from floorplan.bench.studies.setting import Row, Setting, Tell
from floorplan.estimate.calibration import leave_one_design_out, sign_agreement, tilos_groups

__all__ = ["rows"]


def rows(setting: Setting, tell: Tell) -> Iterator[Row]:
    """Yield a row for each group with its points, and one for the signs; the setting changes nothing."""
    del setting
    groups = tilos_groups()
    for left in leave_one_design_out(groups):
        g = left.group
        yield {
            "kind": "group",
            "design": g.design,
            "clock_ns": g.clock_ns,
            "utilisation_pct": g.utilisation_pct,
            "placements": len(g.power_w),
            "correlation": g.correlation,
            "c_ff_per_um": g.c_f_per_m * 1e9,
            "measured_mw_per_m": 1e3 * left.measured_w_per_m,
            "predicted_mw_per_m": 1e3 * left.predicted_w_per_m,
            "ratio": left.ratio,
            "wirelength_m": [round(v, 6) for v in g.wirelength_m.tolist()],
            "power_mw": [round(1e3 * v, 3) for v in g.power_w.tolist()],
        }
    right, count = sign_agreement(groups)
    yield {"kind": "signs", "right": right, "pairs": count}
    tell(f"{len(groups)} groups")
