"""Compiled loops of the viewer."""
