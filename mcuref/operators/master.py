"""The operators of int8 programs whose trained weights have a float32 master: those of int8, but for the updates."""

from mcuref.operators import int8
from mcuref.operators.geometry import Geometry
from mcuref.operators.int8_training import RATE, STEP, STEPS
from mcuref.operators.operator import declare

WINDOW = " ".join(Geometry._fields)
OF_CONV = f"i8 delta[HO, WO, O], i8 x[H, W, C], {RATE.replace('M', 'O')}"
MASTER = "w is the nearest to master, float32 in steps of w's scale, for which a core needs an FPU or emulates one"

UPDATES = (
    declare(
        "dense_update_master", 301, "update", "i8 w[O, I], i32 b[O], master[O, I]", f"i8 delta[O], i8 x[I], {RATE}",
        "O I M E", STEPS, macs="kept * I", module="mixed/master", arguments=f"sample_rate {STEP}", features="unknown",
        note=MASTER,
    ),
    declare(
        "conv_update_master", 302, "update",
        "i8 w[O, KH, KW, C], i32 b[O], master[O, KH, KW, C], i32 sums[KH, KW, C]", OF_CONV, f"{WINDOW} E", STEPS,
        macs="kept * KH * KW * C", module="mixed/master", arguments=f"sample_rate {STEP} g", features="unknown",
        note=MASTER + "; sums is scratch",
    ),
    declare(
        "depthwise_update_master", 303, "update",
        "i8 w[KH, KW, O], i32 b[O], master[KH, KW, O], i32 sums[KH, KW]", OF_CONV, f"{WINDOW} E", STEPS,
        macs="kept * KH * KW", module="mixed/master", arguments=f"sample_rate {STEP} g", features="unknown",
        note=MASTER + "; sums is scratch",
    ),
    declare(
        "apply_rows_master", 304, "apply", "i8 w[R * K], i32 b[R], u8 touched[(R + 7) // 8], master[R * K]",
        "i32 a[R * K], i32 a_bias[R]", "R K row_stride stride", module="mixed/rows", features="unknown",
        note="the learning rate comes from outside; " + MASTER,
    ),
)  # fmt: skip

REPLACED = tuple(operator.family for operator in UPDATES)
OPERATORS = (*(operator for operator in int8.OPERATORS if operator.family not in REPLACED), *UPDATES)
