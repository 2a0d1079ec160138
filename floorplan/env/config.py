"""What a construct environment can be told."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from floorplan.cost import CostOptions
from floorplan.errors import ProblemError
from floorplan.soft import DEFAULT_SOFT_PLACER

__all__ = ["ConstructConfig", "OrderName", "RewardName", "SoftStart"]

OrderName = Literal["area", "random", "file"]
RewardName = Literal["dense", "terminal"]
SoftStart = Literal["outlook", "port_pull", "initial"]


@dataclass(frozen=True)
class ConstructConfig:
    """Rules of the construct game.

    Attributes:
        order: in which order macros come: `area` (largest first, ties in file order), `random` (new every episode) or
            `file` (the names in `order_file`).
        order_file: one macro name a line; blank lines and lines starting with # are skipped.
        reward: `terminal` gives minus the proxy cost at the end of an episode; `dense` gives the same total as changes
            of the partial cost.
        soft_placer: name of the placer that puts the soft macros when the last hard macro stands.
        soft_start: where soft macros stand until then: `outlook` (where they go if the hard macros are placed along
            with them as if soft), `port_pull` (pulled by ports and each other) or `initial` (the problem's initial
            placement).
        outlooks: how often an episode guesses where soft macros will stand, at equal numbers of macros: 1 is the start
            alone. Of `soft_start="outlook"` only. Costs some 20 ms each.
        dead_end_reward: total reward of an episode in which a macro found no legal cell. The default is AlphaChip's.
        cost: weights and options of the proxy cost.
    """

    order: OrderName = "area"
    order_file: Path | None = None
    reward: RewardName = "dense"
    soft_placer: str = DEFAULT_SOFT_PLACER
    soft_start: SoftStart = "outlook"
    outlooks: int = 1
    dead_end_reward: float = -4.0
    cost: CostOptions = field(default_factory=CostOptions)

    @property
    def guessing_placer(self) -> str:
        """Name of the placer that guesses where soft macros will stand: one that reads no netlist has no outlook."""
        return self.soft_placer if self.soft_placer != "none" else DEFAULT_SOFT_PLACER

    def __post_init__(self) -> None:
        for name, known in (
            ("order", ("area", "random", "file")),
            ("reward", ("dense", "terminal")),
            ("soft_start", ("outlook", "port_pull", "initial")),
        ):
            if getattr(self, name) not in known:
                raise ProblemError(f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}")
        if (self.order == "file") != (self.order_file is not None):
            raise ProblemError("order_file belongs with order='file', and only there")
        if self.outlooks < 1:
            raise ProblemError(f"outlooks must be at least 1, got {self.outlooks}")
        if not math.isfinite(self.dead_end_reward):
            raise ProblemError(f"dead_end_reward must be finite, got {self.dead_end_reward}")
