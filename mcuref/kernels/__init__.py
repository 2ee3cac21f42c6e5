"""The arithmetic, a file per operator: forward and backward side by side, and the order of every sum in its docstring.

Flat, contiguous, typed views in; results into buffers that the caller owns, outputs first; no allocation. Kernels
trust their arguments: public functions validate. Importing this package loads nothing; importing an operator's module
loads Numba, except :mod:`mcuref.kernels.random`, :mod:`mcuref.kernels.geometry` and :mod:`mcuref.kernels.arrays`, which
are NumPy alone.
"""
