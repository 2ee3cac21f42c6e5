"""Models of one operator as bytes, and LiteRT's reference kernels to run them: what int8 kernels are compared with."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

REASON = "LiteRT is not installed: pip install '.[tflite-check]' in the clone of mcuref"
IDENTIFIER = b"TFL3"


def modules():
    """(the schema's object API, LiteRT's interpreter, flatbuffers); the test is skipped where they are not installed."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated", reason=REASON)
    interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason=REASON)
    return schema, interpreter, pytest.importorskip("flatbuffers", reason=REASON)


class Tensor(NamedTuple):
    """A tensor of a model.

    Attributes
    ----------
    shape : tuple of int.
    scale : float, or one for each index along ``axis``, or None for a tensor that is not quantised.
    zero : int.
    values : array of a constant, or None.
    dtype : "int8", "uint8", "int16", "int32" or "float32".
    axis : int, of the scales.
    """

    shape: Sequence[int]
    scale: Any = None
    zero: int = 0
    values: np.ndarray | None = None
    dtype: str = "int8"
    axis: int = 0


def model_of(
    operator: str,
    inputs: Sequence[Tensor],
    output: Tensor,
    options: tuple[str, dict[str, Any]] | None = None,
    version: int = 1,
) -> bytes:
    """A .tflite file of one operator, such as "ADD"; tensors without values are inputs of the model, in order.

    ``options`` : ("AddOptions", {"fusedActivationFunction": 1}), names as in TensorFlow Lite's schema.
    """
    schema, _, _ = modules()
    model, graph, code, call = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT(), schema.OperatorT()
    model.version, model.buffers, graph.tensors = 3, [schema.BufferT()], []
    for number, tensor in enumerate([*inputs, output]):
        graph.tensors.append(_packed(schema, model.buffers, tensor, number))
    code.builtinCode = getattr(schema.BuiltinOperator, operator)
    code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), version
    call.opcodeIndex, call.inputs, call.outputs = 0, np.arange(len(inputs), dtype=np.int32), np.int32([len(inputs)])
    if options:
        name, fields = options
        call.builtinOptionsType = getattr(schema.BuiltinOptions, name)
        call.builtinOptions = getattr(schema, f"{name}T")()
        for field, value in fields.items():
            assert hasattr(call.builtinOptions, field), field
            setattr(call.builtinOptions, field, value)
    graph.operators, graph.outputs = [call], np.int32([len(inputs)])
    graph.inputs = np.int32([number for number, tensor in enumerate(inputs) if tensor.values is None])
    model.operatorCodes, model.subgraphs = [code], [graph]
    return packed(model)


def packed(model: Any) -> bytes:
    """The bytes of a ModelT of the object API."""
    _, _, flatbuffers = modules()
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def run_reference(content: bytes, *x: np.ndarray) -> np.ndarray:
    """The first output for these inputs, by the reference kernels."""
    interpreter = _invoked(content, x)
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).copy()


def every_tensor(content: bytes, *x: np.ndarray) -> dict[int, np.ndarray]:
    """{index: values} of all tensors of the first subgraph that have values, after a run of the reference kernels."""
    interpreter = _invoked(content, x, experimental_preserve_all_tensors=True)
    found = {}
    for details in interpreter.get_tensor_details():
        try:
            found[details["index"]] = interpreter.get_tensor(details["index"]).copy()
        except ValueError:  # a temporary of an operator
            continue
    return found


def _packed(schema, buffers, tensor, number):
    """A TensorT; its values become one more of the buffers."""
    made, quantization = schema.TensorT(), schema.QuantizationParametersT()
    made.name, made.shape, made.buffer = f"t{number}".encode(), np.int32(tensor.shape), 0
    made.type = getattr(schema.TensorType, tensor.dtype.upper())
    if tensor.scale is not None:
        quantization.scale = np.atleast_1d(np.float32(tensor.scale))
        quantization.zeroPoint = np.full(quantization.scale.shape, tensor.zero, np.int64)
        quantization.quantizedDimension = tensor.axis
        made.quantization = quantization
    if tensor.values is not None:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(tensor.values, tensor.dtype).tobytes(), np.uint8)
        buffers.append(buffer)
        made.buffer = len(buffers) - 1
    return made


def _invoked(content, x, **options):
    """An interpreter that has run the model once."""
    _, module, _ = modules()
    resolver = module.OpResolverType.BUILTIN_REF
    interpreter = module.Interpreter(model_content=content, experimental_op_resolver_type=resolver, num_threads=1, **options)
    interpreter.allocate_tensors()
    for details, values in zip(interpreter.get_input_details(), x, strict=True):
        interpreter.set_tensor(details["index"], values)
    interpreter.invoke()
    return interpreter
