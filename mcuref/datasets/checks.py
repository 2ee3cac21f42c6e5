"""Checks of the arrays of a data set: what is usable is converted, anything else ends in one InputError sentence.

`where` names the array in the sentence, for example "data set 'mine': x_train".
"""

import unicodedata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError

SAMPLE_DTYPES = tuple(np.dtype(name) for name in ("uint8", "int8", "int16", "float32"))
MAX_CLASSES = 65536  # a larger "label" is an identifier or a regression target that was mistaken for a class
LONGEST_NAME = 100  # characters, of a class


def samples(x: Any, where: str) -> NDArray[Any]:
    """x as a C-contiguous uint8, int8, int16 or float32 array, [samples, ...], two or more dimensions, none empty.

    Raises
    ------
    InputError : not an array, wrong shape or dtype, a value out of range, NaN or infinite.
    """
    _require_array(x, where)
    if x.ndim < 2:
        raise InputError(f"{where} has shape {x.shape}; samples first, then at least one more dimension, is needed")
    if x.size == 0:
        raise InputError(f"{where} has shape {x.shape}, so no values; at least one sample of one value is needed")
    native = x.dtype.newbyteorder("=")
    if native in SAMPLE_DTYPES:
        target = native
    elif x.dtype.kind == "f":
        target = np.dtype(np.float32)
    elif x.dtype.kind in "iu":
        target = np.dtype(np.int16)
        _refuse_values(x, _outside(x, -32768, 32767), where, "integers from -32768 to 32767 (int16) are needed")
    else:
        raise InputError(f"{where} has dtype {x.dtype}; uint8, int8, int16 or float32 is needed")
    if target.kind == "f":
        _refuse_values(x, ~np.isfinite(x), where, "every value must be finite")
    with np.errstate(over="ignore"):  # reported in the next lines
        converted = np.ascontiguousarray(x, dtype=target)
    if x.dtype.kind == "f" and x.dtype.itemsize > target.itemsize:
        _refuse_values(x, ~np.isfinite(converted), where, "values must fit float32 (up to 3.4e38)")
    return converted


def labels(y: Any, count: int, where: str) -> NDArray[np.int32]:
    """y as int32[count], each 0..65535; floating point labels are accepted when they are whole numbers.

    Raises
    ------
    InputError : not an array, wrong shape, length or dtype, a label that is negative, too large or not whole.
    """
    _require_array(y, where)
    if y.ndim != 1:
        raise InputError(f"{where} has shape {y.shape}; one class number a sample, shape ({count},), is needed")
    if len(y) != count:
        raise InputError(f"{where} has {len(y)} labels for {count} samples; one label a sample is needed")
    if y.dtype.kind not in "iuf":
        raise InputError(f"{where} has dtype {y.dtype}; integer class numbers are needed")
    if y.dtype.kind == "f":
        _refuse_values(y, y != np.floor(y), where, "whole class numbers are needed")
    wrong = _outside(y, 0, MAX_CLASSES - 1)
    _refuse_values(y, wrong, where, f"class numbers run from 0 to {MAX_CLASSES - 1} at most")
    return np.ascontiguousarray(y, dtype=np.int32)


def labels_below(y: NDArray[np.int32], classes: int, where: str) -> None:
    """Raise InputError if a label of y, int32[n], is not one of the classes 0..classes-1."""
    _refuse_values(y, y >= classes, where, f"with {classes} classes the labels run from 0 to {classes - 1}")


def names(class_names: Any, where: str) -> tuple[str, ...]:
    """class_names, a sequence of short non-empty strings, as a tuple of str; anything else raises InputError."""
    if isinstance(class_names, str):
        raise InputError(f"{where} is the single string {class_names!r}; a sequence of one name a class is needed")
    try:
        result = tuple(class_names)
    except TypeError:
        kind = type(class_names).__name__
        raise InputError(f"{where} is of type {kind}; a sequence of one name a class is needed") from None
    if not result:
        raise InputError(f"{where} is empty; one name a class is needed")
    if len(result) > MAX_CLASSES:
        raise InputError(f"{where} has {len(result):,} names; {MAX_CLASSES:,} classes are the most")
    for index, name in enumerate(result):
        if not isinstance(name, str) or not name:
            raise InputError(f"{where} has {_shown(name)} at position {index}; a non-empty string is needed")
        if len(name) > LONGEST_NAME or any(map(_unprintable, name)):
            raise InputError(
                f"{where} has {_shown(name)} at position {index}; at most {LONGEST_NAME} characters that can be printed "
                "are needed"
            )
    return tuple(str(name) for name in result)  # numpy.str_ becomes str


def constants(values: Any, input_size: int, where: str) -> NDArray[np.float32]:
    """values (mean or scale) as float32[c], c a divisor of input_size; a single number becomes c = 1.

    Raises
    ------
    InputError : not real numbers, more than one dimension, a count that does not divide, NaN or infinite.
    """
    array = np.atleast_1d(np.asarray(values))
    if array.dtype.kind not in "iuf":
        raise InputError(f"{where} has dtype {array.dtype}; real numbers are needed")
    if array.ndim != 1 or array.size == 0 or input_size % array.size:
        raise InputError(
            f"{where} has shape {array.shape}; the {input_size} values of a sample need one dimension of a length "
            f"that divides {input_size}"
        )
    with np.errstate(over="ignore"):  # reported in the next line
        converted = array.astype(np.float32)
    _refuse_values(array, ~np.isfinite(converted), where, "finite float32 values are needed")
    return converted


def numbers(values: Any, count: int, where: str, each: str) -> NDArray[np.int32]:
    """values as int32[count], one number for `each` (such as "training sample"): of groups, sessions, clips, machines.

    Raises
    ------
    InputError : not an array, wrong shape or dtype, or a number that does not fit int32.
    """
    _require_array(values, where)
    if values.shape != (count,):
        raise InputError(f"{where} has shape {values.shape}; one number a {each}, ({count},), is needed")
    if values.dtype.kind not in "iu":
        raise InputError(f"{where} has dtype {values.dtype}; integer numbers are needed")
    _refuse_values(values, _outside(values, -(2**31), 2**31 - 1), where, "the numbers must fit int32")
    return np.ascontiguousarray(values, dtype=np.int32)


def flags(values: Any, count: int, where: str) -> NDArray[np.bool_]:
    """values as bool[count], one a training sample; integers may be 0 or 1, anything else raises InputError."""
    _require_array(values, where)
    if values.dtype.kind == "b":
        values = values.view(np.uint8)
    result = numbers(values, count, where, "training sample")
    _refuse_values(result, _outside(result, 0, 1), where, "0 or 1 is needed")
    return result.astype(bool)


def clips_of_windows(clips: NDArray[np.int32], y: NDArray[np.int32], machines: NDArray[np.int32], where: str) -> None:
    """Raise InputError unless clips, int32[M], is 0..K-1 for K machines, all of them, each with one label in y[M]."""
    _refuse_values(clips, _outside(clips, 0, len(machines) - 1), where, f"{len(machines)} clips are numbered from 0")
    absent = np.flatnonzero(np.bincount(clips, minlength=len(machines)) == 0)
    if absent.size:
        raise InputError(f"{where} has no window of clip {absent[0]}; every clip of machines_test needs one")
    label = np.empty(len(machines), np.int32)
    label[clips] = y
    _refuse_values(clips, label[clips] != y, where, "the windows of a clip must have the same label")


def _unprintable(character):
    """Whether it would steer the terminal or break a line, or is half a character."""
    return unicodedata.category(character) in ("Cc", "Cs")


def _shown(value):
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _require_array(array, where):
    if not isinstance(array, np.ndarray):
        raise InputError(f"{where} is of type {type(array).__name__}; a NumPy array is needed")


def _outside(array, low, high):
    """Where array leaves low..high, bool of its shape; NumPy compares a Python bound exactly with any dtype."""
    return (array < low) | (array > high)


def _refuse_values(array, wrong, where, needed):
    """Raise InputError naming the first value of array for which wrong, bool of the same shape, is true."""
    if not wrong.any():
        return
    index = tuple(int(i) for i in np.unravel_index(np.argmax(wrong), wrong.shape))
    place = f"sample {index[0]}" + (f", position {index[1:]}" if len(index) > 1 else "")
    raise InputError(f"{where} has {array[index]} at {place}; {needed}")
