"""The conformance list of int8."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mcuref.baseline_rules import Biases, Channels, RandomK
from mcuref.firmware.cases.rows import IMAGE, MIDDLE, RECONSTRUCTION, SQUARED, WINDOWS, Row
from mcuref.layers import (
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
    Residual,
    Sigmoid,
    Softmax,
    Tanh,
)
from mcuref.optimisers import SGD
from mcuref.program.arithmetic.int8 import Int8
from mcuref.rules import Full, TinyProp, TinyPropR, TinyPropV2, TopK

UPDATES = ("residual", "residual16", "stochastic", "truncated")


def rows() -> Iterator[Row]:
    """All of it, in its order; what is new comes last: places are seeds."""
    for table in (_inference, _widths, _windows, _blocks, _inputs, _rules, _updates, _optimisers, _losses, _parts, _values):
        for row in table():
            yield replace(row, name=f"int8, {row.name}", dtype="int8")
    yield from mixed_rows()
    yield from _rests()
    for row in _baselines():
        yield replace(row, name=f"int8, {row.name}", dtype="int8")
    yield from _efforts()


def wide_rows() -> Iterator[Row]:
    """With a tally of 32 bits: a layer of more than 65,536 outputs."""
    layers = [Input((1, 65538, 1), "uint8", 127.5, 1 / 128), Conv2D(1, 1), ReLU(), MaxPool2D((1, 9)), Flatten(), Dense(2)]
    yield Row("int8, uint32 tally", layers, TinyProp(0.0001, 0.001, output="rule"), samples=2, dtype="int8")


def stored(update: str, scales: str = "running", **options: object) -> dict[str, object]:
    """Options of ``mcuref.compile`` that say how weights are stored, and others."""
    return {"arithmetic": Int8(update, scales), **options}


def mixed_rows() -> Iterator[Row]:
    """An int8 body with a head of float32 that trains, of one layer and of some."""
    layers = [IMAGE, Conv2D(3, 3), ReLU(), DepthwiseConv2D(2), ReLU6(), MaxPool2D(2), Flatten(), Dense(4), ReLU(), Dense(3)]
    for count in (1, 2, 3):
        yield Row(f"mixed, {count} trained", layers, TinyProp(), options={"trainable": count}, dtype="mixed")
    block = Residual((Conv2D(3, 3, 1, "same"), ReLU(), AveragePool2D(3, 1, "same")))
    chain = [IMAGE, block, ReLU(), GlobalAveragePool(), Dense(2)]
    yield Row("mixed, sum and mean", chain, TinyPropV2(), options={"trainable": 1}, dtype="mixed")


def _inference():
    """Networks that are quantised and do not train: two roundings, pads, every activation, a softmax at the end."""
    options = {"trainable": 0}
    for widths in ((1, 1), (2, 3), (7, 8), (15, 16), (17, 33), (64, 5)):
        yield Row(f"inference, dense {widths}", [Input((widths[0],)), Dense(widths[1]), ReLU(), Dense(3)], options=options)
    for window in ((1, 1, "valid"), (3, 1, "same"), (3, 2, "same"), ((2, 4), (1, 2), "same"), ((5, 7), 1, "valid")):
        for name, layer in (("conv", Conv2D(5, *window)), ("depthwise", DepthwiseConv2D(*window))):
            layers = [IMAGE, layer, ReLU6(), Flatten(), Dense(3)]
            yield Row(f"inference, {name} {window}", layers, options=options, samples=1)
    for activation in (Tanh(), Sigmoid(), ReLU6()):
        chain = [IMAGE, Conv2D(4, 3), activation, MaxPool2D(2, 1), activation, Flatten(), Dense(3)]
        yield Row(f"inference, {activation.kind}", chain, options=options, samples=1)
    for outputs in (1, 2, 9, 33):
        layers = [Input((9,)), Dense(outputs), Softmax()]
        yield Row(f"inference, softmax {outputs}", layers, x=16.0, options=options)
    block = Residual([Conv2D(3, 3, 1, "same"), ReLU(), AveragePool2D(3, 1, "same")])
    yield Row("inference, sum and mean", [IMAGE, block, ReLU(), GlobalAveragePool(), Dense(2)], options=options)


def _widths():
    """Dense layers around the elements of a word, of two and of four: one value, and one after another."""
    for widths in ((1, 2, 3), (7, 8, 9), (15, 16, 17), (33, 1, 2), (3, 33, 7), (8, 15, 33), (16, 9, 1), (35, 18, 6)):
        first, *others = widths
        layers = [Input((first,)), *(layer for width in others for layer in (Dense(width), ReLU()))][:-1]
        yield Row(f"dense {'-'.join(map(str, widths))}", layers, samples=4, optimiser=SGD(0.25, "halving"))


def _windows():
    """Every layer with a window, at strides and paddings that cut it off at each side."""
    for window in WINDOWS:
        conv, depthwise = [IMAGE, Conv2D(3, 1), Conv2D(5, *window)], [IMAGE, Conv2D(9, 1), DepthwiseConv2D(*window)]
        for kind, below in (("conv", conv), ("depthwise", depthwise)):
            yield Row(f"{kind} {window}", [*below, Flatten(), Dense(3)], TinyProp(0.25, 1.0), SGD(0.03125), samples=2)
        for pool in (MaxPool2D, AveragePool2D):
            layers = [IMAGE, Conv2D(3, 1), pool(*window), Flatten(), Dense(3)]
            yield Row(f"{pool(2).kind} {window}", layers, Full(), SGD(0.03125), samples=2)
    apart = [IMAGE, Conv2D(3, 1), MaxPool2D(2), Conv2D(4, 1), AveragePool2D((2, 1)), Flatten(), Dense(3)]
    yield Row("pools apart", apart, optimiser=SGD(0.03125))
    yield Row("mean", [IMAGE, Conv2D(7, 3), GlobalAveragePool(), Dense(3)])
    yield Row("17 channels", [IMAGE, Conv2D(17, 3), ReLU(), Conv2D(18, 1), Flatten(), Dense(3)], samples=2)


def _blocks():
    """Activations, alone and one on another; residual blocks, one in another."""
    activations = {"relu": [ReLU()], "relu6": [ReLU6()], "both": [ReLU(), ReLU6()]}
    activations |= {"tanh": [Tanh()], "sigmoid": [Sigmoid()], "tanh and relu": [Tanh(), ReLU()]}
    for name, layers in activations.items():
        yield Row(f"{name}, dense", [Input((8,)), Dense(17), *layers, Dense(9)], x=16.0)
        pooled = [IMAGE, DepthwiseConv2D(3), *layers, MaxPool2D(2, 1), *layers, Flatten(), Dense(3)]
        yield Row(f"{name}, pooled", pooled, optimiser=SGD(0.5))
    plain = Residual([Conv2D(3, 3, 1, "same"), ReLU(), DepthwiseConv2D(3, 1, "same")])
    projected = Residual([ReLU(), Conv2D(4, 3, 2, "same"), ReLU6()], Conv2D(4, 1, 2))
    nested = Residual([plain, AveragePool2D(3, 1, "same"), ReLU()])
    for name, block in (("plain", plain), ("projected", projected), ("nested", nested)):
        chain = [IMAGE, Conv2D(3, 1), block, ReLU(), Flatten(), Dense(3)]
        for rule in (Full(), TinyProp(0.1, 0.5)):
            yield Row(f"residual {name}, {rule.method}", chain, rule, SGD(0.03125))


def _inputs():
    """Every type of samples, normalised by one pair, a pair a channel and a pair a value."""
    for dtype, (mean, scale) in MIDDLE.items():
        for what, count in (("one", 1), ("channels", 3), ("values", 15)):
            steps = np.arange(count, dtype=np.float32)  # every pair differs: one taken for another shows
            first = Input((1, 5, 3), dtype, mean + steps / 64, scale * (1 + steps / 128))
            yield Row(f"{dtype}, {what}", [first, Flatten(), Dense(3)], samples=2)


def _rules():
    """Every option of every rule, on a dense and a convolutional network; a tiny share keeps one entry, 1.0 all."""
    sparse = [Input((9,)), Dense(17), ReLU(), Dense(33), ReLU(), Dense(5)]
    image = [IMAGE, Conv2D(4, 3), ReLU(), DepthwiseConv2D(2), ReLU(), Flatten(), Dense(5)]
    rules = [Full(), TopK(0.25), TopK(0.001, "dense"), TopK(0.001, "rule"), TopK(1.0, "rule"), TopK(0.6, "rule")]
    rules += [TinyProp(), TinyProp(0.0, 1.0, output="rule"), TinyProp(0.0, 1.0, output="rule", rounding="floor")]
    rules += [TinyProp(0.05, 0.5, zeta=0.5, decay=0.5, output="rule"), TinyProp(0.25, 2.0, zeta=1.5, decay=0.75)]
    rules += [TinyPropV2(d_min=0.07, d_max=0.83, beta=0.9), TinyPropV2(0.0, 1.0, output="rule", threshold=0.5)]
    rules += [TinyPropV2(0.1, 1.0, output="rule", threshold=0.8, beta="ratio", rounding="floor", decay=0.5)]
    rules += [TinyPropV2(threshold=threshold, d_min=0.2, d_max=0.5, beta=0.75) for threshold in (0.0, 0.3, 9.0)]
    for number, rule in enumerate(rules):
        yield Row(f"dense, {rule.method} {number}", sparse, rule, samples=6)
        yield Row(f"image, {rule.method} {number}", image, rule, SGD(0.0625), samples=3)


def _updates():
    """Every way of storing a weight, of every layer, at rates with shifts to the left, and far to the right."""
    sparse = [Input((9,)), Dense(17), ReLU(), Dense(5)]
    image = [IMAGE, Conv2D(4, 3), ReLU(), DepthwiseConv2D(2), ReLU(), Flatten(), Dense(5)]
    for update in UPDATES:
        for rate in (64.0, 0.125, 1e-6, 1e-12):
            for name, layers in (("dense", sparse), ("image", image)):
                optimiser = SGD(rate, "halving")
                yield Row(f"{name}, {update}, rate {rate}", layers, optimiser=optimiser, samples=4, options=stored(update))
        yield Row(f"static scales, {update}", image, TinyProp(), SGD(0.0625), options=stored(update, scales="static"))
    grown = SGD(8.0, "constant")
    yield Row("scales that follow", sparse, optimiser=grown, samples=140, x=8.0)
    yield Row("scales that follow, image", image, optimiser=SGD(2.0, "constant"), samples=70)


def _optimisers():
    """Momentum, batches, both, and sums applied at once; samples left over at the end, and skipped ones between."""
    layers = [IMAGE, Conv2D(9, 3, 2), ReLU(), DepthwiseConv2D(2), ReLU(), Flatten(), Dense(9), ReLU(), Dense(3)]
    for momentum, batch in ((0.0, 1), (0.0, 2), (0.75, 1), (0.5, 3)):
        optimiser = SGD(0.0625, "constant" if momentum else "linear", momentum, batch)
        for update, rule in zip(UPDATES, (Full(), TinyPropV2(output="rule", threshold=0.85), TopK(0.3), TinyProp())):
            name = f"momentum {momentum}, batch {batch}, {update}"
            yield Row(name, layers, rule, optimiser, 7, options=stored(update, policy="accumulate"))
    both = SGD(0.125, momentum=0.5, batch=2)
    tiny = Input((2, 2, 1), "int8", *MIDDLE["int8"])  # all of it is one window
    first = {"dense": [Input((3,))], "conv": [tiny, Conv2D(2, 2)], "depthwise": [tiny, DepthwiseConv2D(2)]}
    for name, few in first.items():
        yield Row(f"small {name}, momentum 0.5, batch 2", [*few, Flatten(), Dense(2)], TopK(0.5, "rule"), both, 5)
    momentum_alone = SGD(0.0625, momentum=0.5)
    yield Row("momentum, policy immediate", layers, TopK(0.2), momentum_alone, options={"policy": "immediate"})


def _losses():
    """Every loss, of one output and of some, with labels and with targets."""
    for outputs in (1, 2, 9):
        layers = [Input((outputs,), "int16", *MIDDLE["int16"]), Dense(7), ReLU(), Dense(outputs)]
        yield Row(f"softmax, {outputs}", layers)
        yield Row(f"squared error, labels, {outputs}", layers, options={"loss": SQUARED})
        yield Row(f"squared error, targets, {outputs}", layers, TinyProp(), targets=2.0, options={"loss": SQUARED})
        yield Row(f"reconstruction, {outputs}", layers, TopK(0.5), options={"loss": RECONSTRUCTION})
    yield Row("softmax, many", [Input((4,)), Dense(999)], TopK(0.1, "rule"), x=8.0)
    yield Row("softmax layer, trained", [Input((9,)), Dense(17), ReLU(), Dense(5), Softmax()], TinyProp(), SGD(0.0625))
    far = np.full((3, 5), 1e6, np.float32)
    yield Row("targets far away", [Input((9,)), Dense(5)], targets=far, options={"loss": SQUARED})


def _parts():
    """Some of the layers trained."""
    layers = [IMAGE, Conv2D(3, 3), ReLU(), DepthwiseConv2D(2), ReLU6(), MaxPool2D(2), Flatten(), Dense(4), ReLU(), Dense(3)]
    for count in range(1, 4):
        yield Row(f"{count} trained", layers, TinyProp(), options={"trainable": count})


def _values():
    """Ties, zeros, and values at the ends of their range."""
    sparse = [Input((9,)), Dense(17), ReLU(), Dense(9)]
    image = [Input((4, 4, 2)), Conv2D(3, 2), ReLU(), MaxPool2D(2, 1), Flatten(), Dense(3)]
    for name, layers in (("dense", sparse), ("image", image)):
        ones = np.ones((2, *layers[0].shape), np.float32)
        for k in (0.1, 0.4, 1.0):
            yield Row(f"{name}, ties, {k}", layers, TopK(k, "rule"), weights=0.5, x=ones, samples=2)
        yield Row(f"{name}, zeros", layers, TinyPropV2(), weights=0.0, x=0.0, targets=0.0, options={"loss": SQUARED})
        yield Row(f"{name}, zero samples", layers, TinyProp(output="rule"), x=0.0)
        yield Row(f"{name}, saturating", layers, x=200.0, optimiser=SGD(100.0), samples=5)
        far = ones * np.float32(100)
        yield Row(f"{name}, one sample far away", layers, x=np.concatenate([ones, far]), samples=4)


def _rests():
    """Stored samples that rest, in programs of every way of storing weights, and of both types."""
    image = [IMAGE, Conv2D(4, 3), ReLU(), DepthwiseConv2D(2), ReLU(), Flatten(), Dense(5)]
    for update, rests, stored_samples in zip(UPDATES, (1, 2, 3, 15), (9, 5, 4, 3)):
        rule = TinyPropR(output="rule", threshold=0.85, rests=rests, stored=stored_samples)
        options, name = stored(update), f"int8, rests {rests} of {stored_samples}"
        yield Row(name, [Input((9,)), Dense(17), ReLU(), Dense(5)], rule, samples=20, options=options, dtype="int8")
        both, rule = SGD(0.0625, momentum=0.5, batch=3), replace(rule, threshold=0.94)
        yield Row(f"{name}, momentum and batch", image, rule, both, samples=12, options=options, dtype="int8")
    yield Row("mixed, rests", image, rule, SGD(0.0625), samples=12, options={"trainable": 1}, dtype="mixed")


def _baselines():
    """Entries at random: one, some, all but one; biases alone, for each way of storing weights."""
    sparse = [Input((9,)), Dense(17), ReLU(), Dense(33), ReLU(), Dense(5)]
    image = [IMAGE, Conv2D(4, 3), ReLU(), DepthwiseConv2D(2), ReLU(), Flatten(), Dense(5)]
    for number, rule in enumerate((RandomK(0.25), RandomK(0.001, "dense"), RandomK(0.97, "rule"), Biases())):
        yield Row(f"dense, {rule.method} {number}", sparse, rule, samples=6)
        yield Row(f"image, {rule.method} {number}", image, rule, SGD(0.0625), samples=3)
    for number, rule in enumerate((Channels(0.3, 2), Channels(0.01, 1, "rule"), Channels(0.9, 3, "rule"))):
        yield Row(f"dense, channels {number}", sparse, rule, samples=6)
        yield Row(f"image, channels {number}", image, rule, SGD(0.0625, momentum=0.5, batch=2), samples=5)
    for update in UPDATES:
        for scales in ("running", "static"):
            options = stored(update, scales)
            yield Row(f"biases, {update}, {scales}", image, Biases(), SGD(4.0), samples=66, options=options)
    block = [IMAGE, Residual([Conv2D(3, 3, 1, "same"), ReLU()]), ReLU(), GlobalAveragePool(), Dense(2)]
    yield Row("residual, at random", block, RandomK(0.3), SGD(0.0625))
    yield Row("residual, channels", block, Channels(0.4, 2), SGD(0.0625))
    yield Row("residual, biases", block, Biases(), SGD(0.0625))


def _efforts():
    """The governor of a run's effort, in programs of every way of storing weights, and of both types."""
    image = [IMAGE, Conv2D(4, 3), ReLU(), DepthwiseConv2D(2), ReLU(), Flatten(), Dense(5)]
    for update, effort, epochs in zip(UPDATES, (0.1, 0.3, 0.5, 1.0), (4, 0, 2, 0)):
        rule = TinyPropR(output="rule", threshold=0.85, stored=5, effort=effort, epochs=epochs)
        options, name = stored(update), f"int8, effort {effort} of {epochs}"
        yield Row(name, [Input((9,)), Dense(17), ReLU(), Dense(5)], rule, samples=20, options=options, dtype="int8")
        both = SGD(0.0625, momentum=0.5, batch=3)
        yield Row(f"{name}, momentum and batch", image, rule, both, samples=16, options=options, dtype="int8")
    yield Row("mixed, effort", image, rule, SGD(0.0625), samples=16, options={"trainable": 1}, dtype="mixed")
