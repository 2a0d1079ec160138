"""A mesh of routers: which share of uniform traffic each link carries under X-then-Y routing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["link_shares", "mesh_links", "multicast_shares"]

Link = tuple[int, int]


def mesh_links(rows: int, columns: int) -> list[Link]:
    """Return the directed links (from, to) of a mesh whose router (r, c) has number r * columns + c."""
    out: list[Link] = []
    for r in range(rows):
        for c in range(columns):
            here = r * columns + c
            if c + 1 < columns:
                out += [(here, here + 1), (here + 1, here)]
            if r + 1 < rows:
                out += [(here, here + columns), (here + columns, here)]
    return out


def link_shares(rows: int, columns: int, sources: Sequence[float], sinks: Sequence[float]) -> Mapping[Link, float]:
    """Return link -> share of traffic that enters at router i in proportion to sources[i] and leaves at j to sinks[j].

    Every pair exchanges sources[i] * sinks[j] of it, first along its row, then along the column, so that what enters a
    router is what leaves it.
    """
    out = dict.fromkeys(mesh_links(rows, columns), 0.0)
    for i, enters in enumerate(sources):
        for j, leaves in enumerate(sinks):
            share = enters * leaves
            if share:
                for link in _route(i, j, columns):
                    out[link] += share
    return out


def multicast_shares(rows: int, columns: int, sources: Sequence[float]) -> Mapping[Link, float]:
    """Return link -> share of traffic that enters at router i in proportion to sources[i] and goes to all routers.

    It takes the tree that X-then-Y routes make: along the row of its source, and from there up and down every column.
    """
    out = dict.fromkeys(mesh_links(rows, columns), 0.0)
    for i, share in enumerate(sources):
        tree = {link for j in range(rows * columns) for link in _route(i, j, columns)}
        for link in tree:
            out[link] += share
    return out


def _route(i: int, j: int, columns: int) -> list[Link]:
    path: list[Link] = []
    while i % columns != j % columns:
        step = 1 if j % columns > i % columns else -1
        path.append((i, i + step))
        i += step
    while i != j:
        step = columns if j > i else -columns
        path.append((i, i + step))
        i += step
    return path
