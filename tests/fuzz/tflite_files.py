"""Damaged and hostile .tflite files: each must be read, or be refused in one sentence, quickly and in little memory.

Most cases change what is in a file (shapes, scales, types, options, operands, operators, buffers, vectors of any
length) and write it again; the others, and some of these too, change bytes: files that are cut off, with flipped bits,
offsets and lengths that lead anywhere, pieces twice or left out. What can be read is compiled, too.
"""

import argparse
import copy
import math
import pickle
import random
import re
import sys
import tempfile
import time
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np

FILES = Path(__file__).resolve().parents[1] / "models" / "tflite"
SEEDS = (*["tiny_int8"] * 5, *["tiny_float32"] * 2, "kws_ref_model")
SECONDS = 2.0  # of this process's time, that a case may take
MOST = 64 << 20  # bytes of memory, over twice the size of the file
LONGEST = 700  # characters of a sentence
WHOLE = (0, 1, -1, 2, 3, 4, 7, 8, 127, 128, 255, 256, 65535, 65536, 1 << 24, (1 << 31) - 1, -(1 << 31))
BYTES = (0, 1, 2, 3, 4, 8, 16, 255, 65535, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)  # as 4 of them
SCALES = (0.0, -1.0, math.nan, math.inf, -math.inf, 1e-45, 1e-38, 3e38, 1.0, 1 / 256, 1 / 128, 0.5)
ZEROS = (0, -128, 127, 128, -129, 255, 1 << 40, -(1 << 62))
COUNTS = (0, 1, 2, 3, 5, 64, 1000, 100_000)
CODES = (0, 1, 3, 4, 6, 9, 14, 17, 19, 21, 22, 25, 28, 34, 40, 114)  # of operators that are supported, mostly
TEXTS = (b"", b"\x1b[31mred", b"\xff\xfe\x00", b"a" * 100_000, b"x\ny", "\u202e".encode(), b"Flex" * 3)


def case(numbers):
    """(bytes of a file, what was done to it)."""
    seed = numbers.choice(SEEDS)
    content, done = _file(seed), [seed]
    if numbers.random() < 0.7:
        content = changed(numbers, content, done)
    for _ in range(numbers.choice((0, 0, 0, 1)) if len(done) > 1 else numbers.choice((1, 1, 2, 4))):
        fault = numbers.choice(BYTE_FAULTS)
        done.append(fault.__name__)
        content = fault(numbers, content)
    return content, ", ".join(done)


@cache
def _file(name):
    """The bytes of a committed file."""
    return (FILES / f"{name}.tflite").read_bytes()


# -- what is in a file -----------------------------------------------------------------------------------------------------


def changed(numbers, content, done):
    """The file with changes of what is in it, written again; as it was if such things cannot be written."""
    import flatbuffers
    from flatbuffers.builder import BuilderSizeError

    model = pickle.loads(_unpacked(content))
    faults = [numbers.choice(MODEL_FAULTS) for _ in range(numbers.choice((0, 1, 1, 1, 2, 3)))]
    try:
        for fault in faults:
            done.append(fault.__name__)
            fault(numbers, model)
        builder = flatbuffers.Builder(len(content) + 1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
    except (TypeError, ValueError, OverflowError, AttributeError, IndexError, AssertionError, BuilderSizeError) as error:
        done.append(f"could not be written: {type(error).__name__}")
        return content


@cache
def _unpacked(content):
    """The object API's model of these bytes, as a pickle."""
    from ai_edge_litert.schema_py_generated import ModelT

    return pickle.dumps(ModelT.InitFromPackedBuf(content, 0))


def graph_of(model):
    return model.subgraphs[0]


def tensor_of(numbers, model):
    return numbers.choice(graph_of(model).tensors)


def operator_of(numbers, model):
    return numbers.choice(graph_of(model).operators)


def vector(numbers, values, kind, choices):
    """A vector with another value, length, or content."""
    values = list(values) if values is not None else []
    how = numbers.randrange(4)
    if how == 0 and values:
        values[numbers.randrange(len(values))] = numbers.choice(choices)
    elif how == 1:
        values.insert(numbers.randrange(len(values) + 1), numbers.choice(choices))
    elif how == 2 and values:
        del values[numbers.randrange(len(values))]
    else:
        values = [numbers.choice(choices)] * numbers.choice(COUNTS)
    with np.errstate(all="ignore"):
        return np.array(values, kind)


def shape(numbers, model):
    tensor = tensor_of(numbers, model)
    name = numbers.choice(("shape", "shape", "shape", "shapeSignature"))
    setattr(tensor, name, vector(numbers, getattr(tensor, name), np.int32, WHOLE))


def kind(numbers, model):
    tensor_of(numbers, model).type = numbers.choice((0, 2, 3, 4, 7, 9, numbers.randrange(-2, 20)))


def scale(numbers, model):
    tensor = numbers.choice([t for t in graph_of(model).tensors if t.quantization is not None] or graph_of(model).tensors)
    quantization, how = tensor.quantization, numbers.randrange(6)
    if quantization is None or how == 0:
        tensor.quantization = numbers.choice((None, copy.deepcopy(tensor_of(numbers, model).quantization)))
    elif how in (1, 2):
        quantization.scale = vector(numbers, quantization.scale, np.float32, SCALES)
        if numbers.random() < 0.5:
            quantization.zeroPoint = np.zeros(len(quantization.scale), np.int64)
    elif how in (3, 4):
        quantization.zeroPoint = vector(numbers, quantization.zeroPoint, np.int64, ZEROS)
    else:
        quantization.quantizedDimension = numbers.choice(WHOLE)


def buffers(numbers, model):
    """Another buffer, or another content."""
    tensor, how = tensor_of(numbers, model), numbers.randrange(4)
    if how < 2:
        tensor.buffer = numbers.choice((0, numbers.randrange(len(model.buffers)), len(model.buffers), 0xFFFFFFFF))
    elif how == 2:
        size = numbers.choice((0, 1, 3, 4, 100, 1 << 20))
        model.buffers[tensor.buffer % len(model.buffers)].data = np.zeros(size, np.uint8)
    else:
        buffer = numbers.choice(model.buffers)
        buffer.offset, buffer.size = (numbers.choice((0, 1, 2, 1 << 40)) for _ in range(2))


def shared(numbers, model):
    """One large buffer for many tensors."""
    size = numbers.choice((1 << 10, 1 << 16, 1 << 20))
    model.buffers[0].data = np.ones(size, np.uint8)
    for tensor in graph_of(model).tensors:
        if numbers.random() < 0.5:
            tensor.buffer = 0
            tensor.shape = np.array(numbers.choice(([size], [1, size], [1, 1, 1, size], [size, 1, 1, 1])), np.int32)


def option(numbers, model):
    options = operator_of(numbers, model).builtinOptions
    names = [name for name, value in vars(options).items() if isinstance(value, (int, float))] if options else []
    if names:
        name = numbers.choice(names)
        old = getattr(options, name)
        new = numbers.choice(SCALES) if isinstance(old, float) else numbers.choice(WHOLE)
        setattr(options, name, bool(new) if isinstance(old, bool) else new)


def other_options(numbers, model):
    a, b = operator_of(numbers, model), operator_of(numbers, model)
    a.builtinOptions = b.builtinOptions
    a.builtinOptionsType = numbers.choice((b.builtinOptionsType, numbers.randrange(130)))


def operand(numbers, model):
    operator = operator_of(numbers, model)
    name = numbers.choice(("inputs", "inputs", "outputs"))
    choices = (-1, *range(len(graph_of(model).tensors)), len(graph_of(model).tensors), 1 << 30)
    setattr(operator, name, vector(numbers, getattr(operator, name), np.int32, choices))


def ends(numbers, model):
    name = numbers.choice(("inputs", "outputs"))
    choices = (-1, *range(len(graph_of(model).tensors) + 1))
    setattr(graph_of(model), name, vector(numbers, getattr(graph_of(model), name), np.int32, choices))


def code(numbers, model):
    which = numbers.choice(model.operatorCodes)
    how = numbers.randrange(3)
    if how == 0:
        which.version = numbers.choice((0, -1, 1, 2, 3, 4, 5, 6, 7, 1 << 30))
    elif how == 1:
        which.builtinCode = numbers.choice(
            (0, 1, 3, 4, 6, 9, 14, 17, 19, 21, 22, 25, 28, 32, 34, 40, 114, 126, 127, 209, 9999)
        )
        which.deprecatedBuiltinCode = min(which.builtinCode, 127)
    else:
        which.builtinCode = which.deprecatedBuiltinCode = 32
        which.customCode = numbers.choice(TEXTS)


def order(numbers, model):
    """Operators in another order, left out, twice, or of another code."""
    operators, how = graph_of(model).operators, numbers.randrange(5)
    if how == 0:
        numbers.shuffle(operators)
    elif how == 1:
        del operators[numbers.randrange(len(operators))]
    elif how == 2:
        operators.insert(numbers.randrange(len(operators) + 1), operator_of(numbers, model))
    elif how == 3:
        operator_of(numbers, model).opcodeIndex = numbers.choice((0, 1, len(model.operatorCodes), 0xFFFFFFFF))
    else:
        graph_of(model).operators = operators[: numbers.randrange(len(operators) + 1)]


def put_between(numbers, model):
    """An operator between one and what reads it, of the same shape and scale."""
    graph, at = graph_of(model), numbers.randrange(len(graph_of(model).operators))
    operator = copy.deepcopy(graph.operators[at])
    made = int(graph.operators[at].outputs[0])
    graph.tensors.append(copy.deepcopy(graph.tensors[made]))
    graph.operators[at].outputs = np.array([len(graph.tensors) - 1], np.int32)
    new = copy.deepcopy(model.operatorCodes[operator.opcodeIndex])
    new.builtinCode = new.deprecatedBuiltinCode = numbers.choice(CODES)
    new.version = 1
    model.operatorCodes.append(new)
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs = np.array([len(graph.tensors) - 1] * numbers.choice((1, 1, 2)), np.int32)
    operator.outputs = np.array([made], np.int32)
    if numbers.random() < 0.8:
        operator.builtinOptions, operator.builtinOptionsType = None, 0
    graph.operators.insert(at + 1, operator)


def many(numbers, model):
    """A long chain, many tensors, many buffers, many subgraphs."""
    graph, how, count = graph_of(model), numbers.randrange(5), numbers.choice((2, 10, 10, 10, 400, 501, 2001))
    if how == 0:
        graph.operators = [operator_of(numbers, model)] * count
    elif how == 1:
        graph.tensors += [tensor_of(numbers, model)] * count
    elif how == 2:
        model.buffers += model.buffers[:1] * count
    elif how == 3:
        model.subgraphs = model.subgraphs * numbers.choice((0, 2, 3))
    else:
        for _ in range(min(count, 60)):
            put_between(numbers, model)


def words(numbers, model):
    text = numbers.choice(TEXTS)
    for tensor in graph_of(model).tensors:
        tensor.name = text
    model.description = numbers.choice(TEXTS)


def missing(numbers, model):
    """Something left out."""
    what = numbers.choice((model, graph_of(model), tensor_of(numbers, model), operator_of(numbers, model)))
    setattr(what, numbers.choice(list(vars(what))), None)


def odd_tensor(numbers, model):
    tensor = tensor_of(numbers, model)
    tensor.isVariable = numbers.random() < 0.8
    model.version = numbers.choice((3, 3, 3, 3, 0, 4, 1 << 31))


MODEL_FAULTS = (
    shape, shape, shape, kind, scale, scale, scale, buffers, buffers, shared, option, option, option, other_options, operand,
    operand, operand, ends, code, code, order, order, put_between, put_between, many, words, missing, odd_tensor,
)  # fmt: skip

# -- its bytes -------------------------------------------------------------------------------------------------------------


def cut(numbers, content):
    return content[: numbers.randrange(len(content) + 1)]


def flip(numbers, content):
    content = bytearray(content)
    for _ in range(numbers.choice((1, 1, 2, 5, 50)) if content else 0):
        content[numbers.randrange(len(content))] ^= 1 << numbers.randrange(8)
    return bytes(content)


def put(numbers, content):
    """Other offsets, lengths or numbers, at multiples of 4."""
    content = bytearray(content)
    for _ in range(numbers.choice((1, 1, 2, 8))):
        if len(content) >= 8:
            at = 4 * numbers.randrange(len(content) // 4 - 1)
            value = numbers.choice((*BYTES, numbers.randrange(len(content)), -at % (1 << 32), numbers.getrandbits(32)))
            content[at : at + 4] = value.to_bytes(4, "little")
    return bytes(content)


def put_in_front(numbers, content):
    """The same where the tables are, near one end or the other."""
    edge = min(len(content), numbers.choice((64, 400, 2000)))
    if numbers.random() < 0.5:
        return put(numbers, content[:edge]) + content[edge:]
    return content[: len(content) - edge] + put(numbers, content[len(content) - edge :])


def copy_piece(numbers, content):
    """A piece once more, somewhere else, or left out."""
    if not content:
        return content
    start, size, to = numbers.randrange(len(content)), numbers.choice((1, 4, 32, 1000)), numbers.randrange(len(content))
    piece = content[start : start + size]
    how = numbers.randrange(3)
    if how == 0:
        return content[:to] + piece + content[to:]
    return content[:to] + piece + content[to + size :] if how == 1 else content[:start] + content[start + size :]


def instead(numbers, content):
    """Something else."""
    others = (
        b"",
        b"TFL3",
        b"\0\0\0\0TFL3",
        b"\x08\0\0\0TFL3" + numbers.randbytes(300),
        numbers.randbytes(3000),
        b"PK\3\4" * 99,
    )
    return numbers.choice(others)


BYTE_FAULTS = (cut, flip, flip, flip, put, put, put, put_in_front, put_in_front, put_in_front, copy_piece, instead)

# -- what is asked -------------------------------------------------------------------------------------------------------


def fault(content, path):
    """(what is wrong with the reading of these bytes or None, how it ended)."""
    import mcuref
    from mcuref.errors import McurefError
    from mcuref.importers import tflite

    path.write_bytes(content)
    held, began, how, sentence = _memory("VmRSS"), time.process_time(), "refused", ""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    try:
        network = tflite.read_tflite(path).network
        how = "read and not compiled"
        mcuref.compile(network, trainable=0)
        how = "compiled"
    except McurefError as error:
        sentence = str(error)
    except Exception as error:  # whatever it is: that is what is looked for
        return f"{type(error).__name__}: {error}", "fault"
    seconds, memory = time.process_time() - began, _memory("VmHWM") - held
    if seconds > SECONDS:
        return f"{seconds:.1f} s", how
    if memory > MOST + 2 * len(content):
        return f"{memory >> 20} MB of memory for {len(content):,} bytes", how
    if "\n" in sentence or len(sentence) > LONGEST or re.search("[\x00-\x1f\x7f-\x9f\u202e]", sentence):
        return f"not one printable sentence: {sentence[:LONGEST]!r}", how
    return None, how


def _memory(what):
    """Bytes of memory of this process: now (VmRSS) or at its peak (VmHWM)."""
    return int(re.search(rf"{what}:\s*(\d+) kB", Path("/proc/self/status").read_text())[1]) << 10


def main(argv=None):
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=100_000, help="default 100,000")
    parser.add_argument("--seed", type=int, default=0, help="of the first case, the others follow; default 0")
    parser.add_argument("--show", action="store_true", help="say of every case what was done, and how it ended")
    asked = parser.parse_args(argv)
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    began, endings, faults = time.monotonic(), Counter(), 0
    with tempfile.TemporaryDirectory(prefix="mcuref-fuzz-") as folder:
        fault((FILES / "tiny_int8.tflite").read_bytes(), Path(folder) / "m.tflite")  # has what it imports imported
        for seed in range(asked.seed, asked.seed + asked.tries):
            content, done = case(random.Random(seed))
            wrong, ended = fault(content, Path(folder) / "m.tflite")
            endings[ended] += 1
            faults += wrong is not None
            if wrong or asked.show:
                print(f"--seed {seed} --tries 1: {done}: {wrong or ended}", flush=True)
    ends = ", ".join(f"{count:,} {how}" for how, count in sorted(endings.items()))
    print(f"{asked.tries:,} cases from seed {asked.seed} in {time.monotonic() - began:.0f} s: {ends}; faults: {faults}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
