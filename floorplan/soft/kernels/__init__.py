"""Compiled inner loops of the soft-macro placers."""
