"""Soft macros and the logic nets between them: clusters of standard cells as local as Rent's rule says.

A block of B clusters has about k * B**p terminals, so of the nets that begin in it the share B**(p - 1) leaves it. A
net is therefore drawn a reach B = u**(1 / (p - 1)), u uniform in (0, 1], and finds its sinks in the aligned group of
that many clusters around its source; a reach beyond the block goes to a block next to it in the dataflow.
(B. Landman and R. Russo, On a Pin Versus Block Relationship for Partitions of Logic Graphs, IEEE Trans. Computers
C-20, 1971.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from floorplan.accelerator.seeded import Draws, power_law
from floorplan.errors import ProblemError

__all__ = ["apportion", "logic_nets", "soft_areas_um2"]

FANOUT = power_law(1.2, 20)
"""Sinks of a net, after NanGate45_ariane133 of TILOS MacroPlacement: half its nets have 1, a sixth 2, the most 20."""

WIDTH = power_law(2.5, 48)
"""Bits of a net. There: four fifths have 1, an eighth 2 or 3, the most 54."""


def apportion(total: int, shares: Mapping[str, float], least: int) -> dict[str, int]:
    """Divide `total` among names in proportion to `shares`, each at least `least`, by largest remainder.

    Raises:
        ProblemError: `total` is too small for that.
    """
    spare = total - least * len(shares)
    if spare < 0:
        raise ProblemError(f"{total} soft macros are too few: {len(shares)} blocks take at least {least} each")
    whole = sum(shares.values())
    exact = {name: spare * share / whole for name, share in shares.items()}
    out = {name: least + int(e) for name, e in exact.items()}
    by_remainder = sorted(exact, key=lambda name: int(exact[name]) - exact[name])
    for name in by_remainder[: total - sum(out.values())]:
        out[name] += 1
    return out


def soft_areas_um2(draws: Draws, names: Sequence[str], total_um2: float) -> dict[str, float]:
    """Divide an area among soft macros whose sizes differ by up to a factor of eight."""
    raw = [2.0 ** draws.between(-1.5, 1.5) for _ in names]
    scale = total_um2 / sum(raw)
    return {name: r * scale for name, r in zip(names, raw, strict=True)}


def logic_nets(
    draws: Draws,
    blocks: Mapping[str, Sequence[str]],
    near: Mapping[str, Sequence[str]],
    nets_per_soft: int,
    rent_exponent: float,
) -> list[tuple[str, list[str], int]]:
    """Draw the nets of every cluster: (source, sinks, bits), between 0.5 and 1.5 times `nets_per_soft` a source.

    Args:
        draws: stream to draw from.
        blocks: block -> its clusters, neighbours in the list being closest in the logic.
        near: block -> blocks that it exchanges signals with.
        nets_per_soft: mean number of nets that a cluster drives.
        rent_exponent: p.
    """
    out: list[tuple[str, list[str], int]] = []
    low = (nets_per_soft + 1) // 2
    for block, members in blocks.items():
        for j, source in enumerate(members):
            for _ in range(low + draws.below(2 * (nets_per_soft - low) + 1)):
                reach = (1.0 - draws.unit()) ** (1.0 / (rent_exponent - 1.0))
                pool = _pool(draws, blocks, near[block], members, j, reach)
                sinks = draws.sample([m for m in pool if m != source], draws.ranked(FANOUT))
                out.append((source, sinks, draws.ranked(WIDTH)))
    return out


def _pool(
    draws: Draws,
    blocks: Mapping[str, Sequence[str]],
    near: Sequence[str],
    members: Sequence[str],
    j: int,
    reach: float,
) -> Sequence[str]:
    size = 2
    while size < reach and size < len(members):
        size *= 2
    if size >= reach and len(members) > 1:
        group = members[j // size * size : (j // size + 1) * size]
        return group if len(group) > 1 else members
    return blocks[draws.choice(near)]
