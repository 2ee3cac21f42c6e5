"""What the further arrays of the data sets mean: groups, sessions and machines; and what shifts rely on."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.datasets import anomaly, checks
from mcuref.errors import InputError

# Quantisation of the int8 MFCC of MLPerf Tiny: value = (x - ZERO_POINT) * SCALE
SCALE, ZERO_POINT = 0.5847029089927673, 83
DECIBEL_BITS = 4  # behind the binary point of the log-mel features of ToyCar

Arrays = dict[str, NDArray[Any]]  # by name


def uci_har(train: Arrays) -> Arrays:
    """Groups by subject. The three axes of a sensor must have one scale, or turning the phone would be wrong."""
    scales = train["scale_log2"]
    if not _numbers(scales, (9,)) or (scales.reshape(3, 3) != scales[::3, None]).any():
        raise InputError(
            f"data set 'uci_har' has scale_log2 {_shown(scales)}; nine numbers, the same for x, y and z of a sensor, "
            "are needed"
        )
    return {"groups": train["subject"]}


def coil100(train: Arrays, test: Arrays) -> Arrays:
    """Sessions. No groups: the test views lie between the training views, so a validation split is made of views."""
    return {"sessions": train["session"], "sessions_test": test["session"]}


def core50(train: Arrays) -> Arrays:
    """Sessions, which are the groups too: the test sessions are others than the training sessions."""
    return {"sessions": train["session"], "groups": train["session"]}


def speech_commands(train: Arrays) -> dict[str, Any]:
    """The official validation clips; groups by speaker, an unknown speaker (0) is a group of its own."""
    scale, zero_point = train["scale"], train["zero_point"]
    numbers = _numbers(scale, ()) and _numbers(zero_point, ())
    if not numbers or not abs(scale - SCALE) <= 1e-6 or zero_point != ZERO_POINT:  # not: of NaN nothing is true
        raise InputError(
            f"data set 'speech_commands_mfcc49x10' has scale {_shown(scale)} and zero_point {_shown(zero_point)}; "
            f"{SCALE} and {ZERO_POINT}, those of MLPerf Tiny, are needed"
        )
    where = "data set 'speech_commands_mfcc49x10': speaker"
    speakers = checks.numbers(train["speaker"], len(train["x"]), where, "training sample").astype(np.int64)
    groups = np.where(speakers == 0, -1 - np.arange(len(speakers)), speakers)
    return {"groups": groups, "validation": train["validation"], **mlperf_mfcc(train)}


def _numbers(array, shape):
    return array.shape == shape and array.dtype.kind in "iuf"


def _shown(array):
    """A few numbers as they are, of anything else what it is: texts may be long and odd."""
    few = array.size <= 9 and array.dtype.kind in "iuf"
    return array.tolist() if few else f"of shape {array.shape} and dtype {array.dtype}"


def machines(train: Arrays, test: Arrays) -> dict[str, Any]:
    """Machines of test clips; those of training windows are their sessions. 16 steps of a stored value are a decibel."""
    where = "data set 'dcase2020_toycar': machine_id of train.npz"
    known = checks.numbers(train["machine_id"], len(train["x"]), where, "training clip")
    sessions = np.repeat(known[train["y"] == 0], train["x"].shape[1] - anomaly.FRAMES + 1)
    return {"machines_test": test["machine_id"], "sessions": sessions, "unit": 2.0**-DECIBEL_BITS}


def mlperf_mfcc(train: Arrays) -> dict[str, Any]:
    """What the int8 MFCC of MLPerf Tiny stand for."""
    return {"unit": SCALE, "zero": ZERO_POINT}


def frames_first(x: NDArray[Any]) -> NDArray[Any]:
    """[N, coefficients, frames] as [N, frames, coefficients]: the last axis is what gets a normalisation of its own."""
    return x.transpose(0, 2, 1)
