"""Floorplan's own JSON: everything a design has, to the bit."""
