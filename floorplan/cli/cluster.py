"""`floorplan cluster`: standard cells become soft macros."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from floorplan.files import plain_name

if TYPE_CHECKING:
    from floorplan.netlist import Problem

__all__ = ["Cluster"]

_DEFAULT_CLUSTERS = 500


@dataclass(frozen=True)
class Cluster:
    """Cluster the standard cells of a flat design into soft macros; the same call gives the same bytes."""

    flat: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FLAT")]
    """Bookshelf design (.aux) or netlist in protobuf text with standard cells (.pb.txt); also .gz or .xz."""

    out: Annotated[Path, tyro.conf.arg(metavar="NETLIST")]
    """Netlist to write (.pb.txt, compressed by its suffix)."""

    grid_from: Annotated[Path | None, tyro.conf.arg(metavar="PLC")] = None
    """Placement of any clustering of the design, which gives canvas, grid, tracks, ports and hard macros; without it,
    Bookshelf rows give the canvas and a grid is chosen."""

    placement_out: Annotated[Path | None, tyro.conf.arg(metavar="PLC")] = None
    """Initial placement to write; default: initial.plc beside the netlist, compressed as it is."""

    groups_out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Map to write: a soft macro and its cells a line, tabs between; default: groups.txt beside the netlist."""

    clusters: int | None = None
    """Parts of the min-cut partition; default: the soft macros of --grid-from, else 500."""

    seed: int = 1
    """Seed of the partition."""

    bloat: float = 1.0
    """Area of a soft macro over that of its cells."""

    units_per_um: float = 100.0
    """Bookshelf units in a micron."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON object instead of a list."""

    def run(self) -> int:
        """Cluster, write the three files, print what was made."""
        from floorplan.cli.result import print_json
        from floorplan.cluster import ClusterOptions, choose_grid, cluster, read_start, write_groups
        from floorplan.formats import write_netlist, write_plc
        from floorplan.netlist import with_grid

        flat, clusters = self._read(), _DEFAULT_CLUSTERS
        if self.grid_from is not None:
            flat, groups_there = read_start(self.grid_from, flat)
            clusters = groups_there or clusters
        else:
            flat = with_grid(flat, *choose_grid(flat))
        wanted = clusters if self.clusters is None else self.clusters
        made = cluster(flat, ClusterOptions(clusters=wanted, bloat=self.bloat, seed=self.seed))
        problem, initial = made.problem, made.problem.initial
        if not made.given:
            # the groups of cells that had no place lie in heaps; spread, they make a start like any other
            from floorplan.soft import DEFAULT_SOFT_PLACER, make_soft_placer

            initial = make_soft_placer(DEFAULT_SOFT_PLACER, problem).place(initial)
        plc, groups = self._beside("initial.plc", self.placement_out), self._beside("groups.txt", self.groups_out)
        write_netlist(self.out, problem.netlist, initial)
        write_plc(plc, problem, initial)
        write_groups(groups, flat.netlist, problem.netlist, made.host)
        netlist, canvas = problem.netlist, problem.canvas
        said: dict[str, object] = {
            "netlist": str(self.out),
            "netlist_hash": netlist.content_hash,
            "placement": str(plc),
            "groups": str(groups),
            "hard_macros": len(netlist.hard),
            "soft_macros": len(netlist.soft),
            "ports": len(netlist.ports),
            "cells": len(flat.netlist.soft),
            "flat_nets": flat.netlist.num_nets,
            "cut_nets": made.cut,
            "nets": netlist.num_nets,
            "columns": canvas.columns,
            "rows": canvas.rows,
        }
        if self.json:
            print_json(said)
        else:
            sys.stdout.writelines(f"{key.replace('_', ' '):<13} {value}\n" for key, value in said.items())
        return 0

    def _read(self) -> Problem:
        from floorplan.formats import read_bookshelf, read_netlist
        from floorplan.netlist import Canvas, Problem

        if plain_name(self.flat).endswith(".aux"):
            return read_bookshelf(self.flat, self.units_per_um)
        netlist, placement = read_netlist(self.flat)
        return Problem(netlist, Canvas.default_for(netlist), placement)

    def _beside(self, name: str, given: Path | None) -> Path:
        suffix = self.out.name.removeprefix(plain_name(self.out))
        return self.out.parent / (name + suffix) if given is None else given
