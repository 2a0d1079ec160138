"""The measured 33-minute coding session as a generator: a main agent that snowballs, is compacted, and delegates.

Source: NVIDIA, agentic inference blog (2026), figure 4 and text: 33 minutes, 58 main-agent turns, 225 sub-agent
requests, 283 in all; the main context grows from 15K to 156K in 40 turns (about 85K on average, about 3.5 million
tokens), is compacted to about 20K, and about another million follow. The figure's raw points are not published: the
straight ramp, the lengths of answers and the sub-agents' shapes are assumptions, written out in `CodingSession`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from floorplan.accelerator.workloads.trace import MAIN_AGENT, Workload, WorkloadError

__all__ = ["CodingSession", "coding_session"]

_SOURCE = "NVIDIA agentic inference blog (2026), figure 4: totals measured; ramp, answers, sub-agents' contexts assumed"


@dataclass(frozen=True)
class CodingSession:
    """Parameters of the session; the defaults are the measured totals, `assumed` ones are marked.

    Attributes:
        minutes: length of the session.
        main_turns: requests of the main agent.
        ramp_turns: main turns before the compaction.
        first_context: input of the first main turn.
        peak_context: input of the last turn before the compaction.
        compacted_context: input of the first turn after it.
        subagent_requests: requests of all sub-agents together.
        subagents: how many sub-agents share them (assumed).
        subagent_first_context: input of a sub-agent's first request: its own prompt and tools (assumed).
        subagent_growth: new tokens of each later request of a sub-agent (assumed).
        output_low: shortest answer (assumed).
        output_high: longest answer (assumed).
    """

    minutes: float = 33.0
    main_turns: int = 58
    ramp_turns: int = 40
    first_context: int = 15_000
    peak_context: int = 156_000
    compacted_context: int = 20_000
    subagent_requests: int = 225
    subagents: int = 15
    subagent_first_context: int = 8_000
    subagent_growth: int = 2_000
    output_low: int = 300
    output_high: int = 800

    def __post_init__(self) -> None:
        if not 2 <= self.ramp_turns <= self.main_turns:
            raise WorkloadError(f"{self.ramp_turns} turns before a compaction of {self.main_turns} main turns")
        if not 0 < self.compacted_context <= self.peak_context or not 0 < self.first_context <= self.peak_context:
            raise WorkloadError("a session's contexts are positive and none exceeds its peak")
        if self.subagent_requests < 0 or (self.subagent_requests and self.subagents < 1):
            raise WorkloadError(f"{self.subagent_requests} requests of {self.subagents} sub-agents")
        if not 0 < self.output_low <= self.output_high:
            raise WorkloadError(f"answers of {self.output_low} to {self.output_high} tokens")
        if self.growth <= self.output_high or (self.subagent_requests and self.subagent_growth <= self.output_high):
            raise WorkloadError("an answer belongs to the next turn's input, so it is shorter than a turn's growth")
        if self.minutes <= 0 or self.subagent_first_context < 1:
            raise WorkloadError("a session takes time and a sub-agent has a prompt")

    @property
    def growth(self) -> int:
        """New tokens of a main turn: the straight ramp's step, 3.6K."""
        return round((self.peak_context - self.first_context) / (self.ramp_turns - 1))


def coding_session(seed: int = 1, session: CodingSession | None = None) -> Workload:
    """Return the session's requests; equal arguments give equal arrays.

    What the model wrote in one turn is input of the next and counts as new there. A compaction starts a fresh context:
    its first request finds nothing in the cache. Sub-agents run between main turns, each with a context of its own.

    Args:
        seed: of the lengths of answers and of where sub-agents run; requests and contexts do not depend on it.
        session: what is asked for; None = the measured one.
    """
    s = session or CodingSession()
    rng = np.random.default_rng(seed)
    main_in, main_prefix = _main_contexts(s)
    sub_in, sub_prefix, sub_agent = _sub_contexts(s)
    # a sub-agent's requests stay together and in order, behind the main turn that spawned it
    turn_of = np.sort(rng.integers(1, s.main_turns, size=max(1, s.subagents))) if s.main_turns > 1 else np.zeros(1, int)
    sub_turn = turn_of[sub_agent - 1] if len(sub_agent) else sub_agent
    order = np.lexsort(
        (
            np.concatenate([np.zeros(len(main_in), np.int64), sub_agent]),
            np.concatenate([np.arange(len(main_in)), sub_turn]),
        )
    )
    total = np.concatenate([main_in, sub_in])[order]
    prefix = np.concatenate([main_prefix, sub_prefix])[order]
    agent = np.concatenate([np.full(len(main_in), MAIN_AGENT, np.int64), sub_agent])[order]
    output = rng.integers(s.output_low, s.output_high + 1, size=len(total), dtype=np.int64)
    return Workload(
        name="coding",
        about=f"{s.minutes:g}-minute coding session of an agent with sub-agents and one compaction",
        source=_SOURCE,
        new_tokens=total - prefix,
        prefix_tokens=prefix,
        output_tokens=output,
        agent=agent,
        duration_s=60.0 * s.minutes,
        measured=True,
    )


def _main_contexts(s: CodingSession) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...]:
    ramp = np.rint(np.linspace(s.first_context, s.peak_context, s.ramp_turns)).astype(np.int64)
    after = s.compacted_context + s.growth * np.arange(s.main_turns - s.ramp_turns, dtype=np.int64)
    prefix = np.concatenate([[0], ramp[:-1], [0] * min(1, len(after)), after[:-1]]).astype(np.int64)
    return np.concatenate([ramp, after]), prefix


def _sub_contexts(s: CodingSession) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...]:
    agent = np.sort(np.arange(s.subagent_requests, dtype=np.int64) % max(1, s.subagents)) + 1
    first = np.searchsorted(agent, agent, side="left")
    nth = np.arange(s.subagent_requests, dtype=np.int64) - first
    total = s.subagent_first_context + s.subagent_growth * nth
    prefix = np.where(nth > 0, total - s.subagent_growth, 0).astype(np.int64)
    return total, prefix, agent
