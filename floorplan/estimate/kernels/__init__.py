"""Compiled kernels of the estimator: arrays in, arrays out."""
