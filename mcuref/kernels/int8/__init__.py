"""Kernels of int8 programs: a file a kind of layer, integers alone."""
