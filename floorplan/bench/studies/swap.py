"""A chip placed for prefill under decode load, and the reverse."""

from __future__ import annotations

from collections.abc import Iterator

from floorplan.accelerator.templates import chip
from floorplan.bench.studies.reward import weighted_cost
from floorplan.bench.studies.setting import Bench, Row, Setting, Tell, load_for, place, with_weights
from floorplan.estimate import placer_weights, traffic_weights

__all__ = ["CHIPS_SWAPPED", "PHASES", "rows"]

CHIPS_SWAPPED = ("prefill_chip", "decode_chip")
PHASES = ("prefill", "decode")


def rows(setting: Setting, tell: Tell) -> Iterator[Row]:
    """Yield a row for each chip, phase that it was placed for, seed, and phase that it is estimated under."""
    for name in (n for n in CHIPS_SWAPPED if n in setting.templates):
        made = chip(name)
        benches = {
            phase: Bench(made, load_for(made, setting, mix="decode" if phase == "decode" else "prefill"))
            for phase in PHASES
        }
        for placed_for, bench in benches.items():
            problem = with_weights(made.problem, placer_weights(traffic_weights(made, bench.load)))
            for seed in range(1, setting.seeds + 1):
                placement, proposals = place(problem, "anneal", f"{setting.proposals}p", seed, weighted_cost())
                for under, other in benches.items():
                    head: Row = {"template": name, "placed_for": placed_for, "under": under, "seed": seed}
                    yield {**head, "proposals": proposals, **other.figures(placement)}
        tell(name)
