"""Compiled inner loops of the legaliser."""
