"""Where a trained policy wants a macro, as layers: asked of whatever installed distribution explains policies."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from floorplan.env.schema import MAP_TABLE
from floorplan.errors import FloorplanError, ProblemError
from floorplan.netlist import Problem
from floorplan.plugins import explains_policies, make_explainer
from floorplan.view.session import LARGE_NODES, Session

__all__ = ["CHOICE", "STATES", "PolicyMaps"]

CHOICE = "probability"
"""Name of the map of probabilities; all others are inputs of the policy."""

STATES = ("build", "refine")

F32 = npt.NDArray[np.float32]

_MEANING = {plane.name: plane.meaning for plane in MAP_TABLE}
_SAYS = {
    "legal": "Whether the cell is legal",
    "wl_change": "Wirelength added here",
    "density": "Cell area standing here",
    "h_congestion": "Horizontal congestion here",
    "v_congestion": "Vertical congestion here",
    "macro_density": "Macro area standing here",
    "footprint_density": "Density under the macro",
    "density_change": "Density cost added",
    "congestion_change": "Congestion cost added",
    "cost_change": "Proxy cost added (est.)",
    "edge_x": "Distance to left or right",
    "edge_y": "Distance to top or bottom",
    "graph": "Graph of macros that stand",
    "position": "Place on the canvas",
}


class PolicyMaps:
    """Explains one policy on the placement of a session, when asked. Every public method may be called from any thread.

    Args:
        session: what is looked at.
        policy: run folder, policy folder or weights file; None is the policy that comes with the project.
    """

    def __init__(self, session: Session, policy: Path | None) -> None:
        self._session = session
        self._policy = policy
        self._lock = threading.Lock()
        self._explainer: Any = None
        self._kept: tuple[Any, Any] | None = None

    @property
    def why_not(self) -> str:
        """Why no policy can be asked; empty where one can."""
        if self._session.problem.netlist.num_nodes > LARGE_NODES:
            return "the design is too large for a policy to be asked"
        if not len(self._session.problem.movable_hard):
            return "there is no macro to place"
        if not explains_policies():
            return "no installed distribution explains policies"
        return ""

    def explain(self, node: int, state: str) -> dict[str, Any]:
        """Return where the policy wants a macro and why, but for the maps.

        Raises:
            FloorplanError: it cannot be said, and why.
        """
        found = self._found(node, state)
        rows = [
            {"name": name, "says": _SAYS.get(name, name), "means": _MEANING.get(name, ""), "share": float(share)}
            for name, share in zip(found.names, found.shares, strict=True)
        ]
        own = found.own
        return {
            "node": node,
            "state": state,
            "policy": found.policy,
            "method": found.method,
            "legal": int(found.legal.sum()),
            "entropy": found.entropy,
            "likely": float(np.exp(found.entropy)),
            "total": found.total,
            "shares": sorted(rows, key=lambda r: -abs(r["share"])),
            "top": [
                {
                    "row": c.row,
                    "column": c.column,
                    "x": c.x_um,
                    "y": c.y_um,
                    "probability": c.probability,
                    "change": c.change,
                }
                for c in found.top
            ],
            "own": None if own is None else dict(zip(("row", "column", "probability", "rank"), own, strict=True)),
            "standing": list(found.standing),
            "moved": found.moved,
            "shift_um": found.shift_um,
        }

    def values(self, node: int, state: str, name: str) -> F32:
        """Return (R, C) a map from the bottom row up, NaN where not legal: probabilities, or what an input adds.

        Raises:
            FloorplanError: it cannot be said, or there is no such map.
        """
        found = self._found(node, state)
        if name == CHOICE:
            values = found.probability
        elif name in found.names:
            values = found.parts[found.names.index(name)]
        else:
            raise ProblemError(f"there is no map {name!r}: {', '.join((CHOICE, *found.names))}")
        out: F32 = np.where(found.legal, values, np.nan).astype(np.float32)
        return out

    def _found(self, node: int, state: str) -> Any:
        if self.why_not:
            raise ProblemError(self.why_not)
        self._session.check_exists(node)
        with self._lock:
            key = (node, state, self._session.version, _age(self._policy))
            if self._kept is None or self._kept[0] != key:
                if self._explainer is None:
                    try:
                        self._explainer = make_explainer(self._as_trained())
                    except ImportError as error:
                        raise FloorplanError(f"policies cannot be explained here: {error}") from None
                self._kept = (key, self._explainer.explain(self._session.placement, node, state, self._policy))
            return self._kept[1]

    def _as_trained(self) -> Problem:
        """Return the problem as a run is given it: with its start, not with what it has found."""
        first = self._session.opened.frames[0]
        problem = self._session.problem
        return problem.replace(initial=first.placement) if first.label == "start" else problem


def _age(policy: Path | None) -> int:
    """Return a number that changes with the weights."""
    if policy is None:
        return 0
    newest = 0
    for file in (policy, policy / "policy.safetensors", policy / "policy" / "policy.safetensors"):
        try:
            newest = max(newest, file.stat().st_mtime_ns if file.is_file() else 0)
        except OSError:
            continue
    return newest
