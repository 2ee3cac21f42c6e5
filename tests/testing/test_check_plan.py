"""check_plan passes right planners and names the fault of each wrong one; its helpers judge a plan on their own."""

import pytest

from mcuref.errors import InputError
from mcuref.testing import CheckFailed, assert_no_overlap, check_plan, lower_bound


def both_alive(a, b):
    return max(a[1], b[1]) <= min(a[2], b[2])


def first_fit(lifetimes, conflict=both_alive, alignment=4):
    """Largest first, each at the lowest gap among the conflicting ones placed before."""
    offsets = [None] * len(lifetimes)
    for i in sorted(range(len(lifetimes)), key=lambda i: -lifetimes[i][0]):
        placed = [j for j, offset in enumerate(offsets) if offset is not None and conflict(lifetimes[i], lifetimes[j])]
        at = 0
        for j in sorted(placed, key=lambda j: offsets[j]):
            if at + lifetimes[i][0] <= offsets[j]:
                break
            at = max(at, -(-(offsets[j] + lifetimes[j][0]) // alignment) * alignment)
        offsets[i] = at
    return offsets


def side_by_side(lifetimes):
    return first_fit(lifetimes, conflict=lambda a, b: True)


def with_total(lifetimes):
    offsets = first_fit(lifetimes)
    return offsets, max(offset + size for offset, (size, _, _) in zip(offsets, lifetimes))


def ignores_identical_lifetimes(lifetimes):
    return first_fit(lifetimes, lambda a, b: a[1:] != b[1:] and both_alive(a, b))


def exclusive_lifetimes(lifetimes):
    return first_fit(lifetimes, lambda a, b: a[1:] == b[1:] or max(a[1], b[1]) < min(a[2], b[2]))


def misaligned(lifetimes):
    return first_fit(lifetimes, alignment=1)


def below_zero(lifetimes):
    return [offset - 8 for offset in first_fit(lifetimes)]


def one_short(lifetimes):
    return first_fit(lifetimes)[1:]


def wrong_total(lifetimes):
    return first_fit(lifetimes), sum(size for size, _, _ in lifetimes)


def wasteful(lifetimes):
    return [offset + 64 for offset in side_by_side(lifetimes)]


def fractions(lifetimes):
    return [offset / 1 for offset in first_fit(lifetimes)]


@pytest.mark.parametrize("planner", [first_fit, side_by_side, with_total])
def test_right_planners_pass(planner):
    assert check_plan(planner, examples=40) is None


def test_another_alignment():
    check_plan(lambda lifetimes: first_fit(lifetimes, alignment=16), examples=30, alignment=16)
    check_plan(misaligned, examples=30, alignment=1)
    with pytest.raises(CheckFailed, match="multiples of 16"):
        check_plan(first_fit, alignment=16)


@pytest.mark.parametrize(
    "planner, text",
    [
        (ignores_identical_lifetimes, "buffers 0 and 1 share bytes 0..0 and are both alive at instruction 0"),
        (exclusive_lifetimes, "buffers alive together share no byte"),
        (misaligned, "offsets are multiples of 4, none negative"),
        (below_zero, "offsets are multiples of 4, none negative"),
        (one_short, "there is one offset for each buffer"),
        (wrong_total, "the total is max(offset + size)"),
        (wasteful, "the total is between the lower bound and the size of all buffers side by side"),
        (fractions, "returns offsets, or (offsets, total), in whole bytes"),
    ],
)
def test_wrong_planners_are_named(fails, planner, text):
    fails(check_plan, planner, text)


def test_identical_lifetimes_shrink_to_two_single_bytes(fails):
    failure = fails(check_plan, ignores_identical_lifetimes, "share no byte")
    assert "lifetimes = [(1, 0, 0), (1, 0, 0)]" in failure.snippet


@pytest.mark.parametrize("options", [{"examples": 0}, {"alignment": 0}, {"alignment": 1.5}])
def test_wrong_options_are_refused(options):
    with pytest.raises(InputError, match=next(iter(options))):
        check_plan(first_fit, **options)


@pytest.mark.parametrize(
    "lifetimes, bytes_alive",
    [
        ([], 0),
        ([(100, 0, 2), (50, 0, 2)], 150),
        ([(100, 0, 1), (50, 2, 3)], 100),
        ([(100, 0, 2), (50, 2, 3)], 150),
        ([(8, 0, 9), (4, 1, 2), (4, 2, 3), (4, 4, 5)], 16),
    ],
)
def test_lower_bound_by_hand(lifetimes, bytes_alive):
    assert lower_bound(lifetimes) == bytes_alive


def test_tinyengines_plan_is_caught():
    with pytest.raises(CheckFailed) as found:
        assert_no_overlap([0, 0], [(100, 0, 2), (50, 0, 2)])
    assert (
        str(found.value)
        == """\
assert_no_overlap: buffers alive together share no byte
expected: no overlap
got:      buffers 0 and 1 share bytes 0..49 and are both alive at instruction 0
To repeat it:
from mcuref.testing import assert_no_overlap
offsets = [0, 0]
lifetimes = [(100, 0, 2), (50, 0, 2)]
assert_no_overlap(offsets, lifetimes)"""
    )
    with pytest.raises(CheckFailed) as repeated:
        exec(found.value.snippet, {})
    assert str(repeated.value) == str(found.value)


def test_plans_without_overlap_pass():
    assert_no_overlap([], [])
    assert_no_overlap([0, 100], [(100, 0, 2), (50, 0, 2)])
    assert_no_overlap([0, 0], [(100, 0, 2), (50, 3, 3)])


def test_a_plan_of_another_length_is_refused():
    with pytest.raises(InputError, match="1 offsets for 2 lifetimes"):
        assert_no_overlap([0], [(100, 0, 2), (50, 3, 3)])
