"""Files that somebody unfriendly wrote: one sentence, at once, in little memory. tests/fuzz/tflite_files.py makes more."""

import os
import time
import tracemalloc

import numpy as np
import pytest

from mcuref.errors import InputError
from mcuref.importers.tflite import LARGEST_FILE, read_tflite

MOST = 64 << 20  # bytes of memory, over twice the file


def refusal(read, content):
    """What is said of these bytes, in time and memory."""
    tracemalloc.start()
    try:
        began, ended = time.process_time(), None
        try:
            read(content)
        except InputError as error:
            ended = str(error)
        assert time.process_time() - began < 2
        assert tracemalloc.get_traced_memory()[1] < MOST + 2 * len(content)
    finally:
        tracemalloc.stop()
    return ended


@pytest.mark.parametrize("step", [31, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["tiny_int8", "tiny_float32"])
def test_cut_off_anywhere(read, model_file, name, step):
    content = model_file(name).read_bytes()
    for end in (*range(0, len(content), step), *range(32), *range(len(content) - 16, len(content))):
        with pytest.raises(InputError, match="model file '"):
            read(content[:end])


@pytest.mark.parametrize("step", [101, pytest.param(3, marks=pytest.mark.slow)])
def test_bytes_changed(read, model_file, step):
    content, ends = model_file("tiny_int8").read_bytes(), set()
    for at in range(0, len(content), step):
        for value in (0, 255, content[at] ^ 128):
            try:
                read(content[:at] + bytes([value]) + content[at + 1 :])
                ends.add("read")
            except InputError:
                ends.add("refused")
    assert ends == {"read", "refused"}  # weights may be any


def with_long_list(content, number, count):
    """The file with a list of its subgraph, the field of that number, replaced by a long one at its end, of zeros."""
    import tflite

    table = tflite.Model.GetRootAs(content).Subgraphs(0)._tab
    at, start = table.Pos + table.Offset(4 + 2 * number), len(content) + (-len(content) % 4)
    vector = np.zeros(count + 1, np.uint32)
    vector[0] = count
    content = bytearray(content.ljust(start, b"\0") + vector.tobytes())
    content[at : at + 4] = (start - at).to_bytes(4, "little")
    return bytes(content)


@pytest.mark.parametrize(
    "number, words",
    [
        (0, "it has 1,000,000 tensors; at most 2,000 are supported"),
        (1, "it has 1,000,000 inputs; only one is supported"),
        (2, "it has 1,000,000 outputs; only one is supported"),
        (3, "it has 1,000,000 operators; at most 500 are supported"),
    ],
)
def test_a_million_of_them(read, model_file, number, words):
    assert words in refusal(read, with_long_list(model_file("tiny_int8").read_bytes(), number, 1_000_000))


@pytest.mark.parametrize("number", [0, 2, 3])
def test_a_length_beyond_the_file(read, model_file, number):
    import tflite

    content = bytearray(model_file("tiny_int8").read_bytes())
    subgraph = tflite.Model.GetRootAs(content).Subgraphs(0)
    start = subgraph._tab.Vector(subgraph._tab.Offset(4 + 2 * number)) - 4
    content[start : start + 4] = (0xFFFFFFFF).to_bytes(4, "little")
    assert "it is damaged: something of 4,294,967,295 bytes" in refusal(read, bytes(content))


@pytest.mark.parametrize("value", [0x7FFFFFFF, 0xFFFFFFFF])
def test_a_table_beyond_the_file(read, model_file, value):
    import tflite

    content = bytearray(model_file("tiny_int8").read_bytes())
    tables = tflite.Model.GetRootAs(content)._tab
    for number in (1, 2, 4):  # of operator codes, subgraphs, buffers: where the first one is
        changed, at = bytearray(content), tables.Vector(tables.Offset(4 + 2 * number))
        changed[at : at + 4] = value.to_bytes(4, "little")
        assert "it is damaged: something of 4 bytes is at byte" in refusal(read, bytes(changed))


def test_a_vector_of_numbers_beyond_the_file(read, model_file):
    import tflite

    content = bytearray(model_file("tiny_int8").read_bytes())
    subgraph = tflite.Model.GetRootAs(content).Subgraphs(0)
    start = subgraph._tab.Vector(subgraph._tab.Offset(6)) - 4
    count = (len(content) - start) // 2  # so many bytes there are, but not so many numbers of four
    content[start : start + 4] = count.to_bytes(4, "little")
    assert f"it is damaged: something of {4 * count:,} bytes" in refusal(read, bytes(content))


def test_offsets_that_lead_in_a_circle_or_backwards(read, model_file):
    content = model_file("tiny_int8").read_bytes()
    assert "its schema version is 0" in refusal(read, bytes(4) + content[4:])  # a table over the file's first bytes
    for value in (len(content) - 2, len(content), 0x7FFFFFFF, 0xFFFFFFFC):
        assert "it is damaged" in refusal(read, value.to_bytes(4, "little") + content[4:])


def test_many_tensors_of_one_large_buffer(building, read):
    file = building.File()
    x = file.input((1, 8))
    data = np.ones((1024, 1024), np.int8)
    first = file.tensor(data.shape, scale=0.01, data=data)
    shared = file.graph.tensors[first].buffer
    for _ in range(1000):
        other = file.tensor(data.shape, scale=0.01)
        file.graph.tensors[other].buffer = shared
    file.dense(x, 3)
    assert refusal(read, file.content()) is None  # they are no work


@pytest.mark.parametrize("large", [False, True])
def test_weights_of_many_operators(building, read, large):
    file = building.File()
    n = 700 if large else 40
    x = file.input((1, n))
    weights, bias = file.weights((n, n), 0, x, each=False)
    for _ in range(60):
        x = file.operator("FULLY_CONNECTED", [x, weights, bias], (1, n))
    said = refusal(read, file.content())
    assert "brings parameters to far more bytes than the file has" in said if large else said is None


def test_int8_weights_that_become_float32(building, read):
    # three million of them take four times the file, and are copied once; nine million are refused before they are
    for n, words in ((1700, None), (3000, "brings parameters to far more bytes than the file has")):
        file = building.File("float32")
        weights = file.tensor((n, n), "int8", scale=0.01, data=np.ones((n, n)))
        file.operator("FULLY_CONNECTED", [file.input((1, n)), weights], (1, n), version=3)
        said = refusal(read, file.content())
        assert said is None if words is None else words in said


def test_long_names_of_many_tensors(building, read):
    file = building.File()
    file.dense(file.input((1, 8)), 3)
    for _ in range(500):
        file.tensor((1,))
    for tensor in file.graph.tensors:
        tensor.name = "x" * (1 << 12)
    content = file.content(output=3)
    assert refusal(read, content) is None
    assert {len(tensor.name) for tensor in read(content).graph.tensors} == {200}


@pytest.mark.parametrize("position", [0, 1, 2, 3])
def test_a_million_scales(building, read, position):
    file = building.File()
    file.dense(file.input((1, 8)), 3)
    quantization = file.graph.tensors[position].quantization
    quantization.scale, quantization.zeroPoint = np.ones(1_000_000, np.float32), np.zeros(1_000_000, np.int64)
    assert f"has tensor {position} with 1,000,000 scales" in refusal(read, file.content())


def test_the_largest_file(building, read):
    file = building.File()
    x = file.input((1, 4000))
    file.dense(x, 4000)
    content = file.content()
    assert 0.9 * LARGEST_FILE < len(content) < LARGEST_FILE
    assert refusal(read, content) is None


@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_large_shapes_cost_nothing(building, read, kind):
    file = building.File(kind)
    x = file.input((1, 30_000, 30_000, 2))
    x = file.operator("MEAN", [file.conv(x, 2, (1, 1)), file.constant([1, 2])], (1, 2))
    file.dense(x, 3)
    assert refusal(read, file.content()) is None
    file = building.File(kind)
    x = file.input((1, 30_000, 30_000, 3))
    file.dense(file.operator("MEAN", [x, file.constant([1, 2])], (1, 3)), 2)
    assert "sizes must be positive and make at most 2,147,483,647 values" in refusal(read, file.content())


def test_what_is_no_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read: it is a folder; a .tflite file is needed there"):
        read_tflite(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        read_tflite(tmp_path / "none.tflite")
    os.mkfifo(tmp_path / "pipe.tflite")
    with pytest.raises(InputError, match="it is a named pipe"):
        read_tflite(tmp_path / "pipe.tflite")
    for content in (b"", b"TFL3", b"PK\3\4" * 30, b"\0" * 100):
        (tmp_path / "m.tflite").write_bytes(content)
        with pytest.raises(InputError, match="it is no TFLite model: 'TFL3' is not in its fifth to eighth byte"):
            read_tflite(tmp_path / "m.tflite")


def test_names_that_steer_a_terminal(building, read):
    file = building.File()
    file.dense(file.input((1, 8)), 3)
    file.graph.tensors[1].name = "\x1b[31mred\nline"
    file.graph.tensors[1].isVariable = True
    said = refusal(read, file.content())
    assert "\x1b" not in said and "\n" not in said and "red line" in said
