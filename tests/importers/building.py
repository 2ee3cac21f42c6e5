"""Small .tflite files, built operator by operator; as a command it writes those in tests/models/tflite."""

from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

FILES = Path(__file__).resolve().parents[1] / "models" / "tflite"
OPTIONS = {
    "CONV_2D": ("Conv2DOptions", dict(strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, padding=1)),
    "DEPTHWISE_CONV_2D": (
        "DepthwiseConv2DOptions",
        dict(strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, padding=1, depthMultiplier=1),
    ),
    "FULLY_CONNECTED": ("FullyConnectedOptions", {}),
    "ADD": ("AddOptions", {}),
    "AVERAGE_POOL_2D": ("Pool2DOptions", dict(strideH=2, strideW=2, filterHeight=2, filterWidth=2, padding=1)),
    "MAX_POOL_2D": ("Pool2DOptions", dict(strideH=2, strideW=2, filterHeight=2, filterWidth=2, padding=1)),
    "MEAN": ("ReducerOptions", {}),
    "RESHAPE": ("ReshapeOptions", {}),
    "SOFTMAX": ("SoftmaxOptions", dict(beta=1.0)),
    "PAD": ("PadOptions", {}),
    "QUANTIZE": ("QuantizeOptions", {}),
    "DEQUANTIZE": ("DequantizeOptions", {}),
}
SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
RELU, RELU6 = schema.ActivationFunctionType.RELU, schema.ActivationFunctionType.RELU6
TYPES = {np.dtype(t): getattr(schema.TensorType, t.upper()) for t in ("int8", "uint8", "int32", "int64", "float32", "int16")}
SIZES = {"INT8": np.int8, "FLOAT32": np.float32}
VERSIONS = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "RESHAPE": 1, "QUANTIZE": 1}  # of int8; else 2


class File:
    """A .tflite file in the making: one subgraph, of int8 or float32 tensors, its weights drawn.

    A tensor is known by its index. ``shapes`` are those of all, ``operator`` appends one and returns its output.
    """

    def __init__(self, type="int8", seed=0):
        self.type, self.numbers = type, np.random.default_rng(seed)
        self.model, self.graph = schema.ModelT(), schema.SubGraphT()
        self.model.version, self.model.description = 3, "made for tests"
        self.model.buffers, self.model.operatorCodes, self.model.subgraphs = [schema.BufferT()], [], [self.graph]
        self.graph.tensors, self.graph.operators, self.graph.inputs, self.graph.outputs = [], [], [], []
        self.shapes = []

    def tensor(self, shape, dtype=None, scale=None, zero=0, data=None, axis=0):
        """Append a tensor; a constant if it has data. An int8 one that is computed has scale 1/16 unless it is given."""
        tensor = schema.TensorT()
        dtype = np.dtype(self.type if dtype is None else dtype)
        tensor.name, tensor.shape = f"t{len(self.shapes)}", np.array(shape, np.int32)
        tensor.type, tensor.buffer = TYPES[dtype], 0
        if data is None and dtype == np.int8 and scale is None:
            scale = 1 / 16
        if scale is not None:
            q = tensor.quantization = schema.QuantizationParametersT()
            q.scale = np.atleast_1d(np.array(scale, np.float32))
            q.zeroPoint = np.broadcast_to(np.array(zero, np.int64), q.scale.shape).copy()
            q.quantizedDimension = axis
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, dtype).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(tensor)
        self.shapes.append(tuple(shape))
        return len(self.shapes) - 1

    def input(self, shape, **more):
        """The input."""
        self.graph.inputs = np.array([self.tensor(shape, **more)], np.int32)
        return int(self.graph.inputs[0])

    def constant(self, values, dtype="int32"):
        """A constant without scale."""
        values = np.array(values, dtype)
        return self.tensor(values.shape, dtype, data=values)

    def operator(self, name, inputs, shape, version=None, options=None, out=None, **more):
        """Append an operator with one new output of ``shape`` (``out``: arguments of its tensor), and options by name."""
        table, given = OPTIONS.get(name, (None, {}))
        operator, code = schema.OperatorT(), schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = version or (VERSIONS.get(name, 2) if self.type == "int8" else 1)
        self.model.operatorCodes.append(code)
        operator.opcodeIndex = len(self.model.operatorCodes) - 1
        operator.inputs = np.array(inputs, np.int32)
        operator.outputs = np.array([self.tensor(shape, **(out or {}))], np.int32)
        if table and options is not False:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, table)
            operator.builtinOptions = getattr(schema, table + "T")()
            for option, value in {**given, **more}.items():
                setattr(operator.builtinOptions, option, value)
        self.graph.operators.append(operator)
        return int(operator.outputs[0])

    def scale_of(self, tensor):
        """Its first scale."""
        return float(self.graph.tensors[tensor].quantization.scale[0])

    def weights(self, shape, axis, x, each=True):
        """(weights, biases) drawn, with a scale an output or one of all."""
        outputs = shape[axis]
        if self.type == "float32":
            real = self.numbers.normal(0, 0.3, shape), self.numbers.normal(0, 0.3, outputs)
            return tuple(self.tensor(values.shape, data=values) for values in real)
        scale = self.numbers.uniform(0.002, 0.01, outputs if each else 1).astype(np.float32)
        values = self.numbers.integers(-127, 128, shape), self.numbers.integers(-2000, 2000, outputs)
        product = np.float32(self.scale_of(x)) * scale
        return self.tensor(shape, scale=scale, data=values[0], axis=axis), self.tensor(
            (outputs,), "int32", scale=product, data=values[1]
        )

    def conv(self, x, filters, kernel=(3, 3), out=None, **more):
        """CONV_2D with stride 1 and VALID padding unless options say otherwise."""
        return self._windowed("CONV_2D", x, (filters, *kernel, self.shapes[x][3]), 0, filters, out, more)

    def depthwise(self, x, kernel=(3, 3), multiplier=1, out=None, **more):
        """DEPTHWISE_CONV_2D."""
        outputs = self.shapes[x][3] * multiplier
        more = {"depthMultiplier": multiplier, **more}
        return self._windowed("DEPTHWISE_CONV_2D", x, (1, *kernel, outputs), 3, outputs, out, more)

    def _windowed(self, name, x, shape, axis, outputs, out, more):
        weights, bias = self.weights(shape, axis, x)
        size = self.window(x, shape[1:3], more.get("strideH", 1), more.get("strideW", 1), more.get("padding", VALID))
        return self.operator(name, [x, weights, bias], (1, *size, outputs), out=out, **more)

    def window(self, x, kernel, down, right, padding):
        """Rows and columns of what a window makes."""
        sizes = zip(self.shapes[x][1:3], kernel, (down, right))
        return tuple(-(-size // step) if padding == SAME else (size - k) // step + 1 for size, k, step in sizes)

    def dense(self, x, outputs, each=False, out=None, **more):
        """FULLY_CONNECTED."""
        weights, bias = self.weights((outputs, int(np.prod(self.shapes[x]))), 0, x, each)
        return self.operator("FULLY_CONNECTED", [x, weights, bias], (1, outputs), out=out, **more)

    def pool(self, x, name="MAX_POOL_2D", **more):
        """MAX_POOL_2D or AVERAGE_POOL_2D of 2 x 2, with the scale of its input."""
        kernel = more.get("filterHeight", 2), more.get("filterWidth", 2)
        size = self.window(x, kernel, more.get("strideH", 2), more.get("strideW", 2), more.get("padding", VALID))
        return self.operator(name, [x], (1, *size, self.shapes[x][3]), out=self.like(x), **more)

    def pad(self, x, rows, columns):
        """PAD of rows and columns."""
        shape = np.array(self.shapes[x]) + [0, sum(rows), sum(columns), 0]
        return self.operator("PAD", [x, self.constant([(0, 0), rows, columns, (0, 0)])], tuple(shape), out=self.like(x))

    def softmax(self, x, **more):
        """SOFTMAX."""
        return self.operator("SOFTMAX", [x], self.shapes[x], out=dict(scale=1 / 256, zero=-128), **more)

    def like(self, x):
        """Arguments of a tensor with the scale of another one."""
        if self.type == "float32":
            return {}
        q = self.graph.tensors[x].quantization
        return dict(scale=float(q.scale[0]), zero=int(q.zeroPoint[0]))

    def content(self, output=None):
        """The bytes, with an output: the last tensor unless one is given."""
        if output is not None or not len(self.graph.outputs):
            self.graph.outputs = np.array([len(self.shapes) - 1 if output is None else output], np.int32)
        return packed(self.model)


def packed(model):
    """The bytes of a model of the object API."""
    builder = flatbuffers.Builder(1 << 12)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def tiny(type):
    """A file of a few kB with most operators in it, a projection and an identity."""
    file = File(type)
    x = file.input((1, 9, 8, 2), scale=0.05, zero=3)
    x = file.conv(file.pad(x, (1, 0), (0, 1)), 4, strideH=2, fusedActivationFunction=RELU, out=dict(scale=0.03, zero=-128))
    a = file.conv(x, 4, padding=SAME, fusedActivationFunction=RELU6)
    a = file.depthwise(a, padding=SAME, out=dict(scale=0.1, zero=-4))
    x = file.operator("ADD", [x, a], file.shapes[x], fusedActivationFunction=RELU, out=dict(scale=0.09, zero=-100))
    a = file.conv(x, 6, (1, 1), out=dict(scale=0.07, zero=11))
    b = file.depthwise(file.conv(x, 3, (1, 3), padding=SAME), multiplier=2 if type == "int8" else 1, padding=SAME)
    b = b if type == "int8" else file.conv(b, 6, (1, 1))
    x = file.operator("ADD", [a, b], file.shapes[a], out=dict(scale=0.1, zero=5))
    x = file.operator("RELU", [file.pool(x)], file.shapes[-1], out=dict(scale=0.05, zero=-128))
    x = file.operator("MEAN", [x, file.constant([1, 2])], (1, 6), out=dict(scale=0.02, zero=-90))
    x = file.operator("TANH", [file.dense(x, 5)], (1, 5), out=dict(scale=1 / 128, zero=0))
    file.softmax(file.dense(x, 3, each=type == "int8"))
    return file.content()


def main():
    """Write them."""
    for type in ("int8", "float32"):
        (FILES / f"tiny_{type}.tflite").write_bytes(tiny(type))


if __name__ == "__main__":
    main()
