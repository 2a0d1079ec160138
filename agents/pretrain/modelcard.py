"""The model card of a pre-trained policy: data, time, how good it is where it was not trained, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.ppo.policyfile import PolicyCard
from agents.pretrain.folder import NetlistRow
from floorplan.files import atomic_write_text

__all__ = ["write_model_card"]

FILE = "MODEL_CARD.md"

LIMITS = """It places hard macros one by one on cell centres, in the orientation they come in; soft macros are left
to the soft placer. It knows what its maps and the netlist's graph say: nothing of timing, power grids or
design rules. Where macros fill most of the canvas a rollout may come to a dead end. One cell chosen
otherwise moves a rollout by about one per cent, so differences below that mean nothing without more
rollouts or views."""


def write_model_card(
    folder: Path, card: PolicyCard, netlists: Mapping[str, NetlistRow], metrics: Sequence[Mapping[str, Any]]
) -> None:
    """Write `MODEL_CARD.md` beside a policy.

    Args:
        folder: of the policy.
        card: of the policy.
        netlists: those that the run met, by name.
        metrics: rows of the run.
    """
    about = card.pretraining
    if about is None:
        return
    hashes = set(card.netlists)
    trained = [r for r in netlists.values() if r.role == "train" and r.hash in hashes]
    held = [r for r in netlists.values() if r.role == "held_out"]
    graded = [r for r in metrics if r.get("held_out") is not None]
    score = "none" if about.held_out_score is None else f"{about.held_out_score:.4f}"
    lines = [
        "# Model card",
        "",
        f"A policy for the construct game, network `{card.network.kind}`, format {card.format}. Weights and this",
        "card's figures are in `policy.safetensors`; nothing in it is pickled.",
        "",
        "| | |",
        "|-|-|",
        f"| learned by | {about.method}, seed {about.seed} |",
        f"| steps | {about.updates} rounds, {card.episodes} episodes |",
        f"| time | {about.seconds / 3600:.2f} hours on {about.machine} |",
        f"| held-out score | {score}: cost of one rollout over that of a greedy placement, geometric mean |",
        f"| licence | {about.licence} |",
        "",
        "## Trained on",
        "",
        *_table(trained),
        "",
        "## Held out, to choose by",
        "",
        *_table(held),
        "",
        "## Course",
        "",
        "| seconds | episodes | held-out score |",
        "|-|-|-|",
        *(f"| {r['seconds']:.0f} | {r['episodes']} | {r['held_out']:.4f} |" for r in graded),
        "",
        "## Limits",
        "",
        LIMITS,
        "",
    ]
    atomic_write_text(folder / FILE, "\n".join(lines))


def _table(rows: Sequence[NetlistRow]) -> list[str]:
    out = ["| netlist | content hash | macros | grid | greedy proxy |", "|-|-|-|-|-|"]
    for r in rows:
        cost = "none" if r.reference is None else f"{r.reference:.4f}"
        out.append(f"| {r.name} | `{r.hash}` | {r.macros} | {r.columns} x {r.rows} | {cost} |")
    return out
