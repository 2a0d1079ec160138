"""Files that say which cell is in which group: AlphaChip's `groups.final`, and the map that clustering writes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from floorplan.errors import ParseError
from floorplan.files import read_bytes_maybe_compressed, write_bytes_by_suffix
from floorplan.formats.pbtxt.reader import SOFT_PREFIX
from floorplan.formats.pbtxt.scanner import decode
from floorplan.netlist import Netlist, NodeKind

__all__ = ["read_groups", "write_groups"]

_GROUP = re.compile(rf"{SOFT_PREFIX}_([0-9]{{1,9}})")
_NUMBER = re.compile(r"\s*+(-1|[0-9]{1,9})\s*+")
_SHOWN = 40


def read_groups(path: str | Path, flat: Netlist) -> npt.NDArray[np.int64]:
    """Return the group of each node of a flat netlist, (N,): k of `Grp_k`, -1 for ports and macros.

    Args:
        path: a number a line for every node and pin in file order, -1 where it is in no group (`groups.final`); or a
            line a group, its name and those of its cells, tabs between (`write_groups`). Also .gz or .xz.
        flat: netlist with standard cells.

    Raises:
        ParseError: a line is neither, the file is of another netlist, or a cell is in no group or in two.
    """
    p = Path(path)
    lines = decode(p, read_bytes_maybe_compressed(p)).split("\n")
    if lines[-1] == "":
        lines.pop()
    if not lines:
        raise ParseError(p, 0, "is empty")
    numbers = _NUMBER.fullmatch(lines[0]) is not None
    return _of_numbers(p, lines, flat) if numbers else _of_names(p, lines, flat)


def _of_numbers(path: Path, lines: list[str], flat: Netlist) -> npt.NDArray[np.int64]:
    found = [_NUMBER.fullmatch(line) for line in lines]
    for at, m in enumerate(found):
        if m is None:
            raise ParseError(path, at + 1, f"expected a group's number or -1, found {lines[at][:_SHOWN]!r}")
    # a netlist numbers its nodes and pins together; the last number is that of a node or of a pin
    count = max(int(flat.node_index[-1]), int(flat.pin_index[-1]) if flat.num_pins else 0) + 1
    if len(lines) != count:
        raise ParseError(
            path, len(lines), f"has {len(lines)} lines, but netlist {flat.name!r} has {count} nodes and pins"
        )
    group = np.array([int(m[1]) for m in found if m is not None], np.int64)[flat.node_index]
    cell = flat.node_kind == NodeKind.CELL
    alone = np.flatnonzero(cell & (group < 0))
    if len(alone):
        node = int(alone[0])
        raise ParseError(path, int(flat.node_index[node]) + 1, f"cell {flat.node_name[node]!r} is in no group")
    return np.where(cell, group, -1)


def _of_names(path: Path, lines: list[str], flat: Netlist) -> npt.NDArray[np.int64]:
    group = np.full(flat.num_nodes, -1, np.int64)
    first: dict[int, int] = {}
    node_id = flat.node_id
    for number, line in enumerate(lines, 1):
        name, *cells = line.split("\t")
        m = _GROUP.fullmatch(name)
        if m is None:
            raise ParseError(path, number, f"expected {SOFT_PREFIX}_ and a number, found {name[:_SHOWN]!r}")
        k = int(m[1])
        if k in first:
            raise ParseError(path, number, f"{name} has a line already (line {first[k]})")
        first[k] = number
        for cell in cells:
            node = node_id.get(cell)
            if node is None or flat.node_kind[node] != NodeKind.CELL:
                raise ParseError(path, number, f"{cell[:_SHOWN]!r} is no cell of netlist {flat.name!r}")
            if group[node] >= 0:
                raise ParseError(path, number, f"{cell!r} is in {SOFT_PREFIX}_{group[node]} already")
            group[node] = k
    alone = np.flatnonzero((flat.node_kind == NodeKind.CELL) & (group < 0))
    if len(alone):
        raise ParseError(path, 0, f"cell {flat.node_name[int(alone[0])]!r} is in no group")
    return group


def write_groups(path: str | Path, flat: Netlist, clustered: Netlist, host: npt.NDArray[np.int64]) -> None:
    """Write one line a group: the soft macro's name, then the names of its cells in file order, tabs between.

    Args:
        path: file to write, compressed by its suffix.
        flat: netlist with standard cells.
        clustered: its soft macros are the groups in the order of their numbers.
        host: (N,) group of each flat node, as `read_groups` returns it.

    Raises:
        OSError: the file cannot be written.
    """
    soft = clustered.soft.tolist()
    # the groups that have cells, in rising order, are the soft macros
    used = np.unique(host[host >= 0]).tolist()
    cells = {k: [clustered.node_name[i]] for k, i in zip(used, soft, strict=True)}
    for node in np.flatnonzero(host >= 0).tolist():
        cells[int(host[node])].append(flat.node_name[node])
    write_bytes_by_suffix(path, "".join("\t".join(line) + "\n" for line in cells.values()).encode())
