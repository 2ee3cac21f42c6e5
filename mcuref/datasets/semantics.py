"""What the further arrays of the data sets mean: groups, sessions and machines; and what shifts rely on."""

import numpy as np

from mcuref.errors import InputError

# Quantisation of the int8 MFCC of MLPerf Tiny: value = (x - ZERO_POINT) * SCALE
SCALE, ZERO_POINT = 0.5847029089927673, 83


def uci_har(train):
    """Groups by subject. The three axes of a sensor must have one scale, or turning the phone would be wrong."""
    scales = train["scale_log2"]
    if scales.shape != (9,) or (scales.reshape(3, 3) != scales[::3, None]).any():
        raise InputError(
            f"data set 'uci_har' has scale_log2 {scales.tolist()}; nine numbers, the same for x, y and z of a sensor, "
            "are needed"
        )
    return {"groups": train["subject"]}


def coil100(train, test):
    """Sessions. No groups: the test views lie between the training views, so a validation split is made of views."""
    return {"sessions": train["session"], "sessions_test": test["session"]}


def core50(train):
    """Sessions, which are the groups too: the test sessions are others than the training sessions."""
    return {"sessions": train["session"], "groups": train["session"]}


def speech_commands(train):
    """The official validation clips; groups by speaker, an unknown speaker (0) is a group of its own."""
    scale, zero_point = train["scale"], train["zero_point"]
    if scale.shape != () or zero_point.shape != () or abs(scale - SCALE) > 1e-6 or zero_point != ZERO_POINT:
        raise InputError(
            f"data set 'speech_commands_mfcc49x10' has scale {scale.tolist()} and zero_point {zero_point.tolist()}; "
            f"{SCALE} and {ZERO_POINT}, those of MLPerf Tiny, are needed"
        )
    speakers = train["speaker"].astype(np.int64)
    return {
        "groups": np.where(speakers == 0, -1 - np.arange(len(speakers)), speakers),
        "validation": train["validation"],
    }


def machines(test):
    """The machine of each test clip."""
    return {"machines_test": test["machine_id"]}


def frames_first(x):
    """[N, coefficients, frames] as [N, frames, coefficients]: the last axis is what gets a normalisation of its own."""
    return x.transpose(0, 2, 1)
