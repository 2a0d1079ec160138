"""`floorplan cluster`: standard cells become soft macros."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from floorplan.cli.options import OptionError, need_folders
from floorplan.files import plain_name

if TYPE_CHECKING:
    from floorplan.cluster import Clustering
    from floorplan.netlist import Problem

__all__ = ["Cluster"]

_DEFAULT_CLUSTERS = 500


@dataclass(frozen=True)
class Cluster:
    """Cluster the standard cells of a flat design into soft macros; the same call gives the same bytes."""

    flat: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="FLAT...")]
    """Design with standard cells, each file known by its content: protobuf text, Bookshelf (.aux), LEF files with a DEF
    or a Verilog netlist, JSON; also .gz or .xz."""

    out: Annotated[Path, tyro.conf.arg(metavar="NETLIST")]
    """Netlist to write (.pb.txt, compressed by its suffix)."""

    grid_from: Annotated[Path | None, tyro.conf.arg(metavar="PLC")] = None
    """Placement of any clustering of the design, which gives canvas, grid, tracks, ports and hard macros; without it,
    the design gives the canvas and a grid is chosen."""

    placement_out: Annotated[Path | None, tyro.conf.arg(metavar="PLC")] = None
    """Initial placement to write; default: initial.plc beside the netlist, compressed as it is."""

    groups_out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Map to write: a soft macro and its cells a line, tabs between; default: groups.txt beside the netlist."""

    groups: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Groups to take instead of making them: AlphaChip's groups.final (a number a line for every node and pin) or a map
    as --groups-out writes it. The netlist is then that of AlphaChip's grouper, byte for byte."""

    around: Literal["none", "macros", "ports", "both"] = "none"
    """What cells next to it are held in groups of their own around, before the partition: AlphaChip's flow does so for
    both, hard macros and clumps of ports."""

    clusters: int | None = None
    """Parts of the min-cut partition; default: as many as make, with the groups that are held, about as many groups as
    --grid-from has soft macros; else 500."""

    partitioner: Literal["auto", "mtkahypar", "metis"] = "auto"
    """What makes the partition; auto: Mt-KaHyPar, or METIS where only that is installed (package pymetis)."""

    seed: int = 1
    """Seed of the partition."""

    bloat: float | None = None
    """Area of a soft macro over that of its cells; default: 1, with --groups 2."""

    units_per_um: float | None = None
    """Bookshelf units in a micron; default: as the files state, else 100."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON object instead of a list."""

    def run(self) -> int:
        """Cluster, write the three files, print what was made.

        Raises:
            OptionError: no design is given, or the folder of a file named beside --out does not exist.
        """
        from floorplan.cli.result import print_json
        from floorplan.cluster import write_groups
        from floorplan.formats import write_netlist, write_plc

        need_folders(self.placement_out, self.groups_out)
        self.out.parent.mkdir(parents=True, exist_ok=True)  # of three files, as a run folder
        flat, made = self._cluster()
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

    def _cluster(self) -> tuple[Problem, Clustering]:
        from floorplan.cluster import ClusterOptions, choose_grid, cluster, parts_for, read_start
        from floorplan.formats.read import read_design
        from floorplan.netlist import with_grid

        if not self.flat:
            raise OptionError("cluster takes at least one file: the flat design")
        own = read_design(*self.flat, units_per_um=self.units_per_um).problem
        if self.grid_from is not None:
            flat, there = read_start(self.grid_from, own)
        else:
            flat, there = with_grid(own, *choose_grid(own)), 0
        if self.groups is not None:
            return flat, self._as_given(own, flat)
        options = ClusterOptions(
            _DEFAULT_CLUSTERS if self.clusters is None else self.clusters,
            bloat=1.0 if self.bloat is None else self.bloat,
            seed=self.seed,
            around=self.around,
            partitioner=self.partitioner,
        )
        if self.clusters is None and there:
            options = replace(options, clusters=parts_for(flat, there, options))
        return flat, cluster(flat, options)

    def _as_given(self, own: Problem, flat: Problem) -> Clustering:
        from floorplan.cluster import GROUPER_BLOAT, ClusterOptions, cluster_as_given, exact_width_um, read_groups
        from floorplan.formats.transfer import with_given

        assert self.groups is not None
        options = ClusterOptions(bloat=GROUPER_BLOAT if self.bloat is None else self.bloat)
        width_um = flat.canvas.width_um
        if self.grid_from is not None:
            width_um = exact_width_um(self.grid_from, flat.canvas)
        # the netlist's own positions have more digits than those of the .plc
        flat = flat.replace(initial=with_given(own.initial, flat.initial))
        group = read_groups(self.groups, flat.netlist)
        return cluster_as_given(flat, group, options.bloat, width_um / flat.canvas.columns)

    def _beside(self, name: str, given: Path | None) -> Path:
        suffix = self.out.name.removeprefix(plain_name(self.out))
        return self.out.parent / (name + suffix) if given is None else given
