"""The operators of int8 programs that train: what is seen of values, losses, rules, the way back and updates, in integers.

An error is int8 values with an exponent E that changes with the sample: q stands for q 2^E times a unit, a real number that
is the same for all samples and never appears. It comes to int32 sums first, which are narrowed to int8 by the fewest bits to
the right that make them fit (``narrow``). An entry that is not trained is set to 0 by a selection, so that no list of kept
entries is needed; ``count`` says how many are left.

A trained weight is M = 2^8 w + r, in steps of 2^-8 of its scale: int8 w, which is what the forward pass reads, and int8 r,
what rounding to w left over. ``rate`` has for each output two bytes: a factor of 128 to 255, and a shift plus 128.
"""

from mcuref.operators.float32 import CHANNELS, DRAWN
from mcuref.operators.geometry import Geometry
from mcuref.operators.operator import declare

WINDOW = " ".join(Geometry._fields)
LABEL = "the label comes from outside; what is left there is the probability of the label, with 30 bits behind the point"
Q15 = "constants have 15 bits behind the point"
NARROWED = "E grows by the bits shifted, less 14"
APART = "of windows that do not overlap, so that no sums are needed"
UPDATED = "i8 r[{0}]?, i8 r2[{0}]?, i32 draws[1]?"
RATE = "i32 count[1], u8 rate[2 * M], i32 exponent[1], i8 exponents[E]?"
STEPS = "i32:x_zero i32:x_slot i32:bias_multiplier i32:bias_shift"
STEP = "x_zero x_slot bias_multiplier bias_shift"
MODES = (
    "with r to the nearest, r2 adds 8 bits more; without r, stochastic by draws, or without these the new weight truncated "
    "toward 0"
)
SUMMED = "sums of a batch, in steps of 2^-8 of a weight's finest"

TRAINING = (
    # -- what is seen of values --------------------------------------------------------------------------------------------
    declare(
        "measure_s8", 230, "forward", "i32 seen[3]", "i8 y[n]", "n zero",
        module="int8/exponents", features="int8 elements",
        note="seen: how many values are at an end of int8 that does not stand for 0, and how far they reach below and above "
        "zero",
    ),
    declare(
        "adapt_s8", 231, "adapt", "i8 exponents[E], i32 state[4]", "i32 seen[3]", "E slot most below above",
        module="int8/exponents", features="nothing",
        note="state: samples, and what was seen in them; every 64 samples the exponent grows by 1 if more than ``most`` "
        "values were at an end, else falls by 1 if they reached no farther than ``below`` and ``above``",
    ),
    # -- loss --------------------------------------------------------------------------------------------------------------
    declare(
        "softmax_cross_entropy_s8", 240, "loss", "i8 delta[n], i32 exponent[1]", "i8 z[n], i32 table[t], i8 exponents[E]?",
        "n t E z_slot",
        in_place="delta z", module="int8/loss", features="int8 elements", note=LABEL,
    ),
    declare(
        "mean_squared_error_s8", 241, "loss", "i8 delta[n], i32 exponent[1]", "i8 z[n]", "n", in_place="delta z",
        module="int8/loss", features="int8 elements",
        note="the target comes from outside, in the scale of z; what is left there is the sum of squares",
    ),
    declare(
        "reconstruction_s8", 242, "loss", "i8 delta[n], i32 exponent[1]", "i8 z[n], i8 target[n]", "n",
        "i32:target_zero i32:z_zero i32:multiplier i32:shift", in_place="delta z", module="int8/loss",
        features="int8 elements",
        note="multiplier and shift bring the target into the scale of z; what is left outside is the sum of squares",
    ),
    # -- decision and selection --------------------------------------------------------------------------------------------
    declare(
        "decide_s8", 250, "decision", "i32 y_max[1]", "i8 delta[n], i32 exponent[1]", "n",
        "i32:d_min i32:d_range i32:beta i32:beta_range i32:threshold i32:decay", module="int8/selection",
        features="int8 elements", note="jumps unless D > threshold; " + Q15,
    ),
    declare(
        "decide_governed_s8", 255, "decision", "i32 y_max[1]", "i8 delta[n], i32 exponent[1], i32 balance[2]", "n full",
        "i32:d_min i32:d_range i32:beta i32:beta_range i32:threshold i32:decay", module="int8/selection",
        features="int8 elements", note="as ``decide_s8``, with the threshold times 1 - balance / 2^full",
    ),
    declare(
        "select_full_s8", 251, "selection", "i32 count[1]", "i8 delta[n]", "n",
        module="int8/selection", features="int8 elements",
    ),
    declare(
        "select_top_k_s8", 252, "selection", "i8 delta[n], i32 count[1], index tally[128]", "", "n k",
        module="int8/selection", features="int8 top k",
    ),
    declare(
        "select_adaptive_s8", 253, "selection", "i8 delta[n], i32 count[1], i32 y_max[1], index tally[128]",
        "i32 exponent[1]", "n floor", "i32:s_min i32:s_range i32:damping i32:decay", module="int8/selection",
        features="int8 top k", note="floor 1 truncates S n instead of rounding; " + Q15,
    ),
    declare(
        "select_random_k_s8", 254, "selection", "i8 delta[n], i32 count[1], i32 draws[1]", "", "n k", "i32:key",
        module="int8/selection", features="int8 random selection", note=DRAWN,
    ),
    # -- back through layers with parameters -------------------------------------------------------------------------------
    declare(
        "dense_backward_input_s8", 260, "propagate", "i32 dx[I]", "i8 delta[O], i8 w[O, I], u8 share[M], i32 count[1]",
        "O I M halvings", macs="kept * I", module="int8/dense", arguments="halvings", sizes="O I M",
        features="int8 dense propagation",
        note="share is the scale of an output's weights, of 128 the largest; halvings keep sums within int32",
    ),
    declare(
        "conv_backward_input_s8", 261, "propagate", "i32 dx[H, W, C]",
        "i8 delta[HO, WO, O], i8 w[O, KH, KW, C], u8 share[O], i32 count[1]", f"{WINDOW} halvings",
        macs="kept * KH * KW * C", module="int8/conv", arguments="halvings g", features="int8 conv propagation",
    ),
    declare(
        "depthwise_backward_input_s8", 262, "propagate", "i32 dx[H, W, C]",
        "i8 delta[HO, WO, O], i8 w[KH, KW, O], u8 share[O], i32 count[1]", f"{WINDOW} halvings",
        macs="kept * KH * KW", module="int8/depthwise", arguments="halvings g", features="int8 depthwise propagation",
    ),
    # -- back through layers without parameters ----------------------------------------------------------------------------
    declare(
        "narrow_s8", 270, "propagate", "i8 y[n], i32 y_exponent[1]", "i32 x[n], i32 exponent[1]", "n",
        module="int8/narrow", features="int8 elements", note=NARROWED,
    ),
    declare(
        "relu_backward_s8", 271, "propagate", "i8 dx[n], i32 dx_exponent[1]", "i32 dy[n], i8 y[n], i32 exponent[1]",
        "n low high", in_place="dx y", module="int8/narrow", features="int8 masked elements",
        note="0 where y <= low or y >= high, then narrowed; " + NARROWED,
    ),
    declare(
        "relu_masked_s8", 272, "propagate", "i8 dx[n]", "i8 dy[n], i8 y[n]", "n low high", in_place="dx dy",
        module="int8/relu", arguments="low high", sizes="n",
        features="int8 masked elements", note="0 where y <= low or y >= high",
    ),
    declare(
        "max_pool_backward_s8", 273, "propagate", "i32 dx[H, W, C]", "i8 dy[HO, WO, O], u8 taps[HO, WO, O]", WINDOW,
        module="int8/pooling", arguments="g", features="int8 pooling",
    ),
    declare(
        "average_pool_backward_s8", 274, "propagate", "i32 dx[H, W, C]", "i8 dy[HO, WO, O]", WINDOW,
        module="int8/pooling", arguments="g", features="int8 pooling", note="with 14 bits behind the point",
    ),
    declare(
        "add_backward_s8", 275, "propagate", "i32 dx[n], i32 dx_exponent[1]",
        "i8 a[n], i8 b[n], i32 a_exponent[1], i32 b_exponent[1]", "n a_multiplier a_shift b_multiplier b_shift",
        module="int8/add", arguments="a_multiplier a_shift b_multiplier b_shift", sizes="n", features="int8 elements",
        note="an error that comes from two sides: a a_multiplier 2^(E_a + a_shift) + b b_multiplier 2^(E_b + b_shift)",
    ),
    declare(
        "tanh_backward_s8", 276, "propagate", "i32 dx[n]", "i8 dy[n], i8 y[n]", "n",
        module="int8/lookup", arguments="", sizes="n", features="int8 elements", note="with 14 bits behind the point",
    ),
    declare(
        "sigmoid_backward_s8", 277, "propagate", "i32 dx[n]", "i8 dy[n], i8 y[n]", "n",
        module="int8/lookup", arguments="", sizes="n", features="int8 elements", note="with 16 bits behind the point",
    ),
    declare(
        "max_pool_apart_backward_s8", 278, "propagate", "i8 dx[H, W, C]", "i8 dy[HO, WO, O], u8 taps[HO, WO, O]", WINDOW,
        module="int8/pooling", arguments="g", features="int8 pooling", note=APART,
    ),
    declare(
        "average_pool_apart_backward_s8", 279, "propagate", "i8 dx[H, W, C]", "i8 dy[HO, WO, O]", WINDOW,
        module="int8/pooling", arguments="g", features="int8 pooling", note=APART + "; of each as many values",
    ),
    # -- updates -----------------------------------------------------------------------------------------------------------
    declare(
        "keep_channels_s8", 284, "restriction",
        "i8 delta[n], i32 count[1], u8 mask[(O + 7) // 8], i32 left[1], i32 draws[1]", "", "O k every n", "i32:key",
        module="int8/channels", features="int8 channels", note=CHANNELS,
    ),
    declare(
        "dense_update_s8", 280, "update", f"i8 w[O, I], i32 b[O], {UPDATED.format('O, I')}",
        f"i8 delta[O], i8 x[I], {RATE}", "O I M E", STEPS, macs="kept * I",
        module="int8/dense", arguments=f"sample_rate {STEP}", sizes="O I M", features="int8 dense update", note=MODES,
    ),
    declare(
        "conv_update_s8", 281, "update",
        f"i8 w[O, KH, KW, C], i32 b[O], {UPDATED.format('O, KH, KW, C')}, i32 sums[KH, KW, C]",
        f"i8 delta[HO, WO, O], i8 x[H, W, C], {RATE.replace('M', 'O')}", f"{WINDOW} E", STEPS,
        macs="kept * KH * KW * C", module="int8/conv", arguments=f"sample_rate {STEP} g", features="int8 conv update",
        note=MODES + "; sums is scratch",
    ),
    declare(
        "depthwise_update_s8", 282, "update", f"i8 w[KH, KW, O], i32 b[O], {UPDATED.format('KH, KW, O')}, i32 sums[KH, KW]",
        f"i8 delta[HO, WO, O], i8 x[H, W, C], {RATE.replace('M', 'O')}", f"{WINDOW} E", STEPS,
        macs="kept * KH * KW", module="int8/depthwise", arguments=f"sample_rate {STEP} g", features="int8 depthwise update",
        note=MODES + "; sums is scratch",
    ),
    declare(
        "bias_update_s8", 283, "update", "i32 b[O]", f"i8 delta[n], {RATE}", "O n M E",
        "i32:x_slot i32:bias_multiplier i32:bias_shift", module="int8/bias",
        arguments="sample_rate x_slot bias_multiplier bias_shift", sizes="O n M", features="int8 bias update",
        note="of a layer whose weights are frozen",
    ),
    # -- sums of gradients, by rows of weights: R rows of K elements -------------------------------------------------------
    declare(
        "begin_rows_s8", 290, "gradient", "i32 a[R * K], i32 a_bias[R], u8 touched[(R + 7) // 8]", "i8 delta[n]",
        "R K row_stride stride n momentum", module="int8/sums",
        features="int8 rows begun", note="momentum has 15 bits behind the point",
    ),
    declare(
        "dense_gradient_s8", 291, "update", "i32 a[O, I], i32 a_bias[O]", f"i8 delta[O], i8 x[I], {RATE}", "O I M E", STEPS,
        macs="kept * I", module="int8/dense", arguments=STEP, sizes="O I M", features="int8 dense gradient", note=SUMMED,
    ),
    declare(
        "conv_gradient_s8", 292, "update", "i32 a[O, KH, KW, C], i32 a_bias[O], i32 sums[KH, KW, C]",
        f"i8 delta[HO, WO, O], i8 x[H, W, C], {RATE.replace('M', 'O')}", f"{WINDOW} E", STEPS,
        macs="kept * KH * KW * C", module="int8/conv", arguments=f"{STEP} g", features="int8 conv update",
        note=SUMMED + "; those called sums are scratch",
    ),
    declare(
        "depthwise_gradient_s8", 293, "update", "i32 a[KH, KW, O], i32 a_bias[O], i32 sums[KH, KW]",
        f"i8 delta[HO, WO, O], i8 x[H, W, C], {RATE.replace('M', 'O')}", f"{WINDOW} E", STEPS,
        macs="kept * KH * KW", module="int8/depthwise", arguments=f"{STEP} g", features="int8 depthwise update",
        note=SUMMED + "; those called sums are scratch",
    ),
    declare(
        "apply_rows_s8", 294, "apply", f"i8 w[R * K], i32 b[R], u8 touched[(R + 7) // 8], {UPDATED.format('R * K')}",
        "i32 a[R * K], i32 a_bias[R]", "R K row_stride stride", module="int8/sums", features="int8 rows applied",
        note="the learning rate comes from outside; " + MODES,
    ),
    declare(
        "count_batch_s8", 295, "batch", "i32 counter[1]", "", "batch", module="int8/sums", features="nothing",
        note="jumps unless a batch is full",
    ),
)  # fmt: skip
