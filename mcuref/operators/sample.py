"""The operators of float32 programs whose first layer reads the sample where it lies: those of float32, and of that layer.

A sample is of its own type, and v = (x[i] - mean[i % c]) * scale[i % c] is what is computed with, as a load would write it.
Where mean is 0 and scale 1, the samples are the values, and the kernels are those of other layers.
"""

from collections.abc import Iterator

from mcuref.operators import float32
from mcuref.operators.float32 import RATE, WINDOW
from mcuref.operators.operator import TYPES, Operator, declare

READ = "x is the sample, normalised as it is read"
VALUES = "x is the sample, of mean 0 and scale 1"
PAIRS = "mean[c], scale[c]"
KINDS = ("u8", "i8", "i16", "f32")  # of samples that are normalised


def _of(kind: str, number: int) -> Iterator[Operator]:
    """The operators for samples of a type, which are normalised; numbers in steps of 5."""

    def declared(place, name, phase, *names, **more):
        family, own = f"{name}_of_{TYPES[kind]}", f"{name}_of_{kind}"
        note = f"{READ}; {RATE}" if phase == "update" else READ
        return declare(own, number + 5 * place, phase, *names, family=family, kernel_in_c=own, note=note, **more)

    x, kept = "outside " + ("" if kind == "f32" else f"{kind} "), "index kept[], i32 count[1]"
    image, filters, patch = f"{x}x[H, W, C]", "w[O, KH, KW, C], b[O]", "patch[KH, KW, C]"
    yield declared(
        0, "dense_forward", "forward", "z[O]", f"{x}x[I], w[O, I], b[O], {PAIRS}", "O I c", macs="runs * O * I",
        module="sample/dense", kernel="dense_forward_of", arguments="", sizes="O I c", features="dense forward of samples",
    )  # fmt: skip
    yield declared(
        1, "conv_forward", "forward", f"z[HO, WO, O], {patch}", f"{image}, {filters}, {PAIRS}", f"{WINDOW} c",
        macs="runs * HO * WO * O * KH * KW * C",
        module="sample/conv", kernel="conv_forward_of", arguments="g", sizes="c", features="conv forward of samples",
    )  # fmt: skip
    yield declared(
        2, "depthwise_forward", "forward", "z[HO, WO, O]", f"{image}, w[KH, KW, C], b[C], {PAIRS}", f"{WINDOW} c",
        macs="runs * HO * WO * O * KH * KW", module="sample/depthwise", kernel="depthwise_forward_of", arguments="g",
        sizes="c", features="depthwise forward of samples",
    )  # fmt: skip
    yield declared(
        3, "dense_update", "update", "w[O, I], b[O]", f"delta[O], {x}x[I], {kept}, {PAIRS}", "O I dense_bias c", "rate",
        macs="kept * I", module="sample/dense", kernel="dense_update_of", arguments="rate dense_bias", sizes="O I c",
        features="dense update of samples",
    )  # fmt: skip
    yield declared(
        4, "conv_update", "update", f"{filters}, {patch}", f"delta[HO, WO, O], {image}, {kept}, {PAIRS}",
        f"{WINDOW} dense_bias c", "rate", macs="kept * KH * KW * C", module="sample/conv", kernel="conv_update_of",
        arguments="rate dense_bias g", sizes="c", features="conv update of samples",
    )  # fmt: skip
    yield declared(
        5, "depthwise_update", "update", "w[KH, KW, C], b[C]", f"delta[HO, WO, O], {image}, {kept}, {PAIRS}",
        f"{WINDOW} dense_bias c", "rate", macs="kept * KH * KW", module="sample/depthwise", kernel="depthwise_update_of",
        arguments="rate dense_bias g", sizes="c", features="depthwise update of samples",
    )  # fmt: skip


def _of_values(number: int) -> Iterator[Operator]:
    """The operators for samples that are values: those of other layers, but that x comes from outside."""
    plain = {operator.family: operator for operator in float32.OPERATORS}
    for place, family in enumerate(FAMILIES):
        like = plain[family]
        inputs = ", ".join(f"outside {o}" if o.name == "x" else str(o) for o in like.inputs)
        notes = [VALUES, *([like.note] if like.note else [])]
        yield declare(
            f"{family}_of_values", number + 5 * place, like.phase, ", ".join(map(str, like.outputs)), inputs,
            " ".join(like.dimensions), " ".join(like.constants), family=f"{family}_of_values", macs=like.macs,
            module=like.module, kernel=like.kernel, arguments=" ".join(like.arguments or ()), sizes=" ".join(like.sizes),
            features=like.features, note="; ".join(notes),
        )  # fmt: skip


FAMILIES = ("dense_forward", "conv_forward", "depthwise_forward", "dense_update", "conv_update", "depthwise_update")
LAYERS = ("dense", "conv", "depthwise")  # that can be the first
READING = sorted(
    [*(operator for place, kind in enumerate(KINDS) for operator in _of(kind, 110 + place)), *_of_values(114)],
    key=lambda operator: operator.number,
)
WITH_A_COPY = ("reconstruction",)  # families that take the sample as a buffer, beside loads
OTHERS = tuple(o for o in float32.OPERATORS if o.phase != "input" and o.family not in WITH_A_COPY)
OPERATORS = (*OTHERS, *READING)
