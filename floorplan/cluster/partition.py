"""Min-cut partition of the cells, by Mt-KaHyPar, or by METIS where that is not installed."""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from floorplan.cluster.connect import Hypergraph, group_links
from floorplan.errors import ProblemError

__all__ = ["PARTITIONERS", "partition"]

PARTITIONERS = ("auto", "mtkahypar", "metis")
"""What parts the cells; "auto" is Mt-KaHyPar, or METIS where only that is installed."""

I64 = npt.NDArray[np.int64]

_IMBALANCE = 0.05
"""A part's area may exceed the mean by this: AlphaChip's flow gives hMETIS the unbalance factor 5."""
_MAX_WEIGHT = 1 << 30
_MAX_NET_WEIGHT = 1000
_STEPS_IN_SMALLEST = 16
_STEPS_IN_A_LINK = 64


def partition(graph: Hypergraph, parts: int, seed: int, by: str = "auto") -> I64:
    """Return the part (0 to `parts` - 1) of each cell: parts of like area, with few nets between them.

    Equal input and seed give equal parts. Mt-KaHyPar parts the hypergraph itself, in a process of its own (see
    `floorplan.cluster.worker`) with one thread and the preset for many parts: in a tenth of the time of the preset that
    is deterministic with any number of threads, for 6 % more connectivity. METIS parts the graph of `group_links`.

    Args:
        graph: of the cells.
        parts: at most as many as cells.
        seed: of the partitioner.
        by: one of `PARTITIONERS`.

    Raises:
        ProblemError: the partitioner is not installed, or failed.
    """
    count = len(graph.cells)
    parts = min(parts, count)
    if parts <= 1:
        return np.zeros(count, np.int64)
    # the partitioners count in whole numbers, areas and net weights in real ones
    smallest = graph.area_um2[graph.area_um2 > 0].min(initial=np.inf)
    scale = min(_STEPS_IN_SMALLEST / smallest, _MAX_WEIGHT / max(float(graph.area_um2.sum()), 1e-300))
    cell_weight = np.maximum(np.rint(graph.area_um2 * scale), 1).astype(np.int64)
    if by == "mtkahypar" or (by == "auto" and (_installed("mtkahypar") or not _installed("pymetis"))):
        return _by_mtkahypar(graph, parts, seed, cell_weight)
    return _by_metis(graph, parts, seed, cell_weight)


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _by_metis(graph: Hypergraph, parts: int, seed: int, cell_weight: I64) -> I64:
    if not _installed("pymetis"):
        raise ProblemError("clustering with METIS needs the package pymetis (pip install pymetis)")
    import pymetis  # type: ignore[import-not-found,unused-ignore]  # optional, and not typed in every release

    count = len(graph.cells)
    links = group_links(graph, np.arange(count), count)
    options = pymetis.Options(seed=seed % (1 << 31), ufactor=round(1000 * _IMBALANCE))
    weight = np.maximum(np.rint(links.data * _STEPS_IN_A_LINK), 1).astype(np.int64)
    _, part = pymetis.part_graph(
        parts,
        pymetis.CSRAdjacency(links.indptr.tolist(), links.indices.tolist()),
        vweights=cell_weight.tolist(),
        eweights=weight.tolist(),
        options=options,
    )
    return np.array(part, np.int64)


def _by_mtkahypar(graph: Hypergraph, parts: int, seed: int, cell_weight: I64) -> I64:
    if not _installed("mtkahypar"):
        raise ProblemError("clustering needs the package mtkahypar (pip install mtkahypar)")
    net_weight = np.rint(graph.weight / graph.weight.min(initial=np.inf))
    given = io.BytesIO()
    np.savez(
        given,
        parts=parts,
        seed=seed % (1 << 31),
        imbalance=_IMBALANCE,
        cell_weight=cell_weight,
        net_weight=np.clip(net_weight, 1, _MAX_NET_WEIGHT).astype(np.int64),
        ptr=graph.ptr,
        ends=graph.ends,
    )
    worker = Path(__file__).with_name("worker.py")
    # -P: the worker's folder is no place to import from, its modules have common names
    done = subprocess.run([sys.executable, "-P", str(worker)], input=given.getvalue(), capture_output=True, check=False)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ProblemError(f"the partitioner failed ({done.returncode}): {said[-1] if said else 'no message'}")
    part: I64 = np.load(io.BytesIO(done.stdout), allow_pickle=False)
    return part
