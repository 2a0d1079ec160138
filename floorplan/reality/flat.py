"""The netlist before clustering, and where a placement of the clustered one puts its nodes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from floorplan.errors import ParseError, ProblemError
from floorplan.files import read_bytes_maybe_compressed
from floorplan.formats import read_netlist
from floorplan.geometry import oriented_size_um
from floorplan.netlist import Netlist, NodeKind, Placement

__all__ = ["FlatNetlist", "place_flat", "read_flat", "read_groups"]

I32 = npt.NDArray[np.int32]

_SIZE_TOLERANCE_UM = 1e-3


@dataclass(frozen=True, eq=False)
class FlatNetlist:
    """An unclustered netlist with the node of the clustered one that each of its nodes belongs to.

    Attributes:
        netlist: hard macros, ports and standard cells.
        host: (N,) node ids of the clustered netlist: the soft macro of a cell, the node itself of macros and ports.
        clustered_hash: content hash of that clustered netlist.
    """

    netlist: Netlist
    host: I32
    clustered_hash: str


def read_groups(path: str | Path) -> npt.NDArray[np.int64]:
    """Read a clustering: one group number a line, for every node and pin in file order; -1 = in no group.

    Raises:
        ParseError: the file is damaged or a line holds no such number.
    """
    lines = read_bytes_maybe_compressed(path).splitlines()
    try:
        return np.array([_group(line) for line in lines], dtype=np.int64)
    except ValueError:
        bad = next(k for k, line in enumerate(lines) if not _is_group(line))
        shown = lines[bad][:40].decode(errors="replace")
        raise ParseError(path, bad + 1, f"{shown!r} is no group number (-1 or above)") from None


def read_flat(flat_path: str | Path, groups_path: str | Path, clustered: Netlist) -> FlatNetlist:
    """Read an unclustered netlist and its clustering, and match both with the clustered netlist by name.

    A cell of group k belongs to the soft macro `Grp_k`; hard macros and ports keep their names. The groups of macros,
    ports and pins are not needed.

    Raises:
        ParseError: a file is damaged, or does not fit the others: other numbers of lines and nodes, a cell in no
            group, a group without its soft macro, a macro or port that the clustered netlist lacks or has otherwise.
    """
    netlist, _ = read_netlist(flat_path)
    group = read_groups(groups_path)
    entries = 1 + max(int(netlist.node_index.max(initial=-1)), int(netlist.pin_index.max(initial=-1)))
    if len(group) != entries:
        raise ParseError(groups_path, 0, f"holds {len(group)} lines, {flat_path} {entries} nodes and pins")
    host = np.empty(netlist.num_nodes, np.int32)
    cell = (netlist.node_kind == NodeKind.CELL) | (netlist.node_kind == NodeKind.SOFT)
    known = clustered.node_id
    soft_of: dict[int, int] = {}
    for i, line in zip(np.flatnonzero(cell).tolist(), netlist.node_index[cell].tolist(), strict=True):
        k = int(group[line])
        if k not in soft_of:
            if k < 0:
                raise ParseError(groups_path, line + 1, f"cell {netlist.node_name[i]!r} is in no group")
            j = known.get(f"Grp_{k}", -1)
            if j < 0 or clustered.node_kind[j] != NodeKind.SOFT:
                raise ParseError(groups_path, line + 1, f"the clustered netlist has no soft macro 'Grp_{k}'")
            soft_of[k] = j
        host[i] = soft_of[k]
    for i in np.flatnonzero(~cell).tolist():
        host[i] = _same_node(netlist, i, clustered, flat_path)
    host.flags.writeable = False
    return FlatNetlist(netlist, host, clustered.content_hash)


def place_flat(flat: FlatNetlist, clustered: Netlist, placement: Placement) -> Placement:
    """Place the unclustered netlist as a placement of the clustered one implies.

    Hard macros and ports stand where they stand there. The cells of a soft macro fill its rectangle in file order, in
    rows that run forth and back, so that cells that follow each other in the file stay neighbours.

    Raises:
        ProblemError: `flat` was matched with another clustered netlist, or the placement has another length.
    """
    if flat.clustered_hash != clustered.content_hash:
        raise ProblemError(f"the flat netlist was matched with netlist {flat.clustered_hash[:12]}, not with this one")
    if len(placement) != clustered.num_nodes:
        raise ProblemError(f"placement has {len(placement)} nodes, the netlist {clustered.num_nodes}")
    host = flat.host
    x, y = placement.x_um[host].copy(), placement.y_um[host].copy()
    is_soft = clustered.node_kind[host] == NodeKind.SOFT
    cells = np.flatnonzero(is_soft)
    cells = cells[np.argsort(host[cells], kind="stable")]
    owner, begin, count = np.unique(host[cells], return_index=True, return_counts=True)
    w, h = oriented_size_um(clustered.node_w_um[owner], clustered.node_h_um[owner], placement.orient[owner])
    columns = np.clip(np.ceil(np.sqrt(count * w / np.maximum(h, 1e-9))), 1, count)
    rows = np.ceil(count / columns)
    k = np.arange(len(cells)) - np.repeat(begin, count)
    of = np.repeat(np.arange(len(owner)), count)
    row, col = np.divmod(k, columns[of])
    col = np.where(row % 2 == 1, columns[of] - 1 - col, col)
    x[cells] += ((col + 0.5) / columns[of] - 0.5) * w[of]
    y[cells] += ((row + 0.5) / rows[of] - 0.5) * h[of]
    orient = np.where(is_soft, 0, placement.orient[host])
    return Placement(x, y, orient.astype(np.uint8), placement.placed[host])


def _same_node(netlist: Netlist, i: int, clustered: Netlist, path: str | Path) -> int:
    """Return the node of the clustered netlist that node i is, sizes compared."""
    name, kind = netlist.node_name[i], NodeKind(netlist.node_kind[i])
    j = clustered.node_id.get(name, -1)
    what = "port" if kind == NodeKind.PORT else "hard macro"
    if j < 0 or clustered.node_kind[j] != kind:
        raise ParseError(path, 0, f"the clustered netlist has no {what} {name!r}")
    off = max(
        abs(float(netlist.node_w_um[i] - clustered.node_w_um[j])),
        abs(float(netlist.node_h_um[i] - clustered.node_h_um[j])),
    )
    if off > _SIZE_TOLERANCE_UM:
        raise ParseError(path, 0, f"{what} {name!r} differs in size by {off:.6g} um from the clustered netlist's")
    return j


def _group(line: bytes) -> int:
    """Return the number on a line; at least -1, at most 2^31, in plain digits."""
    text = line.strip()
    if not text.removeprefix(b"-").isdigit() or len(text) > 10:
        raise ValueError
    value = int(text)
    if value < -1:
        raise ValueError
    return value


def _is_group(line: bytes) -> bool:
    try:
        _group(line)
    except ValueError:
        return False
    return True
