"""What arrays and indices are called in the type hints of kernels. Arrays are C-contiguous; docstrings say their shapes."""

import numpy as np
from numpy.typing import NDArray

Index = int | np.int64  # an index into an array, or a count; the kernels compute with them in 64 bits
Integer = int | np.int8 | np.int32 | np.int64  # a number that is computed with in 64 bits

Float32s = NDArray[np.float32]
Int8s = NDArray[np.int8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Uint8s = NDArray[np.uint8]
Uint32s = NDArray[np.uint32]
Samples = NDArray[np.uint8] | NDArray[np.int8] | NDArray[np.int16] | NDArray[np.float32]  # of the input's type
Int8Samples = NDArray[np.uint8] | NDArray[np.int8] | NDArray[np.int16]  # of the input's type, to become int8
Indices = NDArray[np.uint16] | NDArray[np.uint32]  # of the kept entries of an error, ascending
