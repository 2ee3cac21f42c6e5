"""The operators of float32 programs: what each takes, gives and costs. All else that knows them is derived from here.

Kept indices are uint16, or uint32 in every selection of a program that trains a layer of more than 65,536 outputs.
"""

from mcuref.operators import rests
from mcuref.operators.geometry import Geometry
from mcuref.operators.operator import TYPES, declare

WINDOW = " ".join(Geometry._fields)
LOADED = "the sample comes from outside"
RATE = "rate 0 stands for the learning rate, which comes from outside; with rate -1 w and b are sums of gradients"
LABEL = "the label comes from outside"
DRAWN = "k of n entries at random, of which none that are 0 are kept; draws counts selections, key is the network's seed"
CHANNELS = (
    "of the kept entries those of k of O channels stay, which are drawn at random, anew each ``every`` times; draws counts "
    "selections, key is the network's seed"
)
BIASES = "of a layer whose weights are frozen: of each kept entry e that of output e mod O; rate 0 is the learning rate"

OPERATORS = (
    # -- input -------------------------------------------------------------------------------------------------------------
    *(
        declare(
            f"load_{kind}", number, "input", "x[n]", "mean[c], scale[c]", "n c", family=f"load_{TYPES[kind]}",
            module="load", kernel="load_f32", features="load", note=LOADED,
        )
        for number, kind in enumerate(("u8", "i8", "i16", "f32"))
    ),
    # -- forward -----------------------------------------------------------------------------------------------------------
    declare(
        "dense_forward_f32", 10, "forward", "z[O]", "x[I], w[O, I], b[O]", "O I", macs="runs * O * I",
        module="dense", arguments="", sizes="O I", features="dense forward",
    ),
    declare(
        "conv_forward_f32", 11, "forward", "z[HO, WO, O], patch[KH, KW, C]?", "x[H, W, C], w[O, KH, KW, C], b[O]", WINDOW,
        macs="runs * HO * WO * O * KH * KW * C", module="conv", arguments="g", features="conv forward",
        note="patch is scratch; there is none where every patch is one run of the input",
    ),
    declare(
        "depthwise_forward_f32", 12, "forward", "z[HO, WO, O]", "x[H, W, C], w[KH, KW, C], b[C]", WINDOW,
        macs="runs * HO * WO * O * KH * KW", module="depthwise", arguments="g", features="depthwise forward",
    ),
    declare(
        "relu_forward_f32", 20, "forward", "y[n]", "x[n]", "n", "limit", in_place="y x",
        module="relu", arguments="limit", sizes="n", features="elements",
    ),
    declare(
        "relu_mask_forward_f32", 21, "forward", "y[n], u8 mask[(n + 7) // 8]", "x[n]", "n", "limit", in_place="y x",
        module="relu", arguments="limit", sizes="n", features="elements and mask",
    ),
    declare(
        "max_pool_forward_f32", 22, "forward", "y[HO, WO, O], u8 taps[HO, WO, O]?", "x[H, W, C]", WINDOW,
        module="pooling", arguments="g", features="pooling",
    ),
    declare(
        "average_pool_forward_f32", 23, "forward", "y[HO, WO, O]", "x[H, W, C]", WINDOW,
        module="pooling", arguments="g", features="pooling",
    ),
    declare(
        "add_forward_f32", 24, "forward", "y[n]", "a[n], b[n]", "n", in_place="y a",
        module="add", kernel="add_f32", arguments="", sizes="n", features="elements",
    ),
    declare(
        "tanh_forward_f32", 25, "forward", "y[n]", "x[n]", "n", in_place="y x",
        module="tanh", arguments="", sizes="n", features="elements",
    ),
    declare(
        "sigmoid_forward_f32", 26, "forward", "y[n]", "x[n]", "n", in_place="y x",
        module="sigmoid", arguments="", sizes="n", features="elements",
    ),
    declare(
        "softmax_forward_f32", 27, "forward", "y[n]", "x[n]", "n", in_place="y x",
        module="softmax", arguments="", sizes="n", features="elements",
    ),
    # -- loss --------------------------------------------------------------------------------------------------------------
    declare(
        "softmax_cross_entropy_f32", 40, "loss", "delta[n]", "z[n]", "n", in_place="delta z",
        module="loss", features="elements", note=LABEL,
    ),
    declare(
        "mean_squared_error_f32", 41, "loss", "delta[n]", "z[n]", "n", in_place="delta z",
        module="loss", features="elements", note="the target comes from outside",
    ),
    declare(
        "reconstruction_f32", 42, "loss", "delta[n]", "z[n], target[n]", "n", in_place="delta z",
        module="loss", kernel="mean_squared_error_f32", features="elements",
    ),
    # -- rests -------------------------------------------------------------------------------------------------------------
    *rests.OPERATORS,
    # -- decision and selection --------------------------------------------------------------------------------------------
    declare(
        "decide_f32", 60, "decision", "y_max[1]", "delta[n]", "n", "d_min d_range beta beta_range threshold decay",
        module="selection", features="decision",
        note="jumps unless D > threshold; beta_range is the slope of beta over Y / Y_max, d_range is D_max - D_min",
    ),
    declare(
        "decide_governed_f32", 65, "decision", "y_max[1]", "delta[n], i32 balance[2]", "n full",
        "d_min d_range beta beta_range threshold decay", module="selection", features="decision",
        note="as ``decide_f32``, with the threshold times 1 - balance / 2^full",
    ),
    declare(
        "select_full_f32", 70, "selection", "index kept[n], i32 count[1]", "delta[n]", "n",
        module="selection", features="selection",
    ),
    declare(
        "select_top_k_f32", 71, "selection", "index kept[k], i32 count[1], i32 tally[64]", "delta[n]", "n k",
        module="selection", features="selection",
    ),
    declare(
        "select_adaptive_f32", 72, "selection", "index kept[], i32 count[1], y_max[1], i32 tally[64]", "delta[n]", "n floor",
        "s_min s_range damping decay", module="selection", features="selection",
        note="floor 1 truncates S n instead of rounding; s_range is S_max - S_min, damping zeta^l",
    ),
    declare(
        "select_random_k_f32", 73, "selection", "index kept[k], i32 count[1], i32 draws[1]", "delta[n]", "n k", "i32:key",
        module="selection", features="random selection", note=DRAWN,
    ),
    # -- back through layers with parameters -------------------------------------------------------------------------------
    declare(
        "dense_backward_input_f32", 80, "propagate", "dx[I]", "delta[O], w[O, I], index kept[], i32 count[1]", "O I",
        macs="kept * I", module="dense", arguments="", sizes="I", features="dense propagation",
    ),
    declare(
        "conv_backward_input_f32", 81, "propagate", "dx[H, W, C]",
        "delta[HO, WO, O], w[O, KH, KW, C], index kept[], i32 count[1]", WINDOW,
        macs="kept * KH * KW * C", module="conv", arguments="g", features="conv propagation",
    ),
    declare(
        "depthwise_backward_input_f32", 82, "propagate", "dx[H, W, C]",
        "delta[HO, WO, O], w[KH, KW, C], index kept[], i32 count[1]", WINDOW,
        macs="kept * KH * KW", module="depthwise", arguments="g", features="depthwise propagation",
    ),
    declare(
        "keep_channels_f32", 85, "restriction",
        "index kept[], i32 count[1], u8 mask[(O + 7) // 8], i32 left[1], i32 draws[1]", "", "O k every", "i32:key",
        module="channels", features="channels", note=CHANNELS,
    ),
    declare(
        "dense_update_f32", 90, "update", "w[O, I], b[O]", "delta[O], x[I], index kept[], i32 count[1]", "O I dense_bias",
        "rate", macs="kept * I", module="dense", arguments="rate dense_bias", sizes="O I", features="dense update",
        note=RATE,
    ),
    declare(
        "conv_update_f32", 91, "update", "w[O, KH, KW, C], b[O]", "delta[HO, WO, O], x[H, W, C], index kept[], i32 count[1]",
        f"{WINDOW} dense_bias", "rate", macs="kept * KH * KW * C",
        module="conv", arguments="rate dense_bias g", features="conv update", note=RATE,
    ),
    declare(
        "depthwise_update_f32", 92, "update", "w[KH, KW, C], b[C]",
        "delta[HO, WO, O], x[H, W, C], index kept[], i32 count[1]",
        f"{WINDOW} dense_bias", "rate", macs="kept * KH * KW",
        module="depthwise", arguments="rate dense_bias g", features="depthwise update", note=RATE,
    ),
    declare(
        "bias_update_f32", 93, "update", "b[O]", "delta[n], index kept[], i32 count[1]", "O n", "rate",
        module="bias", arguments="rate", sizes="O", features="bias update", note=BIASES,
    ),
    # -- sums of gradients, by rows of weights: R rows of K elements -------------------------------------------------------
    declare(
        "begin_rows_f32", 95, "gradient", "a[R * K], a_bias[R], u8 touched[(R + 7) // 8]", "index kept[], i32 count[1]",
        "R K row_stride stride", "factor", module="rows", features="rows begun", note="factor is the momentum",
    ),
    declare(
        "apply_rows_f32", 96, "apply", "w[R * K], b[R], u8 touched[(R + 7) // 8]", "a[R * K], a_bias[R]",
        "R K row_stride stride", module="rows", features="rows applied", note="the learning rate comes from outside",
    ),
    declare(
        "count_batch_i32", 97, "batch", "i32 counter[1]", "", "batch", module="rows", features="nothing",
        note="jumps unless a batch is full",
    ),
    # -- back through layers without parameters ----------------------------------------------------------------------------
    declare(
        "relu_backward_f32", 100, "propagate", "dx[n]", "dy[n], y[n]", "n", "limit", in_place="dx dy",
        module="relu", arguments="limit", sizes="n", features="elements",
    ),
    declare(
        "relu_mask_backward_f32", 101, "propagate", "dx[n]", "dy[n], u8 mask[(n + 7) // 8]", "n", in_place="dx dy",
        module="relu", arguments="", sizes="n", features="elements",
    ),
    declare(
        "max_pool_backward_f32", 102, "propagate", "dx[H, W, C]", "dy[HO, WO, O], u8 taps[HO, WO, O]", WINDOW,
        module="pooling", arguments="g", features="pooling",
    ),
    declare(
        "average_pool_backward_f32", 103, "propagate", "dx[H, W, C]", "dy[HO, WO, O]", WINDOW,
        module="pooling", arguments="g", features="pooling",
    ),
    declare(
        "add_backward_f32", 104, "propagate", "dx[n]", "a[n], b[n]", "n", in_place="dx a",
        module="add", kernel="add_f32", arguments="", sizes="n", features="elements",
        note="an error that comes from two sides",
    ),
    declare(
        "tanh_backward_f32", 105, "propagate", "dx[n]", "dy[n], y[n]", "n", in_place="dx dy",
        module="tanh", arguments="", sizes="n", features="elements",
    ),
    declare(
        "sigmoid_backward_f32", 106, "propagate", "dx[n]", "dy[n], y[n]", "n", in_place="dx dy",
        module="sigmoid", arguments="", sizes="n", features="elements",
    ),
)  # fmt: skip
