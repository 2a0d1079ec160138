"""The workloads that ship: a chatbot and three kinds of agents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from floorplan.accelerator.workloads.coding import coding_session
from floorplan.accelerator.workloads.trace import MAIN_AGENT, Workload, WorkloadError
from floorplan.errors import UnknownNameError

__all__ = ["WORKLOADS", "steps", "workload"]

_ASSUMED = "assumption (reference/accelerator.md 1.5; 20-30 interactions a task: arXiv 2601.22001, 2.2.1)"


def steps(
    name: str, about: str, count: int, new_tokens: int, output_tokens: int, *, first_tokens: int = 0, source: str
) -> Workload:
    """Return a session of `count` steps whose context snowballs: every step's input holds all that came before.

    Args:
        name: of the workload.
        about: one sentence.
        count: requests.
        new_tokens: what the environment adds at each step (a page, a screenshot).
        output_tokens: what the model writes at each step; it is new input of the next.
        first_tokens: prompt and tool definitions that only the first step brings.
        source: where the numbers come from.
    """
    if min(count, new_tokens, output_tokens) < 1 or first_tokens < 0:
        raise WorkloadError(f"workload {name}: {count} steps of {new_tokens} tokens in and {output_tokens} out")
    nth = np.arange(count, dtype=np.int64)
    total = first_tokens + new_tokens * (nth + 1) + output_tokens * nth
    prefix = np.concatenate([[0], total[:-1]]).astype(np.int64)
    return Workload(
        name=name,
        about=about,
        source=source,
        new_tokens=total - prefix,
        prefix_tokens=prefix,
        output_tokens=np.full(count, output_tokens, np.int64),
        agent=np.full(count, MAIN_AGENT, np.int64),
    )


def _chatbot(seed: int) -> Workload:
    del seed
    return steps("chatbot", "one question to a chatbot: 2K tokens in, 300 out", 1, 2_000, 300, source=_ASSUMED)


def _web_use(seed: int) -> Workload:
    del seed
    about = "web-use agent: 25 steps, each a page of 6K tokens, 200 tokens out"
    return steps("web-use", about, 25, 6_000, 200, source=_ASSUMED)


def _computer_use(seed: int) -> Workload:
    del seed
    about = "computer-use agent: 25 steps, each a screenshot of 2.5K tokens, 150 tokens out"
    return steps("computer-use", about, 25, 2_500, 150, source=_ASSUMED)


WORKLOADS: Mapping[str, Callable[[int], Workload]] = MappingProxyType(
    {"chatbot": _chatbot, "coding": coding_session, "web-use": _web_use, "computer-use": _computer_use}
)
"""Generators by name; each takes a seed, which only `coding` uses."""


def workload(name: str, seed: int = 1) -> Workload:
    """Return the workload called `name`.

    Raises:
        UnknownNameError: there is none of this name.
    """
    if name not in WORKLOADS:
        raise UnknownNameError("workload", name, list(WORKLOADS))
    return WORKLOADS[name](seed)
