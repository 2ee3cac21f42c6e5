"""What is not supported, or wrong, is said by name, index and what would be right; nothing is guessed."""

import sys

import numpy as np
import pytest

from mcuref.errors import InputError
from mcuref.importers.tflite import read_tflite

NAN = float("nan")


def operator(file, name):
    """The first operator of a name."""
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    codes = file.model.operatorCodes
    return next(o for o in file.graph.operators if codes[o.opcodeIndex].builtinCode == getattr(BuiltinOperator, name))


def tensor(file, name, position):
    """A tensor of that operator: an input, or of -1 its output."""
    found = operator(file, name)
    return file.graph.tensors[found.outputs[0] if position < 0 else found.inputs[position]]


def set_option(name, option, value):
    return lambda file: setattr(operator(file, name).builtinOptions, option, value)


def set_tensor(name, position, attribute, value):
    return lambda file: setattr(tensor(file, name, position), attribute, value)


def set_scale(name, position, attribute, value):
    def change(file):
        found = getattr(tensor(file, name, position).quantization, attribute)
        values = np.full(len(found), value, found.dtype) if np.isscalar(value) else np.array(value, found.dtype)
        setattr(tensor(file, name, position).quantization, attribute, values)

    return change


def set_code(name, attribute, value):
    return lambda file: setattr(file.model.operatorCodes[operator(file, name).opcodeIndex], attribute, value)


def set_values(name, position, values):
    def change(file):
        data = np.frombuffer(np.array(values, np.int32).tobytes(), np.uint8)
        file.model.buffers[tensor(file, name, position).buffer].data = data

    return change


def both(*changes):
    return lambda file: [change(file) for change in changes]


def network(building, type="int8"):
    """A file with most operators."""
    file = building.File(type)
    x = file.pad(file.input((1, 8, 8, 2)), (1, 1), (1, 1))
    x = file.conv(x, 4)
    a = file.depthwise(x, padding=building.SAME)
    x = file.operator("ADD", [x, a], file.shapes[x])
    x = file.pool(file.pool(x), "AVERAGE_POOL_2D")
    x = file.operator("MEAN", [x, file.constant([1, 2])], (1, 4))
    x = file.operator("RESHAPE", [x, file.constant([1, 4])], (1, 4), out=file.like(x))
    x = file.operator("TANH", [file.dense(x, 5)], (1, 5), out=dict(scale=1 / 128))
    x = file.operator("LOGISTIC", [x], (1, 5), out=dict(scale=1 / 256, zero=-128))
    file.softmax(file.operator("RELU", [x], (1, 5)))
    return file


CHANGES = {  # {what: (change of a file, words of the sentence)}
    "dilation": (set_option("CONV_2D", "dilationWFactor", 2), r"\(CONV_2D\) has dilation \(1, 2\); only \(1, 1\)"),
    "dilation of a depthwise one": (set_option("DEPTHWISE_CONV_2D", "dilationHFactor", 2), "has dilation"),
    "stride": (set_option("CONV_2D", "strideH", 0), "conv stride 0 is not a whole number from 1"),
    "negative stride": (set_option("MAX_POOL_2D", "strideW", -2), "maxpool stride -2 is not"),
    "huge kernel": (set_option("MAX_POOL_2D", "filterHeight", 1 << 30), "maxpool kernel 1073741824 is not"),
    "padding": (set_option("CONV_2D", "padding", 7), "has padding 7, which is not known"),
    "padding behind PAD": (set_option("CONV_2D", "padding", 0), "padding SAME behind a PAD; only VALID"),
    "activation": (set_option("CONV_2D", "fusedActivationFunction", 4), "activation TANH in it; only RELU and RELU6"),
    "unknown activation": (set_option("ADD", "fusedActivationFunction", 9), "has activation 9, which is not known"),
    "multiplier": (set_option("DEPTHWISE_CONV_2D", "depthMultiplier", 3), "4 channels with multiplier 3 need"),
    "shuffled weights": (set_option("FULLY_CONNECTED", "weightsFormat", 1), "has shuffled weights"),
    "beta": (set_option("SOFTMAX", "beta", 0.0), "has beta 0 and inputs in steps of 0.0625; their product is too small"),
    "beta NaN": (set_option("SOFTMAX", "beta", NAN), "has beta nan"),
    "options of another": (
        lambda file: setattr(operator(file, "SOFTMAX"), "builtinOptionsType", 1), r"\(SOFTMAX\) has options of another"
    ),
    "no options": (lambda file: setattr(operator(file, "ADD"), "builtinOptionsType", 0), r"\(ADD\) has no options"),
    "version": (set_code("CONV_2D", "version", 4), r"operator 1 \(CONV_2D\) is of version 4; 1 to 3 are supported"),
    "version 0": (set_code("MEAN", "version", 0), "is of version 0; 1 to 2"),
    "custom operator": (
        both(set_code("TANH", "customCode", "My\x1b[31mOp"), set_code("TANH", "deprecatedBuiltinCode", 32),
             set_code("TANH", "builtinCode", 32)),
        r"operator \d+ is the custom operator 'My\\+x1b\[31mOp'; custom",
    ),
    "another operator": (
        both(set_code("TANH", "deprecatedBuiltinCode", 117), set_code("TANH", "builtinCode", 117)),
        r"\(HARD_SWISH\) is not supported; these are: CONV_2D, DEPTHWISE_CONV_2D",
    ),
    "unknown operator": (set_code("TANH", "builtinCode", 9999), "has code 9999, which is not known"),
    "too few operands": (lambda file: setattr(operator(file, "CONV_2D"), "inputs", [1]), "has 1 inputs and 1 outputs"),
    "many operands": (lambda file: setattr(operator(file, "ADD"), "inputs", [1] * 99), "has 99 inputs; none"),
    "operand out of range": (lambda file: setattr(operator(file, "ADD"), "inputs", [1, 999]), "is tensor 999, and the file"),
    "operand below": (lambda file: setattr(operator(file, "ADD"), "inputs", [1, -2]), "is tensor -2, and the file"),
    "int16": (set_tensor("RELU", -1, "type", 7), r"\(RELU\) makes INT16 of INT8; in this network both must be INT8"),
    "int4 weights": (set_tensor("CONV_2D", 1, "type", 17), "has values of type INT4; they may be FLOAT32, INT32, INT8"),
    "uint8 weights": (set_tensor("CONV_2D", 1, "type", 3), "has weights of type UINT8; beside INT8 they must be INT8"),
    "float biases": (set_tensor("CONV_2D", 2, "type", 0), "has biases of type FLOAT32; beside INT8 they must be INT32"),
    "unknown type": (set_tensor("RELU", -1, "type", 99), "has type 99, which is not known"),
    "weights not there": (set_tensor("CONV_2D", 1, "buffer", 0), "reads tensor .*, which nothing before it makes"),
    "buffer": (set_tensor("CONV_2D", 1, "buffer", 999), "has buffer 999, and the file has"),
    "weights of another shape": (set_tensor("CONV_2D", 1, "shape", [4, 3, 6, 1]), "groups are not supported"),
    "bytes": (set_tensor("CONV_2D", 1, "shape", [4, 3, 3, 3]), "has 72 bytes of values; INT8 of shape"),
    "gigabytes": (set_tensor("CONV_2D", -1, "shape", [1, 65536, 65536, 4]), "sizes must be positive and make at most"),
    "negative size": (set_tensor("CONV_2D", -1, "shape", [1, -8, 8, 4]), "sizes must be positive"),
    "no size": (set_tensor("CONV_2D", -1, "shape", [1, 0, 8, 4]), "sizes must be positive"),
    "many axes": (set_tensor("CONV_2D", -1, "shape", [1] * 9), "has 9 axes; at most 8"),
    "output of another shape": (set_tensor("CONV_2D", -1, "shape", [1, 8, 7, 4]), r"of shape \(1, 8, 7, 4\)"),
    "batch": (set_tensor("PAD", 0, "shape", [2, 8, 8, 2]), r"its input has shape \(2, 8, 8, 2\); it must be one sample"),
    "open shape": (set_tensor("PAD", 0, "shapeSignature", [-1, -1, 8, 2]), "only the batch may be left open"),
    "open shape of another rank": (set_tensor("PAD", 0, "shapeSignature", [-1, 8, 8]), "only the batch may be left open"),
    "values behind the model": (
        lambda file: setattr(file.model.buffers[tensor(file, "CONV_2D", 1).buffer], "offset", 99), "values behind the model"
    ),
    "no biases": (lambda file: setattr(operator(file, "CONV_2D"), "inputs", operator(file, "CONV_2D").inputs[:2]),
        r"\(CONV_2D\) has no biases; a convolution of INT8 needs them"),
    "biases of another shape": (set_tensor("CONV_2D", 2, "shape", [2, 2]), r"biases of shape \(2, 2\); it has 4 outputs"),
    "first operand left out": (
        lambda file: setattr(operator(file, "CONV_2D"), "inputs", [-1, *operator(file, "CONV_2D").inputs[1:]]), "lacks the"
    ),
    "variable": (set_tensor("ADD", 0, "isVariable", True), "is variable, sparse or a variant"),
    "no scale": (set_tensor("RELU", -1, "quantization", None), r"\(RELU\) has tensor \d+ with 0 scales; what is computed"),
    "scale 0": (set_scale("RELU", -1, "scale", 0), "with a scale that is no positive number"),
    "negative scale": (set_scale("CONV_2D", 1, "scale", -1), "with a scale that is no positive number"),
    "scale NaN": (set_scale("CONV_2D", 1, "scale", NAN), "with a scale that is no positive number"),
    "scale infinite": (set_scale("ADD", 1, "scale", float("inf")), "with a scale that is no positive number"),
    "scale too large": (set_scale("TANH", 0, "scale", 3e38), "with a scale that is no positive number of normal size"),
    "scale too small": (set_scale("RELU", -1, "scale", 1e-42), "with a scale that is no positive number"),
    "sums too fine": (set_scale("RELU", -1, "scale", 1e-12), "has sums in steps of"),
    "sum too fine": (set_scale("ADD", -1, "scale", 1e-8), r"\(ADD\) adds steps of 0.0625 to outputs in steps of 1e-08"),
    "scales and zeros": (set_scale("CONV_2D", 1, "scale", [1, 2]), "has 2 scales and 4 zero points"),
    "scales of weights": (
        both(set_scale("CONV_2D", 1, "scale", [1, 2]), set_scale("CONV_2D", 1, "zeroPoint", [0, 0])),
        "with 2 scales along axis 0; weights need one, or 4 along axis 0",
    ),
    "axis of weights": (
        lambda file: setattr(tensor(file, "DEPTHWISE_CONV_2D", 1).quantization, "quantizedDimension", 0), "along axis 3"
    ),
    "axis that is not there": (
        lambda file: setattr(tensor(file, "RELU", -1).quantization, "quantizedDimension", 2), "along axis 2; it has 2 axes"
    ),
    "another operator, in one of the two fields": (set_code("TANH", "builtinCode", 117), r"\(HARD_SWISH\) is not supported"),
    "and in the other": (set_code("CONV_2D", "builtinCode", 8), r"operator 1 \(FLOOR\) is not supported"),
    "zero of weights": (set_scale("CONV_2D", 1, "zeroPoint", [0, 0, 0, 1]), "zero points that are not 0; those of weights"),
    "zero out of range": (set_scale("RELU", -1, "zeroPoint", 128), "zero point 128; it must be -128 to 127"),
    "huge zero": (set_scale("RELU", -1, "zeroPoint", 1 << 40), "zero point 1099511627776; it must be"),
    "scale of biases": (set_scale("CONV_2D", 2, "scale", [0.5] * 4), "scale 0.5; it must be the input's times the weights'"),
    "one bias's scale": (set_scale("DEPTHWISE_CONV_2D", 2, "scale", 1.0), "scale 1; it must be the input's times"),
    "zero of biases": (set_scale("CONV_2D", 2, "zeroPoint", 1), "zero points that are not 0; it is a bias"),
    "scale of a pool": (set_scale("AVERAGE_POOL_2D", -1, "scale", 0.06), r"POOL_2D\) has tensor .* passes its input on"),
    "zero of a pool": (set_scale("MAX_POOL_2D", -1, "zeroPoint", 1), r"MAX_POOL_2D\) has tensor .* passes its input on"),
    "scale of a shape": (set_scale("RESHAPE", -1, "scale", 0.06), r"\(RESHAPE\) has tensor .* passes its input on"),
    "scale of padding": (set_scale("PAD", -1, "zeroPoint", 3), r"\(PAD\) has tensor .* passes its input on"),
    "softmax": (set_scale("SOFTMAX", -1, "scale", 1 / 255), "0.00392156.* this operator needs 0.00390625 and -128"),
    "softmax's zero": (set_scale("SOFTMAX", -1, "zeroPoint", 0), "needs 0.00390625 and -128"),
    "tanh": (set_scale("TANH", -1, "scale", 1 / 127), r"\(TANH\) has .* needs 0.0078125 and 0"),
    "logistic": (set_scale("LOGISTIC", -1, "zeroPoint", -127), r"\(LOGISTIC\) has .* needs 0.00390625 and -128"),
    "axes": (set_values("MEAN", 1, [1, 3]), "not over rows and columns"),
    "sizes in two rows": (set_tensor("RESHAPE", 1, "shape", [2, 1]), r"sizes of shape \(2, 1\); they must be in one row"),
    "sizes": (set_values("RESHAPE", 1, [1, 5]), r"has sizes \[1, 5\]"),
    "padding of channels": (set_values("PAD", 1, [0, 0, 1, 1, 1, 1, 1, 0]), "only rows and columns can be"),
    "negative padding": (set_values("PAD", 1, [0, 0, -1, 3, 1, 1, 0, 0]), "conv padding -1 is not a whole number from 0"),
    "schema": (lambda file: setattr(file.model, "version", 2), "its schema version is 2; only 3"),
    "subgraphs": (lambda file: file.model.subgraphs.append(file.graph), "it has 2 subgraphs; only one"),
    "inputs": (lambda file: setattr(file.graph, "inputs", [0, 1]), "it has 2 inputs; only one"),
    "no output": (lambda file: setattr(file.graph, "outputs", []), "it has 0 outputs; only one"),
    "values of the input": (lambda file: setattr(file.graph, "inputs", [1]), "its input has shape|has values in the file"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_is_refused(building, read, what):
    file = network(building)
    file.content()
    change, words = CHANGES[what]
    change(file)
    with pytest.raises(InputError, match=words) as raised:
        read(building.packed(file.model))
    sentence = str(raised.value)
    assert sentence.startswith("model file '") and "\n" not in sentence and "\x1b" not in sentence and len(sentence) < 520


def test_the_file_itself_is_read(building, read):
    assert len(read(network(building).content()).network.layers) == 13


@pytest.mark.parametrize("last", ["TANH", "RELU", "FULLY_CONNECTED"])
def test_softmax_that_is_not_the_last(building, read, last):
    file = building.File()
    x = file.softmax(file.dense(file.input((1, 6)), 5))
    file.dense(x, 4) if last == "FULLY_CONNECTED" else file.operator(last, [x], (1, 5), out=dict(scale=1 / 128))
    with pytest.raises(InputError, match="tensor 4 is made by a SOFTMAX and read again; a SOFTMAX must be the last"):
        read(file.content())


def test_softmax_in_a_block(building, read):
    file = building.File()
    x = file.input((1, 5))
    y = file.softmax(file.dense(x, 5))
    file.dense(file.operator("ADD", [x, y], (1, 5)), 3)
    with pytest.raises(InputError, match="tensor 4 is made by a SOFTMAX and read again"):
        read(file.content())


@pytest.mark.parametrize("behind", ["MAX_POOL_2D", "RELU", "nothing"])
def test_padding_of_anything_else(building, read, behind):
    file = building.File()
    x = file.pad(file.conv(file.input((1, 6, 6, 2)), 2), (1, 1), (1, 1))
    if behind != "nothing":
        file.pool(x) if behind == "MAX_POOL_2D" else file.operator(behind, [x], file.shapes[x])
    with pytest.raises(InputError, match=r"operator 1 \(PAD\) is not before one CONV_2D or DEPTHWISE_CONV_2D"):
        read(file.content())


def test_batches_of_a_dense_layer(building, read):
    file = building.File()
    x = file.input((1, 3, 4))
    weights, bias = file.weights((5, 4), 0, x)
    file.operator("FULLY_CONNECTED", [x, weights, bias], (3, 5))
    with pytest.raises(InputError, match="of one input of all 12 values: batches are not supported"):
        read(file.content())
    file = building.File()
    x = file.input((1, 1, 4))
    weights, bias = file.weights((5, 4), 0, x)
    file.operator("FULLY_CONNECTED", [x, weights, bias], (1, 1, 5), keepNumDims=True)
    with pytest.raises(InputError, match=r"it must be \(1, 5\): keep_num_dims is not supported"):
        read(file.content())


@pytest.mark.parametrize("type", ["uint8", "int16", "int32"])
def test_inputs_of_other_types(building, read, type):
    file = building.File()
    x = file.input((1, 6), dtype=type, scale=0.1)
    file.operator("RELU", [x], (1, 6))
    with pytest.raises(InputError, match=f"its input is {type.upper()}; INT8 and FLOAT32 are supported"):
        read(file.content())


@pytest.mark.parametrize("scale, zero", [(1 / 128, 128), (1 / 255, 0)])
def test_uint8_of_another_scale(building, read, scale, zero):
    file = building.File()
    x = file.input((1, 6), dtype="uint8", scale=1 / 255, zero=128)
    file.dense(file.operator("QUANTIZE", [x], (1, 6), out=dict(scale=scale, zero=zero - 128)), 3)
    with pytest.raises(InputError, match=r"operator 0 \(QUANTIZE\) has UINT8 inputs of another scale"):
        read(file.content())


def test_quantisation_on_the_way(building, read):
    file = building.File()
    x = file.dense(file.input((1, 6)), 5)
    file.dense(file.operator("QUANTIZE", [x], (1, 5), out=dict(scale=0.1)), 3)
    with pytest.raises(InputError, match=r"operator 1 \(QUANTIZE\) is not at the input"):
        read(file.content())
    file = building.File()
    x = file.dense(file.input((1, 6)), 5)
    file.operator("RELU", [file.operator("DEQUANTIZE", [x], (1, 5), out=dict(dtype="float32"))], (1, 5))
    with pytest.raises(InputError, match=r"operator 1 \(DEQUANTIZE\) is not from INT8 to FLOAT32 at the output"):
        read(file.content())


@pytest.mark.parametrize("again", [False, True])
def test_real_outputs_of_another_shape_or_read_again(building, read, again):
    file = building.File()
    x = file.dense(file.input((1, 6)), 4)
    y = file.operator("DEQUANTIZE", [x], (1, 4) if again else (1, 2, 2), out=dict(dtype="float32"))
    if again:
        file.operator("RELU", [y], (1, 4), out=dict(dtype="float32"))
    file.graph.outputs = np.array([y], np.int32)
    with pytest.raises(InputError, match=r"\(DEQUANTIZE\) has an output of another shape, or one that is read again"):
        read(file.content())


def test_what_an_operator_makes_stands_in_the_file(building, read):
    file = building.File()
    x = file.dense(file.input((1, 6)), 4)
    file.operator("RELU", [x], (1, 4), out=dict(scale=0.1, data=np.zeros(4)))
    with pytest.raises(InputError, match=r"operator 1 \(RELU\) makes tensor 4, which is there already"):
        read(file.content())


def test_an_input_with_values(building, read):
    file = building.File()
    file.dense(file.input((1, 6), scale=0.1, data=np.zeros(6)), 4)
    with pytest.raises(InputError, match="its input, tensor 0, has values in the file"):
        read(file.content())


def test_hybrid_quantisation(building, read):
    """int8 weights between float32 values are what they stand for; in scales that make no sense they are refused."""
    for scale, words in ((0.1, None), (-1.0, "a scale that is no positive number")):
        file = building.File("float32")
        x = file.input((1, 6))
        weights = file.tensor((3, 6), "int8", scale=scale, data=np.arange(18).reshape(3, 6))
        file.operator("FULLY_CONNECTED", [x, weights], (1, 3), version=3)
        if words is not None:
            with pytest.raises(InputError, match=words):
                read(file.content())
            continue
        found = read(file.content())
        assert found.is_hybrid and found.network.quantization is None
        expected = np.arange(18, dtype=np.float32).reshape(3, 6) * np.float32(0.1)
        assert (found.network.parameters["dense1.weights"] == expected).all()


@pytest.mark.parametrize("what, words", [("depthwise", "multiplier"), ("softmax", "beta")])
def test_what_float32_does_not_have(building, read, what, words):
    file = building.File("float32")
    x = file.input((1, 4, 4, 2))
    if what == "depthwise":
        file.dense(file.depthwise(x, multiplier=2), 3)
    else:
        file.softmax(file.dense(x, 3), beta=2.0)
    with pytest.raises(InputError, match=f"operator . .* {words} 2; beside FLOAT32 it must be 1"):
        read(file.content())


def test_a_parameter_that_is_not_finite(building, read):
    file = building.File("float32")
    file.dense(file.input((1, 6)), 3)
    weights = file.model.buffers[file.graph.tensors[1].buffer]
    weights.data = np.concatenate([np.float32([NAN]).view(np.uint8), weights.data[4:]])
    with pytest.raises(InputError, match="parameter 'dense1.weights' has NaN or infinite values"):
        read(file.content())


def test_without_the_package(monkeypatch, model_file):
    for name in [name for name in sys.modules if name in ("tflite", "mcuref.importers.parsing")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tflite", None)
    with pytest.raises(InputError, match=r"^reading .tflite files needs the package tflite: pip install '.\[tflite\]'$"):
        read_tflite(model_file("tiny_int8"))
