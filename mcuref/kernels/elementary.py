"""exp, log and round-to-even for float32 out of + - * / and bit operations: the same bits on every core.

No C library is asked: newlib, glibc and the prebuilt Cortex-M4F library disagree in the last bit. The polynomials are
those of the Cephes library (S. L. Moshier, expf.c and logf.c, single precision).
"""

import numpy as np

from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.jit import kernel
from mcuref.kernels.vectors import F32, I32

MAGNITUDE = np.int32(0x7FFFFFFF)  # all bits of a float32 but the sign
ROUNDING = np.float32(12582912.0)  # 1.5 * 2^23: adding it leaves no bits for a fraction


def from_bits(bits: np.int32) -> np.float32:
    """float32 with the bits of an int32."""
    return np.int32(bits).view(np.float32)


def to_bits(value: np.float32) -> np.int32:
    """int32 with the bits of a float32."""
    return np.float32(value).view(np.int32)


in_llvm(from_bits)(lambda builder, bits: builder.bitcast(bits, F32))
in_llvm(to_bits)(lambda builder, value: builder.bitcast(value, I32))


@kernel
def rint_f32(x: np.float32) -> np.float32:
    """x rounded to the nearest integer, ties to even, float32; |x| < 2^22."""
    return (x + ROUNDING) - ROUNDING


@kernel
def exp_f32(x: np.float32) -> np.float32:
    """e^x, float32, within 1 unit in the last place; 0 below -87.33654, infinity above 88.72283."""
    if x != x:  # NaN has no integer part to convert
        return x
    if x > np.float32(88.72283):
        return np.float32(np.inf)
    if x < np.float32(-87.33654):
        return np.float32(0)
    t = x * np.float32(1.44269504)
    k = np.int32(t + np.float32(0.5)) if t >= np.float32(0) else np.int32(t - np.float32(0.5))
    kf = np.float32(k)
    r = (x - kf * np.float32(0.693359375)) - kf * np.float32(-2.12194440e-4)
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    p = p * (r * r) + r
    p = p + np.float32(1)
    # 2^k in two factors: k reaches 128, one more than a float32 exponent holds
    half = k >> 1
    return p * from_bits(np.int32((half + 127) << 23)) * from_bits(np.int32((k - half + 127) << 23))


@kernel
def log_f32(x: np.float32) -> np.float32:
    """Natural logarithm, float32, of a finite normal x > 0; NaN of NaN."""
    if x != x:  # its bits are no number to take apart
        return x
    bits = to_bits(x)
    e = np.int32((bits >> 23) - 126)
    m = from_bits(np.int32((bits & 0x007FFFFF) | 0x3F000000))  # 0.5 <= m < 1
    if m < np.float32(0.707106781):
        e = np.int32(e - 1)
        m = m + m
    m = m - np.float32(1)
    z = m * m
    p = np.float32(7.0376836292e-2)
    p = p * m + np.float32(-1.1514610310e-1)
    p = p * m + np.float32(1.1676998740e-1)
    p = p * m + np.float32(-1.2420140846e-1)
    p = p * m + np.float32(1.4249322787e-1)
    p = p * m + np.float32(-1.6668057665e-1)
    p = p * m + np.float32(2.0000714765e-1)
    p = p * m + np.float32(-2.4999993993e-1)
    p = p * m + np.float32(3.3333331174e-1)
    y = (m * z) * p
    ef = np.float32(e)
    y = y + ef * np.float32(-2.12194440e-4)
    y = y - np.float32(0.5) * z
    return (m + y) + ef * np.float32(0.693359375)
