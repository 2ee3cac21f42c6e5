"""The executor: one compiled loop over samples and over the rows of the program table; no allocation, no Python.

It owns the order of the work; the arithmetic is the kernels'. What it takes from outside the arena are the samples, the
labels or targets, the order in which to show them, and a learning rate for each. What it leaves outside the arena, for
statistics that a microcontroller would not keep, are the counts, the losses and which samples were trained.
"""

from functools import cache

import numpy as np

from mcuref.errors import McurefError
from mcuref.kernels.add import add_f32
from mcuref.kernels.conv import conv_backward_input_f32, conv_forward_f32, conv_update_f32
from mcuref.kernels.dense import dense_backward_input_f32, dense_forward_f32, dense_update_f32
from mcuref.kernels.depthwise import depthwise_backward_input_f32, depthwise_forward_f32, depthwise_update_f32
from mcuref.kernels.geometry import HO, KH, KW, WO, C, H, O, W
from mcuref.kernels.jit import compile_anew, forget, kernel
from mcuref.kernels.lanes import abs_sum
from mcuref.kernels.load import load_f32
from mcuref.kernels.loss import mean_squared_error_f32, softmax_cross_entropy_f32
from mcuref.kernels.pooling import (
    average_pool_backward_f32,
    average_pool_forward_f32,
    max_pool_backward_f32,
    max_pool_forward_f32,
)
from mcuref.kernels.relu import relu_backward_f32, relu_forward_f32, relu_mask_backward_f32, relu_mask_forward_f32
from mcuref.kernels.rows import apply_rows_f32, begin_rows_f32
from mcuref.kernels.selection import (
    back_propagation_ratio,
    decision,
    is_finite,
    keep_nonzero,
    kept_entries,
    raise_maximum,
    top_k,
)
from mcuref.program.instructions import COLUMNS, COUNTS, OPCODES

# Columns of the table and opcodes, as constants that Numba folds into the code
JUMP, OUT0, OUT1, OUT2, IN0, IN1, IN2, IN3, D0, D1, D2, D3, D12, F0 = (
    COLUMNS.index(name) for name in "jump out0 out1 out2 in0 in1 in2 in3 d0 d1 d2 d3 d12 f0".split()
)
LOAD_U8, LOAD_I8, LOAD_I16, LOAD_F32 = (OPCODES[n] for n in ("load_u8", "load_i8", "load_i16", "load_f32"))
DENSE_FORWARD, CONV_FORWARD = OPCODES["dense_forward_f32"], OPCODES["conv_forward_f32"]
DEPTHWISE_FORWARD, ADD_FORWARD = OPCODES["depthwise_forward_f32"], OPCODES["add_forward_f32"]
RELU_FORWARD, RELU_BACKWARD = OPCODES["relu_forward_f32"], OPCODES["relu_backward_f32"]
RELU_MASK_FORWARD, RELU_MASK_BACKWARD = OPCODES["relu_mask_forward_f32"], OPCODES["relu_mask_backward_f32"]
MAX_POOL_FORWARD, MAX_POOL_BACKWARD = OPCODES["max_pool_forward_f32"], OPCODES["max_pool_backward_f32"]
AVERAGE_POOL_FORWARD, AVERAGE_POOL_BACKWARD = OPCODES["average_pool_forward_f32"], OPCODES["average_pool_backward_f32"]
SOFTMAX_CROSS_ENTROPY, MEAN_SQUARED_ERROR = OPCODES["softmax_cross_entropy_f32"], OPCODES["mean_squared_error_f32"]
RECONSTRUCTION, DECIDE = OPCODES["reconstruction_f32"], OPCODES["decide_f32"]
SELECT_FULL, SELECT_TOP_K = OPCODES["select_full_f32"], OPCODES["select_top_k_f32"]
SELECT_ADAPTIVE = OPCODES["select_adaptive_f32"]
DENSE_BACKWARD_INPUT, DENSE_UPDATE = OPCODES["dense_backward_input_f32"], OPCODES["dense_update_f32"]
CONV_BACKWARD_INPUT, CONV_UPDATE = OPCODES["conv_backward_input_f32"], OPCODES["conv_update_f32"]
DEPTHWISE_BACKWARD_INPUT = OPCODES["depthwise_backward_input_f32"]
BEGIN_ROWS, APPLY_ROWS, COUNT_BATCH = (OPCODES[n] for n in ("begin_rows_f32", "apply_rows_f32", "count_batch_i32"))

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
def _view(memory, offset, n):
    """n elements from byte ``offset`` on of an array of 4-byte elements; none where there is no operand (-1)."""
    return memory[offset >> 2 : (offset >> 2) + n] if offset >= 0 else memory[0:0]


@kernel
def _bytes(u8, offset, n):
    """n bytes from ``offset`` on; none where there is no operand (-1)."""
    return u8[offset : offset + n] if offset >= 0 else u8[0:0]


@kernel
def _forward(row, f0, f32, u8, counts):
    """A forward row of as many outputs as dimension d0 says, or of a window."""
    opcode, n = row[0], row[D0]
    if opcode == CONV_FORWARD or opcode == DEPTHWISE_FORWARD or opcode == MAX_POOL_FORWARD or opcode == AVERAGE_POOL_FORWARD:
        _forward_window(row, row[D0:F0], f32, u8, counts)
        return
    out = _view(f32, row[OUT0], n)
    if opcode == DENSE_FORWARD:
        i = row[D1]
        dense_forward_f32(out, _view(f32, row[IN0], i), _view(f32, row[IN1], np.int64(n) * i), _view(f32, row[IN2], n))
        counts[MACS] += np.int64(n) * i
        return
    x = _view(f32, row[IN0], n)
    if opcode == RELU_FORWARD:
        relu_forward_f32(out, x, f0)
    elif opcode == RELU_MASK_FORWARD:
        relu_mask_forward_f32(out, _bytes(u8, row[OUT1], (n + 7) >> 3), x, f0)
    else:
        add_f32(out, x, _view(f32, row[IN1], n))


@kernel
def _forward_window(row, g, f32, u8, counts):
    """A forward row with a geometry."""
    opcode, n = row[0], np.int64(g[HO]) * g[WO] * g[O]
    out, x = _view(f32, row[OUT0], n), _view(f32, row[IN0], np.int64(g[H]) * g[W] * g[C])
    taps = np.int64(g[KH]) * g[KW]
    if opcode == CONV_FORWARD:
        w, b = _view(f32, row[IN1], taps * g[C] * g[O]), _view(f32, row[IN2], g[O])
        conv_forward_f32(out, _view(f32, row[OUT1], taps * g[C]), x, w, b, g)
        counts[MACS] += n * taps * g[C]
    elif opcode == DEPTHWISE_FORWARD:
        depthwise_forward_f32(out, x, _view(f32, row[IN1], taps * g[C]), _view(f32, row[IN2], g[C]), g)
        counts[MACS] += n * taps
    elif opcode == MAX_POOL_FORWARD:
        max_pool_forward_f32(out, _bytes(u8, row[OUT1], n), x, g)
    else:
        average_pool_forward_f32(out, x, g)


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
def _select(row, constants, f32, i32, indices, counts):
    """A decision or selection row; returns 1 to go on, 0 to skip the sample, -1 if the error is not finite."""
    opcode, n = row[0], row[D0]
    delta = f32[row[IN0] >> 2 : (row[IN0] >> 2) + n]
    y = abs_sum(delta)
    if not is_finite(y):
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
    kept = _indices(indices, row[OUT0], k)
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
def _indices(indices, offset, count):
    """``count`` kept indices from byte ``offset`` on; their type decides how many bytes each has."""
    first = offset // indices.itemsize
    return indices[first : first + count]


@kernel
def _propagate(row, f32, i32, indices, counts):
    """A row that brings an error from the outputs of a layer with parameters to its input."""
    opcode, count = row[0], i32[row[IN3] >> 2]
    kept = _indices(indices, row[IN2], count)
    counts[KEPT] += count
    if opcode == DENSE_BACKWARD_INPUT:
        n, i = row[D0], row[D1]
        dx, delta = _view(f32, row[OUT0], i), _view(f32, row[IN0], n)
        dense_backward_input_f32(dx, delta, _view(f32, row[IN1], np.int64(n) * i), kept)
        counts[MACS] += np.int64(count) * i
        return
    g = row[D0:F0]
    taps = np.int64(g[KH]) * g[KW]
    dx, delta = (_view(f32, row[OUT0], np.int64(g[H]) * g[W] * g[C]), _view(f32, row[IN0], np.int64(g[HO]) * g[WO] * g[O]))
    if opcode == CONV_BACKWARD_INPUT:
        conv_backward_input_f32(dx, delta, _view(f32, row[IN1], taps * g[C] * g[O]), kept, g)
        counts[MACS] += count * taps * g[C]
    else:
        depthwise_backward_input_f32(dx, delta, _view(f32, row[IN1], taps * g[C]), kept, g)
        counts[MACS] += count * taps


@kernel
def _update(row, f0, f32, i32, indices, rate, counts):
    """A row that adds up a weight gradient, times a rate: its own if it has one, else the learning rate."""
    opcode, count = row[0], i32[row[IN3] >> 2]
    kept = _indices(indices, row[IN2], count)
    rate = rate if f0 == np.float32(0) else f0
    counts[KEPT] += count
    if opcode == DENSE_UPDATE:
        n, i = row[D0], row[D1]
        w, b = _view(f32, row[OUT0], np.int64(n) * i), _view(f32, row[OUT1], n)
        dense_update_f32(w, b, _view(f32, row[IN0], n), _view(f32, row[IN1], i), kept, rate, row[D2] != 0)
        counts[MACS] += np.int64(count) * i
        return
    g = row[D0:F0]
    taps = np.int64(g[KH]) * g[KW]
    delta, x = _view(f32, row[IN0], np.int64(g[HO]) * g[WO] * g[O]), _view(f32, row[IN1], np.int64(g[H]) * g[W] * g[C])
    b = _view(f32, row[OUT1], g[O])
    if opcode == CONV_UPDATE:
        w = _view(f32, row[OUT0], taps * g[C] * g[O])
        conv_update_f32(w, b, delta, x, kept, rate, row[D12] != 0, g)
        counts[MACS] += count * taps * g[C]
    else:
        depthwise_update_f32(_view(f32, row[OUT0], taps * g[C]), b, delta, x, kept, rate, row[D12] != 0, g)
        counts[MACS] += count * taps


@kernel
def _gather(row, f0, f32, i32, indices, u8, rate, counts):
    """A row of an optimiser that sums gradients; returns 0 to go on to the end of the program, else 1."""
    opcode = row[0]
    if opcode == COUNT_BATCH:
        i32[row[OUT0] >> 2] += np.int32(1)
        if i32[row[OUT0] >> 2] < row[D0]:
            return 0
        i32[row[OUT0] >> 2] = np.int32(0)
        return 1
    rows, elements = row[D0], row[D1]
    w, b = _view(f32, row[OUT0], np.int64(rows) * elements), _view(f32, row[OUT1], rows)
    touched = _bytes(u8, row[OUT2], (rows + 7) >> 3)
    if opcode == BEGIN_ROWS:
        kept = _indices(indices, row[IN0], i32[row[IN1] >> 2])
        begin_rows_f32(w, b, touched, kept, f0, elements, row[D2], row[D3])
    else:
        sums, bias_sums = _view(f32, row[IN0], np.int64(rows) * elements), _view(f32, row[IN1], rows)
        counts[KEPT] += apply_rows_f32(w, b, touched, sums, bias_sums, rate, elements, row[D2], row[D3])
    return 1


@kernel
def _backward(row, f0, f32, u8):
    """A row that brings an error back through a layer without parameters."""
    opcode = row[0]
    if opcode == MAX_POOL_BACKWARD or opcode == AVERAGE_POOL_BACKWARD:
        g = row[D0:F0]
        n = np.int64(g[HO]) * g[WO] * g[O]
        dx, dy = _view(f32, row[OUT0], np.int64(g[H]) * g[W] * g[C]), _view(f32, row[IN0], n)
        if opcode == MAX_POOL_BACKWARD:
            max_pool_backward_f32(dx, dy, _bytes(u8, row[IN1], n), g)
        else:
            average_pool_backward_f32(dx, dy, g)
        return
    n = row[D0]
    dx, dy = _view(f32, row[OUT0], n), _view(f32, row[IN0], n)
    if opcode == RELU_BACKWARD:
        relu_backward_f32(dx, dy, _view(f32, row[IN1], n), f0)
    elif opcode == RELU_MASK_BACKWARD:
        relu_mask_backward_f32(dx, dy, _bytes(u8, row[IN1], (n + 7) >> 3))
    else:
        add_f32(dx, dy, _view(f32, row[IN1], n))


@kernel
def execute(
    table,
    table_f32,
    u8,
    indices,
    i32,
    f32,
    samples_u8,
    samples_i8,
    samples_i16,
    samples_f32,
    labels,
    targets,
    order,
    rates,
    first_row,
    end_row,
    results,
    result_offset,
    counts,
    losses,
    trained,
    status,
):
    """Run rows first_row .. end_row - 1 of the program for every sample of ``order``.

    table int32[rows, 32] and the same bytes as float32; u8, indices, i32, f32: the arena as four types, ``indices`` as
    that of the kept ones, uint16 or uint32; samples_*: all samples, flat, in the array of their type; labels int32[N],
    targets float32[N * outputs]; order int32[S]; rates float32[S]; results float32[S, n]: takes n values at byte
    ``result_offset`` after each sample; counts int64[rows, 5]; losses float32[S]; trained uint8[S], 0 where a decision
    skipped the sample; status int64[3].
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
                _forward(row, table_f32[index, F0], f32, u8, counts[index])
            elif opcode < DECIDE:
                losses[position] = _loss(row, f32, sample, labels, targets)
            elif opcode < DENSE_BACKWARD_INPUT:
                answer = _select(row, table_f32[index, F0:], f32, i32, indices, counts[index])
                if answer < 0:
                    status[CODE], status[POSITION], status[ROW] = NONFINITE, position, index
                    return
                if answer == 0:
                    trained[position] = 0
                    following = np.int64(row[JUMP])
            elif opcode < DENSE_UPDATE:
                _propagate(row, f32, i32, indices, counts[index])
            elif opcode < BEGIN_ROWS:
                _update(row, table_f32[index, F0], f32, i32, indices, rates[position], counts[index])
            elif opcode < RELU_BACKWARD:
                going_on = _gather(row, table_f32[index, F0], f32, i32, indices, u8, rates[position], counts[index])
                if not going_on:
                    following = np.int64(row[JUMP])
            else:
                _backward(row, table_f32[index, F0], f32, u8)
            index = following
        status[POSITION], status[ROW] = position, index
        for j in range(results.shape[1]):
            results[position, j] = f32[(result_offset >> 2) + j]


@cache
def _signature(index_type):
    """The signature of :func:`execute` for kept indices of that type: compiled once each, for C-contiguous arrays."""
    from numba import types as t

    def a(dtype, dimensions=1):
        return t.Array(dtype, dimensions, "C")

    return (
        a(t.int32, 2),
        a(t.float32, 2),
        a(t.uint8),
        a(getattr(t, index_type)),
        a(t.int32),
        a(t.float32),
        a(t.uint8),
        a(t.int8),
        a(t.int16),
        a(t.float32),
        a(t.int32),
        a(t.float32),
        a(t.int32),
        a(t.float32),
        t.int64,
        t.int64,
        a(t.float32, 2),
        t.int64,
        a(t.int64, 2),
        a(t.float32),
        a(t.uint8),
        a(t.int64),
    )


def is_compiled(index_type="uint16"):
    """Whether the executor is ready to run programs with kept indices of this type, without compiling or loading it."""
    return not hasattr(execute, "signatures") or _signature(index_type) in execute.signatures


def is_kept(index_type="uint16"):
    """Whether :func:`compile_executor` would load the executor from the disk, and not compile it for half a minute."""
    return execute._cache.has(_signature(index_type), execute.targetctx)


def compile_executor(index_type="uint16"):
    """Compile the executor, or load it from the cache; returns at once if that is done. Takes seconds when fresh.

    Programs that train a layer of more than 65,536 outputs have indices of type "uint32" and an executor of their own.
    Either must take its first steps right (:mod:`mcuref.program.first_steps`): if one from the disk does not, everything
    is compiled anew; McurefError if one just compiled does not.
    """
    if is_compiled(index_type):
        return
    from mcuref.program import first_steps

    signature = _signature(index_type)
    execute.compile(signature)
    fault = first_steps.fault(index_type)
    if fault and execute.stats.cache_hits[signature]:
        compile_anew()
        fault = first_steps.fault(index_type)
    if fault:
        forget(execute)
        raise McurefError(fault)
