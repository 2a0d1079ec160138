"""Where a run took place: processor, cores, memory, and the versions of what computed it."""

from __future__ import annotations

import os
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["cpu_seconds", "machine", "versions"]

_LIBRARIES = ("numpy", "numba", "scipy", "torch")


@cache
def machine() -> dict[str, Any]:
    """Return processor model, logical cores, those this process may use, memory in GiB, and the platform.

    The machine's name is left out: result files are made to be passed on.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count() or 1,
        "usable_cores": usable,
        "memory_gib": _memory_gib(),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Return the versions of floorplan, Python and those libraries that are loaded by now."""
    out = {"floorplan": _installed("floorplan-rl"), "python": platform.python_version()}
    for name in _LIBRARIES:
        if name in sys.modules:
            out[name] = str(getattr(sys.modules[name], "__version__", "?"))
    return out


def cpu_seconds() -> float:
    """Return the processor time of this process and of its children that have ended, user and system."""
    t = os.times()
    return t.user + t.system + t.children_user + t.children_system


def _installed(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        from floorplan import __version__

        return __version__


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    except OSError:
        pass  # no such file outside Linux
    return platform.processor() or platform.machine() or "unknown"


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None
