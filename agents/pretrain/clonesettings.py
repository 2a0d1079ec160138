"""Settings of cloning, and the figures that tell how far a policy is from what it imitates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from agents.pretrain.targets import TargetConfig
from floorplan.errors import ProblemError

__all__ = ["CloneConfig", "CloneFigures"]


@dataclass(frozen=True)
class CloneConfig:
    """How cloning is done.

    Attributes:
        targets: how targets are made.
        minibatch: steps of one netlist in a loss.
        learning_rate: of Adam, for cloning alone.
        grad_clip: largest gradient norm, for cloning alone.
        value: weight of the value loss.
        refine: share of the losses that are about the refine game, where there are targets for it.
        episodes: scripts played side by side for one view of a netlist; fewer where memory ends.
        variants: views of a netlist that are held: itself, then its other symmetries, relabelled.
        points: placements of each trail that macros are lifted from.
        lifted: macros lifted from each placement.
        renew_every: losses after which the oldest view is played anew, with other scripts and straying; 0: never.
        limit_mb: memory for the targets of all netlists together.
    """

    targets: TargetConfig = field(default_factory=TargetConfig)
    minibatch: int = 128
    learning_rate: float = 2e-3
    grad_clip: float = 1.0
    value: float = 0.25
    refine: float = 0.25
    episodes: int = 4
    variants: int = 4
    points: int = 3
    lifted: int = 8
    renew_every: int = 50
    limit_mb: int = 600

    def __post_init__(self) -> None:
        counts = (self.minibatch, self.episodes, self.variants, self.points, self.lifted, self.limit_mb)
        if min(counts) < 1 or self.renew_every < 0:
            raise ProblemError(f"counts of cloning must be at least 1, got {self}")
        if not (0 <= self.refine <= 1 and self.value >= 0 and self.learning_rate > 0 and self.grad_clip > 0):
            raise ProblemError(f"shares, weights and rates of cloning are out of bounds: {self}")


@dataclass(frozen=True)
class CloneFigures:
    """Means over the steps of one loss, or of several.

    Attributes:
        divergence: of the policy from the targets, nats: cross-entropy less the targets' own entropy.
        agreement: share of steps whose most probable cell is the target's.
        distance: between the two, cells.
        value_loss: Huber loss of the critic, in its own units; NaN where nothing was known.
        samples: steps.
    """

    divergence: float
    agreement: float
    distance: float
    value_loss: float
    samples: int

    @classmethod
    def mean(cls, parts: Sequence[CloneFigures]) -> CloneFigures:
        """Return the means of several by steps."""
        n = np.array([p.samples for p in parts], np.float64)
        known = [p for p in parts if np.isfinite(p.value_loss)]
        value = sum(p.value_loss for p in known) / len(known) if known else float("nan")
        rows = np.array([[p.divergence, p.agreement, p.distance] for p in parts])
        divergence, agreement, distance = (n @ rows / max(n.sum(), 1)).tolist()
        return cls(divergence, agreement, distance, value, int(n.sum()))
