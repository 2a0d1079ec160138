"""Certified lower bounds that were computed before, kept beside what they belong to."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from floorplan.bound import LowerBound, lower_bound
from floorplan.cost import CostOptions
from floorplan.files import atomic_write_text
from floorplan.netlist import Problem
from floorplan.report.runs import Run

__all__ = ["bound_key", "bound_of"]

_FORMAT = 1
_MAX_BYTES = 1 << 20


def bound_of(run: Run, *, compute: bool) -> LowerBound | None:
    """Return the lower bound of a run's problem: on record, kept from before, or computed now and kept.

    Args:
        run: with a problem.
        compute: False returns None where it is not known; computing takes from a second to minutes.
    """
    if run.problem is None:
        return None
    if run.bound is not None:
        b, on_record = run.bound, "on record in the benchmark's results"
        parts = (b["wirelength"], b["density"], b["congestion"], b["proxy"])
        return LowerBound(*parts, run.options.weights, *[on_record] * 4)
    key = bound_key(run.problem, run.options)
    known = _read(run.bound_file, key, run.options) if run.bound_file is not None else None
    if known is not None or not compute:
        return known
    found = lower_bound(run.problem, run.options)
    if run.bound_file is not None:
        tree = {"format": _FORMAT, "key": key, "bound": found.to_dict()}
        # a folder that is only read keeps none: the bound is shown all the same and computed again next time
        with contextlib.suppress(OSError):
            atomic_write_text(run.bound_file, json.dumps(tree, indent=1) + "\n")
    return found


def bound_key(problem: Problem, options: CostOptions) -> str:
    """Return the SHA-256 of everything that a lower bound depends on."""
    fixed = problem.fixed
    h = hashlib.sha256(b"floorplan-bound-1\0")
    h.update(problem.netlist.content_hash.encode())
    h.update(repr((problem.canvas, options)).encode())
    h.update(fixed.tobytes() + problem.allowed_orient.tobytes() + problem.initial.orient[fixed].tobytes())
    for a in (problem.initial.x_um, problem.initial.y_um):
        h.update(np.ascontiguousarray(a[fixed]).astype("<f8").tobytes())
    return h.hexdigest()


def _read(path: Path, key: str, options: CostOptions) -> LowerBound | None:
    """Return the bound that is kept in a file; None where there is none, or not of this problem."""
    try:
        with path.open("rb") as f:
            tree: Any = json.loads(f.read(_MAX_BYTES))
        if tree["format"] != _FORMAT or tree["key"] != key:
            return None
        kept = dict(tree["bound"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None  # never trusted further than it can be read: it is computed again
    kept["weights"] = options.weights
    if set(kept) != {f.name for f in fields(LowerBound)}:
        return None
    numbers = [kept[n] for n in ("wirelength", "density", "congestion", "proxy")]
    if not all(isinstance(v, float) and math.isfinite(v) and v >= 0 for v in numbers):
        return None
    if not all(isinstance(kept[n], str) for n in kept if n.endswith("_by")):
        return None
    return LowerBound(**kept)
