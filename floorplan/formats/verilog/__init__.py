"""Structural Verilog over the cells of LEF libraries."""
