"""Exponents: scales of int8 values that follow, by powers of two, what is seen while training changes the values.

A value stands for scale 2^e (q - zero). A program has one exponent for each tensor that training changes, but for those
whose scale something else decides: what a table, a limit or a target is made for, and what passes another tensor's values
on. What a softmax takes has one that never falls: its table is of the finest steps. They lie side by side, the first of them
0 for all the others.
"""

from collections.abc import Mapping
from math import inf
from typing import Any

import numpy as np

from mcuref.memory.buffers import Buffer
from mcuref.quantization.scales import SAME_SCALE, Scale

WINDOW = 64  # samples, after which an exponent may change
SHARE = 500  # it grows where more than one of so many values were at an end
REACH = 100, 255  # it falls where no value was beyond this part of the range
COMPUTED = ("dense", "conv", "depthwise", "relu", "add", "globalavgpool")  # kinds whose outputs are scaled
TABLED = ("tanh", "sigmoid")  # kinds whose tables are made for the scale of their input
MOST_BIAS = 1 << 30
EXPONENTS = "exponents"  # the buffer of all of a program


def slots(network: Any, trainable: tuple[int, ...], loss: str) -> dict[int, int]:
    """{index of a layer: place of its output's exponent, from 1 on} of the layers whose outputs have one."""
    changed, fixed = network.reached(trainable), _fixed(network, loss)
    found: dict[int, int] = {}
    places = 0
    for i, layer in enumerate(network.layers):
        if passes_on(network, i):
            source = network.sources[i][0]
            found |= {i: found[source]} if source in found else {}
        elif changed[i] and layer.kind in COMPUTED and i not in fixed:
            places += 1
            found[i] = places
    return found


def passes_on(network: Any, i: int) -> bool:
    """Whether a layer's output has the scale of its input, whatever that is."""
    return network.layers[i].kind in SAME_SCALE or i in network.quantization.fused


def output(network: Any) -> int:
    """Index of the layer whose outputs the loss takes."""
    return len(network.layers) - 1 - (network.layers[-1].kind == "softmax")


def _fixed(network, loss):
    """Layers whose output's scale stays, because of the layers that take it, or the loss."""
    fixed = set() if loss == "softmax_cross_entropy" else {output(network)}
    for i in reversed(range(len(network.layers))):
        readers = [j for j, sources in enumerate(network.sources) if i in sources]
        for j in readers:
            kind = network.layers[j].kind
            limited = j in network.quantization.fused and getattr(network.layers[j], "limit", inf) < inf
            if kind in TABLED or limited or (j in fixed and passes_on(network, j)):
                fixed.add(i)
        if getattr(network.layers[i], "limit", inf) < inf:
            fixed.add(i)
    return fixed


def running(emit: Any) -> dict[int, int]:
    """The slots of the program that is emitted; none where nothing is trained, or scales are static."""
    if "slots" not in emit.notes:
        runs = emit.trainable and emit.arithmetic.scales == "running"
        emit.notes["slots"] = slots(emit.network, emit.trainable, emit.loss) if runs else {}
    return emit.notes["slots"]


def operands(emit: Any, *names: str) -> dict[str, Any]:
    """What an operator takes of exponents: all of them, how many, and the slots of its inputs and of its output, by name."""
    places = running(emit)
    tensors = (*emit.network.sources[emit.index], emit.index)
    found: dict[str, Any] = {f"{name}_slot": places.get(i, 0) for name, i in zip(names, tensors, strict=True)}
    return found | exponents(emit)


def exponents(emit: Any) -> dict[str, Any]:
    """The operand that has all exponents, and how many there are."""
    count = 1 + max(running(emit).values(), default=0)
    if count == 1:
        return {"E": 0}
    if EXPONENTS not in emit.notes:
        emit.notes[EXPONENTS] = Buffer(EXPONENTS, "int8", (count,), "rule state", persistent=True)
    return {"E": count, EXPONENTS: emit.notes[EXPONENTS]}


def measure(emit: Any, out: Buffer) -> None:
    """Emit what looks at an output that training changes; of one that has a limit anyway there is no need."""
    network, i = emit.network, emit.index
    limit = getattr(network.layers[i], "limit", inf)
    limited = limit < inf or any(
        network.sources[j] == (i,) and network.layers[j].limit < inf for j in network.quantization.fused
    )
    if not emit.trains or not emit.reached(i) or limited or passes_on(network, i) or network.layers[i].kind not in COMPUTED:
        return
    seen, zero = emit.buffer("seen", (3,), "activations", "int32"), network.quantization.outputs[i].zero
    emit("measure", seen=seen, y=out, n=out.shape[0], zero=zero)
    if i in running(emit):
        emit.notes.setdefault("seen", []).append((i, seen, out.shape[0]))


def adapt(emit: Any) -> None:
    """Emit what lets each exponent follow what was seen of its tensor."""
    part, whole = REACH
    for i, seen, n in emit.notes.get("seen", ()):
        zero = emit.network.quantization.outputs[i].zero
        falls = i != output(emit.network)
        with emit.layer(i):
            emit(
                "adapt",
                **exponents(emit),
                state=emit.state("seen_so_far", (4,)),
                seen=seen,
                slot=running(emit)[i],
                most=n * WINDOW // SHARE,
                below=(zero + 128) * part // whole if falls else -1,
                above=(127 - zero) * part // whole if falls else -1,
            )


def trained(network: Any, trainable: tuple[int, ...], loss: str, tensors: Mapping[str, np.ndarray]) -> Any:
    """The network of parameters and exponents: scales times 2^e, and biases in the scale of what their layer takes."""
    parameters = {name: tensors[name] for name in network.parameters}
    if EXPONENTS not in tensors:
        return network.with_parameters(parameters)
    places, values = slots(network, trainable, loss), tensors[EXPONENTS].astype(int).tolist()
    own = [values[places.get(i, 0)] for i in range(len(network.layers))]
    scales = network.quantization.outputs
    outputs = tuple(Scale(float(np.float32(scale * 2.0**e)), zero) for (scale, zero), e in zip(scales, own))
    for i in network.parametric:
        e, name = own[network.sources[i][0]], f"{network.names[i]}.bias"
        if e:
            parameters[name] = _shifted(parameters[name], e)
    return network.replaced(parameters=parameters, quantization=network.quantization.with_outputs(outputs))


def _shifted(bias, e):
    """A bias in steps 2^e as large, to the nearest, halves up: what the forward pass adds."""
    values = bias.astype(np.int64)
    values = (values + (1 << e >> 1)) >> e if e > 0 else values << -e
    return np.clip(values, -MOST_BIAS, MOST_BIAS).astype(np.int32)
