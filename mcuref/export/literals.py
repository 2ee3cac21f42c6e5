"""Values as C99 writes them: types, numbers, and lines of them."""

from collections.abc import Iterable

import numpy as np

TYPES = {
    "uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int32_t", "uint32": "uint32_t",
    "float32": "float",
}  # fmt: skip
WIDTH = 118


def number(value: np.generic) -> str:
    """A NumPy number as a constant of the same value: a float32 in hexadecimal, which is exact."""
    return f"{float(value).hex()}f" if isinstance(value, np.floating) else str(int(value))


def lines(items: Iterable[str]) -> str:
    """Items as the inside of an array, a comma after each; "0" for none, because an array has one element at least."""
    rows, row = [], ""
    for item in items:
        if len(row) + len(item) + 1 > WIDTH:
            rows.append(row)
            row = ""
        row += f"{item},"
    return "".join(f"{text}\n" for text in [*rows, row] if text) or "0\n"
