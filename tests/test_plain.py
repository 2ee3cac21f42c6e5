"""Plain data: what mcuref never writes is no JSON of its own, and a shape says where a value is of another."""

import pytest

from mcuref.plain import check, parse


@pytest.mark.parametrize("value, text", [
    ({"a": [1, 2.5, None, True, "x\ud800"]}, b'{"a": [1, 2.5, null, true, "x\\ud800"]}'),
    ([[[]]], b"[[[]]]"), ((1 << 63) - 1, b"9223372036854775807"),
])  # fmt: skip
def test_what_is_read(value, text):
    assert parse(text) == value


@pytest.mark.parametrize("text, words", [
    (b"", "Expecting value"), (b"{", "Expecting property"), (b'"\xff"', "can't decode"), (b"NaN", "a number that is NaN"),
    (b"[-Infinity]", "too large"), (b'{"a": 1e400}', "too large"), (b"9223372036854775808", "too large"),
    (b"9" * 5000, "digits"), (b"[" * 100_000, "nested too deeply"), (b"[" * 41 + b"]" * 41, "nested too deeply"),
])  # fmt: skip
def test_what_is_not(text, words):
    with pytest.raises(ValueError, match=words):
        parse(text)


SHAPE = {"name": str, "rows": [{"x": float, "met": (bool, None)}], "sizes": {str: int}}
RIGHT = {"name": "a", "rows": [{"x": 1, "met": None, "more": []}, {"x": 0.5, "met": True}], "sizes": {"b": 3}}


def test_a_shape_fits():
    check(RIGHT, SHAPE)
    check(RIGHT | {"rows": [], "sizes": {}, "more": 3}, SHAPE)


@pytest.mark.parametrize("change, words", [
    ({"name": 3}, "it.name is 3"), ({"rows": {}}, "it.rows is {}"), ({"rows": [[]]}, r"it.rows\[0\] is \[\]"),
    ({"rows": [{"x": True, "met": None}]}, r"it.rows\[0\].x is True"), ({"rows": [{"x": 1}]}, r"rows\[0\] has no 'met'"),
    ({"rows": [{"x": 1, "met": 0}]}, "met is 0"), ({"sizes": {"a": 1.0}}, "it.sizes.a is 1.0"),
    ({"sizes": {"a": True}}, "it.sizes.a is True"), ({"name": None}, "it.name is None"),
])  # fmt: skip
def test_a_shape_does_not_fit(change, words):
    with pytest.raises(ValueError, match=words):
        check(RIGHT | change, SHAPE)
