"""What the instructions of each kernel of int8 are linear in: see :mod:`mcuref.cost.features`.

One formula fits all cores. Kernels take up to four rows of weights at once, and elements one by one, four at a time, or by
vectors of eight and sixteen of which the last is not full; what of these a core does has a coefficient, the others have 0.
"""

from mcuref.cost.baseline_features import int8_bias_update, int8_channels, random_selection
from mcuref.cost.grouping import by_position, over_positions
from mcuref.cost.sparsity import RULES, Runs
from mcuref.cost.work import in_fours, mean_taps, positions, taps_inside

ROWS = 4  # of weights at once
GROUP = 32  # channels of a convolution that go over all positions before others do
COUNTS = 128  # of magnitudes
CHANNELS = 16  # of taps that are summed at once


def _passes(times, n, what):
    """``times`` loops over n elements, in all ways of going over them."""
    return {
        what: times * (n % 4),
        f"{what} x 4": times * (n // 4),
        f"{what} x 8": times * -(-n // 8),
        f"{what} x 16": times * -(-n // 16),
        f"{what}, remainder {n % 4}": times,
    }


def _add(total, more):
    for name, value in more.items():
        total[name] = total.get(name, 0.0) + value


def _elements(work):
    return _passes(work.runs, work["n"], "element")


def _masked(work):
    """Elements that a ReLU let pass, among others."""
    return {**_elements(work), "element that is on": work.runs * work["n"] * (1 - work.zeros)}


def _load(work):
    n, c = work["n"], work["c"]
    if c == 1:
        return {"one pair": work.runs, "value by one pair": work.runs * n}
    return {"value": work.runs * n, "group": work.runs * n // c}


# ---------------------------------------------------------------------------------------------------------------------
# forward


def _dense_forward(work):
    runs, outputs, inputs = work.runs, work["O"], work["I"]
    fours, singles = runs * (outputs // ROWS), runs * (outputs % ROWS)
    total = {
        "output": runs * outputs,
        **_passes(fours, inputs, "four products"),
        "four products that are not 0": fours * inputs * (1 - work.zeros),
        **_passes(singles, inputs, "product"),
    }
    _add(total, _passes(runs * outputs * (work["x_zero"] != 0), inputs, "weight summed"))
    _add(total, _in_runs(work, inputs, fours, runs, outputs >= 2 * ROWS))
    return total


def _in_runs(work, inputs, times, searches, searched=True):
    """``times`` loops over the runs of inputs; and what it takes to find these, where that is worth it."""
    total = {"input searched": searches * inputs * searched}
    for rule, (block, _) in RULES.items():
        found = work.runs_of_inputs(inputs, rule) if searched else Runs(1, inputs, inputs % block)
        total |= {
            f"run, {rule}": times * found.number,
            f"in a run, {rule}": times * found.covered,
            f"behind the last block, {rule}": times * found.rest,
            f"run found, {rule}": searches * found.number * searched,
            f"input found, {rule}": searches * found.covered * searched,
        }
    return total


def _in_groups(outputs):
    """(groups, fours, singles) of the channels of a convolution."""
    sizes = [min(GROUP, outputs - first) for first in range(0, outputs, GROUP)]
    return len(sizes), sum(size // ROWS for size in sizes), sum(size % ROWS for size in sizes)


def _conv_forward(work):
    g, runs = work.g, work.runs
    places, size = runs * positions(g), g.KH * g.KW * g.C
    groups, fours, singles = _in_groups(g.O)
    rows, columns = taps_inside(g)
    inside = runs * rows.sum() * columns.sum() * g.C
    cleared = places * size - inside
    total = {
        "channel": runs * g.O,
        **_passes(runs * g.O, size, "weight of a channel"),
        "place": places * groups,
        "line": runs * g.HO * groups,
        "output": places * g.O,
        "four outputs": places * fours,
        **_passes(places * fours, size, "four products"),
        "four products that are not 0": inside * fours * (1 - work.zeros),
        **_passes(places * singles, size, "product"),
    }
    if "patch" in work.instruction:
        read = runs * rows.sum() * (columns > 0).sum()
        total |= {"patch": places * groups, "patch row": read * groups, "cleared": cleared * groups}
        total |= {"patch row outside": (places * g.KH - read) * groups, "copied": inside * groups}
        _add(total, _patch_rows(g, runs * groups, rows, columns))
    return total


def _patch_rows(g, times, rows, columns):
    """Rows of patches as they are copied, by how long they are."""
    total = {}
    for n in columns * g.C:
        _add(total, _passes(times * rows.sum(), int(n), "copied row"))
    return total


def _channels(work, each):
    """Chunks, fours and single ones of channels that lie beside each other, ``each`` of them times over."""
    g = work.g
    if g.O != g.C:  # of several channels of weights an input each
        return {"chunk": each * g.O}, 0, g.O
    chunks, last = divmod(g.O, CHANNELS)
    return {"chunk": each * (chunks + (last > 0))}, g.O // 4, g.O % 4


def _taps(work, what=""):
    """Windows and their taps, of channels four at a time and one by one."""
    g, runs = work.g, work.runs
    rows, columns = taps_inside(g)
    taps, lines = runs * rows.sum() * columns.sum(), runs * rows.sum() * g.WO
    places = runs * positions(g)
    chunks, fours, singles = _channels(work, places)
    return {
        "place": places,
        "line": runs * g.HO,
        **chunks,
        "tap of four": taps * fours,
        "row of four": lines * fours,
        "four": places * fours,
        "tap": taps * singles,
        "row": lines * singles,
        "single": places * singles,
        "output": places * g.O,
    }


def _depthwise_forward(work):
    return {**_taps(work), "copy": work.runs * positions(work.g) * (work.g.O if work.g.O != work.g.C else 0)}


def _pool(work):
    """Pooling, either way: positions, rows and taps of their windows, values under them, and values in and out."""
    g, runs = work.g, work.runs
    rows, columns = taps_inside(g)
    taps = runs * rows.sum() * columns.sum()
    clamps = work.instruction.phase == "forward" and (work["low"] > -128 or work["high"] < 127)
    return {
        **_taps(work),
        "window": taps,
        "window row": runs * rows.sum() * g.WO,
        "value under": taps * g.C,
        "value recorded": taps * g.C * ("taps" in work.instruction and work.instruction.phase == "forward"),
        "clamped": runs * positions(g) * g.C * clamps,
        "input": runs * g.H * g.W * g.C,
    }


def _mean(work):
    g, runs = work.g, work.runs
    fours, singles, count = g.C // 4, g.C % 4, g.H * g.W
    chunks = -(-g.C // CHANNELS)
    return {
        "chunk": runs * chunks, "four": runs * fours, "single": runs * singles, "tap of four": runs * fours * count,
        "tap": runs * singles * count,
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# selection


def _top_k(work):
    """Where k is that of all entries they are counted, else by magnitude, with a last pass unless fewer than k are not 0.

    What is compared are entries in each pass, and up to 128 counts; how many runs had which passes follows from that.
    """
    n, runs, compared = work["n"], work.runs, work.comparisons
    some = min(runs, compared // n)
    last = some if work.kept == work.chosen else min(max(round((compared - some * (n + COUNTS / 2)) / n), 0), some)
    return {
        **_passes(runs, n, "entry"),
        "entry that is not 0": runs * n * (1 - work.zeros),
        "some": some,
        **_passes(some, n, "entry of some"),
        "entry of some that is not 0": some * n * (1 - work.zeros),
        "kept of some": work.kept * (some > 0),
        "count": max(compared - (some + last) * n, 0),
        "last pass": last,
        **_passes(last, n, "entry in last pass"),
    }


# ---------------------------------------------------------------------------------------------------------------------
# propagation of kept entries


def _dense_propagate(work):
    outputs, inputs = work["O"], work["I"]
    fours, rest = (work.runs * n for n in in_fours(work.mean_kept))
    total = {"input": work.runs * inputs, "row": work.runs * outputs, "kept": work.kept}
    _add(total, _grouped(fours, rest, work.runs, inputs))
    return total


def _grouped(fours, rest, runs, n):
    """Four rows of n elements at once, and what is left of each run: up to three of them, for which mean they are."""
    total = {"four rows": fours, **_passes(fours, n, "four rows of")}
    low, share = divmod(rest / runs if runs else 0.0, 1)
    for count, times in ((low, runs * (1 - share)), (low + 1, runs * share)):
        if 0 < count < ROWS and times:
            _add(total, _rows_at_once(int(count), times, n))
    return total


def _rows_at_once(count, times, n):
    """``times`` so many rows of n elements at once."""
    return {f"{count} rows": times, **_passes(times, n, f"{count} rows of")}


def _windows_at_once(g, flushes):
    """The loops of so many rows at once over windows: {(rows, columns, how many at once): times}."""
    total = {}
    for (rows, columns, count), times in flushes.items():
        _add(total, {f"{count} windows": times})
        _add(total, _rows_at_once(count, times * rows, columns * g.C))
    return total


def _share(work):
    """Of the entries of an error, how many are kept."""
    g = work.g
    return min(work.mean_kept / (positions(g) * g.O), 1.0)


def _conv_propagate(work):
    g, runs = work.g, work.runs
    places = runs * positions(g)
    total = {
        "input": runs * g.H * g.W * g.C,
        "entry": places * g.O,
        "place": places,
        "line": runs * g.HO,
        "kept": work.kept,
        "place with some": places * (1 - (1 - _share(work)) ** g.O),
    }
    _add(total, _windows_at_once(g, by_position(g, _share(work), runs)))
    return total


def _depthwise_propagate(work):
    g, runs = work.g, work.runs
    rows, _ = taps_inside(g)
    places = runs * positions(g)
    return {
        "input": runs * g.H * g.W * g.C,
        "entry": places * g.O,
        "place": places,
        "line": runs * g.HO,
        "kept": work.kept,
        "row": work.kept * rows.mean(),
        "tap": work.kept * mean_taps(g),
        "four entries": places * (g.O // 4),
        "place with some": places * (1 - (1 - _share(work)) ** g.O),
        "four with some": places * (g.O // 4) * (1 - (1 - _share(work)) ** 4),
    }


# ---------------------------------------------------------------------------------------------------------------------
# updates


def _stored(work):
    """How the weights of an update are stored."""
    for operand, name in (("r2", "16 bits"), ("r", "8 bits"), ("draws", "drawn")):
        if operand in work.instruction:
            return name
    return "truncated"


def _dense_update(work):
    """Steps are taken in runs of inputs that are not 0."""
    inputs, how, moves = work["I"], _stored(work), work.moves
    total = _in_runs(work, inputs, work.kept * (1 - moves.none), work.runs * min(work.mean_kept, 1.0))
    for rule in RULES:
        total[f"in a run by large steps, {rule}"] = work.kept * moves.large * work.runs_of_inputs(inputs, rule).covered
    products = work.kept * inputs * (1 - work.zeros)
    total |= {"row trained": work.kept, "product": products, "step": products * moves.moved}
    total["large step"] = products * moves.large * (moves.moved > 0)
    return {"row": work.runs * work["O"], **{f"{name}, {how}": value for name, value in total.items()}}


def _dense_gradient(work):
    return {"row": work.runs * work["O"], "kept": work.kept, **_passes(work.kept, work["I"], "product")}


def _uneven(work):
    """(channels that have kept entries, summed over runs; which share of their positions is kept), of the same entries."""
    g = work.g
    share = work.moves.dense or _share(work)
    return (work.kept / (share * positions(g)) if share else 0.0), share


def _moved(work, size):
    """What becomes of the sums of channels: steps of weights, or terms of a batch's sums."""
    channels, share = _uneven(work)
    some = channels * (1 - (1 - share) ** positions(work.g))
    how = "summed" if "a" in work.instruction else _stored(work)
    return {f"channel, {how}": some, **_passes(some, size, f"weight, {how}"), **_passes(some, size, "cleared")}


def _conv_update(work):
    g, runs = work.g, work.runs
    channels, share = _uneven(work)
    total = {"channel": runs * g.O, "entry": runs * positions(g) * g.O, "line": runs * g.HO * g.O}
    _add(total, _windows_at_once(g, over_positions(g, share, channels)))
    _add(total, _moved(work, g.KH * g.KW * g.C))
    return total


def _depthwise_update(work):
    g, runs = work.g, work.runs
    rows, _ = taps_inside(g)
    places = runs * positions(g)
    total = {
        "channel": runs * g.O,
        "entry": places * g.O,
        "place": places,
        "line": runs * g.HO,
        "line of a channel": runs * g.HO * g.O,
        "kept": work.kept,
        "row": work.kept * rows.mean(),
        "tap": work.kept * mean_taps(g),
        "four entries": places * (g.O // 4),
        "four with some": places * (g.O // 4) * (1 - (1 - _share(work)) ** 4),
        "place with some": places * (1 - (1 - _share(work)) ** g.O),
    }
    _add(total, _moved(work, g.KH * g.KW))
    return total


# ---------------------------------------------------------------------------------------------------------------------
# sums of batches


def _begin_rows(work):
    elements, what = work["K"], "scaled" if work["momentum"] else "cleared"
    return {
        **_passes(work.runs, work["n"], "entry"),
        "kept": work.kept,
        f"row {what}": work.fresh,
        f"weight {what}": work.fresh * elements,
    }


def _apply_rows(work):
    rows, elements, how = work["R"], work["K"], _stored(work)
    apart = "" if work["stride"] == 1 else ", apart"
    return {
        "row": work.runs * rows,
        "mask byte": work.runs * -(-rows // 8),
        f"row, {how}": work.kept,
        f"weight, {how}{apart}": work.kept * elements,
    }


KINDS = {  # by the names that operators have for them
    "int8 elements": _elements,
    "int8 masked elements": _masked,
    "int8 load": _load,
    "int8 dense forward": _dense_forward,
    "int8 conv forward": _conv_forward,
    "int8 depthwise forward": _depthwise_forward,
    "int8 pooling": _pool,
    "int8 mean": _mean,
    "int8 top k": _top_k,
    "int8 random selection": random_selection,
    "int8 bias update": int8_bias_update,
    "int8 channels": int8_channels,
    "int8 dense propagation": _dense_propagate,
    "int8 conv propagation": _conv_propagate,
    "int8 depthwise propagation": _depthwise_propagate,
    "int8 dense update": _dense_update,
    "int8 dense gradient": _dense_gradient,
    "int8 conv update": _conv_update,
    "int8 depthwise update": _depthwise_update,
    "int8 rows begun": _begin_rows,
    "int8 rows applied": _apply_rows,
}
