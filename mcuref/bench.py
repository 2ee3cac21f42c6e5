"""Speed of a training step, batch 1, per model and method, and against PyTorch's dense step in the same run.

Timings depend on the machine, ratios within one run much less. The network is untrained, inputs are random with 80 % zeros
as in images of digits, and labels are random: errors stay large, so TinyProp keeps more entries than in real training.
"""

import time

import numpy as np

from mcuref.arguments import number
from mcuref.errors import InputError
from mcuref.kernels.random import philox
from mcuref.layers import find_loss
from mcuref.models import build, find_model
from mcuref.optimisers import SGD
from mcuref.program import effort
from mcuref.program.compiler import compile
from mcuref.rules import METHODS, Full, TinyProp, TinyPropV2, TopK

MODELS = ("mlp-64-32-10", "mlp-784-32-10", "mlp-784-128-64-10", "mlp-har")
SAMPLES = 512
SKIPPED = 0.8  # share of the samples that the TinyPropv2 row skips
ROUNDS = 5
RATE = 1e-6  # so small that the weights, and with them the share of skipped samples, stay as they are


def measure(model, seconds=1.0, progress=None):
    """Rows {"model", "method", "steps_per_second", "ratio_to_torch", "samples_skipped"}, one a method.

    The contenders take turns in rounds, and the fastest pass of each counts: what the machine can do undisturbed. Each
    is given ``seconds`` in all. ratio_to_torch is None without PyTorch.
    """
    check_model(model)
    number("seconds", seconds, 0, 3600, above=True)
    contenders = {method: _ours(model, rule) for method, rule in _rules(model).items()}
    peer = _torch_steps(model)
    if peer:
        contenders["torch"] = peer
    best = dict.fromkeys(contenders, np.inf)
    for done in range(ROUNDS):
        for name, (run, steps) in contenders.items():
            best[name] = min(best[name], _fastest(run, seconds / ROUNDS) / steps)
        if progress:
            progress(done + 1, ROUNDS)
    return [
        {
            "model": model,
            "method": method,
            "steps_per_second": 1 / best[method],
            "ratio_to_torch": best["torch"] / best[method] if peer else None,
            "samples_skipped": _skipped(contenders[method][0]),
        }
        for method in METHODS
    ]


def check_model(name):
    """InputError unless the model is a classifier of two classes or more."""
    model = find_model(name)
    if find_loss(model.loss).target != "label" or model.widths[-1] < 2:
        raise InputError(f"model {name!r} is not a classifier of two classes or more; the benchmark trains classifiers")


def forward_rates(outputs=128, inputs=784, seconds=1.0):
    """{"mcuref", "numpy"}: billions of multiply-accumulates a second of one dense forward pass, call included.

    NumPy's is the matrix-vector product of the BLAS library it is built with, on one thread at this size.
    """
    from mcuref.kernels.dense import dense_forward_f32

    draws = philox(0, 3, outputs * inputs + inputs + outputs).astype(np.float32) * np.float32(2.0**-32)
    w, x, b = np.split(draws, [outputs * inputs, outputs * inputs + inputs])
    out = np.zeros(outputs, np.float32)
    matrix = w.reshape(outputs, inputs)
    contenders = {"mcuref": lambda: dense_forward_f32(out, x, w, b), "numpy": lambda: np.dot(matrix, x, out=out)}
    best = dict.fromkeys(contenders, np.inf)
    for _ in range(ROUNDS):
        for name, run in contenders.items():
            best[name] = min(best[name], _fastest(run, seconds / ROUNDS))
    return {name: outputs * inputs / 1e9 / duration for name, duration in best.items()}


class _Pass:
    """One pass over all samples in one call of the executor, ready to be timed."""

    def __init__(self, model, rule):
        self.program = compile(build(model), rule, SGD(RATE, "constant"))
        x, y = _samples(self.program)
        self.step = self.program.step(x, y, _order(self.program, x, y), 0, None)

    def __call__(self):
        self.step.run(0, len(self.program.instructions))


def _ours(model, rule):
    return _Pass(model, rule), SAMPLES


def _skipped(run):
    return effort.skipped(run.program) / effort.shown(run.program)


def _torch_steps(model, count=64):
    """Dense PyTorch steps on one thread (zero_grad, forward, loss, backward, step) as (call, steps), or None."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    widths = find_model(model).widths
    layers = [layer for i, o in zip(widths, widths[1:]) for layer in (torch.nn.Linear(i, o), torch.nn.ReLU())][:-1]
    network = torch.nn.Sequential(*layers)
    optimiser = torch.optim.SGD(network.parameters(), lr=RATE)
    x, y = (torch.from_numpy(a) for a in _samples(compile(build(model))))
    x, y = x.reshape(SAMPLES, 1, -1), y.long().reshape(SAMPLES, 1)

    def steps():
        for i in range(count):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(network(x[i]), y[i]).backward()
            optimiser.step()

    return steps, count


def _fastest(run, seconds):
    """Seconds of the fastest call of ``run`` within about ``seconds``, after one that is not timed."""
    run()
    best, began = np.inf, time.perf_counter()
    while time.perf_counter() - began < seconds:
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


def _rules(model):
    return {
        "full": Full(),
        "topk": TopK(0.1, output="dense"),
        "tinyprop": TinyProp(),
        "tinypropv2": TinyPropV2(threshold=_threshold(model)),
    }


def _samples(program):
    """Random samples and labels from mcuref's generator: x float32 [SAMPLES, *shape], y int32 [SAMPLES]."""
    layer = program.network.input
    draws = philox(0, 1, SAMPLES * layer.size).reshape(SAMPLES, *layer.shape)
    x = np.where(draws % 5 == 0, (draws >> 8).astype(np.float32) * np.float32(2.0**-24), np.float32(0))
    return x, (philox(0, 2, SAMPLES) % np.uint32(program.network.outputs)).astype(np.int32)


def _errors(program, x, y):
    """Y of the output error of each sample, float64[SAMPLES]: 2 (1 - p_label)."""
    z = program.outputs(x).astype(np.float64)
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return 2 * (1 - p[np.arange(len(y)), y] / p.sum(axis=1))


def _threshold(model):
    """The threshold of Y / Y_max that skips the wanted share of the samples."""
    program = compile(build(model))
    errors = _errors(program, *_samples(program))
    return float(np.quantile(errors / errors.max(), SKIPPED))


def _order(program, x, y):
    """All samples, the one with the largest output error first, so that Y_max is settled from the start."""
    first = int(np.argmax(_errors(program, x, y)))
    return np.roll(np.arange(SAMPLES), -first)
