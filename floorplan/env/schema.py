"""The one table of what an agent sees: it builds the spaces, the documentation and the checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import gymnasium
import numpy as np
import numpy.typing as npt

from floorplan.errors import ProblemError

__all__ = [
    "MAP_CHANNELS",
    "MAP_TABLE",
    "OBSERVATION",
    "SCALARS",
    "SCALAR_TABLE",
    "Dims",
    "Field",
    "allocate",
    "check_observation",
    "markdown_table",
    "observation_space",
]

CLIP = 10.0
"""Standardised changes are cut here: a masked cell far away must not drown the legal ones in float32 arithmetic."""


class Field(NamedTuple):
    """One row of the schema. `shape` holds letters of `Dims`; low and high bound every element."""

    name: str
    shape: str
    dtype: str
    unit: str
    low: float
    high: float
    meaning: str


class _Plane(NamedTuple):
    name: str
    unit: str
    low: float
    high: float
    meaning: str


@dataclass(frozen=True)
class Dims:
    """Sizes of a problem: A = R * C cells, M movable macros, K map channels, S scalars."""

    rows: int
    columns: int
    macros: int

    def resolve(self, shape: str) -> tuple[int, ...]:
        """Turn letters such as `KRC` into sizes."""
        size = {"R": self.rows, "C": self.columns, "M": self.macros, "K": len(MAP_TABLE), "S": len(SCALAR_TABLE)}
        size |= {"A": self.rows * self.columns, "2": 2}
        return tuple(size[letter] for letter in shape)


_INF = float("inf")

MAP_TABLE: tuple[_Plane, ...] = (
    _Plane("legal", "0 or 1", 0, 1, "1 where the macro in hand may stand (centre on the cell's centre)"),
    _Plane(
        "wl_change",
        "std",
        -CLIP,
        CLIP,
        "exact change of the weighted wirelength against placed macros, ports and soft macros where they stand; mean 0 "
        "and standard deviation 1 over the legal cells",
    ),
    _Plane("density", "cell areas", 0, _INF, "area of all macros in the cell, as the density cost counts it"),
    _Plane("h_congestion", "share of tracks", 0, _INF, "horizontal congestion, as the congestion cost counts it"),
    _Plane("v_congestion", "share of tracks", 0, _INF, "vertical congestion, likewise"),
    _Plane("macro_density", "cell areas", 0, _INF, "area of hard macros in the cell"),
    _Plane(
        "footprint_density", "cell areas", 0, _INF, "mean density under the macro if it stood here; 0 where not legal"
    ),
    _Plane(
        "density_change",
        "share",
        0,
        1,
        "share of the macro's area that would count in the density cost (in the densest cells); 0 where not legal",
    ),
    _Plane(
        "congestion_change",
        "share",
        0,
        1,
        "share of the tracks the macro takes that would count in the congestion cost; 0 where not legal",
    ),
    _Plane(
        "cost_change",
        "std",
        -CLIP,
        CLIP,
        "estimated change of the proxy: exact wirelength, first-order density and macro congestion; mean 0 and "
        "standard deviation 1 over the legal cells; 0 where not legal",
    ),
    _Plane("edge_x", "canvas widths", 0, 0.5, "distance of the cell's centre from the nearer vertical canvas edge"),
    _Plane("edge_y", "canvas heights", 0, 0.5, "distance of the cell's centre from the nearer horizontal canvas edge"),
)
"""Channels of `maps`, in their order."""

MAP_CHANNELS: tuple[str, ...] = tuple(plane.name for plane in MAP_TABLE)
"""Names of the channels of `maps`."""

SCALAR_TABLE: tuple[_Plane, ...] = (
    _Plane("step", "share", 0, 1, "macros placed over macros to place"),
    _Plane("legal_share", "share", 0, 1, "legal cells over all cells"),
    _Plane("fill", "share", 0, _INF, "area still to be placed over the canvas area that no hard macro covers"),
    _Plane("width", "canvas widths", 0, 1, "width of the macro in hand"),
    _Plane("height", "canvas heights", 0, 1, "height of the macro in hand"),
    _Plane("log_columns", "ln(1 + cells)", 0, _INF, "width of the macro in hand in cells"),
    _Plane("log_rows", "ln(1 + cells)", 0, _INF, "height of the macro in hand in cells"),
    _Plane("wl_share", "ratio", 0, _INF, "weight of the macro's nets over the mean of that over the macros to place"),
    _Plane(
        "wl_scale",
        "half perimeters",
        0,
        _INF,
        "standard deviation behind wl_change: per weight of the macro's nets, over canvas width + height",
    ),
    _Plane("cost_scale", "proxy", 0, _INF, "standard deviation behind cost_change, times the macros to place"),
    _Plane("wirelength", "cost", 0, _INF, "wirelength part of the partial cost"),
    _Plane("density", "cost", 0, _INF, "density part of the partial cost"),
    _Plane("congestion", "cost", 0, _INF, "congestion part of the partial cost"),
)
"""Entries of `scalars`, in their order."""

SCALARS: tuple[str, ...] = tuple(plane.name for plane in SCALAR_TABLE)
"""Names of the entries of `scalars`."""

OBSERVATION: tuple[Field, ...] = (
    Field(
        "maps", "KRC", "float32", "see below", -_INF, _INF, "per-cell maps for the macro in hand; row 0 at the bottom"
    ),
    Field("scalars", "S", "float32", "see below", 0, _INF, "state of the episode and size of the macro in hand"),
    Field("current", "", "int64", "index", 0, -1, "macro in hand, as a position in `graph.movable`"),
    Field("pos", "M2", "float32", "canvas sizes", 0, 1, "centre (x, y) of each placed macro; 0 if not placed"),
    Field("cell", "M", "int64", "cell", 0, -1, "row * columns + column of each placed macro; 0 if not placed"),
    Field("placed", "M", "int8", "0 or 1", 0, 1, "whether each macro is placed"),
)
"""Rows of the observation; a high of -1 stands for the last index of macros (`current`) or cells (`cell`)."""


def observation_space(dims: Dims) -> gymnasium.spaces.Dict:
    """Build the Gymnasium space of one environment's observation from the table."""
    spaces: dict[str, gymnasium.Space[object]] = {}
    for f in OBSERVATION:
        shape = dims.resolve(f.shape)
        if f.name == "current":
            space: object = gymnasium.spaces.Discrete(dims.macros)
        elif f.name == "placed":
            space = gymnasium.spaces.MultiBinary(dims.macros)
        elif f.name in ("maps", "scalars"):
            low, high = _plane_bounds(f.name)
            extra = (1,) * (len(shape) - 1)
            space = gymnasium.spaces.Box(
                np.broadcast_to(low.reshape(-1, *extra), shape).astype(np.float32),
                np.broadcast_to(high.reshape(-1, *extra), shape).astype(np.float32),
                dtype=np.float32,
            )
        else:
            high_value = dims.rows * dims.columns - 1 if f.high < 0 else f.high
            space = gymnasium.spaces.Box(f.low, high_value, shape, dtype=np.dtype(f.dtype).type)
        spaces[f.name] = space  # type: ignore[assignment]  # the branches differ in their element type only
    return gymnasium.spaces.Dict(spaces)


def allocate(dims: Dims, num_envs: int) -> dict[str, npt.NDArray[np.generic]]:
    """Return zeroed observation arrays for `num_envs` environments; `placed` is bool here, to index with."""
    return {
        f.name: np.zeros((num_envs, *dims.resolve(f.shape)), np.bool_ if f.name == "placed" else np.dtype(f.dtype))
        for f in OBSERVATION
    }


def check_observation(obs: dict[str, npt.NDArray[np.generic]], dims: Dims) -> None:
    """Check a batched observation against every row of the table.

    Raises:
        ProblemError: an array is missing, or has another shape or dtype, or a value that is out of bounds or NaN.
    """
    for f in OBSERVATION:
        a = obs.get(f.name)
        want = dims.resolve(f.shape)
        dtype = np.dtype(np.bool_) if f.name == "placed" else np.dtype(f.dtype)
        if a is None or a.shape[1:] != want or a.dtype != dtype:
            found = "missing" if a is None else f"{a.dtype} {a.shape[1:]}"
            raise ProblemError(f"observation {f.name!r} must be {dtype} {want}, is {found}")
        if f.name in ("maps", "scalars"):
            for k, plane in enumerate(MAP_TABLE if f.name == "maps" else SCALAR_TABLE):
                _check_range(f"{f.name}/{plane.name}", a[:, k], plane.low, plane.high)
        elif f.high < 0:
            last = dims.macros if f.name == "current" else dims.rows * dims.columns
            _check_range(f.name, a, f.low, last - 1)
        else:
            _check_range(f.name, a, f.low, f.high)


def markdown_table() -> str:
    """Return the schema as the Markdown tables of the documentation."""
    lines = ["| array | shape | dtype | unit | low | high | meaning |", "|-|-|-|-|-|-|-|"]
    for f in OBSERVATION:
        shape = "(" + ", ".join(f.shape) + ")"
        high = {"current": "M - 1", "cell": "R*C - 1"}.get(f.name, _text(f.high))
        lines.append(f"| `{f.name}` | {shape} | {f.dtype} | {f.unit} | {_text(f.low)} | {high} | {f.meaning} |")
    for title, table in (("channel of `maps`", MAP_TABLE), ("entry of `scalars`", SCALAR_TABLE)):
        lines += ["", f"| # | {title} | unit | low | high | meaning |", "|-|-|-|-|-|-|"]
        for k, p in enumerate(table):
            lines.append(f"| {k} | `{p.name}` | {p.unit} | {_text(p.low)} | {_text(p.high)} | {p.meaning} |")
    return "\n".join(lines) + "\n"


def _plane_bounds(name: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    table = MAP_TABLE if name == "maps" else SCALAR_TABLE
    return np.array([p.low for p in table], np.float32), np.array([p.high for p in table], np.float32)


def _check_range(name: str, a: npt.NDArray[np.generic], low: float, high: float) -> None:
    values = a.astype(np.float64)
    if not (np.isfinite(values).all() and values.min() >= low and values.max() <= high):
        raise ProblemError(f"observation {name!r} leaves [{low}, {high}]: {values.min()} to {values.max()}")


def _text(value: float) -> str:
    return {_INF: "inf", -_INF: "-inf"}.get(value, f"{value:g}")
