"""Speed of a training step, batch 1, per model and method, and against PyTorch's dense step in the same run.

Timings depend on the machine, ratios within one run hardly do. Inputs are random, with 80 % zeros as in images of digits;
their values do not decide the time of a step, how many error entries are kept does.
"""

import time

import numpy as np

from mcuref.kernels.random import philox
from mcuref.models import build, find_model
from mcuref.optimisers import SGD
from mcuref.program.compiler import compile
from mcuref.rules import Full, TinyProp, TinyPropV2, TopK

MODELS = ("mlp-64-32-10", "mlp-784-32-10", "mlp-784-128-64-10", "mlp-har")
SAMPLES = 2048
SKIPPED = 0.8  # share of the samples that the TinyPropv2 row skips
RATE = 1e-6  # so small that the weights, and with them the share of skipped samples, stay as they are


def steps_per_second(model, method, seconds=1.0):
    """{"model", "method", "steps_per_second", "samples_skipped"}: the best of five runs of about seconds / 5 each."""
    rule = _rules(model)[method]
    program = compile(build(model), rule, SGD(RATE, "constant"))
    x, y = _samples(program)
    step = program.step(x, y, _order(program, x, y), 0, None)
    step.run(0, len(program.instructions))
    program.counts[:] = 0
    best, began = np.inf, time.perf_counter()
    while time.perf_counter() - began < seconds:
        start = time.perf_counter()
        step.run(0, len(program.instructions))
        best = min(best, time.perf_counter() - start)
    from mcuref.program import effort

    skipped = effort.skipped(program) / effort.shown(program)
    return {"model": model, "method": method, "steps_per_second": SAMPLES / best, "samples_skipped": skipped}


def torch_steps_per_second(model, seconds=1.0):
    """Dense PyTorch steps a second on one thread (zero_grad, forward, loss, backward, step), or None without PyTorch."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    widths = find_model(model).widths
    layers = [layer for i, o in zip(widths, widths[1:]) for layer in (torch.nn.Linear(i, o), torch.nn.ReLU())][:-1]
    network = torch.nn.Sequential(*layers)
    optimiser = torch.optim.SGD(network.parameters(), lr=RATE)
    program = compile(build(model))
    x, y = (torch.from_numpy(a) for a in _samples(program))
    x, y = x.reshape(SAMPLES, 1, -1), y.long().reshape(SAMPLES, 1)
    times, began = [], time.perf_counter()
    while time.perf_counter() - began < seconds or len(times) < 300:
        i = len(times) % SAMPLES
        start = time.perf_counter()
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(x[i]), y[i]).backward()
        optimiser.step()
        times.append(time.perf_counter() - start)
    return 1 / float(np.median(times[100:]))


def _rules(model):
    return {
        "full": Full(),
        "topk": TopK(0.1, output="dense"),
        "tinyprop": TinyProp(),
        "tinypropv2": TinyPropV2(threshold=_threshold(model)),
    }


METHODS = ("full", "topk", "tinyprop", "tinypropv2")


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
