"""Compiled kernels of the construct environment: arrays in, arrays out; one episode each, `batch` runs many."""
