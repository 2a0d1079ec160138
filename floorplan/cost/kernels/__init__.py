"""Compiled cost kernels: arrays in, arrays out, scratch passed in; `floorplan.cost.reference` is their slow twin."""
