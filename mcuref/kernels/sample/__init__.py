"""Kernels of a first layer that reads the sample where it lies, float32: values are normalised as they are read."""
