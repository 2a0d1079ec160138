"""Analytic placement: gradient descent on a smooth proxy cost. torch is imported when it places, not before."""

from __future__ import annotations

from agents.analytic.agent import AnalyticAgent

__all__ = ["AnalyticAgent"]
