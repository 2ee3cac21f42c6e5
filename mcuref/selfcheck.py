"""The bits a machine has to compute: per method, hashes of memory and losses of an epoch on the embedded digits."""

from mcuref import rules
from mcuref.datasets import load
from mcuref.models import build
from mcuref.optimisers import SGD
from mcuref.program.compiler import compile

# Hashes of SRAM after one pass over the 1,437 training digits: seed 0, rate 0.02, linear, preset paper; of mlp-64-32-10, and
# of cnn-8 where the name says so. They hold on every machine and change only with the definition of a kernel, a rule or the
# generator: a new version.
GOLDEN = {
    "full": 0x62F4EDA1, "topk": 0xA2A7599C, "tinyprop": 0xA7D939D2, "tinypropv2": 0x0B1B358B,
    "full, cnn-8": 0xA9BF752E, "tinyprop, cnn-8": 0xC3DD118D,
}  # fmt: skip
# The same of the 1,437 losses, float32, in the order in which they came
LOSSES = {
    "full": 0x9AC8FA99, "topk": 0x20C22E06, "tinyprop": 0x5C66804F, "tinypropv2": 0xDFBA0CAD,
    "full, cnn-8": 0xE8BC7A17, "tinyprop, cnn-8": 0x3A8D9992,
}  # fmt: skip


def fingerprint(name: str) -> tuple[int, int]:
    """FNV-1a of all trainable parameters and rule state, in the order of their names, after the epoch; and of all losses."""
    method, _, model = name.partition(", ")
    data = load("digits")
    program = compile(build(model or "mlp-64-32-10", data, seed=0), rules.make(method, "paper"), SGD(0.02, "linear"))
    losses = program.train(data.x_train, data.y_train).losses
    return _hash(array for _, array in sorted(program.state().items())), _hash([losses])


def _hash(arrays):
    import numpy as np

    from mcuref.kernels.hashing import START, fnv1a

    value = START
    for array in arrays:
        value = fnv1a(array.reshape(-1).view(np.uint8), value)
    return int(value)
