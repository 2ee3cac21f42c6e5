"""Hashes of the whole arena after training with every method; run as a script, it prints them as JSON."""

import hashlib
import json

import numpy as np

import mcuref
from mcuref.kernels.random import philox

RULES = {
    "full": mcuref.Full(),
    "topk": mcuref.TopK(0.3, bias="dense"),
    "tinyprop": mcuref.TinyProp(0.1, 0.8, 0.9, output="rule"),
    "tinypropv2": mcuref.TinyPropV2(0.1, 0.8, threshold=0.4, decay=0.99, rounding="floor"),
}


DENSE = [mcuref.Input((17,)), mcuref.Dense(9), mcuref.ReLU(), mcuref.Dense(5)]
BODY = [mcuref.Conv2D(3, 3, padding="same"), mcuref.ReLU(), mcuref.DepthwiseConv2D(3, padding="same")]
WINDOWS = [
    mcuref.Input((4, 5, 2)),
    mcuref.Residual(BODY, mcuref.Conv2D(3, 1)),
    mcuref.ReLU6(),
    mcuref.MaxPool2D(2, padding="same"),
    mcuref.Conv2D(9, (1, 2)),
    mcuref.AveragePool2D(2, 1),
    mcuref.Flatten(),
    mcuref.Dense(5),
]


def digest(layers, rule, optimiser, loss, samples):
    """SHA-256 of SRAM and flash, losses, trained and counts after one pass over the samples."""
    network = mcuref.Network(layers, seed=3)
    size = network.input.size
    x = (philox(1, 1, samples * size).astype(np.float64) / 2**31 - 1).astype(np.float32).reshape(samples, -1)
    y = (philox(2, 1, samples) % 5).astype(np.int32)
    program = mcuref.compile(network, rule, optimiser, loss=loss)
    shown = program.train(x, y)
    parts = (program.arena.bytes, shown.losses, shown.trained, program.counts)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def hashes():
    """{case: SHA-256}: every method, both losses, layers without and with windows, momentum and batches."""
    found = {}
    for method, rule in RULES.items():
        for loss in ("softmax_cross_entropy", "mean_squared_error"):
            found[f"{method}, {loss}"] = digest(DENSE, rule, mcuref.SGD(0.2), loss, samples=48)
        found[f"{method}, windows"] = digest(WINDOWS, rule, mcuref.SGD(0.2), "softmax_cross_entropy", samples=12)
    for name, momentum, batch in (("batches", 0, 3), ("momentum", 0.9, 1), ("momentum and batches", 0.9, 3)):
        optimiser = mcuref.SGD(0.2, momentum=momentum, batch=batch)
        found[name] = digest(WINDOWS, RULES["tinyprop"], optimiser, "softmax_cross_entropy", samples=12)
    return found


if __name__ == "__main__":
    print(json.dumps(hashes()))
