"""Running sums, distances, steps and swap-herding: definitions in float64 and exact whole numbers, order of every sum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels import matching
from mcuref.testing.buffers import Guarded

from .bits import EPS, ORDINARY, POOLS, SIZES, assert_same_bits, drawn, rounding_bound

RANDOM = settings(max_examples=80, deadline=None, database=None, derandomize=True)
SAMPLES = (0, 1, 2, 3, 7, 15, 17)
F = np.float32


def run(kernel, changed, *others):
    """Call a kernel with copies between guards; returns those of ``changed``, whose bits alone may change."""
    changed = [Guarded(np.asarray(v, F), np.nan) for v in changed]
    others = [Guarded(v, np.nan) if isinstance(v, np.ndarray) else v for v in others]
    kernel(*(a.values for a in changed), *(a.values if isinstance(a, Guarded) else a for a in others))
    assert not any(a.outside for a in changed) and not any(a.changed for a in others if isinstance(a, Guarded))
    return [a.values for a in changed]


# -- sums and differences -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", SAMPLES)
@np.errstate(all="ignore")
def test_features_are_added_sample_by_sample(n):
    for size in SIZES:
        for pool in POOLS.values():
            total, features = drawn(pool, size, n), drawn(pool, (n, size), size)
            (got,) = run(matching.add_features, [total], features)
            assert_same_bits(got, np.cumsum(np.vstack([total, features]), axis=0, dtype=F)[-1])  # one after the other
        total, features = drawn(ORDINARY, size, n), drawn(ORDINARY, (n, size), size)
        (got,) = run(matching.add_features, [total], features)
        exact = total.astype(np.float64) + features.sum(axis=0, dtype=np.float64)
        assert (np.abs(got - exact) <= rounding_bound(n, np.abs(total) + np.abs(features).sum(axis=0), 0)).all()


def test_a_sum_knows_the_order():
    large = 2.0**24  # takes no single 1
    for order, total in (([large, 1, 1], large), ([1, 1, large], large + 2)):
        assert run(matching.add_features, [[0]], F(order).reshape(3, 1))[0].tolist() == [total]
    root = 2.0**12
    assert matching.squared_norm(F([root, 1, 1])) == large and matching.squared_norm(F([1, 1, root])) == large + 2


@pytest.mark.parametrize("n", SAMPLES)
def test_moments_are_sums_of_means_of_each_sample(n):
    for size in SIZES:
        x, before = drawn(ORDINARY, (n, size), size), F([3, 5])
        (got,) = run(matching.add_moments, [before], x)
        exact = before + np.stack([x, np.square(x, dtype=np.float64)]).mean(axis=2, dtype=np.float64).sum(axis=1)
        # a product, as many sums as values, a quotient, as many sums as samples
        terms = before + np.stack([np.abs(x), np.square(x, dtype=np.float64)]).mean(axis=2).sum(axis=1)
        assert (np.abs(got - exact) <= rounding_bound(size + n + 2, terms, 0)).all()
        means = [np.cumsum(v, axis=1, dtype=F)[:, -1] / F(size) for v in (x, x * x)]
        assert_same_bits(got, np.array([np.cumsum([b, *m], dtype=F)[-1] for b, m in zip(before, means)]))


def test_moments_by_hand():
    (got,) = run(matching.add_moments, [[10, 100]], F([[1, 2, 3, 6], [-4, 0, 0, 4]]))
    assert got.tolist() == [13, 100 + 12.5 + 8]


@RANDOM
@given(st.sampled_from(SIZES), st.integers(1, 999), st.integers(1, 999), st.integers(0, 2**16))
def test_difference_of_means(size, count, target_count, seed):
    total, target = drawn(ORDINARY, size, seed), drawn(ORDINARY, size, seed + 1)
    (got,) = run(matching.mean_difference, [np.full(size, np.nan)], total, count, target, target_count)
    first, second = total / np.float64(count), target / np.float64(target_count)
    # a quotient and the difference
    assert (np.abs(got - (first - second)) <= rounding_bound(2, np.abs(first) + np.abs(second), 0)).all()
    (got,) = run(matching.mean_difference, [np.full(size, np.nan)], total, count, total.copy(), count)
    assert_same_bits(got, np.zeros(size, F))


def test_a_difference_of_means_by_hand():
    (got,) = run(matching.mean_difference, [np.zeros(3)], F([6, 1, -8]), 4, F([6, 1, 8]), 2)
    assert got.tolist() == [1.5 - 3, 0.25 - 0.5, -2 - 4]


def test_squared_norm():
    assert matching.squared_norm(np.zeros(0, F)) == 0
    for size in SIZES:
        x = drawn(ORDINARY, size, size)
        exact = np.square(x, dtype=np.float64).sum()
        assert abs(matching.squared_norm(x) - exact) <= rounding_bound(size + 1, exact, 0)
    assert matching.squared_norm(F([3, -4, 12])) == 169


# -- steps ----------------------------------------------------------------------------------------------------------


@st.composite
def steps(draw):
    """(s, gradient, low, high): any number of pixels and channels; some values are clamped, some gradients are 0."""
    channels = draw(st.sampled_from([1, 2, 3, 7]))
    size = channels * draw(st.sampled_from([1, 2, 3, 7, 15]))
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    gradient = random.normal(0, 10.0 ** random.integers(-6, 3), size) * (random.random(size) < 0.8)
    low, high = random.uniform(-2, -0.2, channels), random.uniform(0.2, 2, channels)
    return [v.astype(F) for v in (random.uniform(-2, 2, size), gradient, low, high)]


def stepped(s, step, low, high):
    """s - step, clamped by channels, float64."""
    return np.clip((np.float64(s) - step).reshape(-1, low.size), low, high).reshape(-1)


@RANDOM
@given(steps(), st.sampled_from([0.001, 0.25, 3.0]))
def test_a_step_is_against_the_gradient_and_clamped(case, rate):
    s, gradient, low, high = case
    (got,) = run(matching.step_plain, [s], gradient, F(rate), low, high)
    step = np.float64(F(rate)) * gradient
    # the product and the difference; clamping brings two numbers no further apart
    bound = EPS / 2 * (2 * np.abs(step) + np.abs(s)) * (1 + 2 * EPS)
    assert (np.abs(got - stepped(s, step, low, high)) <= bound).all()


def test_a_step_by_hand():
    s, gradient = F([0, 1, 2, 3, -4, 5]), F([1, -1, 8, 0, -8, 0.5])
    (got,) = run(matching.step_plain, [s], gradient, F(0.5), F([-1, -2]), F([1.25, 4]))
    assert got.tolist() == [-0.5, 1.5, -1, 3, 0, 4]  # channel 0 ends at -1 and 1.25, channel 1 at -2 and 4
    (got,) = run(matching.step_plain, [s], gradient, F(0), F([-1]), F([2]))
    assert got.tolist() == [0, 1, 2, 2, -1, 2]


@RANDOM
@given(steps(), st.sampled_from([0.001, 0.25, 3.0]))
def test_a_normalised_step_has_the_length_of_the_rate(case, rate):
    s, gradient, low, high = case
    (got,) = run(matching.step_normalised, [s], gradient, F(rate), low, high)
    root = np.sqrt(np.mean(np.square(gradient, dtype=np.float64)))
    if root == 0:
        assert_same_bits(got, s)
        return
    step = np.float64(F(rate)) / root * gradient
    # root: product, size sums, quotient (half of their error each), root itself; quotient, product; the difference
    bound = EPS / 2 * ((gradient.size / 2 + 5) * np.abs(step) + np.abs(s)) * 1.01
    assert (np.abs(got - stepped(s, step, low, high)) <= bound).all()


def test_the_scale_of_a_gradient_does_not_matter_to_a_normalised_step():
    s, gradient = drawn(ORDINARY, 12, 1), drawn(ORDINARY, 12, 2)
    ends = F([-1e9]), F([1e9])
    (one,) = run(matching.step_normalised, [s], gradient, F(0.5), *ends)
    for power in (-20, -3, 15):
        assert_same_bits(run(matching.step_normalised, [s], gradient * F(2.0**power), F(0.5), *ends)[0], one)
    moves = one - s.astype(np.float64)
    # each of 12 entries is rounded to float32 near 2e4
    assert abs(np.sqrt(np.mean(moves**2)) - 0.5) < 2e4 * EPS
    assert (np.sign(moves) == -np.sign(gradient))[np.abs(s) < 1000].all()


def test_a_gradient_of_zero_moves_nothing_and_clamps_nothing():
    s = F([-0.0, 0.0, 5, -9, 1e-45, 3])
    for zeros in (np.zeros(6, F), np.full(6, -0.0, F)):
        (got,) = run(matching.step_normalised, [s], zeros, F(0.5), F([-1, -1]), F([1, 1]))
        assert_same_bits(got, s)


def test_one_value_moves_by_the_rate():
    for gradient in (1e-15, -3, 1e15):
        (got,) = run(matching.step_normalised, [[2]], F([gradient]), F(0.25), F([-9]), F([9]))
        assert abs(got[0] - (2 - np.sign(gradient) * 0.25)) <= 2 * EPS  # root, quotient and product near 0.25


@RANDOM
@given(steps(), st.sampled_from([0.0, 0.5, 0.9]), st.integers(0, 2**16))
def test_momentum_keeps_a_velocity(case, momentum, seed):
    s, gradient, low, high = case
    velocity = np.random.default_rng(seed).normal(size=s.size).astype(F)
    got, now = run(matching.step_momentum, [s, velocity], gradient, F(0.25), F(momentum), low, high)
    kept = np.float64(F(momentum)) * velocity
    exact = kept + gradient
    bound = rounding_bound(2, np.abs(kept) + np.abs(gradient), 0)
    assert (np.abs(now - exact) <= bound).all()
    # a quarter is exact: the velocity's error, then the difference
    off = 0.25 * bound + EPS / 2 * (np.abs(s) + np.abs(exact)) * 1.01
    assert (np.abs(got - stepped(s, 0.25 * exact, low, high)) <= off).all()


def test_momentum_by_hand():
    s, velocity = F([1, 0]), F([0, 0])
    for expected in ([0, -1], [-1.5, -1.5], [-3.25, -1.5]):  # velocities 2, 3, 3.5 and 2 (clamped at -1.5), ...
        s, velocity = run(matching.step_momentum, [s, velocity], F([2, 2]), F(0.5), F(0.5), F([-9, -1.5]), F([9, 9]))
        assert s.tolist() == expected
    assert velocity.tolist() == [3.5, 3.5]


@pytest.mark.parametrize("n", SAMPLES)
def test_samples_step_one_by_one(n):
    """Each has its own RMS and velocity; a sample without a gradient stays where it is."""
    random = np.random.default_rng(n)
    s, gradients, velocity = random.normal(size=(3, n, 6)).astype(F)
    gradients *= (10.0 ** random.integers(-3, 3, (n, 1))).astype(F)
    gradients[n // 2 :: 3] = 0
    ends = F([-1, -1.5]), F([1, 0.5])
    (normalised,) = run(matching.step_all_normalised, [s], gradients, F(0.25), *ends)
    with_momentum = run(matching.step_all_momentum, [s, velocity], gradients, F(0.25), F(0.5), *ends)
    for j in range(n):
        assert_same_bits(normalised[j], run(matching.step_normalised, [s[j]], gradients[j], F(0.25), *ends)[0])
        alone = run(matching.step_momentum, [s[j], velocity[j]], gradients[j], F(0.25), F(0.5), *ends)
        for one, all_ in zip(alone, with_momentum):
            assert_same_bits(all_[j], one)


# -- swap-herding ---------------------------------------------------------------------------------------------------


class Slow:
    """Swap-herding as it is defined, in exact whole numbers.

    Distances are || M target - seen sum of kept ||^2, which is (M seen)^2 times the one that is meant.
    """

    def __init__(self, slots, target, seen):
        self.indices, self.kept, self.slots = [], [], slots
        self.target, self.seen = [int(v) for v in target], seen

    def _distance(self, kept):
        total = [sum(column) for column in zip(*kept)]
        return sum((self.slots * t - self.seen * v) ** 2 for t, v in zip(self.target, total)), total

    def show(self, number, features):
        """False, and nothing is done, where equal distances of different sums decide: float32 may take either."""
        features = [int(v) for v in features]
        target, self.target = self.target, [t + f for t, f in zip(self.target, features)]
        self.seen += 1
        if len(self.kept) < self.slots:
            self.indices.append(number)
            self.kept.append(features)
            return True
        swapped = [[*self.kept[:m], features, *self.kept[m + 1 :]] for m in range(self.slots)]
        choices = [self._distance(kept) for kept in (self.kept, *swapped)]
        least = min(distance for distance, _ in choices)
        best = [(total, i) for i, (distance, total) in enumerate(choices) if distance == least]
        if any(total != best[0][0] for total, _ in best):
            self.target = target
            return False
        slot = best[0][1] - 1
        if slot >= 0:
            self.indices[slot], self.kept[slot] = number, features
        return True


def herded(features, slots, first=0, target=None, seen=None, cuts=()):
    """(indices[M], kept[M, D], total[D], target[D]) of a stream that comes in parts cut at ``cuts``."""
    size = features.shape[1]
    indices, target = np.full(slots, -7, np.int64), np.zeros(size, F) if target is None else F(target)
    kept, total, seen = np.full((slots, size), np.nan, F), np.zeros(size, F), first if seen is None else seen
    guarded = [Guarded(v, g) for v, g in ((indices, -99), (kept, np.nan), (total, np.nan), (target, np.nan))]
    for begin, end in zip((0, *cuts), (*cuts, len(features))):
        part = Guarded(features[begin:end], np.nan)
        matching.swap_herding(*(a.values for a in guarded), part.values, first + begin, first, seen + begin)
        assert not any(a.outside for a in guarded) and not part.changed
    return [a.values for a in guarded]


@settings(RANDOM, max_examples=250)
@given(st.data())
def test_swap_herding_is_its_definition(data):
    """Up to 3 slots and 17 samples of 1 or 2 features from 0 to 3: float32 takes no distance for another one.

    Distances are multiples of 1 / (3 * 20)^2 = 3e-4 and at most 18; each of two terms d^2, |d| <= 3, is off by at most
    2 * 3 * (3 roundings of 3) + a rounding of 9 + one of the sum: 4e-6 in all.
    """
    size, slots = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 3))
    first, earlier = data.draw(st.sampled_from([0, 0, 5])), data.draw(st.integers(0, 3))
    count = data.draw(st.integers(0, 17))
    values = st.lists(st.integers(0, 3), min_size=size, max_size=size)
    features = np.array(data.draw(st.lists(values, min_size=count, max_size=count)), F).reshape(count, size)
    seen = earlier if first else 0
    start = np.array(data.draw(values)) * seen
    oracle = Slow(slots, start, seen)
    for j, row in enumerate(features):
        if not oracle.show(first + j, row):
            features = features[:j]
            break
    cuts = sorted(data.draw(st.lists(st.integers(0, len(features)), max_size=3)))
    indices, kept, total, target = herded(features, slots, first, start, seen, cuts)
    stored = len(oracle.indices)
    assert indices[:stored].tolist() == oracle.indices and (indices[stored:] == -7).all()
    assert kept[:stored].tolist() == oracle.kept and np.isnan(kept[stored:]).all()
    assert total.tolist() == [sum(column) for column in zip(*oracle.kept)] or not stored and not total.any()
    assert target.tolist() == oracle.target


@pytest.mark.parametrize("slots, samples, size", [(1, 33, 1), (2, 17, 3), (3, 33, 17), (7, 33, 7), (15, 33, 2), (7, 3, 9)])
def test_no_swap_would_have_been_better(slots, samples, size):
    """Any numbers, one by one: what is kept is as near to the mean as any single swap brings it, up to rounding."""
    random = np.random.default_rng(slots)
    features = random.normal(2, 3, (samples, size)).astype(F)
    indices, kept, total, target = (
        np.zeros(slots, np.int64),
        np.zeros((slots, size), F),
        np.zeros(size, F),
        np.zeros(size, F),
    )
    swaps = 0
    for j in range(samples):
        before, old = kept.astype(np.float64), indices.copy()
        matching.swap_herding(indices, kept, total, target, features[j : j + 1], j, 0, j)
        assert (kept[: j + 1] == features[indices[: j + 1]]).all() and len(set(indices[: j + 1])) == min(j + 1, slots)
        if j < slots:
            assert indices[j] == j
            continue
        changed = np.flatnonzero(indices != old)
        assert len(changed) <= 1 and (indices[changed] == j).all()
        swaps += len(changed)
        mean = features[: j + 1].mean(axis=0, dtype=np.float64)
        options = [before] + [np.vstack([before[:m], features[j : j + 1], before[m + 1 :]]) for m in range(slots)]
        least = min(np.square(option.mean(axis=0) - mean).sum() for option in options)
        reached = np.square(kept.mean(axis=0, dtype=np.float64) - mean).sum()
        # sums of up to 33 numbers of about 10, so means off by 33 roundings of 10: that much in every term of two distances
        off = 33 * EPS * 10
        assert reached <= least + 2 * (2 * np.sqrt(least) * off * np.sqrt(size) + size * off**2)
    assert swaps > 1 or samples < slots
    # sums that follow their terms for 33 samples
    assert np.allclose(total, kept[: min(samples, slots)].sum(axis=0, dtype=np.float64), atol=33 * 33 * EPS * 10, rtol=0)
    assert np.allclose(target, features.sum(axis=0, dtype=np.float64), atol=33 * 33 * EPS * 10, rtol=0)


@pytest.mark.parametrize("slots", [1, 2, 7, 15, 40])
def test_how_a_stream_is_cut_decides_no_bit(slots):
    features = np.random.default_rng(1).normal(1, 2, (33, 5)).astype(F)
    whole = herded(features, slots)
    for cuts in ((1,), (2, 3, 17), (16, 16), range(1, 33), (slots % 33,)):
        for one, other in zip(whole, herded(features, slots, cuts=tuple(cuts))):
            assert one.tobytes() == other.tobytes()


def test_fewer_samples_than_slots_are_all_kept():
    features = F([[1, 2], [3, 4], [1, 2]])
    indices, kept, total, target = herded(features, 5, first=10, target=[7, 7], seen=10)
    assert indices.tolist() == [10, 11, 12, -7, -7] and (kept[:3] == features).all() and np.isnan(kept[3:]).all()
    assert total.tolist() == [5, 8] and target.tolist() == [12, 15]
    indices, *_ = herded(features, 3)
    assert indices.tolist() == [0, 1, 2]


def test_equal_samples_give_way_at_the_lowest_index():
    # 0 brings the mean of the kept, 2, nearer to 8 / 5, whichever of them goes
    indices, kept, total, _ = herded(F([[2], [2], [2], [2], [0]]), 4)
    assert indices.tolist() == [4, 1, 2, 3] and kept.reshape(-1).tolist() == [0, 2, 2, 2] and total.tolist() == [6]
    # 0 for a 4 makes it 2, 0 for the 0 leaves it 3; the mean of all is 12 / 5
    indices, *_ = herded(F([[0], [4], [4], [4], [0]]), 4)
    assert indices.tolist() == [0, 4, 2, 3]


def test_what_brings_nothing_nearer_is_not_kept():
    """A sample equal to a kept one changes no distance; not nearer is not enough."""
    indices, kept, total, target = herded(F([[1], [3], [3], [1], [2]]), 2)
    assert indices.tolist() == [0, 1] and total.tolist() == [4] and target.tolist() == [10]
    assert matching.swap_candidate(F([4]), F([[1], [3]]), F([3]), F([10]), 5) == -1
    assert matching.swap_candidate(F([4]), F([[1], [3]]), F([2]), F([10]), 5) == -1


@pytest.mark.parametrize("features, target, best", [
    ([8], [40], 1),  # mean 4: the kept have the mean 8/3; 8 for 0 makes it 16/3, 8 for a 4 exactly 4
    ([4], [40], 0),  # 4 for 0 makes it exactly 4
    ([4], [20], -1),  # mean 2: 8/3 is nearer than 4
    ([0], [10], 1),  # mean 1: 0 for a 4 makes it 4/3
    ([3], [30], -1),  # mean 3: 8/3 is nearer than 11/3 and 7/3
    ([-100], [-400], 1),  # as far down as it gets
])  # fmt: skip
def test_candidates_by_hand(features, target, best):
    assert matching.swap_candidate(F([8]), F([[0], [4], [4]]), F(features), F(target), 10) == best
    wide = [np.hstack([np.zeros_like(v), v, np.zeros_like(v)]) for v in (F([[8]]), F([[0], [4], [4]]), F([features]))]
    assert matching.swap_candidate(wide[0][0], wide[1], wide[2][0], F([0, *target, 0]), 10) == best


def test_the_sum_over_all_seen_counts_not_that_of_the_group():
    """Samples of an earlier group pull the mean: 100 samples of 0 before a group that keeps the smallest."""
    indices, *_ = herded(F([[5], [9], [1], [3]]), 2, first=100, target=[0], seen=100)
    assert indices.tolist() == [103, 102]


@np.errstate(all="ignore")
def test_a_distance_that_is_no_number_is_never_nearer():
    for bad in (np.nan, np.inf):
        assert matching.swap_candidate(F([4, 4]), F([[1, 1], [3, 3]]), F([bad, 2]), F([10, 10]), 5) == -1


def test_bits_of_a_candidate_do_not_depend_on_where_the_sum_is_cut_short():
    """A distance that has grown to the best one is given up; the result is that of full sums."""
    random = np.random.default_rng(4)
    for size in SIZES:
        for seed in range(20):
            kept = random.integers(-3, 4, (7, size)).astype(F)
            features, target = random.integers(-3, 4, (2, size)).astype(F)
            total = kept.sum(axis=0)
            means = [total] + [total + (features - row) for row in kept]
            squares = [np.square(m / F(7) - target / F(8)) for m in means]
            distances = [np.cumsum(s, dtype=F)[-1] for s in squares]
            expected = int(np.argmin(distances)) - 1  # the first of equal ones, staying before all
            assert matching.swap_candidate(total, kept, features, target, 8) == expected
