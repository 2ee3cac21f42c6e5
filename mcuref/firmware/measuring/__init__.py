"""Measures what firmware takes: code and stack, and instructions, to which the formulas of :mod:`mcuref.cost` are fitted."""
