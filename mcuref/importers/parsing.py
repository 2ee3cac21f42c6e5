"""From the bytes of a .tflite file to its graph. What is wrong with the bytes is found here; what the graph means is not."""

from math import prod

import numpy as np
import tflite
from flatbuffers.number_types import Int32Flags

from mcuref import plain
from mcuref.errors import InputError
from mcuref.importers.flatbuffer import bounded, numbers, root
from mcuref.importers.graph import Graph, Operation, Samples, Tensor
from mcuref.text import one_line

BUILTIN_CODE = 10  # where the field "builtin_code" stands in the table of an operator code
IDENTIFIER = b"TFL3"
SAMPLES = "mcuref_samples"  # the metadata that says what samples a network was trained on
LARGEST_NOTE = 1 << 20  # bytes of it
SCHEMA = 3
MOST_OPERATORS = 500
MOST_TENSORS = 2000
MOST_AXES = 8
MOST_OPERANDS = 8  # of an operator
MOST_VALUES = (1 << 31) - 1  # of a tensor
TYPES = {"FLOAT32": np.float32, "INT32": np.int32, "INT8": np.int8, "UINT8": np.uint8, "INT64": np.int64}  # of constants
WINDOW = {
    "stride_rows": "StrideH",
    "stride_columns": "StrideW",
    "padding": "Padding",
    "activation": "FusedActivationFunction",
}
DILATION = {"dilation_rows": "DilationHFactor", "dilation_columns": "DilationWFactor"}
POOL = ("Pool2DOptions", {**WINDOW, "rows": "FilterHeight", "columns": "FilterWidth"})
OPTIONS = {  # {operator: (table of its options, {our name: its accessor})}; of other operators none is looked at
    "CONV_2D": ("Conv2DOptions", {**WINDOW, **DILATION}),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", {**WINDOW, **DILATION, "multiplier": "DepthMultiplier"}),
    "FULLY_CONNECTED": (
        "FullyConnectedOptions", {"activation": "FusedActivationFunction", "format": "WeightsFormat", "keeps": "KeepNumDims"}
    ),
    "ADD": ("AddOptions", {"activation": "FusedActivationFunction"}),
    "AVERAGE_POOL_2D": POOL,
    "MAX_POOL_2D": POOL,
    "MEAN": ("ReducerOptions", {"keeps": "KeepDims"}),
    "RESHAPE": ("ReshapeOptions", {"shape": "NewShapeAsNumpy"}),
    "SOFTMAX": ("SoftmaxOptions", {"beta": "Beta"}),
}  # fmt: skip
WORDS = {"padding": tflite.Padding, "activation": tflite.ActivationFunctionType}  # options whose value is one of some words


def parse(content: bytes) -> Graph:
    """The graph in the content of a file; InputError, one sentence, if it is damaged or none that can be read."""
    if content[4:8] != IDENTIFIER:
        raise InputError("it is no TFLite model: 'TFL3' is not in its fifth to eighth byte")
    model = root(tflite.Model, content)
    if model.Version() != SCHEMA:
        raise InputError(f"its schema version is {model.Version()}; only {SCHEMA} is known")
    if model.SubgraphsLength() != 1:
        raise InputError(f"it has {model.SubgraphsLength():,} subgraphs; only one is supported")
    subgraph = bounded(model.Subgraphs(0))
    _check_most("tensors", subgraph.TensorsLength(), MOST_TENSORS)
    _check_most("operators", subgraph.OperatorsLength(), MOST_OPERATORS)
    ends = []
    for what, vector in (("inputs", subgraph.InputsAsNumpy()), ("outputs", subgraph.OutputsAsNumpy())):
        if len(numbers(vector)) != 1:
            raise InputError(f"it has {len(numbers(vector)):,} {what}; only one is supported")
        ends.append(_index(f"one of its {what}", vector[0], subgraph.TensorsLength()))
    tensors = tuple(_tensor(model, subgraph, i) for i in range(subgraph.TensorsLength()))
    operations = tuple(_operation(model, subgraph, i) for i in range(subgraph.OperatorsLength()))
    return Graph(tensors, operations, ends[0], ends[1], _samples(model))


def _samples(model):
    """What the file says of its samples, if mcuref wrote it."""
    count = model.MetadataLength()
    _check_most("entries of metadata", count, MOST_OPERATORS)
    for entry in (bounded(model.Metadata(i)) for i in range(count)):
        if entry.Name() == SAMPLES.encode():
            if entry.Buffer() >= model.BuffersLength():
                raise InputError(f"its metadata {SAMPLES!r} is in buffer {entry.Buffer()}, which is not there")
            content = numbers(bounded(model.Buffers(entry.Buffer())).DataAsNumpy()).astype(np.uint8).tobytes()
            try:
                if len(content) > LARGEST_NOTE:
                    raise ValueError(f"it has {len(content):,} bytes")
                found = plain.parse(content)
                plain.check(found, {"dtype": str, "mean": [float], "scale": [float]})
            except ValueError as error:
                raise InputError(f"its metadata {SAMPLES!r} cannot be used: {error}") from None
            return Samples(found["dtype"], tuple(found["mean"]), tuple(found["scale"]))
    return None


def _check_most(what, count, most):
    if count > most:
        raise InputError(f"it has {count:,} {what}; at most {most:,} are supported")


def _index(what, index, count, least=0):
    """A place in a list, as int."""
    if not least <= index < count:
        raise InputError(f"{what} is tensor {index}, and the file has {count:,}")
    return int(index)


def _tensor(model, subgraph, i):
    tensor = bounded(subgraph.Tensors(i))
    name = one_line((tensor.Name() or b"").decode("utf-8", "replace"))
    where = f"tensor {i} ({name[:40]!r})"
    if tensor.IsVariable() or tensor.Sparsity() is not None or tensor.VariantTensorsLength():
        raise InputError(f"{where} is variable, sparse or a variant; none of these is supported")
    kind = _word(where, "type", tflite.TensorType, tensor.Type())
    shape = _shape(where, tensor)
    scales, zeros, axis = _scales(where, tensor, shape)
    return Tensor(i, name, shape, kind, _data(where, model, tensor, kind, shape), scales, zeros, axis)


def _shape(where, tensor):
    shape = numbers(tensor.ShapeAsNumpy())
    if len(shape) > MOST_AXES:
        raise InputError(f"{where} has {len(shape):,} axes; at most {MOST_AXES} are supported")
    shape = tuple(int(n) for n in shape)
    if min(shape, default=1) < 1 or prod(shape) > MOST_VALUES:
        raise InputError(f"{where} has shape {shape}; sizes must be positive and make at most {MOST_VALUES:,} values")
    signature = numbers(tensor.ShapeSignatureAsNumpy())
    if len(signature) not in (0, len(shape)) or any(n < 0 for n in signature[1:]):
        raise InputError(f"{where} has a shape that is not known before it runs; only the batch may be left open")
    return shape


def _scales(where, tensor, shape):
    """(scales, zeros, axis)."""
    quantization = tensor.Quantization()
    if quantization is None:
        return np.empty(0, np.float32), np.empty(0, np.int64), 0
    quantization = bounded(quantization)
    if quantization.DetailsType():
        raise InputError(f"{where} has a quantisation of its own kind, which is not supported")
    scales, zeros = (numbers(vector) for vector in (quantization.ScaleAsNumpy(), quantization.ZeroPointAsNumpy()))
    if len(scales) != len(zeros):
        raise InputError(f"{where} has {len(scales):,} scales and {len(zeros):,} zero points; both need the same number")
    axis = quantization.QuantizedDimension()
    if len(scales) and not 0 <= axis < max(len(shape), 1):
        raise InputError(f"{where} has scales along axis {axis}; it has {len(shape)} axes")
    return scales.astype(np.float32, copy=False), zeros.astype(np.int64, copy=False), axis


def _data(where, model, tensor, kind, shape):
    """The values of a constant, as the file's bytes; None of what is computed."""
    if tensor.Buffer() >= model.BuffersLength():
        raise InputError(f"{where} has buffer {tensor.Buffer()}, and the file has {model.BuffersLength():,}")
    buffer = bounded(model.Buffers(tensor.Buffer()))
    if buffer.Offset() > 1 or buffer.Size() > 1:  # 1: where something will be written in later
        raise InputError(f"{where} has its values behind the model, which is not supported")
    data = numbers(buffer.DataAsNumpy())
    if not data.size:
        return None
    if kind not in TYPES:
        raise InputError(f"{where} has values of type {kind}; they may be {', '.join(TYPES)}")
    dtype = np.dtype(TYPES[kind]).newbyteorder("<")
    if data.nbytes != prod(shape) * dtype.itemsize:
        raise InputError(f"{where} has {data.nbytes:,} bytes of values; {kind} of shape {shape} takes another number")
    return data.view(dtype).reshape(shape)


def _operation(model, subgraph, i):
    operator = bounded(subgraph.Operators(i))
    if operator.OpcodeIndex() >= model.OperatorCodesLength():
        raise InputError(
            f"operator {i} is of kind {operator.OpcodeIndex()}, and the file has {model.OperatorCodesLength():,}"
        )
    code = bounded(model.OperatorCodes(operator.OpcodeIndex()))
    name = _word(f"operator {i}", "code", tflite.BuiltinOperator, _number(code))
    if name == "CUSTOM":
        custom = one_line((code.CustomCode() or b"").decode("utf-8", "replace"))
        raise InputError(f"operator {i} is the custom operator {custom[:40]!r}; custom operators are not supported")
    operands = []
    for what, vector, least in (("input", operator.InputsAsNumpy(), -1), ("output", operator.OutputsAsNumpy(), 0)):
        vector = numbers(vector)
        if len(vector) > MOST_OPERANDS:
            raise InputError(f"operator {i} ({name}) has {len(vector):,} {what}s; none that is supported has so many")
        operands.append(
            tuple(_index(f"an {what} of operator {i} ({name})", at, subgraph.TensorsLength(), least) for at in vector)
        )
    return Operation(i, name, code.Version(), *operands, _options(f"operator {i} ({name})", name, operator))


def _number(code):
    """The number of an operator: the larger of two fields, of which the accessor looks at one alone."""
    return max(code._tab.GetSlot(BUILTIN_CODE, 0, Int32Flags), code.DeprecatedBuiltinCode())


def _options(where, name, operator):
    """{our name: value}, or None."""
    if name not in OPTIONS or not operator.BuiltinOptionsType():
        return None
    table, accessors = OPTIONS[name]
    union = operator.BuiltinOptions()
    if operator.BuiltinOptionsType() != getattr(tflite.BuiltinOptions, table) or union is None:
        raise InputError(f"{where} has options of another operator; it needs {table}")
    options = getattr(tflite, table)()
    options.Init(union.Bytes, union.Pos)
    bounded(options)
    found = {}
    for ours, accessor in accessors.items():
        value = getattr(options, accessor)()
        found[ours] = _word(where, ours, WORDS[ours], value) if ours in WORDS else value
    return found


def _word(where, what, words, value):
    """The word that a number stands for."""
    for word, number in vars(words).items():
        if number == value and not word.startswith("_"):
            return word
    raise InputError(f"{where} has {what} {value}, which is not known")
