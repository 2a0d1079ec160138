"""Something in a design that its maker should look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["ERROR", "MOST_ITEMS", "NOTE", "WARNING", "Item", "Suspicion", "suspicion"]

ERROR, WARNING, NOTE = "error", "warning", "note"
_RANK = {ERROR: 0, WARNING: 1, NOTE: 2}

MOST_ITEMS = 1000
"""Items that a suspicion lists; `count` says how many there are."""


@dataclass(frozen=True)
class Item:
    """One of the things meant: its name (of a net: of its source pin), and how much, in the suspicion's unit."""

    name: str
    value: float


@dataclass(frozen=True)
class Suspicion:
    """What looks wrong.

    Attributes:
        kind: a word that does not change between versions, such as `unconnected_macro`.
        severity: `error` (no legal placement can exist, or figures mean nothing), `warning` (rarely meant so) or
            `note` (often meant so).
        what: one sentence without a final stop, the count in it.
        count: of things meant.
        unit: what the items' values are: `um`, `um2`, `pins`, `nodes`, `nets` or "" for none.
        items: the worst first, at most `MOST_ITEMS`.
    """

    kind: str
    severity: str
    what: str
    count: int
    unit: str
    items: tuple[Item, ...]

    @property
    def rank(self) -> int:
        """0 for errors, 1 for warnings, 2 for notes."""
        return _RANK[self.severity]

    def to_dict(self) -> dict[str, object]:
        """Return all fields as plain values."""
        items = [{"name": i.name, "value": i.value} for i in self.items]
        return {k: getattr(self, k) for k in ("kind", "severity", "what", "count", "unit")} | {"items": items}


def suspicion(
    kind: str, severity: str, what: str, items: Iterable[tuple[str, float]], unit: str = "", count: int | None = None
) -> tuple[Suspicion, ...]:
    """Return one suspicion of these items, the largest value first, or none where there are no items.

    `{n}` in `what` becomes the count and `{s}` a plural's s.
    """
    found = sorted(items, key=lambda item: -item[1])
    n = len(found) if count is None else count
    if not found:
        return ()
    said = what.replace("{n}", f"{n:,}").replace("{s}", "" if n == 1 else "s")
    return (Suspicion(kind, severity, said, n, unit, tuple(Item(k, float(v)) for k, v in found[:MOST_ITEMS])),)
