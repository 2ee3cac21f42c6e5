"""The conformance list of float32."""

from collections.abc import Iterator
from dataclasses import fields

import numpy as np

from mcuref.baseline_rules import Biases, Channels, RandomK
from mcuref.firmware.cases.rows import IMAGE, MIDDLE, RECONSTRUCTION, SQUARED, WINDOWS, Row
from mcuref.layers import (
    ACTIVATIONS,
    AveragePool2D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool,
    Input,
    MaxPool2D,
    ReLU,
    ReLU6,
    Reshape,
    Residual,
    Softmax,
)
from mcuref.optimisers import SGD
from mcuref.rules import Full, TinyProp, TinyPropR, TinyPropV2, TopK


def rows() -> Iterator[Row]:
    """All of it, in its order; what is new comes last: places are seeds."""
    tables = (
        _widths, _windows, _blocks, _inputs, _rules, _optimisers, _losses, _parts, _values, _not_finite, _activations,
        _softmax, _in_place, _selections, _rests, _baselines, _efforts,
    )  # fmt: skip
    for table in tables:
        yield from table()


def wide_rows() -> Iterator[Row]:
    """With kept indices of 32 bits, which need a build of their own: a layer of more than 65,536 outputs."""
    layers = [Input((1, 65538, 1), "uint8", 127.5, 1 / 128), Conv2D(1, 1), ReLU(), GlobalAveragePool(), Dense(2)]
    adaptive = TinyProp(0.0001, 0.001, output="rule")
    yield Row("uint32 indices", layers, adaptive, SGD(0.125, momentum=0.5), samples=2)


def _widths():
    """Dense layers around 8 lanes, 4 rows a pass and whole bytes of a mask; one value, and one after another."""
    for widths in ((1, 2, 3), (7, 8, 9), (15, 16, 17), (33, 1, 2), (3, 33, 7), (8, 15, 33), (16, 9, 1)):
        first, *others = widths
        layers = [Input((first,)), *(layer for width in others for layer in (Dense(width), ReLU()))][:-1]
        yield Row(f"dense {'-'.join(map(str, widths))}", layers, samples=4, optimiser=SGD(0.25, "halving"))


def _windows():
    """Every layer with a window, at strides and paddings that cut it off at each side."""
    layers = {
        "conv": lambda *window: Conv2D(5, *window),
        "depthwise": DepthwiseConv2D,
        "maxpool": MaxPool2D,
        "avgpool": AveragePool2D,
    }
    for kind, make in layers.items():
        for window in WINDOWS:
            below = [IMAGE, Conv2D(9 if kind == "depthwise" else 3, 1)]
            rule = TinyProp(0.25, 1.0) if kind in ("conv", "depthwise") else Full()
            yield Row(f"{kind} {window}", [*below, make(*window), Flatten(), Dense(3)], rule, SGD(0.03125), samples=2)
    yield Row("globalavgpool", [IMAGE, Conv2D(7, 3), GlobalAveragePool(), Dense(3)])
    signal = [Input((9, 2), "int16", *MIDDLE["int16"]), Reshape((1, 9, 2))]
    yield Row("signal", [*signal, Conv2D(4, (1, 3), (1, 2)), ReLU(), MaxPool2D((1, 2)), Flatten(), Dense(2)])


def _blocks():
    """Activations with outputs kept and with masks, alone and one on another; residual blocks, one in another."""
    activations = {"relu": [ReLU()], "relu6": [ReLU6()], "both": [ReLU(), ReLU6()]}
    for name, layers in activations.items():
        yield Row(f"{name}, output kept", [Input((8,)), Dense(17), *layers, Dense(9)], x=16.0)
        masked = [IMAGE, DepthwiseConv2D(3), *layers, MaxPool2D(2, 1), Flatten(), Dense(3)]
        yield Row(f"{name}, mask", masked, optimiser=SGD(0.5))
    plain = Residual([Conv2D(3, 3, 1, "same"), ReLU(), DepthwiseConv2D(3, 1, "same")])
    projected = Residual([ReLU(), Conv2D(4, 3, 2, "same"), ReLU6()], Conv2D(4, 1, 2))
    nested = Residual([plain, AveragePool2D(3, 1, "same"), ReLU()])
    for name, block in (("plain", plain), ("projected", projected), ("nested", nested)):
        layers = [IMAGE, Conv2D(3, 1), block, ReLU(), Flatten(), Dense(3)]
        for rule in (Full(), TinyProp(0.1, 0.5)):
            yield Row(f"residual {name}, {rule.method}", layers, rule, SGD(0.03125))
    yield Row("residual at the input", [IMAGE, plain, GlobalAveragePool(), Dense(2)], options={"wrt": "input"})


def _inputs():
    """Every type of samples, normalised by one pair, a pair a channel and a pair a value."""
    for dtype, (mean, scale) in MIDDLE.items():
        for what, count in (("one", 1), ("channels", 3), ("values", 15)):
            steps = np.arange(count, dtype=np.float32)  # every pair differs: one taken for another shows
            first = Input((1, 5, 3), dtype, mean + steps / 64, scale * (1 + steps / 128))
            yield Row(f"{dtype}, {what}", [first, Flatten(), Dense(3)], samples=2)
    for dtype, mean, scale in (("uint8", 33.3, 1 / 77), ("int8", -7.7, 1 / 33), ("int16", 321.1, 1 / 999)):
        yield Row(f"{dtype}, a pair that is not exact", [Input((33,), dtype, mean, scale), Dense(3)], samples=2)


def _rules():
    """Every option of every rule, on a dense and a convolutional network; a tiny share keeps one entry, 1.0 all."""
    sparse = [Input((9,)), Dense(17), ReLU(), Dense(33), ReLU(), Dense(5)]
    image = [IMAGE, Conv2D(4, 3), ReLU(), DepthwiseConv2D(2), ReLU(), Flatten(), Dense(5)]
    rules = [Full(), TopK(0.25, "auto"), TopK(0.001, "dense"), TopK(0.001, "rule"), TopK(1.0, "rule", "dense")]
    rules += [TinyProp(output=output, bias=bias) for output in ("auto", "dense", "rule") for bias in ("masked", "dense")]
    rules += [TinyProp(0.0, 1.0, output="rule", rounding=rounding) for rounding in ("nearest", "floor")]
    rules += [TinyProp(0.05, 0.5, zeta=0.5, decay=0.5, output="rule"), TinyProp(0.25, 2.0, zeta=1.5, decay=0.75)]
    rules += [TinyProp(0.07, 0.83, zeta=0.9, decay=0.99, output="rule"), TinyPropV2(d_min=0.07, d_max=0.83, beta=0.9)]
    rules += [TinyPropV2(0.0, 1.0, output=output, bias="dense", threshold=0.5) for output in ("auto", "dense", "rule")]
    rules += [TinyPropV2(0.1, 1.0, output="rule", threshold=0.8, beta="ratio", rounding="floor", decay=0.5)]
    rules += [TinyPropV2(threshold=threshold, d_min=0.2, d_max=0.5, beta=0.75) for threshold in (0.0, 0.3, 0.375, 9.0)]
    for rule in rules:
        yield Row(f"dense, {_short(rule)}", sparse, rule, samples=6)
        yield Row(f"image, {_short(rule)}", image, rule, SGD(0.0625), samples=4)


def _short(rule):
    """A rule by its method and the settings that are not the default ones."""
    changed = (f" {f.name}={getattr(rule, f.name)}" for f in fields(rule) if getattr(rule, f.name) != f.default)
    return rule.method + "".join(changed)


def _optimisers():
    """Momentum, batches, both, and sums applied at once; samples left over at the end, and skipped ones between."""
    layers = [IMAGE, Conv2D(9, 3, 2), ReLU(), DepthwiseConv2D(2), ReLU(), Flatten(), Dense(9), ReLU(), Dense(3)]
    for momentum, batch in ((0.0, 1), (0.0, 2), (0.75, 1), (0.5, 3)):
        optimiser = SGD(0.0625, "constant" if momentum else "linear", momentum, batch)
        for rule in (Full(), TinyPropV2(output="rule", threshold=0.85)):
            name = f"momentum {momentum}, batch {batch}, {rule.method}"
            yield Row(name, layers, rule, optimiser, 7, options={"policy": "accumulate"})
    momentum = SGD(0.0625, momentum=0.5)
    yield Row("momentum, policy immediate", layers, TopK(0.2), momentum, options={"policy": "immediate"})
    small = [Input((3,)), Dense(7), ReLU(), Dense(3)]
    yield Row("small, momentum 0.5, batch 2", small, TopK(0.5, "rule"), SGD(0.125, momentum=0.5, batch=2), 5)


def _losses():
    """Every loss, of one output and of some, with labels and with targets."""
    for outputs in (1, 2, 9):
        layers = [Input((outputs,), "int16", *MIDDLE["int16"]), Dense(7), ReLU(), Dense(outputs)]
        yield Row(f"softmax, {outputs}", layers)
        yield Row(f"squared error, labels, {outputs}", layers, options={"loss": SQUARED})
        yield Row(f"squared error, targets, {outputs}", layers, TinyProp(), targets=2.0, options={"loss": SQUARED})
        yield Row(f"reconstruction, {outputs}", layers, TopK(0.5), options={"loss": RECONSTRUCTION})


def _parts():
    """Some of the layers trained, none, and gradients of the input."""
    layers = [IMAGE, Conv2D(3, 3), ReLU(), DepthwiseConv2D(2), ReLU6(), MaxPool2D(2), Flatten(), Dense(4), ReLU(), Dense(3)]
    for count in range(4):
        yield Row(f"{count} trained", layers, TinyProp(), options={"trainable": count})
    for rule in (Full(), TopK(0.1, "rule")):
        yield Row(f"input gradient, {rule.method}", layers, rule, options={"wrt": "input"})
    pooled = [IMAGE, AveragePool2D(2, 1), MaxPool2D(2, 1), ReLU(), DepthwiseConv2D(3), Flatten(), Dense(3)]
    yield Row("input gradient through pools", pooled, options={"wrt": "input"})


def _values():
    """Ties, zeros, numbers below 2^-126, exponentials that vanish, and sums that cancel."""
    sparse = [Input((9,)), Dense(17), ReLU(), Dense(9)]
    image = [Input((4, 4, 2)), Conv2D(3, 2), ReLU(), MaxPool2D(2, 1), Flatten(), Dense(3)]
    squared = {"loss": SQUARED}
    tiny = {"x": 2e-38, "targets": 1e-38, "options": squared}
    for name, layers in (("dense", sparse), ("image", image)):
        shape, outputs = layers[0].shape, layers[-1].outputs
        ones = np.ones((2, *shape), np.float32)
        for k in (0.1, 0.4, 1.0):
            yield Row(f"{name}, ties, {k}", layers, TopK(k, "rule"), weights=0.5, x=ones, samples=2)
        yield Row(f"{name}, zeros", layers, TinyPropV2(), weights=0.0, x=0.0, targets=0.0, options=squared)
        yield Row(f"{name}, zero samples", layers, TinyProp(output="rule"), x=0.0)
        yield Row(f"{name}, subnormal", layers, TinyProp(output="rule"), SGD(1.0), **tiny)
        yield Row(f"{name}, subnormal weights", layers, TopK(0.5, "rule"), SGD(1.0), weights=3e-39, **tiny)
        yield Row(f"{name}, subnormal momentum", layers, Full(), SGD(1.0, momentum=0.5), **tiny)
        yield Row(f"{name}, saturating", layers, x=200.0, optimiser=SGD(0.5))
        negative = -np.ones((2, outputs), np.float32)
        yield Row(f"{name}, minus zero", layers, x=-0.0 * ones, targets=0 * negative, samples=2, options=squared)
    minus = np.full((2, 9), -0.0, np.float32)  # a layer with weights never puts that out, a load does
    yield Row("minus zero, relu", [Input((9,)), ReLU(), Dense(3)], x=minus, samples=2, options={"wrt": "input"})
    yield Row("minus zero, relu kept", [Input((9,)), ReLU(), Dense(3)], x=minus, samples=2)
    line = np.append(np.linspace(0, 104, 27), (86.99, 87.1, 87.336, 87.337))  # e^-87.33654 is the smallest that is not 0
    start = {"dense1.weights": line.astype(np.float32)[:, None], "dense1.bias": 0}
    yield Row("exponentials", [Input((1,)), Dense(31)], x=np.float32([[1], [-1], [0.5]]), weights=start)
    never, x = SGD(1e-45, "constant"), np.float32([[1] * 3, [0] * 3, [1] * 3])  # a rate that changes nothing
    settings = {"x": x, "targets": 0.0, "options": squared}
    rule = TinyPropV2(output="rule", d_min=0.5, threshold=0.25)
    yield Row("no error after one", [Input((3,)), Dense(5)], rule, never, **settings)
    yield Row("spread exponentials", [Input((33,)), Dense(33)], x=60.0, samples=8)
    spread = {"dense1.weights": np.linspace(-9, 9, 999, dtype=np.float32)[:, None], "dense1.bias": 0}
    x = np.float32([[1], [0.37], [-1.3], [2.1], [0.001]])
    yield Row("many exponentials", [Input((1,)), Dense(999)], TopK(0.1, "rule"), x=x, samples=5, weights=spread)
    yield Row("big errors", [Input((4,)), Dense(8)], TopK(0.25, "rule"), SGD(0.01), x=1.0, targets=50.0, options=squared)
    start = {"dense1.weights": np.eye(3), "dense1.bias": 0, "dense2.weights": np.tri(3) - 0.5, "dense2.bias": 0}
    layers = [Input((3,)), Dense(3), ReLU6(), ReLU(), Dense(3)]
    yield Row("relu6 at its limit", layers, x=np.float32([[6, 5, 0], [7, 6, -1]]), samples=2, weights=start)


def _not_finite():
    """Errors that become infinite or NaN: the sample stops there, and the next one begins."""
    layers = [Input((3,)), Dense(9), ReLU(), Dense(3)]
    image = [Input((4, 4, 2)), Conv2D(3, 2), ReLU(), MaxPool2D(2, 1), Flatten(), Dense(3)]
    for name, chain in (("dense", layers), ("image", image)):
        squared = {"targets": 1.0, "options": {"loss": SQUARED}}
        for rule in (Full(), TopK(0.3, "rule"), TinyProp(), TinyPropV2()):
            yield Row(f"{name}, {rule.method}, diverging", chain, rule, SGD(1e30), **squared)
        yield Row(f"{name}, diverging softmax", chain, TinyProp(), SGD(3e38), x=1e4)
        huge = {"x": 1.0, "targets": 3e38, "options": {"loss": SQUARED}}
        yield Row(f"{name}, infinite sum", chain, **huge)
    weights = np.array([[0, 0], [1e38, -1e38], [0, 0]], np.float32)  # infinity minus infinity, in one output of three
    start, x = {"dense1.weights": weights, "dense1.bias": 0}, np.full((3, 2), 1e10, np.float32)
    yield Row("one output NaN", [Input((2,)), Dense(3)], weights=start, x=x)
    start = {"conv1.weights": np.float32([3e38, -3e38]), "conv1.bias": 0, "dense1.weights": 1, "dense1.bias": 0}
    pooled = [Input((1, 5, 2)), Conv2D(1, 1), MaxPool2D((1, 3)), Flatten(), Dense(2)]
    for place in range(3):  # of the NaN in its window
        x = np.zeros((1, 1, 5, 2), np.float32)
        x[0, 0, place] = 10
        yield Row(f"NaN at tap {place} of a maximum", pooled, weights=start, x=x, samples=1)


def _activations():
    """Every activation over all magnitudes, to infinity and NaN; its output kept for a weight gradient, and for itself."""
    sizes = np.concatenate([np.geomspace(1e-42, 1e-3, 20), np.linspace(0.01, 2, 30), np.linspace(2, 104, 30)])
    spread = {"dense1.weights": np.append(-sizes, sizes).astype(np.float32)[:, None], "dense1.bias": 0}
    spread |= {"dense2.weights": np.linspace(-1, 1, 3 * 2 * sizes.size).reshape(3, -1), "dense2.bias": 0}
    huge = {"dense1.weights": np.float32([[3e38, 0], [-3e38, 0], [0, 1], [3e38, -3e38]]), "dense1.bias": 0}
    huge |= {"dense2.weights": np.tri(3, 4) - 0.5, "dense2.bias": 0}
    for layer in (activation() for activation in ACTIVATIONS):  # a new one comes last: places are seeds
        kind, x = layer.kind, np.float32([[1], [-0.7], [0.37]])
        yield Row(f"{kind}, all magnitudes", [Input((1,)), Dense(2 * sizes.size), layer, Dense(3)], x=x, weights=spread)
        x = np.float32([[0, 1], [10, 1], [-10, -1]])  # the last row of the weights: 0, NaN, NaN
        yield Row(f"{kind}, infinite", [Input((2,)), Dense(4), layer, Dense(3)], x=x, weights=huge)
        yield Row(f"{kind}, one on another", [Input((9,)), layer, Dense(9), layer, layer, Dense(3)], TopK(0.5), x=8.0)
        image = [IMAGE, Conv2D(5, 3), layer, DepthwiseConv2D(2), layer, Flatten(), Dense(3)]
        yield Row(f"{kind} between convolutions", image, TinyProp(), SGD(0.0625, momentum=0.5))
        block = Residual([layer, Conv2D(3, 3, 1, "same"), layer, AveragePool2D(3, 1, "same")])
        layers = [IMAGE, DepthwiseConv2D(3, 1, "same"), layer, MaxPool2D(2, 1), block, layer, GlobalAveragePool(), Dense(2)]
        yield Row(f"{kind} at pools", layers, Full(), SGD(0.0625))
        yield Row(f"{kind} at pools, input gradient", layers, options={"wrt": "input"})


def _softmax():
    """A softmax at the end: of one value and of some, over all magnitudes, to infinity and NaN; left out where it trains."""
    inference = {"options": {"trainable": 0}}
    for outputs in (1, 2, 9, 33):
        yield Row(f"softmax layer, {outputs}", [Input((9,)), Dense(outputs), Softmax()], x=16.0, **inference)
    line = np.append(np.linspace(0, 104, 27), (86.99, 87.1, 87.336, 87.337)).astype(np.float32)
    spread, x = {"dense1.weights": line[:, None], "dense1.bias": 0}, np.float32([[1], [-1], [0.5]])
    yield Row("softmax layer, all magnitudes", [Input((1,)), Dense(31), Softmax()], x=x, weights=spread, **inference)
    huge = {"dense1.weights": np.float32([[3e38, 0], [-3e38, 0], [0, 1], [3e38, -3e38]]), "dense1.bias": 0}
    x = np.float32([[10, 1], [-10, -1], [0, 1]])
    for order in (0, 1, 2):
        row = f"softmax layer, infinite, {order}"
        yield Row(row, [Input((2,)), Dense(4), Softmax()], x=np.roll(x, order, 0), weights=huge, **inference)
    yield Row("softmax layer, trained", [Input((9,)), Dense(17), ReLU(), Dense(5), Softmax()], TinyProp(), SGD(0.0625))
    yield Row("softmax layer, input gradient", [Input((9,)), Dense(5), Softmax()], options={"wrt": "input"})


def _in_place():
    """A first layer that reads the sample where it lies: every type, by one pair, a pair a channel and a pair a value."""
    firsts = {"dense": [Flatten(), Dense(9)], "conv": [Conv2D(5, (2, 3), 1, "same")], "depthwise": [DepthwiseConv2D((1, 2))]}
    in_place, rest = {"input": "in-place"}, [ReLU(), Flatten(), Dense(3)]
    for kind, layers in firsts.items():
        for dtype, (mean, scale) in MIDDLE.items():
            for what, count in (("one", 1), ("channels", 3), ("values", 45)):
                steps = np.arange(count, dtype=np.float32)
                first = Input((3, 5, 3), dtype, mean + steps / 64, scale * (1 + steps / 128))
                yield Row(f"in place, {kind}, {dtype}, {what}", [first, *layers, *rest], samples=2, options=in_place)
        layers = [Input((3, 5, 3)), *layers, *rest]
        yield Row(f"in place, {kind}, values as they are", layers, TinyProp(), options=in_place)
        options = in_place | {"trainable": 1}
        yield Row(f"in place, {kind}, frozen", [IMAGE, *layers[1:]], TinyProp(), options=options)
    for window in WINDOWS:
        for kind, layer in (("conv", Conv2D(5, *window)), ("depthwise", DepthwiseConv2D(*window))):
            yield Row(f"in place, {kind} {window}", [IMAGE, layer, Flatten(), Dense(3)], samples=2, options=in_place)
    for widths in ((1, 1), (2, 3), (3, 5), (7, 2), (8, 4), (9, 8), (15, 17), (33, 7)):
        first, *others = widths
        layers = [Input((first,), "uint8", 99.5, 1 / 77), Dense(others[0]), ReLU(), Dense(2)]
        yield Row(f"in place, dense {'-'.join(map(str, widths))}", layers, samples=2, options=in_place)
    for rule in (TopK(0.4, "rule", "dense"), TinyPropV2(output="rule", threshold=0.85)):
        for kind, layers in firsts.items():
            image = [IMAGE, *layers, *rest]
            yield Row(f"in place, {kind}, {_short(rule)}", image, rule, samples=4, options=in_place)
            if rule.bias == "masked":
                options = in_place | {"policy": "accumulate"}
                yield Row(f"in place, {kind}, sums", image, rule, SGD(0.0625, momentum=0.5, batch=2), 5, options=options)
    start = {"dense1.weights": np.float32([[0, 1e30, -1], [3e38, 3e38, 1], [-3e38, 1e-39, 0]]), "dense1.bias": -0.0}
    x = np.float32([[-0.0, 1, 2e-39], [3e38, -3e38, 1], [1e-45, 0, -0.0]])
    for scale in (1, 2):  # 1: the values as they are
        layers = [Input((3,), "float32", 0, scale), Dense(3)]
        yield Row(f"in place, extremes times {scale}", layers, x=x, weights=start, options=in_place)


def _selections():
    """Errors that are the targets: ties and neighbours of which one bin has too many, subnormal ones, some of all sizes."""
    n = 300
    line, sizes = np.arange(n, dtype=np.int32), np.linspace(0x00010000, 0x7E000000, n).astype(np.int32)
    unseen = np.where(line % 9, 0x3F800000, 0)  # what a guess is made of is 0
    bits = [np.full(n, 0x3F800000), 0x3F800000 + 3 * line, 0x3F800000 + line % 7, 9 * line, sizes, unseen]
    targets = np.array(bits, np.int32).view(np.float32) * np.where(line % 2, -1, 1).astype(np.float32)
    more = {"weights": 0.0, "x": 0.0, "targets": targets, "samples": len(targets), "options": {"loss": SQUARED}}
    for rule in (TopK(0.003, "rule"), TopK(0.3, "rule"), TopK(0.99, "rule"), TinyProp(0.2, 0.7, output="rule")):
        yield Row(f"selection, {_short(rule)}", [Input((1,)), Dense(n)], rule, SGD(1e-30), **more)


def _rests():
    """Streaks of every size, of as many samples as fill their last byte and of others; of all kinds of programs."""
    for rests, stored in ((1, 1), (1, 7), (1, 9), (2, 3), (3, 4), (3, 5), (4, 2), (15, 3), (15, 999)):
        rule = TinyPropR(output="rule", threshold=0.85, rests=rests, stored=stored)
        yield Row(f"rests {rests} of {stored}", [Input((9,)), Dense(17), ReLU(), Dense(5)], rule, samples=20)
    rule = TinyPropR(output="rule", threshold=0.94, stored=6)
    image = [IMAGE, Conv2D(4, 3), ReLU(), DepthwiseConv2D(2), ReLU(), Flatten(), Dense(5)]
    yield Row("rests, image", image, rule, SGD(0.0625), samples=12)
    yield Row("rests, read in place", image, rule, SGD(0.0625), samples=12, options={"input": "in-place"})
    yield Row("rests, momentum and batch", image, rule, SGD(0.0625, momentum=0.5, batch=3), samples=12)
    yield Row("rests, one layer trained", image, rule, SGD(0.0625), samples=12, options={"trainable": 1})
    yield Row("rests, one output", [Input((2,)), Dense(1)], TinyPropV2(rests=3, stored=3), SGD(1.0), samples=12)
    squared = [Input((3,)), Dense(7), ReLU(), Dense(3)]
    yield Row("rests, squared error", squared, rule, targets=1.0, samples=12, options={"loss": SQUARED})
    yield Row("rests, reconstruction", squared, rule, samples=12, options={"loss": RECONSTRUCTION})
    yield Row("rests, diverging", squared, rule, SGD(1e30), samples=8, targets=1.0, options={"loss": SQUARED})


def _baselines():
    """Entries at random: one, some, all but one, anew in each layer; biases alone, of every layer, and of the last ones."""
    sparse = [Input((9,)), Dense(17), ReLU(), Dense(33), ReLU(), Dense(5)]
    image = [IMAGE, Conv2D(4, 3), ReLU(), DepthwiseConv2D(2), ReLU(), Flatten(), Dense(5)]
    rules = [RandomK(0.25), RandomK(0.001, "dense"), RandomK(0.97, "rule"), RandomK(0.5, "rule", "dense"), RandomK(1.0)]
    for rule in (*rules, Biases()):
        yield Row(f"dense, {_short(rule)}", sparse, rule, samples=6)
        yield Row(f"image, {_short(rule)}", image, rule, SGD(0.0625), samples=4)
    momentum = SGD(0.0625, momentum=0.5, batch=2)
    yield Row("at random, momentum 0.5, batch 2", image, RandomK(0.2, "rule"), momentum, 5)
    projected = [IMAGE, Residual([Conv2D(4, 3, 2, "same"), ReLU6()], Conv2D(4, 1, 2)), MaxPool2D(2), Flatten(), Dense(3)]
    for rule in (RandomK(0.3), Biases()):
        yield Row(f"residual, {rule.method}", projected, rule, SGD(0.0625))
        yield Row(f"in place, {rule.method}", image, rule, SGD(0.0625), options={"input": "in-place"})
        yield Row(f"diverging, {rule.method}", sparse, rule, SGD(1e30), targets=1.0, options={"loss": SQUARED})
    for rule in (Channels(0.3, 2), Channels(0.01, 1, "rule"), Channels(0.9, 3, "rule"), Channels(1.0, output="dense")):
        yield Row(f"dense, {_short(rule)}", sparse, rule, samples=6)
        yield Row(f"image, {_short(rule)}", image, rule, momentum, samples=6)
    yield Row("residual, channels", projected, Channels(0.4, 2), SGD(0.0625))
    yield Row("in place, channels", image, Channels(0.4, 2), SGD(0.0625), options={"input": "in-place"})
    yield Row("the last biases", image, Biases(), SGD(0.0625), options={"trainable": 2})


def _efforts():
    """A governor with and without rests, of a run of known length and of any; with much left to spend, and with nothing."""
    dense = [Input((9,)), Dense(17), ReLU(), Dense(5)]
    for effort, epochs in ((0.001, 0), (0.1, 4), (0.3, 2), (0.3, 0), (1.0, 0), (1.0, 1)):
        rule = TinyPropR(output="rule", threshold=0.85, stored=5, effort=effort, epochs=epochs)
        yield Row(f"effort {effort} of {epochs}", dense, rule, samples=20)
        rule = TinyPropV2(output="rule", threshold=0.85, effort=effort, epochs=epochs)
        yield Row(f"effort {effort} of {epochs}, no rests", dense, rule, samples=20)
    rule = TinyPropR(0.5, 1.0, output="rule", threshold=0.5, stored=6, effort=0.5)
    image = [IMAGE, Conv2D(4, 3), ReLU(), DepthwiseConv2D(2), ReLU(), Flatten(), Dense(5)]
    for name, more in (("", {}), (", read in place", {"input": "in-place"}), (", one layer trained", {"trainable": 1})):
        yield Row(f"effort, image{name}", image, rule, SGD(0.0625), samples=16, options=more)
    yield Row("effort, momentum and batch", image, rule, SGD(0.0625, momentum=0.5, batch=3), samples=16)
    full = TinyPropR(0.5, 1.0, threshold=0.9, stored=2, rests=1, effort=1.0)  # more is earned than can be spent
    yield Row("effort, nothing to spend it on", [Input((2,)), Dense(2)], full, SGD(1.0), samples=160)
