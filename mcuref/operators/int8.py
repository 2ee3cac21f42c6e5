"""The operators of int8 programs: forward, with the numbers that TensorFlow Lite's reference kernels come to.

An int8 value q stands for scale (q - zero). Sums are int32; a multiplier m with its shift s stands for m 2^(s - 31), m below
2^31 and s from -31 to 30, and is applied in integers (:mod:`mcuref.kernels.int8.fixed`). ``low`` and ``high`` are
what the output is clamped to: the ends of int8, or a fused activation's. The zero of weights is 0.

In a program that trains, a value may have an exponent e that follows what is seen: it stands for scale 2^e (q - zero).
``exponents`` has them all; the places of an operator's values in it are ``x_slot`` and the like, those of values whose scale
stays are 0, where the exponent is 0. Where there are no exponents, all are 0. Operators of the way back stand in
:mod:`mcuref.operators.int8_training`.
"""

from mcuref.operators import rests
from mcuref.operators.geometry import Geometry
from mcuref.operators.int8_training import TRAINING
from mcuref.operators.operator import declare

WINDOW = " ".join(Geometry._fields)
CLAMPED = "i32:low i32:high"
SUMS = f"i32:x_zero i32:z_zero {CLAMPED} i32:x_slot i32:z_slot"
SCALED = f"i32:x_zero i32:y_zero i32:multiplier i32:shift {CLAMPED}"
EXPONENTS = "i8 exponents[E]?"
LOADED = "x = clamp((sample multiplier + offset) >> shift, -128, 127), of each channel; the sample comes from outside"
ROUNDED = "sums are scaled with {} rounding"

FORWARD = (
    # -- input -------------------------------------------------------------------------------------------------------------
    *(
        declare(
            f"load_{kind}_s8", number, "input", "i8 x[n]", "i32 multiplier[c], i32 offset[c], i8 shift[c]", "n c",
            family=f"load_{family}", module="int8/load", kernel="load_s8", features="int8 load", note=LOADED,
        )
        for number, kind, family in ((200, "u8", "uint8"), (201, "i8", "int8"), (202, "i16", "int16"))
    ),
    declare(
        "load_s8", 203, "input", "i8 x[n]", "", "n", family="load_quantised",
        module="int8/load", kernel="copy_s8", features="int8 elements", note="the sample comes from outside as it is",
    ),
    # -- forward -----------------------------------------------------------------------------------------------------------
    declare(
        "dense_forward_s8", 210, "forward", "i8 z[O]",
        f"i8 x[I], i8 w[O, I], i32 b[O], i32 multiplier[M], i8 shift[M], {EXPONENTS}", "O I M E", SUMS, macs="runs * O * I",
        module="int8/dense", arguments="x_zero z_zero low high x_slot z_slot", sizes="O I M", features="int8 dense forward",
        note="M is 1 where all outputs share a multiplier, else O; " + ROUNDED.format("one"),
    ),
    declare(
        "conv_forward_s8", 211, "forward", "i8 z[HO, WO, O], i8 patch[KH, KW, C]?",
        f"i8 x[H, W, C], i8 w[O, KH, KW, C], i32 b[O], i32 multiplier[O], i8 shift[O], {EXPONENTS}", f"{WINDOW} E", SUMS,
        macs="runs * HO * WO * O * KH * KW * C",
        module="int8/conv", arguments="x_zero z_zero low high x_slot z_slot g", features="int8 conv forward",
        note="patch is scratch; there is none where every patch is one run of the input; " + ROUNDED.format("two"),
    ),
    declare(
        "depthwise_forward_s8", 212, "forward", "i8 z[HO, WO, O]",
        f"i8 x[H, W, C], i8 w[KH, KW, O], i32 b[O], i32 multiplier[O], i8 shift[O], {EXPONENTS}", f"{WINDOW} E", SUMS,
        macs="runs * HO * WO * O * KH * KW", module="int8/depthwise",
        arguments="x_zero z_zero low high x_slot z_slot g", features="int8 depthwise forward",
        note="output channel o sees channel o // (O // C) of the input; " + ROUNDED.format("two"),
    ),
    declare(
        "relu_forward_s8", 220, "forward", "i8 y[n]", f"i8 x[n], {EXPONENTS}", "n E x_slot y_slot", SCALED, in_place="y x",
        module="int8/relu", kernel="rescale_s8", arguments="x_zero y_zero multiplier shift low high x_slot y_slot",
        sizes="n", features="int8 elements",
        note="one whose work the layer before does has no instruction",
    ),
    declare(
        "max_pool_forward_s8", 222, "forward", "i8 y[HO, WO, O], u8 taps[HO, WO, O]?", "i8 x[H, W, C]", WINDOW, CLAMPED,
        module="int8/pooling", arguments="low high g", features="int8 pooling",
    ),
    declare(
        "average_pool_forward_s8", 223, "forward", "i8 y[HO, WO, O]", "i8 x[H, W, C]", WINDOW, CLAMPED,
        module="int8/pooling", arguments="low high g", features="int8 pooling",
    ),
    declare(
        "add_forward_s8", 224, "forward", "i8 y[n]", f"i8 a[n], i8 b[n], {EXPONENTS}",
        "n a_zero a_multiplier a_shift b_zero b_multiplier b_shift y_zero y_multiplier y_shift low high E",
        "i32:a_slot i32:b_slot i32:y_slot", in_place="y a", module="int8/add",
        arguments="a_zero a_multiplier a_shift b_zero b_multiplier b_shift y_zero y_multiplier y_shift low high a_slot "
        "b_slot y_slot",
        sizes="n", features="int8 elements", note="a and b are first shifted 20 bits to the left",
    ),
    *(
        declare(
            f"{family}_forward_s8", number, "forward", "i8 y[n]", "i8 x[n], i8 table[256]", "n", in_place="y x",
            module="int8/lookup", kernel="lookup_s8", arguments="", sizes="n", features="int8 elements",
            note="the table has the output for every input, -128 first",
        )
        for family, number in (("tanh", 225), ("sigmoid", 226))
    ),
    declare(
        "softmax_forward_s8", 227, "forward", "i8 y[n]", "i8 x[n], i32 table[256]", "n", in_place="y x",
        module="int8/softmax", arguments="", sizes="n", features="int8 elements",
        note="the table has exp(-scale d) of every difference d to the largest, 31 bits behind the point",
    ),
    declare(
        "mean_forward_s8", 228, "forward", "i8 y[O]", f"i8 x[H, W, C], {EXPONENTS}, i8 slots[2]?", f"{WINDOW} E", SCALED,
        module="int8/pooling", arguments="x_zero y_zero multiplier shift low high g", features="int8 mean",
        note="over all positions; the multiplier has the number of positions in it; slots are those of x and y",
    ),
)  # fmt: skip

OPERATORS = FORWARD + rests.OPERATORS + TRAINING
