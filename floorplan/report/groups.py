"""Which hard macros belong together, read off their hierarchical names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["MacroGroup", "group_macros"]

_NUMBER = re.compile(r"\[?\d+\]?")
_MAX_LABEL = 34


@dataclass(frozen=True)
class MacroGroup:
    """Macros that share a colour.

    Attributes:
        label: what their names have in common, short enough for a legend.
        members: positions in the sequence of names that was grouped.
    """

    label: str
    members: tuple[int, ...]


def group_macros(names: Sequence[str], limit: int = 8) -> list[MacroGroup]:
    """Group names by the deepest level of their hierarchy that gives at most `limit` groups, largest group first.

    Numbers are taken for indices: `bank[3]/ram` and `bank[7]/ram` are one group. If even the top level has more than
    `limit` groups, the smallest ones are put together as `others`.
    """
    paths = [tuple(_NUMBER.sub("*", name).split("/")) for name in names]
    depth = max((len(p) for p in paths), default=1)
    while depth > 1 and len({p[:depth] for p in paths}) > limit:
        depth -= 1
    members: dict[tuple[str, ...], list[int]] = {}
    for i, path in enumerate(paths):
        members.setdefault(path[:depth], []).append(i)
    ranked = sorted(members.items(), key=lambda item: (-len(item[1]), item[0]))
    others: list[int] = []
    if len(ranked) > limit:
        others = sorted(i for _, ids in ranked[limit - 1 :] for i in ids)
        ranked = ranked[: limit - 1]
    labels = _labels([path for path, _ in ranked])
    groups = [MacroGroup(label, tuple(ids)) for label, (_, ids) in zip(labels, ranked, strict=True)]
    if others:
        groups.append(MacroGroup("others", tuple(others)))
    return groups


def _labels(paths: Sequence[tuple[str, ...]]) -> list[str]:
    """Name each path by what tells it from the others: shared first and last levels are left out."""
    head = tail = 0
    if len(paths) > 1:
        shortest = min(len(p) for p in paths)
        while head < shortest - 1 and len({p[head] for p in paths}) == 1:
            head += 1
        while tail < shortest - 1 - head and len({p[len(p) - 1 - tail] for p in paths}) == 1:
            tail += 1
    labels = []
    for path in paths:
        text = "/".join(path[head : len(path) - tail])
        text = re.sub(r"[_.]?\*[_.]?", lambda m: "." if m.group().endswith(".") else "_", text)
        text = re.sub(r"_+(?=/|$)|(?<=/)_+", "", text).strip("_.") or "/".join(path) or "macros"
        labels.append(text if len(text) <= _MAX_LABEL else "…" + text[-_MAX_LABEL + 1 :])
    return labels
