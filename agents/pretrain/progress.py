"""How a pre-training run speaks on a terminal."""

from __future__ import annotations

from typing import Any

from agents.ppo.progress import BarReporter, rate_text

__all__ = ["PretrainBar"]


class PretrainBar(BarReporter):
    """The live bar of a training run, with the figures of a run on many netlists."""

    def figures(self, row: dict[str, Any]) -> str:
        """Return the figures of a round in words, costs in units of each netlist's reference."""
        text = rate_text(row)
        for label, key in (("train", "mean_ratio"), ("held out", "held_out"), ("best", "best_held_out")):
            if row.get(key) is not None:
                text += f"  {label} {row[key]:.4f}"
        return text
