"""Run as a script in a fresh process: compile, and write what is asked for as JSON to the file given.

{"kernels": {name: [{"llvm", "asm"}, one a signature]}, "some": the same of a few, "bad": of kernels that break the contract,
"allocations": {case: [of 1 sample, of 10,000 samples]}, "allocating": the same of a kernel that allocates}
"""

import importlib
import json
import pkgutil
import sys

import numba
import numpy as np
from numba.core.runtime import rtsys

import mcuref
import mcuref.kernels
from mcuref.kernels.jit import FLAGS, kernel
from mcuref.program import compiler, executor
from mcuref.program.samples import Samples
from mcuref.program.step import Step

SAMPLES = 10_000


def code(function):
    """LLVM and assembly of every signature."""
    return [{"llvm": function.inspect_llvm(s), "asm": function.inspect_asm(s)} for s in function.signatures]


def kernels():
    """Every kernel that the compiled executor consists of, itself included, by name."""
    compiler.prepare_executor()
    names = [module.name for module in pkgutil.iter_modules(mcuref.kernels.__path__)]
    modules = [importlib.import_module(f"mcuref.kernels.{name}") for name in names]
    functions = [f for module in (*modules, executor) for f in vars(module).values() if hasattr(f, "signatures")]
    return {f.__name__: code(f) for f in functions if f.signatures}


def some():
    """A few kernels that the executor consists of: what takes least to compile."""
    from mcuref.kernels import dense, elementary, loss, selection

    x, out = np.ones(9, np.float32), np.ones(17, np.float32)
    dense.dense_forward_f32(out, x, np.ones(153, np.float32), out)
    loss.softmax_cross_entropy_f32(x, x, 3)
    selection.kept_entries(np.float32(0.5), 9, False)
    found = dense.dense_forward_f32, loss.softmax_cross_entropy_f32, elementary.exp_f32, selection.kept_entries
    return {function.__name__: code(function) for function in found}


@kernel
def with_a_float64_literal(out, x):
    for i in range(x.size):
        out[i] = x[i] * 0.1


@numba.njit(**{**FLAGS, "fastmath": True})
def with_fastmath(x, y):
    total = np.float32(0)
    for i in range(x.size):
        total += x[i] * y[i]
    return total


@kernel
def with_libm(out, x):
    for i in range(x.size):
        out[i] = np.exp(x[i])


@kernel
def with_allocation(x, repeats):
    for _ in range(repeats):
        x[0] += np.zeros(3, np.float32).sum()


def bad():
    """Code of kernels that the tests must object to."""
    x = np.ones(9, np.float32)
    with_a_float64_literal(x.copy(), x), with_fastmath(x, x), with_libm(x.copy(), x)
    return {f.__name__: code(f) for f in (with_a_float64_literal, with_fastmath, with_libm)}


def difference(run):
    """Heap allocations inside compiled code while run() runs."""
    before = rtsys.get_allocation_stats()
    run()
    after = rtsys.get_allocation_stats()
    return [after.alloc - before.alloc, after.mi_alloc - before.mi_alloc]


def programs():
    """(case, program) of every method, loss, layer and optimiser, frozen layers and input gradients."""
    layers = [mcuref.Input((17,)), mcuref.Dense(9), mcuref.ReLU(), mcuref.Dense(5)]
    v2, rate = mcuref.TinyPropV2(0.1, 0.8, threshold=0.4), mcuref.SGD(0.01)
    for name, rule, options in (
        ("full", mcuref.Full(), {}),
        ("topk", mcuref.TopK(0.3), {}),
        ("tinyprop", mcuref.TinyProp(output="rule"), {}),
        ("tinypropv2", v2, {}),
        ("mean_squared_error", v2, {"loss": "mean_squared_error"}),
        ("frozen layers", v2, {"trainable": 1}),
        ("input gradient", mcuref.Full(), {"wrt": "input"}),
    ):
        yield name, mcuref.compile(mcuref.Network(layers), rule, rate, **options)
    body = [mcuref.Conv2D(3, 3, padding="same"), mcuref.ReLU(), mcuref.DepthwiseConv2D(3, padding="same")]
    windows = [
        mcuref.Input((4, 5, 2)),
        mcuref.Residual(body, mcuref.Conv2D(3, 1)),
        mcuref.ReLU6(),
        mcuref.MaxPool2D(2, padding="same"),
        mcuref.Conv2D(9, (1, 2)),
        mcuref.AveragePool2D(2, 1),
        mcuref.Flatten(),
        mcuref.Dense(5),
    ]
    for name, rule, optimiser, options in (
        ("cnn", mcuref.Full(), rate, {}),
        ("cnn, topk", mcuref.TopK(0.3, bias="dense"), rate, {}),
        ("cnn, momentum and batches", v2, mcuref.SGD(0.01, momentum=0.9, batch=3), {}),
        ("cnn, input gradient", mcuref.Full(), rate, {"wrt": "input"}),
    ):
        yield name, mcuref.compile(mcuref.Network(windows), rule, optimiser, **options)


def allocations():
    """Each case is one call of the executor for all samples."""
    cases = {}
    for name, program in programs():
        shape = (SAMPLES, *program.network.input.shape)
        x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        y = np.arange(SAMPLES) % program.network.outputs
        shown = [Samples.checked(program, x[:n], y[:n], None, labelled=True) for n in (1, SAMPLES)]
        steps = [Step(program, samples, None, program.counts) for samples in shown]
        cases[name] = [difference(lambda: step.run(0, len(program.instructions))) for step in steps]
    return cases


def allocating():
    """The same of a kernel that allocates for each sample."""
    with_allocation(np.zeros(1, np.float32), 1)
    return [difference(lambda: with_allocation(np.zeros(1, np.float32), n)) for n in (1, SAMPLES)]


PARTS = (kernels, some, bad, allocations, allocating)

if __name__ == "__main__":
    found = {part.__name__: part() for part in PARTS if part.__name__ in sys.argv[2:]}
    with open(sys.argv[1], "w") as file:
        json.dump(found, file)
