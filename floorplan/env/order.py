"""In which order the macros of a problem are placed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from floorplan.env.config import ConstructConfig
from floorplan.errors import ParseError
from floorplan.netlist import Problem

__all__ = ["MacroOrder", "area_order", "read_order"]

I32 = npt.NDArray[np.int32]


def area_order(problem: Problem) -> I32:
    """Return positions in `problem.movable_hard` by falling area; equal areas keep file order.

    Macros of regions come before those that may stand anywhere, and would stand in their way; smallest region first.
    """
    ids = problem.movable_hard
    area = problem.netlist.node_w_um[ids] * problem.netlist.node_h_um[ids]
    room = [float(np.prod(r.rects_um[:, 2:] - r.rects_um[:, :2], axis=1).sum()) for r in problem.regions]
    return np.lexsort((-area, np.array([*room, np.inf])[problem.region[ids]])).astype(np.int32)


def read_order(problem: Problem, path: Path) -> I32:
    """Return positions in `problem.movable_hard` in the order in which a text file names the macros.

    Raises:
        ParseError: the file cannot be read, names something else than a movable hard macro, names one twice, or
            leaves one out.
    """
    nl = problem.netlist
    position = {nl.node_name[node]: i for i, node in enumerate(problem.movable_hard.tolist())}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ParseError(path, 0, f"cannot read the macro order: {error}") from error
    order: list[int] = []
    seen: set[int] = set()
    for number, line in enumerate(lines, 1):
        name = line.strip()
        if not name or name.startswith("#"):
            continue
        if name not in position:
            raise ParseError(path, number, f"{name!r} is not a movable hard macro of {nl.name!r}")
        if position[name] in seen:
            raise ParseError(path, number, f"{name!r} comes twice")
        seen.add(position[name])
        order.append(position[name])
    missing = [name for name, i in position.items() if i not in seen]
    if missing:
        raise ParseError(path, 0, f"{len(missing)} of {len(position)} macros are missing, first {missing[0]!r}")
    return np.array(order, np.int32)


class MacroOrder:
    """Gives each episode its order: the same one, or a random one that depends on seed, environment and episode."""

    def __init__(self, problem: Problem, config: ConstructConfig) -> None:
        self._random = config.order == "random"
        self._fixed = area_order(problem)
        if config.order_file is not None:
            self._fixed = read_order(problem, config.order_file)

    def of_episode(self, seed: int, env: int, episode: int) -> I32:
        """Return (M,) int32 positions in `movable_hard`."""
        if not self._random:
            return self._fixed
        rng = np.random.default_rng([seed, env, episode])
        return rng.permutation(len(self._fixed)).astype(np.int32)
