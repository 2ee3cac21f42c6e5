"""What the instructions of each kernel are linear in: features of a row's dimensions, and of what it did.

A feature is how often something happens: a call, a pass of a loop, a product. It follows from the dimensions alone or
is linear in the sums that the executor counts; where a cost is not linear in the kept entries (rows that are taken four
at a time), the mean of a run stands for all of them. Windows that reach into the padding are counted exactly.

Where floats are computed in software a product with 0 costs much less, and a ReLU makes many zeros: products of which
one factor is 0 are a feature of their own.
"""

from collections.abc import Callable, Mapping

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
    outputs, inputs = work["O"], work["I"]
    return {"output": work.runs * outputs, **work.products(work.runs * outputs, inputs)}


def _conv_forward(work):
    g, runs = work.g, work.runs
    places, size = runs * positions(g), g.KH * g.KW * g.C
    total = {"place": places, "line": runs * g.HO, "output": places * g.O, **work.products(places * g.O, size)}
    if "patch" in work.instruction:
        total.update(_gather(work))
    return total


def _gather(work):
    """Patches are gathered, 0 where they lie outside; a product with such a 0 may cost less."""
    g = work.g
    rows, columns = taps_inside(g)
    read = rows.sum() * (columns > 0).sum()
    copied = rows.sum() * columns.sum() * g.C
    lines = positions(g) * g.KH
    cleared = lines * g.KW * g.C - copied
    return {
        "patch": work.runs * positions(g),
        "patch row": work.runs * read,
        "patch row outside": work.runs * (lines - read),
        "copied": work.runs * copied,
        "cleared": work.runs * cleared,
        "product with padding": work.runs * cleared * g.O,
    }


def _depthwise_forward(work):
    g, runs = work.g, work.runs
    rows, columns = taps_inside(g)
    taps = runs * rows.sum() * columns.sum()
    return {
        "place": runs * positions(g),
        "line": runs * g.HO,
        "row": runs * rows.sum() * g.WO,
        "tap": taps,
        "value": runs * positions(g) * g.C,
        **work.products(taps, g.C),
    }


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
    g = work.g
    return {"input": work.runs * g.H * g.W * g.C, "kept": work.kept, **_walk(work), **_entry_loops(work, work.kept)}


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
    "dense propagation": _dense_propagate,
    "conv propagation": _conv_propagate,
    "depthwise propagation": _depthwise_propagate,
    "dense update": _dense_update,
    "conv update": _conv_update,
    "depthwise update": _depthwise_update,
    "rows begun": _begin_rows,
    "rows applied": _apply_rows,
}
