"""What has been done to a placement, step by step, and what of it was taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Move", "Steps"]

_MOST = 1000


@dataclass(frozen=True)
class Move:
    """A step that can be undone.

    Attributes:
        label: what was done, for people.
        node: (K,) ids.
        before: (K, 3) x_um, y_um, orientation.
        after: (K, 3) likewise.
    """

    label: str
    node: npt.NDArray[np.int64]
    before: npt.NDArray[np.float64]
    after: npt.NDArray[np.float64]


class Steps:
    """The last thousand steps; a new one forgets what was taken back."""

    def __init__(self) -> None:
        self._done: list[Move] = []
        self._undone: list[Move] = []

    def add(self, move: Move) -> None:
        """Note a step."""
        self._done.append(move)
        del self._done[:-_MOST]
        self._undone.clear()

    def back(self) -> Move | None:
        """Return the step to take back; None where there is none."""
        if not self._done:
            return None
        self._undone.append(self._done.pop())
        return self._undone[-1]

    def again(self) -> Move | None:
        """Return the step to do again; None where there is none."""
        if not self._undone:
            return None
        self._done.append(self._undone.pop())
        return self._done[-1]

    def told(self) -> dict[str, Any]:
        """Return what can be undone and redone, and how many steps were done."""
        return {
            "undo": self._done[-1].label if self._done else None,
            "redo": self._undone[-1].label if self._undone else None,
            "steps": len(self._done),
        }
