"""Run as a program of its own: partition one hypergraph, given on stdin, and write the parts to stdout.

The partitioner's preset for many parts gives equal parts for equal input only in a fresh process: its random numbers
are not all set anew by a second call.
"""

from __future__ import annotations

import io
import sys
from itertools import pairwise

import mtkahypar  # type: ignore[import-not-found]  # ships no type information
import numpy as np


def main() -> None:
    """Read an .npz of parts, seed, imbalance, cell_weight, net_weight, ptr and ends; write an .npy of parts."""
    with np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False) as given:
        data = {key: given[key] for key in given.files}
    ptr, ends = data["ptr"].tolist(), data["ends"].tolist()
    nets = [ends[a:b] for a, b in pairwise(ptr)]
    mtkahypar.set_seed(int(data["seed"]))
    handle = mtkahypar.initialize(1)
    context = handle.context_from_preset(mtkahypar.PresetType.LARGE_K)
    context.set_partitioning_parameters(int(data["parts"]), float(data["imbalance"]), mtkahypar.Objective.KM1)
    context.logging = False
    cell_weight, net_weight = data["cell_weight"].tolist(), data["net_weight"].tolist()
    graph = handle.create_hypergraph(context, len(cell_weight), len(nets), nets, cell_weight, net_weight)
    out = io.BytesIO()
    np.save(out, np.array(graph.partition(context).get_partition(), np.int64))
    sys.stdout.buffer.write(out.getvalue())


if __name__ == "__main__":
    main()
