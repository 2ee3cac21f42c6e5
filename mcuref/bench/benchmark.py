"""Speed of a training step, batch 1, per model, type and method, and against PyTorch's dense step in the same run.

Timings depend on the machine, ratios within one run much less. The network is untrained, inputs and labels are random:
errors stay large, so TinyProp keeps more entries than in real training. A multilayer perceptron gets inputs with 80 %
zeros, as in images of digits, a convolutional network dense ones.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from mcuref.arguments import number
from mcuref.calibration import quantise_to_train
from mcuref.errors import InputError
from mcuref.kernels.random import philox
from mcuref.layers import Dense
from mcuref.models import build, find_model
from mcuref.optimisers import SGD
from mcuref.program import effort
from mcuref.program.compiler import compile
from mcuref.rules import Full, TinyProp, TinyPropV2, TopK

MODELS = (
    "mlp-64-32-10", "mlp-784-32-10", "mlp-784-128-64-10", "mlp-har", "cnn-28", "cnn-32", "cnn-har", "ds-cnn", "resnet-8"
)  # fmt: skip
MACS = 20_000_000  # forward, of about one pass: a short pass has a chance to be undisturbed
LEAST_SAMPLES, MOST_SAMPLES = 10, 510  # of a pass; multiples of ten, so that the share that is skipped is exact
SKIPPED = 0.8  # share of the samples that the TinyPropv2 row skips
ROUNDS = 5
RATE = 1e-9  # so small that weights, and the share of skipped samples, stay as they are for millions of steps
INT8_RATE = 1e-4  # small, but integers would leave out updates at much less; each pass begins from the start weights
DTYPES = ("float32", "int8")
METHODS = ("full", "topk", "tinyprop", "tinypropv2")  # a step of TinyPropR is one of TinyPropv2, or none at all


def method_speeds(
    model: str, seconds: float = 1.0, progress: Callable[[int, int], Any] | None = None
) -> list[dict[str, Any]]:
    """Rows {"model", "method", "dtype", "steps_per_second", "ratio_to_torch", "ratio_to_float32", "samples_skipped"}.

    One a type and method. The contenders take turns in rounds, and the fastest pass of each counts: what the machine can
    do undisturbed. Each is given ``seconds`` in all. ratio_to_torch, of float32, is None without PyTorch; ratio_to_float32,
    of int8, is to the same method.
    """
    check_model(model)
    number("seconds", seconds, 0, 3600, above=True)
    contenders = {
        (dtype, method): _ours(model, rule, dtype) for dtype in DTYPES for method, rule in _rules(model, dtype).items()
    }
    peer = _torch_steps(model)
    if peer:
        contenders["torch", "full"] = peer
    best = dict.fromkeys(contenders, np.inf)
    for done in range(ROUNDS):
        for name, (run, steps) in contenders.items():
            best[name] = min(best[name], fastest(run, seconds / ROUNDS) / steps)
        if progress:
            progress(done + 1, ROUNDS)
    return [
        {
            "model": model,
            "method": method,
            "dtype": dtype,
            "steps_per_second": 1 / best[dtype, method],
            "ratio_to_torch": best["torch", "full"] / best[dtype, method] if peer and dtype == "float32" else None,
            "ratio_to_float32": best["float32", method] / best[dtype, method] if dtype == "int8" else None,
            "samples_skipped": _skipped(contenders[dtype, method][0]),
        }
        for dtype in DTYPES
        for method in METHODS
    ]


def check_model(name: str) -> None:
    """InputError if the model is int8, or has one output only: there is nothing to classify, and all errors are 0."""
    model = find_model(name)
    if model.network is not None and model.network.dtype == "int8":
        raise InputError(f"model {name!r} is int8; the benchmark compares with float32, which needs a float32 model")
    if model.loss == "softmax_cross_entropy" and build(model).outputs < 2:
        raise InputError(f"model {name!r} has one class; the benchmark needs two or more")


def forward_rates(outputs: int = 128, inputs: int = 784, seconds: float = 1.0) -> dict[str, float]:
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
            best[name] = min(best[name], fastest(run, seconds / ROUNDS))
    return {name: outputs * inputs / 1e9 / duration for name, duration in best.items()}


class _Pass:
    """One pass over all samples in one call of the executor, ready to be timed."""

    def __init__(self, model, rule, dtype="float32"):
        self.program = _compiled(model, rule, dtype)
        x, y = _samples(self.program.network)
        self.step = self.program.step(x, y, _order(self.program, x, y), 0, None)

    def __call__(self):
        self.step.run(0, len(self.program.instructions))


class _PassFromStart(_Pass):
    """The same from the start state, which takes no time to speak of: less than a hundredth of a pass."""

    def __init__(self, model, rule, dtype):
        super().__init__(model, rule, dtype)
        self.start = self.program.state()

    def __call__(self):
        self.program.restore(self.start)
        super().__call__()


def one_pass(model: str) -> "_Pass":
    """A pass of full training in float32, ready to be timed: ``program`` and ``step`` are what it runs."""
    return _Pass(model, Full())


def _compiled(model, rule=None, dtype="float32"):
    network, loss = build(model), find_model(model).loss
    if dtype == "float32":
        return compile(network, rule, SGD(RATE, "constant"), loss=loss)
    network = quantise_to_train(network, _samples(network)[0], loss=loss)
    return compile(network, rule, SGD(INT8_RATE, "constant"), loss=loss)


def _ours(model, rule, dtype="float32"):
    run = _Pass(model, rule) if dtype == "float32" else _PassFromStart(model, rule, dtype)
    return run, _count(run.program.network)


def _skipped(run):
    return effort.skipped(run.program) / effort.shown(run.program)


def _torch_steps(model):
    """Dense PyTorch steps on one thread (zero_grad, forward, loss, backward, step) as (call, steps), or None."""
    try:
        import torch
    except ImportError:
        return None
    from mcuref.bench.twin import Twin, twin_input

    torch.set_num_threads(1)
    network = build(model)
    twin = Twin(network)
    optimiser = torch.optim.SGD(twin.parameters(), lr=RATE)
    x, y = _samples(network)
    if find_model(model).loss == "softmax_cross_entropy":
        loss, targets = torch.nn.functional.cross_entropy, torch.from_numpy(y).long()
    else:
        loss = torch.nn.functional.mse_loss
        targets = torch.from_numpy(_targets(network, find_model(model).loss, x, y))
    count = min(len(x), 64)
    x, targets = twin_input(network, x[:count]).split(1), targets[:count].split(1)

    def steps():
        for sample, target in zip(x, targets):
            optimiser.zero_grad()
            loss(twin(sample), target).backward()
            optimiser.step()

    return steps, count


def fastest(run: Callable[[], Any], seconds: float) -> float:
    """Seconds of the fastest call of ``run`` within about ``seconds``, after one that is not timed."""
    run()
    best, began = np.inf, time.perf_counter()
    while True:
        start = time.perf_counter()
        run()
        end = time.perf_counter()
        best = min(best, end - start)
        if end - began >= seconds:
            return best


def _rules(model, dtype="float32"):
    return {
        "full": Full(),
        "topk": TopK(0.1, output="dense"),
        "tinyprop": TinyProp(),
        "tinypropv2": TinyPropV2(threshold=_threshold(model, dtype)),
    }


def _count(network):
    """Samples of a pass, fewer for large networks."""
    macs = sum(network.parametric_layer(i).macs(network.input_shape(i)) for i in network.parametric)
    return min(max(MACS // macs // 10 * 10, LEAST_SAMPLES), MOST_SAMPLES)


def _samples(network):
    """Random samples and labels from mcuref's generator: x float32 [count, *shape], y int32 [count]."""
    count, layer = _count(network), network.input
    draws = philox(0, 1, count * layer.size).reshape(count, *layer.shape)
    x = (draws >> 8).astype(np.float32) * np.float32(2.0**-24)
    if all(isinstance(network.layers[i], Dense) for i in network.parametric):
        x = np.where(draws % 5 == 0, x, np.float32(0))
    else:
        x = 2 * x - 1
    return x, (philox(0, 2, count) % np.uint32(network.outputs)).astype(np.int32)


def _targets(network, loss, x, y):
    """What the outputs ought to be, float32[count, outputs]: the samples, or 1 for the label and 0 for the others."""
    return x.reshape(len(x), -1) if loss == "reconstruction" else np.eye(network.outputs, dtype=np.float32)[y]


def _errors(program, x, y):
    """Y of the output error of each sample, the sum of magnitudes, float64[count]."""
    z = program.network.real(program.outputs(x)).astype(np.float64)
    targets = _targets(program.network, program.loss, x, y)
    if program.loss != "softmax_cross_entropy":
        return np.abs(2 / z.shape[1] * (z - targets)).sum(axis=1)
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return np.abs(p / p.sum(axis=1, keepdims=True) - targets).sum(axis=1)


def _threshold(model, dtype):
    """The threshold of Y / Y_max that skips the wanted share of the samples."""
    program = _compiled(model, dtype=dtype)
    errors = _errors(program, *_samples(program.network))
    return float(np.quantile(errors / errors.max(), SKIPPED))


def _order(program, x, y):
    """All samples, the one with the largest output error first, so that Y_max is settled from the start."""
    first = int(np.argmax(_errors(program, x, y)))
    return np.roll(np.arange(len(x)), -first)
