"""At the door: a wrong sample, label, target or order is an InputError of one clear sentence; nothing runs."""

import warnings

import numpy as np
import pytest

from mcuref import Dense, Flatten, Input, InputError, Network, compile
from mcuref.program import executor

IMAGES = Network([Input((2, 3, 1), "uint8"), Flatten(), Dense(3)])
SIGNALS = Network([Input((4,), "float32"), Dense(3)])
X8, X = np.zeros((5, 2, 3, 1), np.uint8), np.zeros((5, 4), np.float32)
COUNTED = np.arange(30, dtype=np.uint8).reshape(X8.shape)
LABELS, TARGETS = np.arange(5) % 3, np.zeros((5, 3))


def with_value(array, value, index=(2, 1)):
    array = np.array(array, np.result_type(array, type(value)))
    array[index] = value
    return array


def refusal(program, *arguments):
    """The sentence; and nothing has changed."""
    before = program.arena.bytes.tobytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError) as refused:
            program.train(*arguments)
    sentence = str(refused.value)
    assert "\n" not in sentence and ". " not in sentence and len(sentence) < 200
    assert program.arena.bytes.tobytes() == before and not program.counts.any()
    return sentence


@pytest.mark.parametrize("x, words", [
    (X8.astype(np.int8), "samples are int8; the network's input takes uint8"),
    (X8.astype(np.float64), "samples are float64; the network's input takes uint8"),
    (X8.astype(bool), "samples are bool"),
    (X8[0], "samples have shape (2, 3, 1); they must be (N, 2, 3, 1)"),
    (X8[:, :, :2], "samples have shape (5, 2, 2, 1)"),
    (X8.transpose(0, 2, 1, 3), "samples have shape (5, 3, 2, 1)"),  # as many values, another order
    (np.uint8(3), "samples have shape ()"),
])  # fmt: skip
def test_images(x, words):
    assert words in refusal(compile(IMAGES), x, LABELS)


@pytest.mark.parametrize("x, words", [
    (with_value(X, np.nan), "sample 2 has a NaN or infinite value"),
    (with_value(X, -np.inf), "sample 2 has a NaN or infinite value"),
    (with_value(X, 1e300), "sample 2 has a NaN or infinite value"),  # float64, beyond float32
    (X.astype(">f4"), "samples are >f4; the network's input takes float32"),
    (X.astype(np.float16), "samples are float16"), (X.astype(complex), "samples are complex128"),
    ("text", "samples are <U4"), (None, "samples are object"), ([[1, 2, 3, 4], [1, 2]], "samples"),
])  # fmt: skip
def test_signals(x, words):
    assert words in refusal(compile(SIGNALS), x, LABELS)


@pytest.mark.parametrize("y, words", [
    (None, "needs y, one label a sample"),
    (with_value(LABELS, 3, 4), "label 3 of sample 4 is not a class; they are 0 to 2"),
    (with_value(LABELS, -1, 1), "label -1 of sample 1 is not a class"),
    (with_value(LABELS, 2**40, 1), "label 1099511627776 of sample 1"),
    (LABELS.astype(float), "labels are float64(5,); they must be whole numbers"),
    (LABELS.astype(bool), "labels are bool(5,)"), (np.eye(3)[LABELS], "labels are float64(5, 3)"),
    (LABELS[:, None], "labels are int64(5, 1)"),
    (LABELS[:4], "y has 4 entries for 5 samples"), (1, "y has 1 entries for 5 samples"),
    (list("abcab"), "labels are <U1(5,)"),
])  # fmt: skip
def test_labels(y, words):
    assert words in refusal(compile(SIGNALS), X, y)


@pytest.mark.parametrize("y, words", [
    (None, "needs y, one row of targets a sample"),
    (TARGETS[:, :2], "targets are float64(5, 2); they must be numbers of shape (5, 3)"),
    (TARGETS[:4], "y has 4 entries for 5 samples"), (TARGETS[:, 0], "targets are float64(5,)"),
    (with_value(TARGETS, np.nan), "target 2 has a NaN or infinite value"),
    (with_value(TARGETS, np.inf), "target 2 has a NaN or infinite value"),
    (with_value(TARGETS, 1e39), "target 2 has a NaN or infinite value"),
    (with_value(LABELS, 3, 4), "label 3 of sample 4"),
    (TARGETS.astype(complex), "targets are complex128"), (TARGETS.astype(bool), "targets are bool"),
])  # fmt: skip
def test_targets(y, words):
    assert words in refusal(compile(SIGNALS, loss="mean_squared_error"), X, y)


@pytest.mark.parametrize("order, words", [
    ([0, 5], "order names sample 5 at position 1; samples are 0 to 4"), ([-1], "order names sample -1 at position 0"),
    ([[0, 1]], "order is int64(1, 2)"), ([0.0, 1.0], "order is float64(2,)"), (3, "order is int64()"),
    ([True, False], "order is bool(2,)"), ([2**40], "order names sample 1099511627776"),
])  # fmt: skip
def test_order(order, words):
    assert words in refusal(compile(SIGNALS), X, LABELS, order)


def test_no_samples_are_no_error():
    program = compile(SIGNALS)
    assert program.train(X[:0], LABELS[:0]).losses.size == 0
    assert program.outputs(X[:0]).shape == (0, 3) and program.predict(X[:0]).shape == (0,)
    assert program.train(X, LABELS, []).losses.size == 0, "an empty order shows nothing"


@pytest.mark.parametrize("x", [COUNTED.reshape(5, 6), np.asfortranarray(COUNTED), COUNTED[::-1][::-1]])
def test_flat_and_strided_samples_are_the_same_samples(x):
    program = compile(IMAGES)
    assert (program.outputs(x) == program.outputs(COUNTED)).all()


@pytest.mark.parametrize("y", [LABELS, LABELS.astype(np.uint8), LABELS.astype(np.int32), LABELS.tolist()])
def test_labels_of_any_integer_type_and_one_hot_targets_are_equal(y):
    def trained(answers):
        program = compile(SIGNALS, loss="mean_squared_error")
        program.train(np.ones((5, 4), np.float32), answers)
        return program.arena.bytes.tobytes()

    assert trained(y) == trained(np.eye(3)[LABELS])


def test_read_only_arrays_will_do_and_compile_no_second_executor():
    """Memory-mapped data is read-only; a second signature would cost seconds at the first sample."""
    x, y, order = np.full((5, 4), 0.5, np.float32), LABELS.astype(np.int32), np.arange(5, dtype=np.int32)
    for array in (x, y, order):
        array.flags.writeable = False
    before = getattr(executor.execute, "signatures", [])
    compile(SIGNALS).train(x, y, order)
    assert set(getattr(executor.execute, "signatures", [])) <= {*before, executor._signature("uint16")}
