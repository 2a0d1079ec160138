"""Agents that improve a complete legal placement by exact search: anneal, descent, portfolio."""
