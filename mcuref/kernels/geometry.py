"""The columns of a geometry, as kernels take it: int32[12], :class:`mcuref.operators.geometry.Geometry` in its order.

H, W, C of the input, Ho, Wo, O of the output, kh, kw of the window, then the strides sh, sw and the padding above and to
the left. Output (oy, ox) sees the patch [kh, kw, C] of the input that begins at row oy sh - top, column ox sw - left; what
lies outside the input counts as 0. Activations are [H, W, C], flat. A signal [T, C] is an image of height 1.
"""

from mcuref.operators.geometry import Geometry

H, W, C, HO, WO, O, KH, KW, SH, SW, TOP, LEFT = range(len(Geometry._fields))
