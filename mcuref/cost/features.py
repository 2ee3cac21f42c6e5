"""What the instructions of each kernel are linear in: features of a row's dimensions, and of what it did.

A feature is how often something happens: a call, a pass of a loop, a product. It follows from the dimensions alone or
is linear in the sums that the executor counts; where a cost is not linear in the kept entries (rows that are taken four
at a time), the mean of a run stands for all of them. Windows that reach into the padding are counted exactly.

Where floats are computed in software a product with 0 costs much less, and a ReLU makes many zeros: products of which
one factor is 0 are a feature of their own.
"""

from collections.abc import Callable, Mapping

import numpy as np

from mcuref.cost.baseline_features import bias_update, channels, random_selection
from mcuref.cost.work import Work, in_fours, loop, mean_taps, positions, taps_inside

GUESSED = 5  # a selection begins with a guess, from about 2^5 entries


def features(work: Work) -> dict[str, float]:
    """{name: how often} of a :class:`Work`: what its instructions are linear in."""
    kind = work.instruction.operator.features
    return {"run": work.runs, **kinds(kind)[kind](work)}


def kinds(kind: str) -> Mapping[str, Callable[[Work], dict[str, float]]]:
    """The table that has a kind: those of int8 are not loaded by others."""
    if not kind.startswith("int8"):
        return KINDS
    from mcuref.cost.features_int8 import KINDS as INT8

    return INT8


def _entry_loops(work, entries):
    """The loops over the patches of kept entries, wherever those lie: a run of columns x channels in each row."""
    g = work.g
    rows, columns = taps_inside(g)
    mean_rows, total = rows.mean(), {"kept row": entries * rows.mean()}
    for n in columns * g.C:
        _add(total, work.products(entries * mean_rows / columns.size, int(n)))
    return total


def _pairs(work):
    """(pairs, single ones) that kept entries are taken in, those of each position two by two, if spread evenly: the
    number of a position is odd in half of all cases, but for what (1 - 2 share) to the power of its outputs says.
    """
    g = work.g
    share = min(work.mean_kept / (positions(g) * g.O), 1.0)
    singles = work.runs * positions(g) * (1 - (1 - 2 * share) ** g.O) / 2
    return (work.kept - singles) / 2, singles


def _walk(work):
    """Going from one kept entry to the next, position by position: steps, and positions that have a kept entry.

    For entries that are spread evenly, the last of m is expected at m / (m + 1) of the way.
    """
    g, kept = work.g, work.mean_kept
    share = min(kept / (positions(g) * g.O), 1.0)
    steps = work.runs * positions(g) * kept / (kept + 1)
    places = work.runs * positions(g) * (1 - (1 - share) ** g.O)
    return {"step": steps, "line": steps / g.WO, "place": places}


def _add(total, more):
    for name, value in more.items():
        total[name] = total.get(name, 0.0) + value


# ---------------------------------------------------------------------------------------------------------------------
# forward and back, by kind of row


def _load(work):
    """Values are normalised in groups of c; with one pair for all of them there is a loop of its own."""
    n, c = work["n"], work["c"]
    zeros = {"value that is 0": work.runs * n * work.zeros}
    if c == 1:
        return {"one pair": work.runs, "value by one pair": work.runs * n, **zeros}
    return {"value": work.runs * n, "group": work.runs * n // c, **zeros}


def _elements(work):
    return {"element": work.runs * work["n"]}


def _relu_mask(work):
    n = work["n"]
    return {"element": work.runs * n, "mask byte": work.runs * -(-n // 8)}


def _dense_forward(work):
    return _dots(work, work.runs, work["O"], work["I"])


def _dots(work, times, rows, n):
    """``times`` products of n inputs with a matrix: its rows two by two where there is an FPU, and one that is left."""
    pairs, singles = times * (rows // 2), times * (rows % 2)
    return {
        "pair": pairs,
        "single": singles,
        **loop(pairs, n, "two products"),
        **loop(singles, n, "product"),
        "product with 0": times * rows * n * work.zeros,
    }


def _conv_forward(work):
    g, runs = work.g, work.runs
    places = runs * positions(g)
    total = {"place": places, "line": runs * g.HO, **_dots(work, places, g.O, g.KH * g.KW * g.C)}
    if "patch" in work.instruction:
        total.update(_gather(work))
    return total


def _gather(work):
    """Patches are gathered, but where they are one run of the input; 0 where they lie outside, which a product with it
    may cost less for.
    """
    g, runs = work.g, work.runs
    rows, columns = (taps[index] for taps, index in zip(taps_inside(g), ((slice(None), None), (None, slice(None)))))
    inside = (rows == g.KH) & (columns == g.KW)
    gathered = ~inside if g.KH == 1 or g.KW == g.W else np.ones_like(inside)
    size, copied = g.KH * g.KW * g.C, (gathered * rows * columns).sum() * g.C
    read = gathered * rows
    return {
        "patch": runs * gathered.sum(),
        "patch row": runs * read.sum(),
        "copied x 4": runs * (read * (columns * g.C // 4)).sum(),
        "copied": runs * (read * (columns * g.C % 4)).sum(),
        "patch cleared": runs * (~inside).sum(),
        "cleared": runs * (~inside).sum() * size,
        "product with padding": runs * (gathered.sum() * size - copied) * g.O,
    }


def _depthwise_forward(work):
    """Sums of eight channels at a time, and of those that are left one by one."""
    g, runs = work.g, work.runs
    rows, columns = taps_inside(g)
    places, taps, lines = positions(g), rows.sum() * columns.sum(), rows.sum() * g.WO
    total = {"place": runs * places, "line": runs * g.HO, "product with 0": runs * taps * g.C * work.zeros}
    for name, n in (("eight", g.C // 8), ("one", g.C % 8)):
        total |= {name: runs * places * n, f"row of {name}": runs * lines * n, f"tap of {name}": runs * taps * n}
    return total


def _pool(work):
    """Pooling, either way: positions, rows and taps of their windows, values under them, and values in and out."""
    g, runs = work.g, work.runs
    rows, columns = taps_inside(g)
    taps = runs * rows.sum() * columns.sum()
    recorded = "taps" in work.instruction and work.instruction.phase == "forward"
    return {
        "place": runs * positions(g),
        "line": runs * g.HO,
        "row": runs * rows.sum() * g.WO,
        "tap": taps,
        "value under": taps * g.C,
        "value recorded": taps * g.C * recorded,
        "value": runs * positions(g) * g.C,
        "input": runs * g.H * g.W * g.C,
    }


# ---------------------------------------------------------------------------------------------------------------------
# selection


def _decide(work):
    return loop(work.runs, work["n"], "magnitude")


def _select(work):
    """Entries are summed, counted and kept: two passes where there is a search. The comparisons are those beyond them."""
    n, runs = work["n"], work.runs
    total = {**loop(runs, n, "magnitude"), "entry": runs * n, "kept": work.kept}
    if "tally" in work.instruction:
        searches = min(runs, work.comparisons / (2 * n))
        guess = len(range(0, n, n >> GUESSED | 1))
        total |= {"entry guessed from": runs * guess, "search": searches, "comparison": work.comparisons - searches * 2 * n}
    return total


# ---------------------------------------------------------------------------------------------------------------------
# propagation and update of kept entries


def _dense_propagate(work):
    inputs = work["I"]
    fours, singles = (work.runs * n for n in in_fours(work.mean_kept))
    return {
        "input": work.runs * inputs,
        "four": fours,
        "single": singles,
        **loop(fours, inputs, "four products"),
        **loop(singles, inputs, "product"),
    }


def _dense_update(work):
    outputs, inputs = work["O"], work["I"]
    total = {"kept": work.kept, **work.products(work.kept, inputs), **_biases(work, outputs)}
    return {**total, **_sums(work, inputs)}


def _biases(work, entries):
    dense_bias = work["dense_bias"]
    return {"bias": work.runs * entries * dense_bias, "bias of a kept entry": work.kept * (1 - dense_bias)}


def _sums(work, products):
    """Sums of gradients, other than weights, begin with 0, which is cheaper to add to; a rate of -1 marks them."""
    return {"product into a sum": work.kept * products * (work["rate"] != 0)}


def _conv_propagate(work):
    g, (pairs, singles) = work.g, _pairs(work)
    total = {"input": work.runs * g.H * g.W * g.C, "pair": pairs, "single": singles, **_walk(work)}
    total |= _entry_loops(work, singles)
    rows, columns = taps_inside(g)
    _add(total, {"row of a pair": pairs * rows.mean()})
    for n in columns * g.C:
        _add(total, loop(pairs * rows.mean() / columns.size, int(n), "two products", 4))
    return total | {"product with 0": work.kept * mean_taps(g) * g.C * work.zeros}


def _conv_update(work):
    g = work.g
    more = _biases(work, positions(g) * g.O) | _sums(work, mean_taps(g) * g.C)
    return {"kept": work.kept, **_walk(work), **_entry_loops(work, work.kept), **more}


def _depthwise_taps(work):
    """The taps of kept entries, each a product of its own."""
    products = work.kept * mean_taps(work.g)
    rows, _ = taps_inside(work.g)
    return {
        "kept": work.kept,
        "kept row": work.kept * rows.mean(),
        "product": products,
        "product with 0": products * work.zeros,
    }


def _depthwise_propagate(work):
    g = work.g
    return {"input": work.runs * g.H * g.W * g.C, **_walk(work), **_depthwise_taps(work)}


def _depthwise_update(work):
    g = work.g
    more = _biases(work, positions(g) * g.O) | _sums(work, mean_taps(g))
    return {**_walk(work), **_depthwise_taps(work), **more}


# ---------------------------------------------------------------------------------------------------------------------
# optimisers


def _begin_rows(work):
    elements, momentum = work["K"], work["factor"]
    what = "scaled" if momentum else "cleared"
    zeros = {f"gradient {what} that is 0": work.fresh * elements * work.zeros}
    return {"kept": work.kept, f"row {what}": work.fresh, f"weight {what}": work.fresh * elements, **zeros}


def _apply_rows(work):
    rows, elements = work["R"], work["K"]
    return {
        "row": work.runs * rows,
        "mask byte": work.runs * -(-rows // 8),
        "row applied": work.kept,
        "weight applied": work.kept * elements,
        "gradient that is 0": work.kept * elements * work.zeros,
    }


# ---------------------------------------------------------------------------------------------------------------------
# a first layer over a sample where it lies


def _values(work, reads, name):
    """Values that are normalised as they are read, each with the pair of all or with one of several; those that are 0."""
    pairs = "one pair" if work["c"] == 1 else "one of several pairs"
    return {f"{name} by {pairs}": reads, f"{name} that is 0": reads * work.zeros}


def _dense_forward_of_samples(work):
    """Four rows a pass, the last ones filled up."""
    outputs, inputs = work["O"], work["I"]
    fours = work.runs * -(-outputs // 4)
    return {"output": work.runs * outputs, "four": fours, **_values(work, fours * inputs, "value for four")}


def _dense_update_of_samples(work):
    outputs, inputs = work["O"], work["I"]
    fours, singles = (work.runs * n for n in in_fours(work.mean_kept))
    total = {"four": fours, "single": singles, **_values(work, fours * inputs, "value for four")}
    total |= _values(work, singles * inputs, "value for one")
    return {**total, **_biases(work, outputs), **_sums(work, inputs)}


def _gathered_values(work, patches):
    """Patches of values: what is cleared, rows inside and their values."""
    g = work.g
    rows, _ = taps_inside(g)
    total = {"patch": patches, "cleared": patches * g.KH * g.KW * g.C, "patch row": patches * rows.mean()}
    return {**total, **_values(work, patches * mean_taps(g) * g.C, "value")}


def _conv_forward_of_samples(work):
    g = work.g
    places, size = work.runs * positions(g), g.KH * g.KW * g.C
    padding = places * (size - mean_taps(g) * g.C) * g.O
    total = {"line": work.runs * g.HO, "product with padding": padding}
    return {**total, **_dots(work, places, g.O, size), **_gathered_values(work, places)}


def _conv_update_of_samples(work):
    return {**_conv_update(work), **_gathered_values(work, _walk(work)["place"])}


def _depthwise_forward_of_samples(work):
    g, runs = work.g, work.runs
    rows, columns = taps_inside(g)
    taps = runs * rows.sum() * columns.sum()
    total = {"place": runs * positions(g), "line": runs * g.HO, "row": runs * rows.sum() * g.WO, "tap": taps}
    return {**total, "output": runs * positions(g) * g.C, **_values(work, taps * g.C, "value")}


def _depthwise_update_of_samples(work):
    return {**_depthwise_update(work), **_values(work, work.kept * mean_taps(work.g), "value")}


KINDS = {  # by the names that operators have for them
    "nothing": lambda work: {},
    "load": _load,
    "dense forward": _dense_forward,
    "conv forward": _conv_forward,
    "depthwise forward": _depthwise_forward,
    "elements": _elements,
    "elements and mask": _relu_mask,
    "pooling": _pool,
    "decision": _decide,
    "selection": _select,
    "random selection": random_selection,
    "bias update": bias_update,
    "channels": channels,
    "dense propagation": _dense_propagate,
    "conv propagation": _conv_propagate,
    "depthwise propagation": _depthwise_propagate,
    "dense update": _dense_update,
    "conv update": _conv_update,
    "depthwise update": _depthwise_update,
    "rows begun": _begin_rows,
    "rows applied": _apply_rows,
    "dense forward of samples": _dense_forward_of_samples,
    "conv forward of samples": _conv_forward_of_samples,
    "depthwise forward of samples": _depthwise_forward_of_samples,
    "dense update of samples": _dense_update_of_samples,
    "conv update of samples": _conv_update_of_samples,
    "depthwise update of samples": _depthwise_update_of_samples,
}
