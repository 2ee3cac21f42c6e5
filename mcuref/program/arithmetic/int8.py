"""int8: values and weights are int8, biases int32, every factor an integer with a shift.

What the values stand for is the network's (:class:`mcuref.quantization.scales.Quantization`); from that follow the integers
that an operator takes beside its operands. They lie in flash where there is one a channel, else in the row itself. Of a
program that trains, exponents stand in :mod:`mcuref.program.arithmetic.int8_exponents`, the way back in
:mod:`mcuref.program.arithmetic.int8_training`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mcuref.arguments import one_of
from mcuref.errors import InputError
from mcuref.operators import int8, master
from mcuref.operators.operator import Operator
from mcuref.program.arithmetic import int8_exponents, int8_training
from mcuref.quantization.loading import loading
from mcuref.quantization.multipliers import divided, ends, of_addition, of_rescaling, of_sums, quantised
from mcuref.quantization.scales import Scale
from mcuref.quantization.tables import exponentials, sigmoid, tanh

UPDATES = ("residual", "residual16", "stochastic", "truncated", "master")
SCALES = ("running", "static")
TYPES = {  # of the buffers of a category
    **dict.fromkeys(("sums", "gradients", "optimiser state", "rule state"), "int32")
}


OPERATORS = {
    name: {operator.family: operator for operator in operators}
    for name, operators in (("int8", int8.OPERATORS), ("master", master.OPERATORS))
}


@dataclass(frozen=True)
class Int8:
    """The arithmetic of int8 programs, see :class:`mcuref.program.arithmetic.Arithmetic`, and how they train.

    Parameters
    ----------
    update : how a weight takes a change that is no whole number of its steps. "residual": 8 bits beside each trained weight
        keep what is left, to the nearest; "residual16": 16 bits; "stochastic": nothing is kept, it is rounded up or down at
        random, with the right mean; "truncated": nothing is kept, the new weight is truncated toward 0, as TinyEngine's
        kernels do; "master": a float32 master beside each trained weight, which the weight is the nearest int8 to, as most
        simulators do: for comparisons, it takes an FPU or floating-point emulation and 4 bytes more a weight.
    scales : "running": the scales of activations that training changes follow what is seen, by powers of two; "static":
        they stay as they are.
    """

    update: str = "residual"
    scales: str = "running"

    name = "int8"
    masks = in_place = False
    rate = loss = target = "int32"
    executor: str = field(init=False, repr=False, compare=False)
    _operators: dict[str, Operator] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        one_of("update", self.update, UPDATES)
        one_of("scales", self.scales, SCALES)
        own = "master" if self.update == "master" else "int8"
        object.__setattr__(self, "executor", f"mcuref.program.executor_{own}")
        object.__setattr__(self, "_operators", OPERATORS[own])

    def of_layer(self, network: Any, index: int) -> Any:
        """Itself."""
        return self

    def taken(self, emit: Any, source: int, out: Any) -> Any:
        """The output itself."""
        return out

    def type(self, category: str) -> str:
        """int32 for sums and state, int8 for all else."""
        return TYPES.get(category, self.name)

    def tensors(
        self, kind: str, shape: tuple[int, ...], axes: tuple[str, ...]
    ) -> Mapping[str, tuple[str, tuple[int, ...], tuple[str, ...]]]:
        """The parameter itself: weights int8, biases int32."""
        return {kind: ("int32" if kind == "bias" else self.name, shape, axes)}

    def instruction(self, emit: Any, family: str, values: Mapping[str, Any]) -> tuple[Operator, Mapping[str, Any]]:
        """The operator of a family, with the integers that it takes; InputError if there is none."""
        if family.startswith("load_"):
            family, added = _loaded(emit, values)
            given = {name: value for name, value in values.items() if name in ("x", "n", "c")}
        elif family in ADDED:
            given, added = values, ADDED[family](emit)
        elif family in int8_training.FAMILIES:
            family, given, added = int8_training.FAMILIES[family](emit, family, values)
        else:
            raise InputError(f"there is no operator {family!r} for {self.name}")
        operator = self._operators[family]
        given = {name: given[name] for name in given if name in (*operator.operands, *operator.dimensions)}
        return operator, given | added

    def computed(self, emit: Any, out: Any) -> None:
        """Where training changes the output: a row that looks at how far it reaches."""
        int8_exponents.measure(emit, out)

    def waiting(self, emit: Any, error: Any) -> Any:
        """The error as int8, a quarter of the bytes of sums."""
        return int8_training.narrowed(emit, error)

    def finish(self, emit: Any) -> None:
        """A row for each exponent, by which it follows what was seen."""
        int8_exponents.adapt(emit)

    def rates(self, rates: np.ndarray, first: float) -> np.ndarray:
        """int32[S]: m + 512 s for a rate of m 2^(-8 - s) times the first, m from 129 to 256."""
        return int8_training.encoded_rates(rates, first)

    def losses(self, network: Any, loss: str, values: np.ndarray) -> np.ndarray:
        """-log of probabilities with 30 bits behind the point; or sums of squares in real values, over their number."""
        return int8_training.real_losses(network, loss, values)

    def trained(self, network: Any, trainable: tuple[int, ...], loss: str, tensors: Mapping[str, np.ndarray]) -> Any:
        """The network with its parameters, its scales multiplied by 2^exponent."""
        return int8_exponents.trained(network, trainable, loss, tensors)

    def start(self, parameters: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """The parameters themselves, and masters of weights, which begin as these."""
        return {**parameters, **int8_training.masters(parameters)} if self.update == "master" else parameters


def _scales(emit: Any) -> tuple[Scale, Scale]:
    """Scales of the input, the first of two, and of the output of the layer at hand."""
    network, outputs = emit.network, emit.network.quantization.outputs
    return outputs[network.sources[emit.index][0]], outputs[emit.index]


def _limits(emit: Any) -> dict[str, int]:
    """What the output of the layer at hand is clamped to: the limits of a ReLU whose work it does, else those of int8."""
    network, limit = emit.network, getattr(emit.network.layers[emit.index], "limit", None)
    for i in network.quantization.fused:
        if network.sources[i] == (emit.index,):
            limit = network.layers[i].limit
    low, high = ends(network.quantization.outputs[emit.index], limit)
    return {"low": low, "high": high}


def _sums(emit: Any) -> dict[str, Any]:
    """Of dense layers and convolutions: sums scaled by (scale of the input) (scale of the weights) / scale of the output."""
    (scale, x_zero), (out, z_zero) = _scales(emit)
    multiplier, shift = of_sums(scale, emit.network.quantization.weights[emit.name], out)
    added = {"x_zero": x_zero, "z_zero": z_zero, **_limits(emit), **int8_exponents.operands(emit, "x", "z")}
    if emit.network.layers[emit.index].kind == "dense":
        added["M"] = multiplier.size
    return added | {"multiplier": multiplier, "shift": shift}


def _rescaled(emit: Any) -> dict[str, int]:
    """Of a ReLU that is an instruction: x scaled by (scale of the input) / (scale of the output)."""
    (scale, x_zero), (out, y_zero) = _scales(emit)
    multiplier, shift = of_rescaling(scale, out)
    own = {"x_zero": x_zero, "y_zero": y_zero, "multiplier": multiplier, "shift": shift, **_limits(emit)}
    return own | int8_exponents.operands(emit, "x", "y")


def _mean(emit: Any) -> dict[str, int]:
    """Of a mean over all positions: sums scaled likewise, with the number of positions in the multiplier."""
    (scale, x_zero), (out, y_zero) = _scales(emit)
    height, width = emit.input_shape[:2]
    multiplier, shift = divided(*quantised(float(scale) / float(out)), height * width)
    exponents = int8_exponents.operands(emit, "x", "y")
    slots = np.array([exponents.pop("x_slot"), exponents.pop("y_slot")], np.int8)
    own = {"x_zero": x_zero, "y_zero": y_zero, "multiplier": multiplier, "shift": shift, **_limits(emit)}
    return own | exponents | ({"slots": slots} if slots.any() else {})


def _added(emit: Any) -> dict[str, int]:
    """Of a sum of two: each scaled to twice the larger scale, 20 bits further left; then the sum to that of the output."""
    network, outputs = emit.network, emit.network.quantization.outputs
    a, b = (outputs[i] for i in network.sources[emit.index])
    out, found = outputs[emit.index], _limits(emit)
    factors = of_addition(a.scale, b.scale, out.scale)
    for name, zero, (multiplier, shift) in zip("aby", (a.zero, b.zero, out.zero), factors):
        found |= {f"{name}_zero": zero, f"{name}_multiplier": multiplier, f"{name}_shift": shift}
    return found | int8_exponents.operands(emit, "a", "b", "y")


def _table(make: Any) -> Any:
    return lambda emit: {"table": make(*_scales(emit))}


def _softmax(emit: Any) -> dict[str, Any]:
    return {"table": exponentials(_scales(emit)[0].scale, emit.network.layers[emit.index].beta)}


def _loaded(emit: Any, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The family of the load, and what it takes: float32 samples, and those in the input's own scale, come as they are."""
    layer, (scale, zero) = emit.network.layers[0], emit.network.quantization.outputs[0]
    if layer.dtype == "float32":
        return "load_quantised", {}
    multiplier, offset, shift = loading(layer.mean, layer.scale, Scale(scale, zero))
    unchanged = (multiplier == 1 << shift.astype(np.int32)).all() and (offset == (1 << shift.astype(np.int32)) // 2).all()
    if layer.dtype == "int8" and unchanged:
        return "load_quantised", {}
    return f"load_{layer.dtype}", {"multiplier": multiplier, "offset": offset, "shift": shift}


ADDED = {
    "dense_forward": _sums,
    "conv_forward": _sums,
    "depthwise_forward": _sums,
    "relu_forward": _rescaled,
    "max_pool_forward": _limits,
    "average_pool_forward": _limits,
    "mean_forward": _mean,
    "add_forward": _added,
    "tanh_forward": _table(tanh),
    "sigmoid_forward": _table(sigmoid),
    "softmax_forward": _softmax,
}

INT8 = Int8()
