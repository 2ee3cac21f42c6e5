"""The bits a machine has to compute: a hash of the memory after a short training on the embedded digits, per method."""

from mcuref import rules
from mcuref.datasets import load
from mcuref.models import build
from mcuref.optimisers import SGD
from mcuref.program.compiler import compile

SAMPLES = 200

# Hashes of SRAM after one pass over the first 200 digits, mlp-64-32-10, seed 0, rate 0.02, linear. They hold on every
# machine; they change only with the definition of a kernel, a rule or the generator, which is a new version.
GOLDEN = {"full": 0xBE36DB93, "topk": 0xD3855B86, "tinyprop": 0x25EA2FEF, "tinypropv2": 0xC15340A0}


def fingerprint(method):
    """FNV-1a of all trainable parameters and rule state, in the order of their names, after the short training."""
    import numpy as np

    from mcuref.kernels.hashing import START, fnv1a

    data = load("digits")
    program = compile(build("mlp-64-32-10", data, seed=0), rules.make(method), SGD(0.02, "linear"))
    program.train(data.x_train[:SAMPLES], data.y_train[:SAMPLES])
    value = START
    for _, array in sorted(program.state().items()):
        value = fnv1a(array.reshape(-1).view(np.uint8), value)
    return int(value)
