"""Training one policy on many netlists."""
