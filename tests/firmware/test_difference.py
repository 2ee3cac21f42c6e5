"""The comparison names the first instruction and element that differ: seeded faults, in C and in traces."""

from dataclasses import replace

import numpy as np
import pytest

import mcuref
from mcuref.export.cores import CORES
from mcuref.export.material import Material
from mcuref.export.trace import BAD_LABELS, FLASH, RESTORING, python_trace
from mcuref.firmware.conformance import check
from mcuref.firmware.difference import first_difference, trace_difference
from mcuref.kernels.random import uniform
from mcuref.program.trace import written
from mcuref.rules import TinyPropV2


def material(rule=None, **options):
    """A small network and some samples."""
    network = mcuref.Network([mcuref.Input((9,)), mcuref.Dense(17), mcuref.layers.ReLU(), mcuref.Dense(5)])
    x = uniform(36, 2, 1, 0).reshape(4, 9)
    return Material(mcuref.compile(network, rule, mcuref.SGD(0.125), **options), x, np.array([0, 1, 2, 3]), 4)


def row_of(program, kernel, layer):
    return next(i for i, r in enumerate(program.instructions) if (r.name, r.layer) == (kernel, layer))


# -- faults in C ------------------------------------------------------------------------------------------------------

# file, right, wrong; the kernel and layer to blame, what differs and where, and the first sample on which it does
FAULTS = {
    "a bias": ("kernels/dense.c", "b[j] = b[j] - step", "b[j] = b[j] - (j == 2 ? -step : step)",
               ("dense_update_f32", "dense2", "dense2.bias", 2, 0)),
    "a bias that is not added": ("kernels/lanes.c", "a7) + bias[0]", "a7) + 0 * bias[0]",
                                 ("dense_forward_f32", "dense1", "dense1.activation", None, 1)),
    "an index too few": ("kernels/selection.c", "for (; i < n; i++) KEEP(i)", "for (; i < n - 1; i++) KEEP(i)",
                         ("select_full_f32", "dense2", "dense2.kept", 4, 0)),
    "an index": ("kernels/selection.c", "    KEEP(i + 3);\n", "", ("select_full_f32", "dense2", "dense2.kept", 3, 0)),
    "the last lane": ("kernels/lanes.c", "if (n > 0) TAKE(0);", "",
                      ("dense_forward_f32", "dense1", "dense1.activation", 0, 0)),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_a_kernel_is_found_and_named(need, patched_sources, name):
    core, (file, right, wrong, (kernel, layer, what, element, sample)) = need("host"), FAULTS[name]
    patched_sources(file, right, wrong)
    case = material()
    (difference,) = check(core, [case], ("-O0",))
    assert (difference.kernel, difference.layer, difference.what) == (kernel, layer, what)
    assert difference.sample == sample and difference.row == row_of(case.program, kernel, layer)
    assert element is None or difference.element == element
    python_trace(case, upto=(difference.sample, difference.row))
    values = np.concatenate([v.reshape(-1) for v in written(case.program, case.program.instructions[difference.row])][-1:])
    if what == "dense2.bias":
        assert difference.mcuref.startswith(f"{values[2]} (") and difference.firmware != difference.mcuref
    for part in (kernel, layer, what, difference.mcuref, difference.firmware, f"sample {sample}"):
        assert part in difference.sentence()


REST = {
    "loss": ("kernels/loss.c", "return log_f32(total) - margin", "return log_f32(total) + margin", "loss"),
    "class": ("program/float32.c", "outputs[i] > outputs[largest]", "outputs[i] < outputs[largest]", "inference: class"),
    "loss alone": ("program/float32.c", "row <= program->forward_rows", "row < program->forward_rows", "inference: loss"),
    "mcuref_train": ("program/float32.c", "sample, answer, {rate}, {-1.0f}", "sample, answer, {0.5f * rate}, {-1.0f}",
                     "mcuref_train: loss"),
    "status of mcuref_train": ("program/float32.c", "return run.status;",
                               "return run.status ? run.status : MCUREF_SKIPPED;", "mcuref_train: status"),
    "check sum": ("program/mcuref.c", "|| words[1] != fnv1a(words + 2, program->state_bytes, FNV1A_START)", "",
                  "restoring a damaged state"),
    "refused too late": ("program/mcuref.c", "  const uint32_t *words = saved;\n  if",
                         "  const uint32_t *words = saved;\n  copy_words(arena, words + 2, program->state_bytes);\n  if",
                         "hash of the state after those"),
    "label": ("operations/loss.c", "*label >= row->d[0]", "*label > row->d[0]", "a label too many"),
    "identity": ("program/mcuref.c", "words[0] != program->identity || ", "", "restoring another program's state"),
    "state": ("program/mcuref.c", "copy_words(arena, words + 2", "copy_words(arena, words + 1", "was restored"),
}  # fmt: skip


@pytest.mark.parametrize("name", REST)
def test_a_fault_behind_the_kernels_is_found(need, patched_sources, name):
    core, (file, right, wrong, what) = need("host"), REST[name]
    patched_sources(file, right, wrong)
    (difference,) = check(core, [material()], ("-O0",))
    assert what in difference.sentence()


@pytest.mark.slow
def test_a_firmware_that_hangs_is_stopped(need, patched_sources):
    core = need("host")
    patched_sources("verify/trace.c", "void trace_end(void) {", "void trace_end(void) {\n  for (;;) mark();\n")
    (difference,) = check(core, [material()], seconds=1)
    assert difference.sentence() == "at the end: the firmware did not end within 1 seconds and was stopped"


# file, right, wrong: all of these compute what mcuref computes, as memory happens to be; options of the program, and the
# kernel and layer to blame
BESIDE = {
    "a weight too many": ("kernels/lanes.c", "n) + b[j]", "n) + b[j] + 0.0f * w[rows * n]",
                          {}, "dense_forward_f32", "dense1"),
    "a bias too many": ("kernels/lanes.c", "n) + b[j]", "n) + b[j] + 0.0f * b[j + 1]",
                        {}, "dense_forward_f32", "dense1"),
    "a frozen bias": ("kernels/lanes.c", "n) + b[j]", "n) + b[j] + 0.0f * b[j + 1]",
                      {"trainable": 1}, "dense_forward_f32", "dense1"),
    "inference alone": ("kernels/lanes.c", "n) + b[j]", "n) + b[j] + 0.0f * b[j + 1]",
                        {"trainable": 0}, "dense_forward_f32", "dense1"),
    "a maximum of too many": ("kernels/softmax.c", "for (int32_t i = 1; i < n; i++)", "for (int32_t i = 1; i <= n; i++)",
                              {}, "softmax_cross_entropy_f32", "dense2"),
    "a value before the sample": ("kernels/load.c", "const float offset = mean[0]",
                                  "const float offset = mean[0] + 0.0f * (float)x[-1]", {}, "load_f32", "input"),
    "an error that is not kept": ("kernels/dense.c", "const float step = rate * delta[j];",
                                  "const float step = rate * delta[kept[count] < 60000 ? j : 0];",
                                  {}, "dense_update_f32", "dense2"),
}  # fmt: skip


@pytest.mark.parametrize("name", BESIDE)
def test_reading_beside_the_operands_is_found(need, patched_sources, name):
    core, (file, right, wrong, options, kernel, layer) = need("host"), BESIDE[name]
    patched_sources(file, right, wrong)
    (difference,) = check(core, [material(**options)], ("-O0",))
    assert (difference.kernel, difference.layer) == (kernel, layer)
    assert difference.note == "it depends on bytes that are no operand of it" and difference.note in difference.sentence()


def test_writing_beside_the_outputs_is_found(need, patched_sources):
    core, case = need("host"), material()
    patched_sources("kernels/lanes.c", "n) + b[j];\n", "n) + b[j];\n  y[rows] = 0.0f;\n")
    (difference,) = check(core, [case], ("-O0",))
    row = row_of(case.program, "dense_forward_f32", "dense1")
    end = case.program.plan.offsets[case.program.instructions[row].outputs[0]] + 4 * 17
    assert (difference.sample, difference.row) == (0, row)
    assert f"byte {end} of the arena was written" in difference.sentence()


ENDS = {  # what a kernel does instead: what is said on the host, on a board
    "__builtin_trap();": ("was stopped by SIG", "ran into a fault"),
    "for (;;) {\n    }": ("did not end within 2 seconds",) * 2,
}


@pytest.mark.parametrize("wrong, core", [
    *((wrong, "host") for wrong in ENDS), *(pytest.param(wrong, "m0", marks=pytest.mark.slow) for wrong in ENDS),
])  # fmt: skip
def test_a_firmware_that_does_not_end_is_told_with_its_instruction(need, patched_sources, wrong, core):
    found = need(core)
    patched_sources("kernels/dense.c", "if (dense_bias)\n", f"if (inputs == 17) {wrong}\n  if (dense_bias)\n")
    case = material()
    (difference,) = check(found, [case], seconds=2)
    assert (difference.sample, difference.row) == (0, row_of(case.program, "dense_update_f32", "dense2"))
    assert "(dense_update_f32 of dense2): the firmware" in difference.sentence()
    assert ENDS[wrong][core != "host"] in difference.sentence()


def test_a_crash_of_one_program_leaves_the_others_compared(need, patched_sources):
    patched_sources("kernels/dense.c", "if (dense_bias)\n", "if (inputs == 17) __builtin_trap();\n  if (dense_bias)\n")
    other = Material(mcuref.compile(mcuref.Network([mcuref.Input((3,)), mcuref.Dense(2)])), np.ones((2, 3), "f4"), [0, 1])
    first, second = check(need("host"), [material(), other])
    assert "the firmware was stopped by SIG" in first.sentence() and second is None


def test_a_decision_that_is_wrong_is_found(need, patched_sources):
    core = need("host")
    patched_sources("operations/selection.c", "> threshold) return", "< threshold) return")
    (difference,) = check(core, [material(TinyPropV2(threshold=0.95))], ("-O0",))
    assert difference.what in ("the instruction that runs", "number of instructions run")


# -- faults in traces: no compiler is needed ------------------------------------------------------------------------


def test_a_trace_equals_itself():
    case = material()
    assert trace_difference(case, python_trace(case), python_trace(case), None) is None


def test_the_first_of_several_differences_is_named():
    case = material()
    trace = python_trace(case)
    for sample, row in ((3, 0), (1, 4), (1, 2)):
        rows, status, loss = trace.steps[sample]
        rows[row] = rows[row][0], rows[row][1] ^ 1
    asked = []
    python_trace(case, upto=(1, 2))
    values = case.program.arena.view(case.program.instructions[2].outputs[0]).copy()
    values[7] = -3.5

    def dump(sample, row):
        asked.append((sample, row))
        return np.int32(values.nbytes).tobytes() + values.tobytes()

    difference = trace_difference(case, trace, None, dump)
    assert asked == [(1, 2)] and (difference.sample, difference.row, difference.element) == (1, 2, 7)
    assert "-3.5" in difference.firmware and difference.as_dict()["layer"] == "relu1"


@pytest.mark.parametrize("field", ["status", "loss", "state", *FLASH, *RESTORING, *BAD_LABELS])
def test_what_is_no_instruction_is_compared_too(field):
    case = material()
    trace = python_trace(case)
    rows, status, loss = trace.steps[2]
    if field == "status":
        trace.steps[2] = rows, 1, loss
    elif field == "loss":
        trace.steps[2] = rows, status, loss ^ 1
    elif field == "state":
        trace = replace(trace, state=bytes([trace.state[0] ^ 1]) + trace.state[1:])
    else:
        trace.checks[field] ^= 1
    difference = trace_difference(case, trace, python_trace(case), None)
    assert field in difference.sentence()
    assert difference.sample == (2 if field in ("status", "loss") else -1)


def test_nan_equals_nan_whatever_its_sign_and_minus_zero_is_not_zero():
    nan = np.array([0x7FC00000, 0xFFC00000], np.uint32).view(np.float32)
    assert first_difference(nan[:1], nan[1:]) == -1
    assert first_difference(np.float32([1, 0.0]), np.float32([1, -0.0])) == 1
    assert first_difference(np.float32([1, 2]), np.float32([1])) == 1


def test_one_build_has_one_type_of_indices():
    from mcuref.firmware.cases import wide_cases

    with pytest.raises(ValueError, match="one type of indices"):
        check(CORES["host"], [material(), wide_cases()[0][1]])
