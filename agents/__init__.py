"""Agents: whatever turns a problem into a placement within a budget."""
