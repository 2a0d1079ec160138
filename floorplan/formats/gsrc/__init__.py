"""GSRC and MCNC blocks, and YAL."""
