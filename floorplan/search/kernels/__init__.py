"""Compiled search loops over the incremental cost."""
