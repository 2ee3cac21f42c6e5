"""The bits of every instruction of a short training, against files that were written once."""

import io
import os
import runpy
from itertools import groupby
from pathlib import Path

import pytest

from mcuref import rules
from mcuref.layers import ACTIVATIONS, ReLU, ReLU6
from mcuref.operators import OPCODES
from mcuref.program.trace import write_csv
from mcuref.selfcheck import GOLDEN, LOSSES, fingerprint

HERE = Path(__file__).parent
GENERATE = runpy.run_path(str(HERE / "generate.py"))


def rows(file_name):
    """Lines of a golden file without its comments."""
    lines = (HERE / file_name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def assert_same(records, file_name):
    text = io.StringIO()
    write_csv(records, text)
    expected, found = rows(file_name), text.getvalue().splitlines()
    assert len(found) == len(expected)
    for e, f in zip(expected, found):  # the first differing row is the bug
        assert f == e


@pytest.mark.parametrize("method", rules.METHODS)
def test_trace_equals_the_golden_file(method):
    assert_same(GENERATE["golden_trace"](method), f"digits-{method}.csv")


@pytest.mark.parametrize("name", GENERATE["GOVERNED"])
def test_trace_of_a_governed_effort_equals_the_golden_file(name):
    assert_same(GENERATE["golden_governed_trace"](name), f"digits-{name}.csv")


@pytest.mark.parametrize("name", GENERATE["CNN"])
def test_trace_of_a_convolutional_network_equals_the_golden_file(name):
    assert_same(GENERATE["golden_cnn_trace"](name), f"digits-cnn-{name}.csv")


@pytest.mark.parametrize("name", GENERATE["IN_PLACE"])
def test_trace_of_a_network_that_reads_in_place_equals_the_golden_file(name):
    assert_same(GENERATE["golden_in_place_trace"](name), f"digits-in-place-{name}.csv")


def test_read_in_place_the_same_is_written():
    """But for the load, row by row, what the file of the program with a copy has."""
    copying = [line.split(",") for line in rows("digits-cnn-momentum-batch.csv")[1:]]
    in_place = [line.split(",") for line in rows("digits-in-place-cnn.csv")[1:]]
    expected = [(sample, int(row) - 1, layer, value) for sample, row, _, layer, value in copying if row != "0"]
    assert [(sample, int(row), layer, value) for sample, row, _, layer, value in in_place] == expected


def test_golden_files_have_every_instruction_in_them():
    """All that float32 training of labelled bytes can emit; samples that rest, are left out or skipped, batches not full."""
    traces = {name: [line.split(",") for line in rows(f"digits-cnn-{name}.csv")[1:]] for name in GENERATE["CNN"]}
    found = {row[2] for trace in traces.values() for row in trace} | {
        line.split(",")[2]
        for method in ("topk", "tinypropr", "randomk", "biases", "channels", "governed")
        for line in rows(f"digits-{method}.csv")[1:]
    }
    others = {"load_i8", "load_i16", "load_f32", "mean_squared_error_f32", "reconstruction_f32", "softmax_forward_f32"}
    newer = [layer.kind for layer in ACTIVATIONS if layer not in (ReLU, ReLU6)]  # the first steps hold their bits
    others |= {name for name in OPCODES for kind in newer if name.startswith(f"{kind}_")}
    assert set(OPCODES) - others == found
    for name, last in (("tinypropv2", "decide_f32"), ("momentum-batch", "count_batch_i32")):
        ends = [a[2] for a, b in zip(traces[name], traces[name][1:]) if b[1] == "0"]
        assert 0 < ends.count(last) < len(ends)
    for name, decide in (("tinypropr", {"rest_u8", "decide_f32"}), ("governed", {"govern_i32", "decide_governed_f32"})):
        samples = groupby((line.split(",") for line in rows(f"digits-{name}.csv")[1:]), lambda row: row[0])
        assert {list(run)[-1][2] for _, run in samples} == {*decide, "dense_update_f32"}


@pytest.mark.parametrize("name", GOLDEN)
def test_memory_and_losses_of_a_short_training_have_the_published_hashes(name):
    if "cnn" in name and os.environ.get("NUMBA_DISABLE_JIT") == "1":
        pytest.skip("an epoch of convolutions takes minutes as plain Python; the traces above cover it")
    assert fingerprint(name) == (GOLDEN[name], LOSSES[name])
