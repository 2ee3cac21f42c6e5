"""Layer by layer: what mcuref computes, and what LiteRT's reference kernels leave in the tensors of the same file."""

import numpy as np
import pytest

import mcuref
from mcuref.program.samples import Samples
from mcuref.program.step import Step
from mcuref.program.trace import written


class Reference:
    """A file in LiteRT, with its reference kernels and every tensor kept; what is not installed has the test skipped."""

    def __init__(self, content):
        litert = pytest.importorskip("ai_edge_litert.interpreter", reason="pip install '.[tflite-check]'")
        self.interpreter = litert.Interpreter(
            model_content=content,
            experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=True,
            num_threads=1,
        )
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]

    def tensors(self, samples, indices):
        """{index: values [samples, n]} of some tensors."""
        found = {i: [] for i in indices}
        for sample in samples:
            self.interpreter.set_tensor(self.input["index"], sample.reshape(self.input["shape"]))
            self.interpreter.invoke()
            for i in found:
                found[i].append(self.interpreter.get_tensor(i).reshape(-1).copy())
        return {i: np.array(values) for i, values in found.items()}


def layer_outputs(network, x):
    """{layer: values [samples, n]} of every layer that has an instruction; the others pass on what the one before has."""
    program = mcuref.compile(network, trainable=0)
    rows = {instruction.layer_index: row for row, instruction in enumerate(program.instructions)}
    step = Step(program, Samples.checked(program, x, None, None, labelled=False), None, np.zeros_like(program.counts))
    found = {}
    for layer, row in rows.items():
        (buffer,) = [b for b in program.instructions[row].outputs if b.category != "scratch"]
        assert len(written(program, program.instructions[row])) == 1
        found[layer] = step.run_all(0, row + 1, buffer).results
    return found


def assert_every_element_is_equal(content, imported, x):
    """Of every layer, for all samples; returns how many elements were compared."""
    ours, compared = layer_outputs(imported.network, x), 0
    theirs = Reference(content).tensors(x, {imported.tensors[layer] for layer in ours})
    assert set(ours) >= set(imported.network.parametric)
    for layer, values in ours.items():
        expected = theirs[imported.tensors[layer]]
        assert values.dtype == expected.dtype == np.int8
        wrong = np.argwhere(values.reshape(expected.shape) != expected)
        assert not len(wrong), f"{imported.network.names[layer]}: {len(wrong)} differ, first at {wrong[0]}"
        compared += expected.size
    return compared


def random_samples(imported, count, seed=0):
    """Samples of the input's type: integers over all their range, floats around 0."""
    numbers, layer = np.random.default_rng(seed), imported.network.input
    if layer.dtype == "float32":
        return numbers.normal(0, 2, (count, *layer.shape)).astype(np.float32)
    ends = np.iinfo(layer.dtype)
    return numbers.integers(ends.min, ends.max + 1, (count, *layer.shape)).astype(layer.dtype)
