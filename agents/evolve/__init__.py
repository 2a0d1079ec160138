"""Evolutionary search over the preferences of a greedy construction."""

from __future__ import annotations

from agents.evolve.agent import EvolveAgent

__all__ = ["EvolveAgent"]
