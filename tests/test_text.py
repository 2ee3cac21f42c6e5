"""Text of others is printed as it is, but for what a terminal would obey."""

import unicodedata

import pytest

from mcuref.text import one_line, printable


@pytest.mark.parametrize("text, shown", [
    ("\x1b[2Jred", "\\x1b[2Jred"), ("a\rb\x07\x00", "a\\rb\\x07\\x00"), ("\x9b31m\x7f", "\\x9b31m\\x7f"),
    ("\u202egnp.exe\u2066", "\\u202egnp.exe\\u2066"), ("caf\udce9", "caf\\udce9"), ("\u2028", "\\u2028"),
    ("Größe 漢字 😀 [b]\tx\ny", "Größe 漢字 😀 [b]\tx\ny"), ("", ""), (7, "7"),
])  # fmt: skip
def test_printable(text, shown):
    assert printable(text) == shown


def test_no_control_character_is_left():
    """Of all there are, by their category in Unicode and by their bidirectional class."""
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    for code in range(0x110000):
        one = chr(code)
        if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(one) in turning:
            assert one in "\t\n" or printable(one).isascii() and len(printable(one)) > 1, hex(code)


def test_one_line():
    assert one_line("a\nb\r\n  c\x1b") == "a b c\\x1b"
