"""Compiled inner loops of the analytic agent."""
