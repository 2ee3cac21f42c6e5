"""Text of others made fit for a terminal: what a file or folder is called, what stands in a report."""

import re

# Control characters but for tab and new line; what turns the direction of text around; halves of a surrogate pair
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: object) -> str:
    """The text with characters that a terminal would obey instead of show written as escapes, such as \\x1b."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), str(text))


def one_line(text: object) -> str:
    """The same on one line: a sentence, whatever the files in it are called."""
    return printable(" ".join(str(text).split()))
