"""The operators that let samples rest, because they were skipped or because of the effort: the same in every arithmetic."""

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
    declare(
        "govern_i32", 63, "rest", f"i32 balance[2], {STREAKS}?", "", "N bits most part slope epochs forward full",
        module="rests", features="nothing",
        note="the balance grows by part + slope (epochs - 1 - 2 epoch), or not at all where these epochs are over; "
        "jumps if it is negative, or as ``rest_u8`` unless it has come to 2^full; else ``forward`` is spent; " + STORED,
    ),
    declare(
        "spend_i32", 64, "effort", "i32 balance[2]", "i32 count[1]", "each fixed", module="rests", features="nothing",
        note="the balance falls by ``each`` for every kept entry, and by ``fixed``",
    ),
)  # fmt: skip
