"""What each input of a policy's head has to do with where it wants a macro."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from agents.gnn.network import GridNetwork

__all__ = ["GRAPH", "POSITION", "Attribution", "Method", "attribute"]

GRAPH = "graph"
"""What the graph network says of the macros that stand: the canvas channels of the head, taken together."""

POSITION = "position"
"""Where on the canvas a cell lies: the two coordinates that the head's convolutions see."""

Method = Literal["linear", "occlusion", "none"]
F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Attribution:
    """The logits over the cells, taken apart.

    Attributes:
        logits: (A,) less their mean over the legal cells.
        names: of the K inputs.
        parts: (K, A) what each input adds to `logits`, with mean 0 over the legal cells.
        method: `linear`, the parts are exact and add up to the logits; `occlusion`, each is what the logits lose when
            the input is flat, at its mean over the legal cells, so that what inputs do only together is missing from
            the sum or counted twice; `none`, the network has no maps to take apart.
    """

    logits: F64
    names: tuple[str, ...]
    parts: F64
    method: Method


def attribute(
    network: Any, obs: Mapping[str, npt.NDArray[Any]], legal: npt.NDArray[np.bool_], names: tuple[str, ...]
) -> Attribution:
    """Take the logits of one state apart.

    Args:
        network: bound to the problem.
        obs: of the state, with a first axis of 1.
        legal: (A,) cells that the macro in hand may go to, at least one.
        names: of the channels of `maps`.
    """
    network.release()
    with torch.no_grad():
        given = {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in obs.items()}
        if not isinstance(network, GridNetwork):
            logits, _ = network(given)
            return Attribution(_centred(logits, legal)[0], (), np.zeros((0, len(legal))), "none")
        if network.only_maps:
            return _linear(network, given, legal, names)
        return _occluded(network, given, legal, names)


def _linear(
    network: GridNetwork, obs: dict[str, Tensor], legal: npt.NDArray[np.bool_], names: tuple[str, ...]
) -> Attribution:
    # a network that sees one map alone gives that map's part, hidden maps and weights included
    count = len(names)
    alone = {"maps": torch.diag_embed(torch.ones(count))[:, :, None, None] * obs["maps"], "placed": obs["placed"]}
    alone["placed"] = alone["placed"].expand(count, -1)
    parts = _centred(network.map_logits(alone), legal)
    return Attribution(_centred(network.map_logits(obs), legal)[0], names, parts, "linear")


def _occluded(
    network: GridNetwork, obs: dict[str, Tensor], legal: npt.NDArray[np.bool_], names: tuple[str, ...]
) -> Attribution:
    count = len(names)
    rows = {name: t.expand(count + 3, *t.shape[1:]).contiguous() for name, t in obs.items()}
    with _flattened(network, torch.from_numpy(legal), count):
        logits, _ = network(rows)
    centred = _centred(logits, legal)
    return Attribution(centred[0], (*names, GRAPH, POSITION), centred[0] - centred[1:], "occlusion")


def _flattened(network: GridNetwork, legal: Tensor, count: int) -> AbstractContextManager[None]:
    """Let the head see row 0 as it is, in row 1 + k map k flat, in the last two the graph's channels, the position."""

    def flat(stack: Tensor) -> Tensor:
        """Return (channels, 1, 1) means over the legal cells."""
        return stack.flatten(1)[:, legal].mean(dim=1)[:, None, None]

    def before(_module: Any, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        maps, canvas, coords, cond, stand = given
        maps, canvas = maps.clone(), canvas.clone()
        coords = coords.expand(len(maps), -1, -1, -1).clone()
        level = flat(maps[0])
        for k in range(count):
            maps[1 + k, k] = level[k]
        canvas[count + 1] = flat(canvas[0])
        coords[count + 2] = flat(coords[0])
        return maps, canvas, coords, cond, stand

    @contextmanager
    def hooked() -> Iterator[None]:
        handle = network.head.register_forward_pre_hook(before)
        try:
            yield
        finally:
            handle.remove()

    return hooked()


def _centred(logits: Tensor, legal: npt.NDArray[np.bool_]) -> F64:
    values: F64 = logits.double().numpy()
    out: F64 = values - values[:, legal].mean(axis=1, keepdims=True)
    return out
