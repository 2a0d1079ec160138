"""How a pre-training run speaks on a terminal."""

from __future__ import annotations

from typing import Any

from agents.ppo.progress import BarReporter, clock_text

__all__ = ["PretrainBar"]


class PretrainBar(BarReporter):
    """The live bar of a training run, with the figures of a run on many netlists."""

    def row(self, row: dict[str, Any]) -> None:
        """Show the figures of a round, costs in units of each netlist's reference."""
        text = f"{row['episodes']} episodes  {row['episodes_per_s']:.2f}/s"
        for label, key in (("train", "mean_ratio"), ("held out", "held_out"), ("best", "best_held_out")):
            if row.get(key) is not None:
                text += f"  {label} {row[key]:.4f}"
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, figures=text)
        elif row["seconds"] - self._printed_at >= self.every_s:
            self._printed_at = row["seconds"]
            self.note(f"{clock_text(row['seconds'])}  {text}")
