"""The executor: one compiled loop over samples and over the rows of the program table; no allocation, no Python.

It owns the order of the work; the arithmetic is the kernels'. What it takes from outside the arena are the samples, the
labels or targets, the order in which to show them, and a learning rate for each. What it leaves outside the arena, for
statistics that a microcontroller would not keep, are the counts, the losses and which samples were trained.
"""

import numpy as np

from mcuref.kernels.dense import dense_backward_input_f32, dense_forward_f32, dense_update_f32
from mcuref.kernels.jit import kernel
from mcuref.kernels.lanes import abs_sum
from mcuref.kernels.load import load_f32
from mcuref.kernels.loss import mean_squared_error_f32, softmax_cross_entropy_f32
from mcuref.kernels.relu import relu_backward_f32, relu_forward_f32, relu_mask_backward_f32, relu_mask_forward_f32
from mcuref.kernels.selection import (
    back_propagation_ratio,
    decision,
    finite,
    keep_nonzero,
    kept_entries,
    raise_maximum,
    top_k,
)
from mcuref.program.instructions import COLUMNS, COUNTS, OPCODES

# Columns of the table and opcodes, as constants that Numba folds into the code
JUMP, OUT0, OUT1, OUT2, IN0, IN1, IN2, IN3, D0, D1, D2, F0 = (
    COLUMNS.index(name) for name in ("jump", "out0", "out1", "out2", "in0", "in1", "in2", "in3", "d0", "d1", "d2", "f0")
)
LOAD_U8, LOAD_I8, LOAD_I16, LOAD_F32 = (OPCODES[n] for n in ("load_u8", "load_i8", "load_i16", "load_f32"))
DENSE_FORWARD, RELU_FORWARD = OPCODES["dense_forward_f32"], OPCODES["relu_forward_f32"]
RELU_MASK_FORWARD, RELU_MASK_BACKWARD = OPCODES["relu_mask_forward_f32"], OPCODES["relu_mask_backward_f32"]
SOFTMAX_CROSS_ENTROPY, MEAN_SQUARED_ERROR = OPCODES["softmax_cross_entropy_f32"], OPCODES["mean_squared_error_f32"]
RECONSTRUCTION, DECIDE = OPCODES["reconstruction_f32"], OPCODES["decide_f32"]
SELECT_FULL, SELECT_TOP_K = OPCODES["select_full_f32"], OPCODES["select_top_k_f32"]
SELECT_ADAPTIVE = OPCODES["select_adaptive_f32"]
DENSE_BACKWARD_INPUT, DENSE_UPDATE = OPCODES["dense_backward_input_f32"], OPCODES["dense_update_f32"]
RELU_BACKWARD = OPCODES["relu_backward_f32"]

RUNS, MACS, CHOSEN, KEPT, COMPARISONS = range(len(COUNTS))

# Columns of the status, int64[3]
DONE, NONFINITE = 0, 1
CODE, POSITION, ROW = range(3)


@kernel
def _load(row, f32, sample, samples_u8, samples_i8, samples_i16, samples_f32):
    """Bring sample number ``sample`` into the input buffer; the arrays other than the one of its type are empty."""
    n, c = row[D0], row[D1]
    out = f32[row[OUT0] >> 2 : (row[OUT0] >> 2) + n]
    mean = f32[row[IN0] >> 2 : (row[IN0] >> 2) + c]
    scale = f32[row[IN1] >> 2 : (row[IN1] >> 2) + c]
    first = sample * np.int64(n)
    if row[0] == LOAD_U8:
        load_f32(out, samples_u8[first : first + n], mean, scale)
    elif row[0] == LOAD_I8:
        load_f32(out, samples_i8[first : first + n], mean, scale)
    elif row[0] == LOAD_I16:
        load_f32(out, samples_i16[first : first + n], mean, scale)
    else:
        load_f32(out, samples_f32[first : first + n], mean, scale)


@kernel
def _forward(row, f32, u8, counts):
    """A forward row."""
    opcode, n = row[0], row[D0]
    out = f32[row[OUT0] >> 2 : (row[OUT0] >> 2) + n]
    if opcode == DENSE_FORWARD:
        i = row[D1]
        x = f32[row[IN0] >> 2 : (row[IN0] >> 2) + i]
        w = f32[row[IN1] >> 2 : (row[IN1] >> 2) + n * i]
        b = f32[row[IN2] >> 2 : (row[IN2] >> 2) + n]
        dense_forward_f32(out, x, w, b)
        counts[MACS] += n * i
        return
    x = f32[row[IN0] >> 2 : (row[IN0] >> 2) + n]
    if opcode == RELU_FORWARD:
        relu_forward_f32(out, x)
    else:
        relu_mask_forward_f32(out, u8[row[OUT1] : row[OUT1] + ((n + 7) >> 3)], x)


@kernel
def _loss(row, f32, sample, labels, targets):
    """A loss row: writes the output error, returns the loss."""
    n = row[D0]
    delta = f32[row[OUT0] >> 2 : (row[OUT0] >> 2) + n]
    z = f32[row[IN0] >> 2 : (row[IN0] >> 2) + n]
    if row[0] == SOFTMAX_CROSS_ENTROPY:
        return softmax_cross_entropy_f32(delta, z, labels[sample])
    if row[0] == MEAN_SQUARED_ERROR:
        first = sample * np.int64(n)
        return mean_squared_error_f32(delta, z, targets[first : first + n])
    return mean_squared_error_f32(delta, z, f32[row[IN1] >> 2 : (row[IN1] >> 2) + n])


@kernel
def _select(row, constants, f32, i32, u16, counts):
    """A decision or selection row; returns 1 to go on, 0 to skip the sample, -1 if the error is not finite."""
    opcode, n = row[0], row[D0]
    delta = f32[row[IN0] >> 2 : (row[IN0] >> 2) + n]
    y = abs_sum(delta)
    if not finite(y):
        return -1
    if opcode == DECIDE:
        y_max = raise_maximum(f32[row[OUT0] >> 2 : (row[OUT0] >> 2) + 1], y, constants[5])
        if y == np.float32(0):
            return 0
        beta = constants[2] + constants[3] * (y / y_max)
        return 1 if decision(y, y_max, constants[0], constants[1], beta) > constants[4] else 0
    bits = i32[row[IN0] >> 2 : (row[IN0] >> 2) + n]
    k = np.int64(n)
    if opcode == SELECT_TOP_K:
        k = np.int64(row[D1])
    elif opcode == SELECT_ADAPTIVE:
        y_max = raise_maximum(f32[row[OUT2] >> 2 : (row[OUT2] >> 2) + 1], y, constants[3])
        k = np.int64(0)
        if y > np.float32(0):
            ratio = back_propagation_ratio(y, y_max, constants[0], constants[1], constants[2])
            k = np.int64(kept_entries(ratio, np.int64(n), row[D1] != 0))
    kept = u16[row[OUT0] >> 1 : (row[OUT0] >> 1) + k]
    comparisons = 0
    if opcode == SELECT_FULL:
        count = keep_nonzero(kept, bits)
    elif k == 0:
        count = 0
    else:
        count, comparisons = top_k(kept, bits, k)
    i32[row[OUT1] >> 2] = np.int32(count)
    counts[CHOSEN] += k
    counts[KEPT] += count
    counts[COMPARISONS] += comparisons
    return 1


@kernel
def _backward(row, f32, i32, u16, u8, rate, counts):
    """A row that propagates an error or updates weights."""
    opcode, n = row[0], row[D0]
    if opcode == DENSE_BACKWARD_INPUT:
        i, count = row[D1], i32[row[IN3] >> 2]
        dx = f32[row[OUT0] >> 2 : (row[OUT0] >> 2) + i]
        delta = f32[row[IN0] >> 2 : (row[IN0] >> 2) + n]
        w = f32[row[IN1] >> 2 : (row[IN1] >> 2) + n * i]
        dense_backward_input_f32(dx, delta, w, u16[row[IN2] >> 1 : (row[IN2] >> 1) + count])
        counts[KEPT] += count
        counts[MACS] += np.int64(count) * i
    elif opcode == DENSE_UPDATE:
        i, count = row[D1], i32[row[IN3] >> 2]
        w = f32[row[OUT0] >> 2 : (row[OUT0] >> 2) + n * i]
        b = f32[row[OUT1] >> 2 : (row[OUT1] >> 2) + n]
        delta = f32[row[IN0] >> 2 : (row[IN0] >> 2) + n]
        x = f32[row[IN1] >> 2 : (row[IN1] >> 2) + i]
        dense_update_f32(w, b, delta, x, u16[row[IN2] >> 1 : (row[IN2] >> 1) + count], rate, row[D2] != 0)
        counts[KEPT] += count
        counts[MACS] += np.int64(count) * i
    else:
        dx = f32[row[OUT0] >> 2 : (row[OUT0] >> 2) + n]
        dy = f32[row[IN0] >> 2 : (row[IN0] >> 2) + n]
        if opcode == RELU_BACKWARD:
            relu_backward_f32(dx, dy, f32[row[IN1] >> 2 : (row[IN1] >> 2) + n])
        else:
            relu_mask_backward_f32(dx, dy, u8[row[IN1] : row[IN1] + ((n + 7) >> 3)])


@kernel
def execute(
    table, table_f32, u8, u16, i32, f32,
    samples_u8, samples_i8, samples_i16, samples_f32, labels, targets, order, rates,
    first_row, end_row, results, result_offset, counts, losses, trained, status,
):  # fmt: skip
    """Run rows first_row .. end_row - 1 of the program for every sample of ``order``.

    table int32[rows, 32] and the same bytes as float32; u8, u16, i32, f32: the arena as four types; samples_*: all
    samples, flat, in the array of their type; labels int32[N], targets float32[N * outputs]; order int32[S];
    rates float32[S]; results float32[S, n]: takes n values at byte ``result_offset`` after each sample; counts
    int64[rows, 5]; losses float32[S]; trained uint8[S], 0 where a decision skipped the sample; status int64[3].
    """
    status[CODE] = DONE
    for position in range(order.size):
        sample = np.int64(order[position])
        index = first_row
        while index < end_row:
            row = table[index]
            opcode = row[0]
            counts[index, RUNS] += 1
            following = index + 1
            if opcode < DENSE_FORWARD:
                _load(row, f32, sample, samples_u8, samples_i8, samples_i16, samples_f32)
            elif opcode < SOFTMAX_CROSS_ENTROPY:
                _forward(row, f32, u8, counts[index])
            elif opcode < DECIDE:
                losses[position] = _loss(row, f32, sample, labels, targets)
            elif opcode < DENSE_BACKWARD_INPUT:
                answer = _select(row, table_f32[index, F0:], f32, i32, u16, counts[index])
                if answer < 0:
                    status[CODE], status[POSITION], status[ROW] = NONFINITE, position, index
                    return
                if answer == 0:
                    trained[position] = 0
                    following = np.int64(row[JUMP])
            else:
                _backward(row, f32, i32, u16, u8, rates[position], counts[index])
            index = following
        status[POSITION], status[ROW] = position, index
        for j in range(results.shape[1]):
            results[position, j] = f32[(result_offset >> 2) + j]


def _signature():
    """The one signature of :func:`execute`, so that it is compiled once, for arrays that are C-contiguous."""
    from numba import types as t

    def a(dtype, dimensions=1):
        return t.Array(dtype, dimensions, "C")

    return (
        a(t.int32, 2), a(t.float32, 2), a(t.uint8), a(t.uint16), a(t.int32), a(t.float32),
        a(t.uint8), a(t.int8), a(t.int16), a(t.float32), a(t.int32), a(t.float32), a(t.int32), a(t.float32),
        t.int64, t.int64, a(t.float32, 2), t.int64, a(t.int64, 2), a(t.float32), a(t.uint8), a(t.int64),
    )  # fmt: skip


def is_compiled():
    """Whether the executor is ready to run, without compiling or loading it."""
    return not hasattr(execute, "signatures") or bool(execute.signatures)


def compile_executor():
    """Compile the executor, or load it from the cache; returns at once if that is done. Takes seconds when fresh."""
    if not is_compiled():
        execute.compile(_signature())
