"""Write docs/constants.md from the tables of `floorplan.estimate`: `python docs/write_constants.py`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from floorplan.estimate import Constant
    from floorplan.estimate.technology import Layer

PAGE = Path(__file__).resolve().parent / "constants.md"

_INTRO = """\
# The estimator's constants

Every number that goes into [an estimate](estimate.md) and is not computed from the design, with its source. {count} in
all, {unchecked} of them `unchecked`: assumed, or recalled and not compared with the source that is named. *Spread* is
the one-sigma factor of a lognormal distribution around the value; the error bars of an estimate are 5 and 95 % of
draws from these. `-` is not varied.

What the estimator leaves out altogether is listed under [what it does not know](estimate.md#what-it-does-not-know).
This page is written by `docs/write_constants.py`.
"""


def page() -> str:
    """Return the page in Markdown."""
    from floorplan.estimate.technology import NODES, node, system_constants

    system = list(system_constants().values())
    nodes = [node(name) for name in NODES]
    every = [*system, *(c for n in nodes for c in (*n.constants.values(), *([n.delay] if n.delay else [])))]
    parts = [_INTRO.format(count=len(every), unchecked=sum(not c.verified for c in every))]
    parts.append("## Of every chip\n\n" + _constants(system))
    for n in sorted(nodes, key=lambda n: -n.feature_nm):
        constants = [*n.constants.values(), *([n.delay] if n.delay else [])]
        layers = _layers(n.layers.values())
        parts.append(
            f"## {n.name}\n\n{n.feature_nm:g} nm. Buses between blocks take layer `{n.bus_layer}`.\n\n"
            f"{layers}\n{_constants(constants)}"
        )
    return "\n".join(parts)


def _constants(constants: Iterable[Constant]) -> str:
    lines = ["| constant | value | unit | spread | source | date |", "|-|-|-|-|-|-|"]
    for c in constants:
        mark = "" if c.verified else " `unchecked`"
        unit = "" if c.unit == "1" else c.unit
        spread = "-" if c.spread == 1.0 else f"{c.spread:g}"
        lines.append(f"| `{c.name}` | {c.value:g} | {unit} | {spread} | {_text(c.source)}{mark} | {c.date} |")
    return "\n".join(lines) + "\n"


def _layers(layers: Iterable[Layer]) -> str:
    lines = ["| layer | ohm/mm | fF/mm | spread | source | date |", "|-|-|-|-|-|-|"]
    for la in layers:
        ohm = f"{la.r_ohm_per_m / 1e3:.4g}" if la.r_ohm_per_m else "-"
        c = f"{la.c_f_per_m / 1e-12:.4g}"
        lines.append(f"| `{la.name}` | {ohm} | {c} | {la.c_spread:g} | {_text(la.source)} | {la.date} |")
    return "\n".join(lines) + "\n"


def _text(source: str) -> str:
    return source.replace("|", "\\|").replace("_", "\\_").replace("*", "\\*")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
