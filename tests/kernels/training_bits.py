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


def hashes(samples=48):
    """{method and loss: SHA-256 of SRAM and flash, losses, trained}."""
    x = (philox(1, 1, samples * 17).astype(np.float64) / 2**31 - 1).astype(np.float32).reshape(samples, 17)
    y = (philox(2, 1, samples) % 5).astype(np.int32)
    layers = [mcuref.Input((17,)), mcuref.Dense(9), mcuref.ReLU(), mcuref.Dense(5)]
    found = {}
    for method, rule in RULES.items():
        for loss in ("softmax_cross_entropy", "mean_squared_error"):
            program = mcuref.compile(mcuref.Network(layers, seed=3), rule, mcuref.SGD(0.2), loss=loss)
            shown = program.train(x, y)
            parts = (program.arena.bytes, shown.losses, shown.trained, program.counts)
            found[f"{method}, {loss}"] = hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
    return found


if __name__ == "__main__":
    print(json.dumps(hashes()))
