"""What each kernel takes of a training step in float32: microseconds, and multiply-accumulates a second, by shape.

A row of the program cannot be timed alone without changing what it does: shown the same error again and again, a processor
learns its zeros by heart. So there are passes over all samples that end behind the first row, behind the second, and so on;
a row takes what lies between two of them. Samples and networks are those of :mod:`mcuref.bench.benchmark`.
"""

import time
from typing import Any

import numpy as np

from mcuref.bench.benchmark import ROUNDS, check_model, one_pass
from mcuref.operators.geometry import Geometry
from mcuref.program import effort

RESOLUTION = 1e-9  # seconds; shorter is not told from nothing
CONVOLUTIONS = ("conv_forward", "depthwise_forward")


def kernel_times(model: str, seconds: float = 4.0) -> list[dict[str, Any]]:
    """Rows {"model", "kernel", "shape", "layers", "microseconds", "step_share", "gmacs"} of a step of full training.

    One a kernel and shape, in the order of the program: ``layers`` have that shape, and the time is their mean for a sample;
    ``step_share`` is what they take together. ``gmacs``, billions of multiply-accumulates a second, is None where there are
    none. The last row is all convolutions of the forward pass together, if there are any. It takes about ``seconds``, more
    for large networks.
    """
    check_model(model)
    run = one_pass(model)
    instructions, samples = run.program.instructions, len(run.step.samples.order)
    ends = np.full(len(instructions) + 1, np.inf)
    ends[0] = 0
    began, rounds = time.perf_counter(), 0
    while rounds < ROUNDS or time.perf_counter() - began < seconds:
        for end in range(1, len(ends)):
            start = time.perf_counter()
            run.step.run(0, end)
            ends[end] = min(ends[end], time.perf_counter() - start)
        rounds += 1
    ends = np.minimum.accumulate(ends[::-1])[::-1]  # a pass that took longer than one with more rows was disturbed
    before = run.program.counts.copy()
    run()
    macs = np.array(effort.macs(instructions, run.program.counts - before), np.float64) / samples
    return _by_shape(model, instructions, np.diff(ends) / samples, macs)


def _by_shape(model, instructions, seconds, macs):
    """Rows of :func:`kernel_times`, from what each instruction takes for a sample."""
    step, groups = seconds.sum(), {}
    for row, instruction in enumerate(instructions):
        groups.setdefault((instruction.name, shape_of(instruction)), []).append(row)
    convolutions = [row for row, i in enumerate(instructions) if i.operator.family in CONVOLUTIONS]
    if convolutions:
        groups["convolutions, forward", "all"] = convolutions
    return [
        {
            "model": model,
            "kernel": kernel,
            "shape": shape,
            "layers": len(rows),
            "microseconds": 1e6 * float(seconds[rows].mean()),
            "step_share": float(seconds[rows].sum() / step),
            "gmacs": _gmacs(macs[rows].sum(), seconds[rows].sum()),
        }
        for (kernel, shape), rows in groups.items()
    ]


def _gmacs(macs, seconds):
    return float(macs / max(seconds, RESOLUTION) / 1e9) if macs else None


def shape_of(instruction: Any) -> str:
    """What an instruction works on, for people: "28x28x1 to 13x13x8, 3x3", "784 to 128", "1,352"."""
    d = instruction.dimensions
    if "KH" in d:
        g = Geometry(*(d[name] for name in Geometry._fields))
        window = f"{g.KH}x{g.KW}" + (f" / {g.SH}x{g.SW}" if (g.SH, g.SW) != (1, 1) else "")
        return f"{g.H}x{g.W}x{g.C} to {g.HO}x{g.WO}x{g.O}, {window}"
    return f"{d['I']:,} to {d['O']:,}" if "I" in d else f"{d['n']:,}"
