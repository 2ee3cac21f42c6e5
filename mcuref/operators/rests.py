"""The operators that let stored samples rest: the same in every arithmetic."""

from mcuref.operators.operator import declare

STREAKS = "u8 streaks[(N * bits + 7) // 8]"
STORED = "index and epoch of the sample come from outside; one that is not stored has index -1"

OPERATORS = (
    declare(
        "rest_u8", 61, "rest", STREAKS, "", "N bits most", module="rests", features="nothing",
        note="jumps if the lowest bits of epoch + index are not 0, as many as its streak says; else the streak grows, up to "
        "``most``, as if the sample were skipped; " + STORED,
    ),
    declare(
        "wake_u8", 62, "rest", STREAKS, "", "N bits", module="rests", features="nothing",
        note="the streak of a sample that is trained is 0; " + STORED,
    ),
)  # fmt: skip
