"""LEF and DEF 5.3 to 5.8."""
