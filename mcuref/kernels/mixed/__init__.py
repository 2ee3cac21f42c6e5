"""Kernels between int8 and float32: a boundary from one to the other, weights with a float32 master."""
