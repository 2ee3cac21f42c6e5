"""Check a memory plan, or a memory planner: buffers alive together share no byte, identical lifetimes included."""

import operator
from collections.abc import Callable, Sequence

from mcuref.errors import InputError
from mcuref.testing.failure import Case, require_callable
from mcuref.testing.search import require_whole, search
from mcuref.testing.strategies import plan_problems

Lifetimes = Sequence[tuple[int, int, int]]  # (size in bytes, first, last) of each buffer


def check_plan(implementation: Callable, examples: int = 200, seed: int = 0, alignment: int = 4) -> None:
    """Check a planner on lifetimes that are identical, nested, chained, and that touch at one instruction.

    - Two buffers whose inclusive lifetimes overlap share no byte (TinyEngine's planner puts buffers of identical
      lifetimes at the same address).
    - Offsets are multiples of `alignment`, none negative, one for each buffer, in the order given.
    - The total is max(offset + size), at least `lower_bound`, and at most that of all buffers side by side.

    Parameters
    ----------
    implementation : [(size_bytes, first, last), ...] -> offsets in bytes, or (offsets, total).
        1 to 12 buffers; a buffer is alive from instruction `first` to `last`, both included.
    examples, seed : as in `check_topk`.
    alignment : int >= 1, bytes.

    Raises
    ------
    CheckFailed : with the smallest failing input found.
    InputError : an argument is out of range.
    """
    __tracebackhide__ = True
    require_callable(implementation)
    require_whole("alignment", alignment, at_least=1)
    search(lambda lifetimes: check_plan_case(implementation, lifetimes, alignment), plan_problems(), examples, seed)


def check_plan_case(implementation: Callable, lifetimes: Lifetimes, alignment: int = 4) -> None:
    """`check_plan` for one list of lifetimes. Raises CheckFailed."""
    case = Case("check_plan_case", implementation, {"lifetimes": lifetimes, "alignment": alignment})
    offsets, reported = _plan(case, case.call(implementation, list(lifetimes)))
    if len(offsets) != len(lifetimes):
        case.fail("there is one offset for each buffer", f"{len(lifetimes)} offsets", offsets)
    if any(offset < 0 or offset % alignment for offset in offsets):
        case.fail(f"offsets are multiples of {alignment}, none negative", "such offsets", offsets)
    clash = _overlap(offsets, lifetimes)
    if clash:
        case.fail("buffers alive together share no byte", "no overlap", f"offsets {offsets}: {clash}")
    total = max(offset + size for offset, (size, _, _) in zip(offsets, lifetimes))
    if reported not in (None, total):
        case.fail("the total is max(offset + size)", f"{total} for offsets {offsets}", reported)
    side_by_side = sum(-(-size // alignment) * alignment for size, _, _ in lifetimes)
    if not lower_bound(lifetimes) <= total <= side_by_side:
        case.fail(
            "the total is between the lower bound and the size of all buffers side by side",
            f"{lower_bound(lifetimes)} to {side_by_side} bytes",
            f"{total} bytes for offsets {offsets}",
        )


def lower_bound(lifetimes: Lifetimes) -> int:
    """Bytes that no plan can go below: the largest sum of sizes alive at one instruction.

    `lifetimes` is [(size_bytes, first, last), ...], both ends inclusive; 0 for none.
    """
    # the sum only rises where a buffer begins
    return max((sum(size for size, first, last in lifetimes if first <= now <= last) for _, now, _ in lifetimes), default=0)


def assert_no_overlap(offsets: Sequence[int], lifetimes: Lifetimes) -> None:
    """Raise CheckFailed if two buffers alive at the same instruction share a byte.

    Parameters
    ----------
    offsets : [n] int, bytes.
    lifetimes : [n] (size_bytes, first, last), both ends inclusive.

    Raises
    ------
    CheckFailed : naming the first two such buffers, by their positions in the list.
    InputError : there are not as many offsets as lifetimes.
    """
    if len(offsets) != len(lifetimes):
        raise InputError(f"there are {len(offsets)} offsets for {len(lifetimes)} lifetimes; give one for each")
    clash = _overlap(offsets, lifetimes)
    if clash:
        plan = {"offsets": [int(offset) for offset in offsets], "lifetimes": list(lifetimes)}
        Case("assert_no_overlap", None, plan).fail("buffers alive together share no byte", "no overlap", clash)


def _plan(case, result):
    """(offsets as a list of int, reported total or None) from either form of result."""
    try:
        if isinstance(result, tuple) and len(result) == 2 and hasattr(result[0], "__len__"):
            return [operator.index(offset) for offset in result[0]], operator.index(result[1])
        return [operator.index(offset) for offset in result], None
    except TypeError:
        case.fail("returns offsets, or (offsets, total), in whole bytes", "such a result", repr(result))


def _overlap(offsets, lifetimes):
    """A sentence about the first two buffers that share bytes while both are alive, or ""."""
    buffers = list(zip(offsets, lifetimes))
    for j, (start_j, (size_j, first_j, last_j)) in enumerate(buffers):
        for i, (start_i, (size_i, first_i, last_i)) in enumerate(buffers[:j]):
            low, high = max(start_i, start_j), min(start_i + size_i, start_j + size_j)
            if low < high and max(first_i, first_j) <= min(last_i, last_j):
                return (
                    f"buffers {i} and {j} share bytes {low}..{high - 1} and are both alive at instruction "
                    f"{max(first_i, first_j)}"
                )
    return ""
