"""The netlists that come with the project, wherever it is installed."""

from __future__ import annotations

from pathlib import Path

from floorplan.errors import ProblemError, UnknownNameError

__all__ = ["DEFAULT_NETLIST", "default_netlist", "shipped_netlist", "shipped_netlists"]

DEFAULT_NETLIST = "systolic64"
"""What `python train.py` trains on if told nothing else."""

_FILE = "netlist.pb.txt"


def shipped_netlists() -> dict[str, Path]:
    """Return name -> netlist file; `initial.plc` and `MANIFEST.toml` stand beside each.

    Raises:
        ProblemError: the folder of netlists is missing: the installation is damaged.
    """
    package = Path(__file__).resolve().parent
    # A wheel carries the folder inside the package, a source checkout beside it.
    for folder in (package / "_netlists", package.parent / "netlists"):
        found = {p.parent.name: p for p in sorted(folder.glob(f"*/{_FILE}"))}
        if found:
            return found
    raise ProblemError(f"no shipped netlists in {package / '_netlists'} or {package.parent / 'netlists'}")


def shipped_netlist(name: str) -> Path:
    """Return the netlist file of a shipped netlist.

    Raises:
        UnknownNameError: none is called that.
    """
    found = shipped_netlists()
    if name not in found:
        raise UnknownNameError("shipped netlist", name, list(found))
    return found[name]


def default_netlist() -> Path:
    """Return the file of the netlist that is used where none is named."""
    return shipped_netlist(DEFAULT_NETLIST)
