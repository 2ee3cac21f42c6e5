"""Networks as .tflite files, which any runtime of TensorFlow Lite takes: the bytes of a network's graph."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError
from mcuref.export.tflite_graph import graph_of
from mcuref.importers.graph import Graph, Operation, Tensor
from mcuref.network import Network

NEEDS = "writing .tflite files needs the package tflite: pip install '.[tflite]'"
IDENTIFIER = b"TFL3"
SCHEMA = 3
ALIGNED = 16  # bytes, of constants
MOST_OLD_CODE = 127  # of an operator in the field that older runtimes read


def tflite_bytes(network: Network) -> bytes:
    """The .tflite file of a network, int8 if it has scales, else float32; the same bytes whenever it is written.

    It takes one sample at a time: all shapes begin with a batch of 1. Runtimes come to the same outputs, of int8 bit for bit
    with TensorFlow Lite's reference kernels, of float32 but for the order of sums.

    What a device feeds:

    - a float32 network takes normalised values, (sample - mean) scale of its Input layer;
    - an int8 network takes int8 values q for which scale (q - zero) is the normalised value, of ``quantization.outputs[0]``:
      clamp((sample multiplier + offset) >> shift, -128, 127) with the constants of
      :func:`mcuref.quantization.loading.loading`, as this package's own programs compute it; where samples are int8 and
      normalised by just that scale and zero, they are fed as they are;
    - an int8 network of float32 samples takes normalised float32 values; the file begins with QUANTIZE.

    The samples' type, mean and scale stand in its metadata "mcuref_samples", as JSON: mcuref reads them again, and takes the
    same samples.

    Outputs are int8, or float32 behind a DEQUANTIZE if the network's ``output_type`` says so.

    InputError if a network is int8 and float32, if a layer is none that TensorFlow Lite has an operator for, or if the
    package tflite is not installed.
    """
    try:
        import flatbuffers
        import tflite  # noqa: F401  what is called below
    except ModuleNotFoundError:
        raise InputError(NEEDS) from None
    if network.dtype == "mixed":
        raise InputError(f"network {network.name!r} has an int8 body and a float32 head, which has no .tflite yet")
    graph = graph_of(network)
    builder = flatbuffers.Builder(1024)
    builder.Finish(_model(builder, graph, f"{network.name}, written by mcuref"), IDENTIFIER)
    return bytes(builder.Output())


def _model(builder: Any, graph: Graph, description: str) -> int:
    """The table of the whole; buffer 0 is empty, and that of what is computed."""
    kinds = list(dict.fromkeys((operation.name, operation.version) for operation in graph.operations))
    constants = [tensor for tensor in graph.tensors if tensor.data is not None]
    places = {tensor.index: place for place, tensor in enumerate(constants, 1)}
    buffers = [_table(builder, "Buffer")]
    buffers += [_table(builder, "Buffer", Data=_aligned(builder, tensor.data)) for tensor in constants]
    metadata = [_note(builder, graph, buffers)]
    return _table(
        builder,
        "Model",
        Version=SCHEMA,
        OperatorCodes=_offsets(builder, [_code(builder, *kind) for kind in kinds]),
        Subgraphs=_offsets(builder, [_subgraph(builder, graph, kinds, places)]),
        Description=builder.CreateString(description, errors="replace"),
        Buffers=_offsets(builder, buffers),
        Metadata=_offsets(builder, metadata),
    )


def _note(builder: Any, graph: Graph, buffers: list[int]) -> int:
    """The metadata that says what samples become the input, and how, in a buffer of its own."""
    from mcuref.importers.parsing import SAMPLES

    samples = graph.samples
    content = json.dumps({} if samples is None else samples._asdict()).encode()
    buffers.append(_table(builder, "Buffer", Data=_aligned(builder, np.frombuffer(content, np.uint8))))
    return _table(builder, "Metadata", Name=builder.CreateString(SAMPLES), Buffer=len(buffers) - 1)


def _subgraph(builder: Any, graph: Graph, kinds: Sequence[tuple[str, int]], places: dict[int, int]) -> int:
    tensors = [_tensor(builder, tensor, places.get(tensor.index, 0)) for tensor in graph.tensors]
    operators = [_operator(builder, operation, kinds) for operation in graph.operations]
    return _table(
        builder,
        "SubGraph",
        Tensors=_offsets(builder, tensors),
        Inputs=_numbers(builder, [graph.input]),
        Outputs=_numbers(builder, [graph.output]),
        Operators=_offsets(builder, operators),
        Name=builder.CreateString("main"),
    )


def _code(builder: Any, name: str, version: int) -> int:
    """An operator that the file has; its number stands there twice if older runtimes know it."""
    import tflite

    number = getattr(tflite.BuiltinOperator, name)
    old = min(number, MOST_OLD_CODE)
    return _table(builder, "OperatorCode", DeprecatedBuiltinCode=old, Version=version, BuiltinCode=number)


def _tensor(builder: Any, tensor: Tensor, buffer: int) -> int:
    import tflite

    fields = {
        "Shape": _numbers(builder, tensor.shape),
        "Type": getattr(tflite.TensorType, tensor.type),
        "Buffer": buffer,
        "Name": builder.CreateString(tensor.name),
    }
    if tensor.scales.size:
        fields["Quantization"] = _table(
            builder,
            "QuantizationParameters",
            Scale=builder.CreateNumpyVector(tensor.scales),
            ZeroPoint=builder.CreateNumpyVector(tensor.zeros),
            QuantizedDimension=tensor.axis,
        )
    return _table(builder, "Tensor", **fields)


def _operator(builder: Any, operation: Operation, kinds: Sequence[tuple[str, int]]) -> int:
    import tflite

    from mcuref.importers.parsing import OPTIONS, WORDS

    fields = {
        "OpcodeIndex": kinds.index((operation.name, operation.version)),
        "Inputs": _numbers(builder, operation.inputs),
        "Outputs": _numbers(builder, operation.outputs),
    }
    if operation.options is not None:
        table, accessors = OPTIONS[operation.name]
        options: dict[str, Any] = {}
        for ours, value in operation.options.items():
            if ours in WORDS:
                value = getattr(WORDS[ours], value)
            is_row = isinstance(value, np.ndarray)
            options[accessors[ours].removesuffix("AsNumpy")] = _numbers(builder, value) if is_row else value
        fields["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, table)
        fields["BuiltinOptions"] = _table(builder, table, **options)
    return _table(builder, "Operator", **fields)


def _table(builder: Any, name: str, **fields: Any) -> int:
    """A table of the schema with these fields; vectors and strings are given by their places."""
    import tflite

    getattr(tflite, f"{name}Start")(builder)
    for field, value in fields.items():
        getattr(tflite, f"{name}Add{field}")(builder, value)
    return int(getattr(tflite, f"{name}End")(builder))


def _numbers(builder: Any, values: Any) -> int:
    """A vector of int32."""
    return int(builder.CreateNumpyVector(np.array(values, np.int32)))


def _offsets(builder: Any, places: Sequence[int]) -> int:
    """A vector of tables."""
    builder.StartVector(4, len(places), 4)
    for place in reversed(places):
        builder.PrependUOffsetTRelative(place)
    return int(builder.EndVector())


def _aligned(builder: Any, values: NDArray[Any] | None) -> int:
    """A vector of the bytes of a constant, little end first, at a multiple of 16 of the file."""
    values = np.asarray(values)
    content = values.astype(values.dtype.newbyteorder("<")).tobytes()
    builder.StartVector(1, len(content), ALIGNED)
    builder.head -= len(content)
    builder.Bytes[builder.head : builder.head + len(content)] = content
    return int(builder.EndVector())
