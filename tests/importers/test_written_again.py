"""Models of others that are read and written again: the same operators, outputs and arena."""

import numpy as np
import pytest

from mcuref.export.tflite import tflite_bytes
from mcuref.export.tflite_graph import graph_of, tflm_arena
from mcuref.importers.tflite import read_tflite
from mcuref.memory.tflm import greedy_arena, requirements
from tests.litert import run_reference

from .comparing import random_samples

ARENAS = {"ad01_int8": 768, "kws_ref_model": 16_000, "pretrainedResnet": 196_608, "pretrainedResnet_quant": 49_152}
OTHERS = ("tiny_float32", "tiny_int8")  # in these a layer is written as more or fewer operators than we have for it


@pytest.mark.parametrize("name", [*ARENAS, *OTHERS])
def test_outputs_are_the_same_to_the_bit(name, model_file):
    path = model_file(name)
    imported = read_tflite(path)
    original, written = path.read_bytes(), tflite_bytes(imported.network)
    shape = imported.graph.tensors[imported.graph.input].shape
    for x in random_samples(imported, 5):
        theirs, ours = (run_reference(content, x.reshape(shape)) for content in (original, written))
        assert np.any(theirs != 0) and ours.dtype == theirs.dtype and ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("name", ARENAS)
def test_operators_and_arena_are_the_same(name, model_file):
    imported = read_tflite(model_file(name))
    written, read = (
        [(operation.name, operation.options) for operation in graph.operations]
        for graph in (graph_of(imported.network), imported.graph)
    )
    assert [name for name, _ in written] == [name for name, _ in read]
    windows = ("stride_rows", "stride_columns", "padding", "activation", "rows", "columns", "multiplier", "beta")
    for (_, ours), (_, theirs) in zip(written, read):
        assert {k: v for k, v in (ours or {}).items() if k in windows} == {
            k: v for k, v in (theirs or {}).items() if k in windows
        }
    assert greedy_arena(requirements(imported.graph)) == tflm_arena(imported.network) == ARENAS[name]
