"""Addition of two activations or errors, float32, n values."""

from mcuref.kernels.arrays import Float32s
from mcuref.kernels.jit import kernel


@kernel
def add_f32(out: Float32s, a: Float32s, b: Float32s) -> None:
    """out[n] = a[n] + b[n]; out may be either."""
    for i in range(out.size):
        out[i] = a[i] + b[i]
