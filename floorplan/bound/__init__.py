"""Certified lower bounds: what no legal placement of a problem can cost less than."""

from floorplan.bound.certificate import LowerBound, lower_bound

__all__ = ["LowerBound", "lower_bound"]
