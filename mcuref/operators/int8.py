"""The operators of int8 programs: forward, with the numbers that TensorFlow Lite's reference kernels come to.

An int8 value q stands for scale (q - zero). Sums are int32; a multiplier m with its shift s stands for m 2^(s - 31), m below
2^31 and s from -31 to 30, and is applied in integers (:mod:`mcuref.kernels.int8.fixed`). ``low`` and ``high`` are
what the output is clamped to: the ends of int8, or a fused activation's. The zero of weights is 0.
"""

from mcuref.operators.geometry import Geometry
from mcuref.operators.operator import declare

WINDOW = " ".join(Geometry._fields)
CLAMPED = "i32:low i32:high"
SUMS = f"i32:x_zero i32:z_zero {CLAMPED}"
SCALED = f"i32:x_zero i32:y_zero i32:multiplier i32:shift {CLAMPED}"
LOADED = "x = clamp((sample multiplier + offset) >> shift, -128, 127), of each channel; the sample comes from outside"
ROUNDED = "sums are scaled with {} rounding"

OPERATORS = (
    # -- input -------------------------------------------------------------------------------------------------------------
    *(
        declare(
            f"load_{kind}_s8", number, "input", "i8 x[n]", "i32 multiplier[c], i32 offset[c], i8 shift[c]", "n c",
            family=f"load_{family}", module="int8/load", kernel="load_s8", features="unknown", note=LOADED,
        )
        for number, kind, family in ((200, "u8", "uint8"), (201, "i8", "int8"), (202, "i16", "int16"))
    ),
    declare(
        "load_s8", 203, "input", "i8 x[n]", "", "n", family="load_quantised",
        module="int8/load", kernel="copy_s8", features="unknown", note="the sample comes from outside as it is",
    ),
    # -- forward -----------------------------------------------------------------------------------------------------------
    declare(
        "dense_forward_s8", 210, "forward", "i8 z[O]", "i8 x[I], i8 w[O, I], i32 b[O], i32 multiplier[M], i8 shift[M]",
        "O I M", SUMS, macs="runs * O * I",
        module="int8/dense", arguments="x_zero z_zero low high", features="unknown",
        note="M is 1 where all outputs share a multiplier, else O; " + ROUNDED.format("one"),
    ),
    declare(
        "conv_forward_s8", 211, "forward", "i8 z[HO, WO, O], i8 patch[KH, KW, C]?",
        "i8 x[H, W, C], i8 w[O, KH, KW, C], i32 b[O], i32 multiplier[O], i8 shift[O]", WINDOW, SUMS,
        macs="runs * HO * WO * O * KH * KW * C",
        module="int8/conv", arguments="x_zero z_zero low high g", features="unknown",
        note="patch is scratch; there is none where every patch is one run of the input; " + ROUNDED.format("two"),
    ),
    declare(
        "depthwise_forward_s8", 212, "forward", "i8 z[HO, WO, O]",
        "i8 x[H, W, C], i8 w[KH, KW, O], i32 b[O], i32 multiplier[O], i8 shift[O]", WINDOW, SUMS,
        macs="runs * HO * WO * O * KH * KW", module="int8/depthwise", arguments="x_zero z_zero low high g",
        features="unknown", note="output channel o sees channel o // (O // C) of the input; " + ROUNDED.format("two"),
    ),
    declare(
        "relu_forward_s8", 220, "forward", "i8 y[n]", "i8 x[n]", "n", SCALED, in_place="y x",
        module="int8/relu", kernel="rescale_s8", arguments="x_zero y_zero multiplier shift low high", features="unknown",
        note="one whose work the layer before does has no instruction",
    ),
    declare(
        "max_pool_forward_s8", 222, "forward", "i8 y[HO, WO, O]", "i8 x[H, W, C]", WINDOW, CLAMPED,
        module="int8/pooling", arguments="low high g", features="unknown",
    ),
    declare(
        "average_pool_forward_s8", 223, "forward", "i8 y[HO, WO, O]", "i8 x[H, W, C]", WINDOW, CLAMPED,
        module="int8/pooling", arguments="low high g", features="unknown",
    ),
    declare(
        "add_forward_s8", 224, "forward", "i8 y[n]", "i8 a[n], i8 b[n]",
        "n a_zero a_multiplier a_shift b_zero b_multiplier b_shift y_zero y_multiplier y_shift low high", in_place="y a",
        module="int8/add",
        arguments="a_zero a_multiplier a_shift b_zero b_multiplier b_shift y_zero y_multiplier y_shift low high",
        features="unknown", note="a and b are first shifted 20 bits to the left",
    ),
    *(
        declare(
            f"{family}_forward_s8", number, "forward", "i8 y[n]", "i8 x[n], i8 table[256]", "n", in_place="y x",
            module="int8/lookup", kernel="lookup_s8", arguments="", features="unknown",
            note="the table has the output for every input, -128 first",
        )
        for family, number in (("tanh", 225), ("sigmoid", 226))
    ),
    declare(
        "softmax_forward_s8", 227, "forward", "i8 y[n]", "i8 x[n], i32 table[256]", "n", in_place="y x",
        module="int8/softmax", arguments="", features="unknown",
        note="the table has exp(-scale d) of every difference d to the largest, 31 bits behind the point",
    ),
    declare(
        "mean_forward_s8", 228, "forward", "i8 y[O]", "i8 x[H, W, C]", WINDOW, SCALED,
        module="int8/pooling", arguments="x_zero y_zero multiplier shift low high g", features="unknown",
        note="over all positions; the multiplier has the number of positions in it",
    ),
)  # fmt: skip
