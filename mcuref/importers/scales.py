"""What the integers of a file's tensors stand for, checked: as TensorFlow Lite's int8 specification has it."""

import numpy as np
from numpy.typing import NDArray

from mcuref.importers.graph import Operation, Tensor
from mcuref.quantization.scales import Scale

SMALLEST = float(np.finfo(np.float32).tiny)
LARGEST = float(np.finfo(np.float32).max) / 512  # with which what every int8 value stands for is finite
BIAS = 0.02  # of a step of the output that a bias may be off by its scale: what TensorFlow Lite allows
LARGEST_SHIFT = 30  # of a multiplier, to the left: TensorFlow Lite's requantisation has no larger one
ADD_SHIFT = 20  # bits that both sides of a sum are shifted to the left
TANH = Scale(1 / 128, 0)
LOGISTIC = SOFTMAX = Scale(1 / 256, -128)


def scale_of(operation: Operation, tensor: Tensor) -> Scale:
    """The one scale of an int8 tensor that is computed."""
    if len(tensor.scales) != 1:
        raise operation.wrong(f"{_has(tensor)} {len(tensor.scales):,} scales; what is computed needs one")
    _check_positive(operation, tensor)
    return Scale(float(tensor.scales[0]), _int8(operation, tensor, tensor.zeros[0]))


def scales_of_weights(operation: Operation, tensor: Tensor, axis: int) -> NDArray[np.float32]:
    """The scales of int8 weights: float32[1], or one an output, which are counted along ``axis``."""
    outputs = tensor.shape[axis]
    if len(tensor.scales) not in (1, outputs) or (len(tensor.scales) > 1 and tensor.axis != axis):
        has = f"{_has(tensor)} {len(tensor.scales):,} scales along axis {tensor.axis}"
        raise operation.wrong(f"{has}; weights need one, or {outputs:,} along axis {axis}")
    _check_positive(operation, tensor)
    if tensor.zeros.any():
        raise operation.wrong(f"{_has(tensor)} zero points that are not 0; those of weights must be")
    return np.array(tensor.scales)


def check_sums(operation: Operation, x: Scale, weights: NDArray[np.float32], bias: Tensor | None, y: Scale) -> None:
    """InputError unless sums in steps of x.scale weights can be requantised to y, and the bias is in those steps."""
    steps = np.float64(x.scale) * weights.astype(np.float64)
    if steps.max() / y.scale >= 2.0**LARGEST_SHIFT:
        raise operation.wrong(
            f"has sums in steps of {steps.max():g} and outputs in steps of {y.scale:g}: these are too fine"
        )
    if bias is None or not len(bias.scales):
        return
    if len(bias.scales) not in (1, len(weights)) or bias.zeros.any():
        raise operation.wrong(f"{_has(bias)} {len(bias.scales):,} scales, or zero points that are not 0; it is a bias")
    _check_positive(operation, bias)
    off = np.abs(steps - bias.scales.astype(np.float64)) / y.scale
    if off.max() > BIAS:
        worst = int(off.argmax())
        needs = f"scale {bias.scales[min(worst, len(bias.scales) - 1)]:g}; it must be the input's times the weights'"
        raise operation.wrong(f"{_has(bias)} {needs}, {steps[min(worst, len(steps) - 1)]:g}")


def check_added(operation: Operation, a: Scale, b: Scale, y: Scale) -> None:
    """InputError unless a sum of a and b can be requantised to y: the reference kernel stops where it cannot."""
    largest = 2 * max(a.scale, b.scale)
    if largest / (y.scale * 2.0**ADD_SHIFT) >= 1:
        raise operation.wrong(f"adds steps of {largest / 2:g} to outputs in steps of {y.scale:g}: these are too fine")


def check_softmax(operation: Operation, beta: float, x: Scale) -> None:
    """InputError unless differences can be scaled as the reference kernel does, which stops where they cannot."""
    if not 2.0**-26 < beta * x.scale < 2.0**LARGEST_SHIFT:
        raise operation.wrong(f"has beta {beta:g} and inputs in steps of {x.scale:g}; their product is too small or large")


def check_scale(operation: Operation, tensor: Tensor, needed: Scale, why: str) -> None:
    """InputError unless a tensor has a certain scale."""
    found = scale_of(operation, tensor)
    if (np.float32(found.scale), found.zero) != (np.float32(needed.scale), needed.zero):
        has = f"{_has(tensor)} scale {found.scale:.9g} and zero point {found.zero}"
        raise operation.wrong(f"{has}; {why} needs {needed.scale:.9g} and {needed.zero}")


def _has(tensor):
    return f"has tensor {tensor.index} with"


def _check_positive(operation, tensor):
    if not ((tensor.scales >= SMALLEST) & (tensor.scales <= LARGEST)).all():  # NaN is neither
        raise operation.wrong(f"{_has(tensor)} a scale that is no positive number of normal size")


def _int8(operation, tensor, zero):
    if not -128 <= zero <= 127:
        raise operation.wrong(f"{_has(tensor)} zero point {zero}; it must be -128 to 127")
    return int(zero)
