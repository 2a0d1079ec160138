"""Compiled inner loops of the reality checks."""
