"""What goes to other tools: Tcl, GDS and OASIS, SVG, .flp; read back where that can be done."""
