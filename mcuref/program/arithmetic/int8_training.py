"""What int8 programs that train consist of behind the forward pass: which operator a family is, and its integers.

An error has an exponent that changes with the sample, in a buffer of its own, and a unit, a real number that does not: its
values q stand for q 2^E unit. Units never appear in a program; they go into the factors of the updates, by

    change of a weight = rate q 2^E unit (x - zero) scale_x 2^e_x / scale_w          in steps of the weight.
"""

from collections.abc import Callable, Mapping
from math import frexp, inf
from typing import Any, NamedTuple

import numpy as np

from mcuref.errors import InputError
from mcuref.layers.window import is_padded
from mcuref.memory.buffers import Buffer
from mcuref.operators.geometry import Geometry
from mcuref.program.arithmetic import int8_exponents
from mcuref.program.arithmetic.draws import CHANNELS, RANDOM, drawing
from mcuref.quantization.multipliers import ends, of_rescaling
from mcuref.quantization.tables import probabilities

NARROWED = 14  # by which the exponent of a narrowed error is less than the bits shifted; its unit is as much larger
MOST_OUTPUTS = 1 << 16  # of a softmax whose sum of exponentials fits 32 bits
MOST_POSITIONS = ((1 << 31) - 1) // (127 * 255)  # of a convolution whose sums of products do
MOST_TERMS = ((1 << 31) - 1) // (127 * 127 * 128)  # of an error that is propagated
MOST_Q15 = 1 << 30
Q15 = 1 << 15
BITS = {
    "residual": 8,
    "residual16": 16,
    "stochastic": 0,
    "truncated": 0,
    "master": 8,
}  # behind the point, of a weight's steps
Family = Callable[[Any, str, Mapping[str, Any]], tuple[str, Mapping[str, Any], dict[str, Any]]]


class Error(NamedTuple):
    """What the values of an error stand for: the buffer of its exponent, and its unit."""

    exponent: Buffer
    unit: float


def encoded_rates(rates: np.ndarray, first: float) -> np.ndarray:
    """int32[S]: m + 512 s for rates of m 2^(-8 - s) times the first, m from 129 to 256; 0 for what is below 2^-31 of it."""
    fraction, exponent = np.frexp(rates.astype(np.float64) / first)
    m = np.rint(fraction * 256).astype(np.int64)
    shift = np.where(m > 128, 0, 1) - exponent.astype(np.int64)
    m = np.where(m > 128, m, 256)
    return np.where((shift < 0) | (shift > 31), np.where(shift < 0, 256, 0), m + 512 * shift).astype(np.int32)


def real_losses(network: Any, loss: str, values: np.ndarray) -> np.ndarray:
    """Losses of samples, float64[S], of what the host got: see the operators of losses."""
    if loss == "softmax_cross_entropy":
        return -np.log(np.maximum(values, 0.5) / 2.0**30)
    network = network.without_softmax()
    return values.astype(np.float64) * network.quantization.outputs[-1].scale ** 2 / network.outputs


def error_of(emit: Any, buffer: Buffer) -> Error:
    """What an error stands for; InputError for a buffer that is none."""
    if buffer not in emit.notes:
        raise InputError(f"buffer {buffer.name!r} is not an error that int8 operators came to")
    return emit.notes[buffer]


def narrowed(emit: Any, error: Buffer) -> Buffer:
    """An error as int8, that comes as sums: narrowed where it is first taken."""
    if error.dtype == "int8":
        return error
    if ("narrowed", error) not in emit.notes:
        exponent, unit = error_of(emit, error)
        narrow, own = emit.buffer("error", error.shape, "errors"), _exponent(emit)
        emit("narrow", y=narrow, y_exponent=own, x=error, exponent=exponent, n=error.shape[0])
        emit.notes[narrow] = Error(own, unit * 2.0**NARROWED)
        emit.notes["narrowed", error] = narrow
    return emit.notes["narrowed", error]


def _exponent(emit):
    return emit.buffer("error_exponent", (1,), "errors", "int32")


def _as_it_is(emit, family, values):
    return family, values, {}


# -- losses and rules --------------------------------------------------------------------------------------------------


def _loss(emit, family, values):
    """The error at the outputs, with its own exponent."""
    delta, n, out = values["delta"], values["n"], emit.network.quantization.outputs[emit.index]
    if n > MOST_OUTPUTS:
        raise InputError(f"layer {emit.name!r} has {n} outputs; int8 losses take up to {MOST_OUTPUTS}")
    exponent, added = _exponent(emit), {}
    emit.notes[delta] = Error(exponent, 1.0 if family == "softmax_cross_entropy" else 2.0 / n * out.scale)
    if family == "softmax_cross_entropy":
        table = probabilities(out.scale, n)
        added = {"table": table, "t": table.size, "z_slot": int8_exponents.running(emit).get(emit.index, 0)}
        added |= int8_exponents.exponents(emit)
    elif family == "reconstruction":
        scale, zero = emit.network.quantization.outputs[0]
        multiplier, shift = of_rescaling(scale, out.scale)
        added = {"target_zero": zero, "z_zero": out.zero, "multiplier": multiplier, "shift": shift}
    return family, values, added | {"exponent": exponent}


def q15(value: float) -> int:
    """A constant of a rule with 15 bits behind the point; what is beyond 2^15 is that."""
    return min(round(float(value) * Q15), MOST_Q15)


def _decide(emit, family, values):
    error = error_of(emit, values["delta"])
    names = ("d_min", "d_range", "beta", "beta_range", "threshold", "decay")
    return family, values, {"exponent": error.exponent} | {name: q15(values[name]) for name in names}


def _select(emit, family, values):
    """A selection sets what is not kept to 0; a count says how many are left."""
    delta = narrowed(emit, values["delta"])
    if family != "select_full" and _is_shared(emit):
        delta = _copied(emit, delta)
    emit.notes[values["count"]] = delta
    added = {"delta": delta}
    if family == RANDOM:
        return family, values, added | drawing(emit)
    if family != "select_full":
        added["tally"] = emit.buffer("tally", (128,), "scratch", emit.index_type)
    if family == "select_adaptive":
        names = ("s_min", "s_range", "damping", "decay")
        added |= {"exponent": error_of(emit, delta).exponent} | {name: q15(values[name]) for name in names}
    return family, values, added


def _keep_channels(emit, family, values):
    """What trains no weights becomes 0, behind the propagation; a count says how many are left."""
    delta = _selected(emit, values)
    if _is_shared(emit):
        delta = _copied(emit, delta)
    emit.notes[values["count"]] = delta
    return family, values, {"delta": delta, "n": delta.shape[0], **drawing(emit)}


def _is_shared(emit):
    """Whether the error of the layer at hand goes to the other side of a residual block's sum, too, all of it."""
    network, i = emit.network, emit.index
    while True:
        readers = [j for j, sources in enumerate(network.sources) if i in sources]
        if len(readers) != 1:  # none: the loss; two: their sum
            return False
        (i,) = readers
        kind = network.layers[i].kind
        if kind == "add" and all(emit.reached(j) for j in network.sources[i]):
            return True
        if kind not in ("add", "flatten", "reshape"):
            return False


def _copied(emit, error):
    """An error once more, where it is still needed; its own bytes where it is not."""
    own = emit.buffer("own_error", error.shape, "errors")
    emit("relu_masked", dx=own, dy=error, y=error, n=error.shape[0], low=-128, high=128)
    emit.notes[own] = error_of(emit, error)
    return own


def _selected(emit, values):
    """The error of which a selection has left what is trained."""
    return emit.notes.get(values["count"]) or narrowed(emit, values["delta"])


# -- layers with parameters ----------------------------------------------------------------------------------------------


def _propagate(emit, family, values):
    """Sums in the unit of the error times 1/128 of the largest scale of the weights."""
    delta, scales = _selected(emit, values), emit.network.quantization.weights[emit.name].astype(np.float64)
    exponent, unit = error_of(emit, delta)
    terms = values["O"] * values.get("KH", 1) * values.get("KW", 1) // (values["C"] if family.startswith("depthwise") else 1)
    halvings = ((terms - 1) // MOST_TERMS).bit_length()
    halvings += halvings > 7  # beyond which halves are rounded up
    emit.notes[values["dx"]] = Error(exponent, unit * float(scales.max()) / 128 * 2.0**halvings)
    share = np.maximum(1, np.rint(128 * scales / scales.max())).astype(np.uint8)
    return family, values, {"delta": delta, "share": share, "halvings": halvings} | _multipliers(family, scales)


def _multipliers(family, scales):
    return {"M": scales.size} if family.startswith("dense") else {}


def _update(emit, family, values):
    """The change of weights, or of sums of gradients, from the error and what the layer takes."""
    layer = emit.name
    if values["dense_bias"]:
        raise InputError(
            f"layer {layer!r}: bias 'dense' needs the whole error; of an int8 error only what is trained is left"
        )
    if emit.network.parameters[f"{layer}.weights"].min(initial=0) < -127:
        raise InputError(f"layer {layer!r} has weights of -128; those that are trained are -127 to 127, as TFLite has them")
    source = emit.network.sources[emit.index][0]
    added, scales = _steps(emit, values), emit.network.quantization.weights[layer]
    added |= {"x_zero": emit.network.quantization.outputs[source].zero, **_multipliers(family, scales)}
    if not family.startswith("dense"):
        depthwise = family.startswith("depthwise")
        window = (values["KH"], values["KW"]) if depthwise else (values["KH"], values["KW"], values["C"])
        added["sums"] = emit.buffer("weight_sums", window, "scratch", "int32")
    if values["w"].category != "weights":
        return f"{family.removesuffix('_update')}_gradient", values, added | {"a": values["w"], "a_bias": values["b"]}
    return family, values, added | _kept_beside(emit)


def _update_biases(emit, family, values):
    """The change of biases, whose weights are frozen."""
    return family, values, _steps(emit, values) | {"M": emit.network.quantization.weights[emit.name].size}


def _steps(emit, values):
    """By what the error changes the weights and biases of the layer at hand: what any update takes."""
    delta, network, layer = _selected(emit, values), emit.network, emit.name
    positions = delta.shape[0] // values["b"].shape[0]
    if positions > MOST_POSITIONS:
        raise InputError(f"layer {layer!r} has {positions} positions; int8 sums of gradients hold up to {MOST_POSITIONS}")
    exponent, unit = error_of(emit, delta)
    source = network.sources[emit.index][0]
    scale, scales = network.quantization.outputs[source].scale, network.quantization.weights[layer].astype(np.float64)
    bits = BITS[emit.arithmetic.update]
    bias_multiplier, bias_shift = factor(1 / (float(scale) ** 2 * 2.0**bits))
    return {
        "delta": delta,
        "exponent": exponent,
        "rate": _rates(layer, emit.rate * unit * float(scale) * 2.0**bits / scales),
        "x_slot": int8_exponents.running(emit).get(source, 0),
        "bias_multiplier": bias_multiplier,
        "bias_shift": bias_shift,
        **int8_exponents.exponents(emit),
    }


def factor(real: float) -> tuple[int, int]:
    """(f, s) with f 2^-s next to a positive number, f from 128 to 255."""
    fraction, exponent = frexp(real)
    f = round(fraction * 256)
    return (128, 7 - exponent) if f == 256 else (f, 8 - exponent)


def _rates(layer, reals):
    """uint8[2 M]: of each output the factor of its updates, and its shift plus 128."""
    found = [factor(real) for real in reals.tolist()]
    wrong = [shift for _, shift in found if not -128 <= shift <= 127]
    if wrong:
        raise InputError(f"layer {layer!r} would be updated by factors of 2^{-wrong[0]}; int8 holds 2^-127 to 2^128")
    return np.array([(f, shift + 128) for f, shift in found], np.uint8).reshape(-1)


def _kept_beside(emit):
    """What an update keeps beside a weight: its residual or its master, or the number of the draws that round it."""
    update = emit.arithmetic.update
    if update == "stochastic":
        if "draws" not in emit.notes:
            emit.notes["draws"] = Buffer("draws", "int32", (1,), "optimiser state", persistent=True)
        return {"draws": emit.notes["draws"]}
    weights = emit.parameter("weights")
    if update == "master":
        return {update: emit.state(update, weights.shape, "weights", "float32", weights.axes)}
    return {
        name: emit.state(kind, weights.shape, "weights", "int8", weights.axes)
        for name, kind in (("r", "residual"), ("r2", "residual2"))[: BITS[update] // 8]
    }


def masters(parameters: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What masters begin as, by name: the weights."""
    return {
        name.removesuffix("weights") + "master": values.astype(np.float32)
        for name, values in parameters.items()
        if name.endswith(".weights")
    }


def _begin_rows(emit, family, values):
    delta = emit.notes[values["count"]]
    return family, values, {"delta": delta, "n": delta.shape[0], "momentum": q15(values["factor"])}


def _apply_rows(emit, family, values):
    return family, values, _kept_beside(emit)


# -- layers without parameters -------------------------------------------------------------------------------------------


def _relu(emit, family, values):
    """What passes is what was computed inside of the limits; sums are narrowed by the same row."""
    dx, limit = values["dx"], values["limit"]
    dy = emit.notes.get(("narrowed", values["dy"]), values["dy"])
    exponent, unit = error_of(emit, dy)
    scale = emit.network.quantization.outputs[emit.index]
    limits = {"low": scale.zero, "high": ends(scale, limit)[1] if limit < inf else 128}
    if dy.dtype == "int8":
        emit.notes[dx] = Error(exponent, unit)
        return "relu_masked", values, limits | {"dy": dy}
    own = _exponent(emit)
    emit.notes[dx] = Error(own, unit * 2.0**NARROWED)
    return family, values, limits | {"dx_exponent": own, "exponent": exponent}


def _pool(bits):
    """Windows that do not overlap need no sums: their error is int8, with the exponent of what it comes from."""
    summed = _of_narrow(bits)

    def found(emit, family, values):
        g = Geometry(*(values[name] for name in Geometry._fields))
        whole = bits == 0 or not is_padded(g)  # all windows have as many values
        if g.KH > g.SH or g.KW > g.SW or not whole:
            return summed(emit, family, values)
        dy, sums = narrowed(emit, values["dy"]), values["dx"]
        exponent, unit = error_of(emit, dy)
        dx = emit.buffer("input_error", sums.shape, "errors")
        emit.notes[dx] = Error(exponent, unit / (g.KH * g.KW if bits else 1))
        emit.notes["narrowed", sums] = dx
        return family.replace("_backward", "_apart_backward"), values, {"dy": dy, "dx": dx}

    return found


def _of_narrow(bits):
    """Those that take an int8 error, and whose sums have bits behind the point."""

    def found(emit, family, values):
        dy = narrowed(emit, values["dy"])
        exponent, unit = error_of(emit, dy)
        emit.notes[values["dx"]] = Error(exponent, unit * 2.0**-bits)
        return family, values, {"dy": dy}

    return found


def _sum(emit, family, values):
    """The sum of two errors in the larger of their units, with as many bits behind the point as narrowing takes away: so the
    exponent stays about what it was, however many sums there are, within what the packed sums of rules have place for.
    """
    (a, of_a), (b, of_b) = ((error, error_of(emit, error)) for error in (narrowed(emit, values[name]) for name in "ab"))
    unit, own = max(of_a.unit, of_b.unit), _exponent(emit)
    added: dict[str, Any] = {"a": a, "b": b, "a_exponent": of_a.exponent, "b_exponent": of_b.exponent, "dx_exponent": own}
    for name, error in (("a", of_a), ("b", of_b)):
        multiplier, shift = _of_15_bits(error.unit / unit)
        added |= {f"{name}_multiplier": multiplier, f"{name}_shift": shift + NARROWED}
    emit.notes[values["dx"]] = Error(own, unit * 2.0**-NARROWED)
    return family, values, added


def _of_15_bits(real):
    """(m, s) with m 2^s next to a number, m from 2^14 to below 2^15: the same of what is about 1, and of 1."""
    fraction, exponent = frexp(real)
    m = round(fraction * Q15)
    return (Q15 >> 1, exponent - 14) if m == Q15 else (m, exponent - 15)


FAMILIES: dict[str, Family] = {
    **dict.fromkeys(
        ("measure", "adapt", "narrow", "relu_masked", "count_batch", "rest", "wake", "govern", "spend"), _as_it_is
    ),
    **dict.fromkeys(("softmax_cross_entropy", "mean_squared_error", "reconstruction"), _loss),
    **dict.fromkeys(("decide", "decide_governed"), _decide),
    **dict.fromkeys(("select_full", "select_top_k", "select_adaptive", RANDOM), _select),
    **dict.fromkeys(("dense_backward_input", "conv_backward_input", "depthwise_backward_input"), _propagate),
    **dict.fromkeys(("dense_update", "conv_update", "depthwise_update"), _update),
    "bias_update": _update_biases,
    CHANNELS: _keep_channels,
    "begin_rows": _begin_rows,
    "apply_rows": _apply_rows,
    "relu_backward": _relu,
    "max_pool_backward": _pool(0),
    "average_pool_backward": _pool(14),
    "tanh_backward": _of_narrow(14),
    "sigmoid_backward": _of_narrow(16),
    "add_backward": _sum,
}
