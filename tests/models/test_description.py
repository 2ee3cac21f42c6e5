"""Models in TOML files: whatever is wrong is said in one sentence that names file and place, before any work."""

import json
import os
import time
import tracemalloc

import pytest

from mcuref import InputError, build, compile
from mcuref.layers import AveragePool2D, Conv2D, Dense, DepthwiseConv2D, Flatten, MaxPool2D, ReLU, Residual
from mcuref.models import describe, find_model, read_model
from mcuref.models.description import LARGEST_FILE, LONGEST_SENTENCE, MOST_LAYERS

INPUT = "input = [8, 8, 1]\n"
FLATTEN, DENSE, RELU = '{kind = "flatten"}', '{kind = "dense", outputs = "classes"}', '{kind = "relu"}'


def layers(*tables):
    return f"layers = [{', '.join(tables)}]\n"


def first(table):
    """A file with this layer on the image."""
    return INPUT + layers(table, FLATTEN, DENSE)


def second(table):
    """A file with this layer behind the flattened image."""
    return INPUT + layers(FLATTEN, table, DENSE)


def conv(**arguments):
    """A file whose first layer is a convolution with these arguments, as TOML."""
    every = {"filters": "4", "kernel": "3"} | arguments
    return first('{kind = "conv", ' + ", ".join(f"{name} = {value}" for name, value in every.items()) + "}")


def residual(body, projection=None):
    """A residual block, as TOML."""
    return f'{{kind = "residual", body = {body}' + (f", projection = {projection}}}" if projection else "}")


def nested(depth):
    block = RELU
    for _ in range(depth):
        block = residual(f"[{block}]")
    return block


ENDLESS = 20  # seconds that no refusal takes, on the slowest and busiest of machines
SMALL = INPUT + layers(FLATTEN, DENSE)


@pytest.fixture
def write(tmp_path):
    """Write a file of this content; returns its name."""

    def _write(content, name="my model.toml"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return _write


@pytest.fixture
def refused(write):
    """The sentence with which a file of this content is refused, before anything is allocated."""

    def _refused(content):
        name, began = write(content), time.process_time()
        with pytest.raises(InputError) as refusal:
            build(name)
        sentence = str(refusal.value)
        assert time.process_time() - began < ENDLESS
        assert name in sentence and "\n" not in sentence and len(sentence) < LONGEST_SENTENCE + len(name) + 20
        return sentence.replace(name, "FILE")

    return _refused


# what is right


@pytest.mark.parametrize("content", [
    SMALL, SMALL.replace("\n", "\r\n"), b"\xef\xbb\xbf" + SMALL.encode(),  # with the byte order mark of Windows' editor
    '[[layers]]\nkind = "flatten"\n[[layers]]\nkind = "dense"\noutputs = 10\n'.join([INPUT, ""]),
])  # fmt: skip
def test_ways_to_write_the_same(write, content):
    network = build(write(content))
    assert list(network.written[1:]) == [Flatten(), Dense(10)]


@pytest.mark.parametrize("name", ["a b.toml", "[red] :smile:.toml", "me@home.toml", "x@0.5.toml", "ä.toml", "..toml"])
def test_any_file_name_and_a_factor_behind_it(write, name):
    path = write(conv(filters=8), name)
    assert build(path).name == path and build(path).layers[1].filters == 8
    assert build(f"{path}@0.5").layers[1].filters == 4


def test_every_key_is_read(write):
    model = read_model(write('what = """two\nlines"""\nclasses = 7\nloss = "mean_squared_error"\n' + SMALL, "some.toml"))
    assert (model.name, model.what, model.classes, model.loss) == ("some", "two lines", 7, "mean_squared_error")
    assert model.make_layers()[-1] == Dense(7) and model.make_layers(3)[-1] == Dense(3)


def test_a_thousand_layers_and_seven_blocks_in_one_another_are_allowed(write):
    assert len(build(write(INPUT + layers(FLATTEN, *[RELU] * (MOST_LAYERS - 2), DENSE))).layers) == MOST_LAYERS + 1
    network = build(write(first(nested(7))))
    assert sum(layer.kind == "add" for layer in network.layers) == 7
    compile(network)


# what is wrong: the file

NO_NETWORK = [
    ("hello there", "FILE' is not valid TOML: Expected '=' after a key"), ("", "key 'input' is missing"),
    (bytes(range(256)), "is not valid TOML: 'utf-8' codec"), (SMALL.encode("utf-16"), "TOML: 'utf-8' codec"),
    (INPUT + SMALL, "is not valid TOML: Cannot overwrite a value"),
    ("#" * (LARGEST_FILE + 1), "has more than 1,048,576 bytes; that is no network in TOML"),
    ("x = " + "[" * 100_000, "is not valid TOML: it is nested too deeply"),
    (first(nested(5000)), "is not valid TOML: it is nested too deeply"),
    (first(nested(8)), "residual blocks may stand in one another seven deep"),
    (first(nested(60)), "residual blocks may stand in one another seven deep"),
    (INPUT + f"[layers{'.a' * 3000}]\nb = 1", "layers.a.a.a.a"),  # deep, and no recursion in TOML
    (INPUT + layers(FLATTEN, *[RELU] * 60_000, DENSE), "it has more than 1,000 layers, or entries in a list"),
    (INPUT + layers(*[residual(f"[{RELU}, {RELU}]")] * 400, FLATTEN, DENSE), "more than 1,000 layers"),
    (INPUT + "classes = " + "9" * 5000, "is not valid TOML: Exceeds the limit"),
    ("a." * 400_000 + "a = 1", "has more than 5,000 dots; that is no network in TOML"),
    ("\n".join(f"c{i}." + "a." * 99 + "a = 1" for i in range(4000)), "has more than 5,000 dots"),
    ("a." * 4990 + "a = 1", "a.a.a.a is nested too deeply"),
    (SMALL + '"\\u001b[31m" = 1', r"key '\x1b[31m' is not known"),
    (INPUT + '"a\\u001bb"."\\n" = [[' + "9" * 4000 + "]]", r"""'a\x1bb'.'\n'[0][0] is a number of"""),
    (first('{kind = "relu", "\\u009b" = 1}'), r"has no argument '\x9b'"),
]  # fmt: skip


@pytest.mark.parametrize("content, words", NO_NETWORK, ids=[words for _, words in NO_NETWORK])
def test_what_is_no_network_at_all(refused, content, words):
    assert words in refused(content)


@pytest.mark.parametrize(
    "worst",
    [
        "a." * 4990 + "a = 1",
        "[layers" + ".a" * 4990 + "]",
        "x = {" + ", ".join(f"a{i} = 1" for i in range(90_000)) + "}",
        pytest.param("x = [" + "[], " * 260_000 + "]", marks=pytest.mark.slow),
        pytest.param("[[a]]\n" * 170_000, marks=pytest.mark.slow),
    ],
    ids=lambda content: content[:9],
)
def test_memory_of_the_worst_files(write, worst):
    name = write(worst)
    tracemalloc.start()
    with pytest.raises(InputError):
        find_model(name)
    assert tracemalloc.get_traced_memory()[1] < 256 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("name, words", [
    ("absent.toml", "does not exist"), ("folder.toml", "cannot be read: it is a folder; a TOML file is needed there"),
    ("pipe.toml", "cannot be read: it is a named pipe"), ("link.toml", "is a link to 'gone', which does not exist"),
    ("a\0b.toml", "cannot be read: embedded null byte"), ("n" * 300 + ".toml", "cannot be read: file name too long"),
])  # fmt: skip
def test_files_that_cannot_be_read(tmp_path, name, words):
    (tmp_path / "folder.toml").mkdir(), os.mkfifo(tmp_path / "pipe.toml"), (tmp_path / "link.toml").symlink_to("gone")
    with pytest.raises(InputError, match=words):
        find_model(str(tmp_path / name))


# what is wrong: its keys


@pytest.mark.parametrize("content, words", [
    (layers(FLATTEN, DENSE), "FILE': key 'input' is missing"), (INPUT, "FILE': key 'layers' is missing"),
    (SMALL + 'optimiser = "sgd"', "key 'optimiser' is not known; it may be what, input, classes, loss, layers"),
    (SMALL + "Class = 3", "key 'Class' is not known; did you mean classes? it may be what,"),
    (SMALL + 'loss = "mse"', "loss 'mse' is not known; did you mean mean_squared_error?"),
    *((f"input = {value}\n" + layers(FLATTEN, DENSE), "input shape")
      for value in ("[0, 8]", "[-1]", "[8.0, 8.0]", "[true]", '"8x8"', "[]", "{a = 1}", "[[8]]", "nan")),
    *((SMALL + f"classes = {value}", "classes") for value in ("0", "-1", "true", "3.0", '"3"', "[3]", "65537", "inf")),
    *((SMALL + f"loss = {value}", "it may be softmax_cross_entropy, mean_squared_error, reconstruction")
      for value in ('"hinge"', "[]", "1")),
    *((SMALL + f"what = {value}", "is not a text") for value in ("5", "[]", "1979-05-27")),
    (SMALL + f'what = "{"x" * 201}"', "what is a text of 201 characters; it may have 200"),
    (SMALL + 'loss = "reconstruction"', "needs as many outputs as inputs: outputs = 64 in the last layer"),
    *((INPUT + f"layers = {value}", "layers must be a list of at least one table")
      for value in ("[]", "5", '"x"', "{a = 1}")),
    (f"input = [0x{'F' * 6000}]\n" + layers(FLATTEN, DENSE), "input[0] is a number of 24000 bits; it may have 31"),
    ("input = [100000, 100000, 3]\n" + layers(FLATTEN, DENSE),
     "30,000,000,000 values in a sample; at most 536,870,912 can be addressed"),
])  # fmt: skip
def test_wrong_keys(refused, content, words):
    assert words in refused(content)


# what is wrong: a layer

LAYER = "FILE': layer 1 of model 'my model'"
ONLY_LAST = "which only the last layer may have"


@pytest.mark.parametrize("content, words", [
    *((second(table), "FILE': layer 2 of model 'my model' is not a table with a kind")
      for table in ("5", '"relu"', "[]", "{}", "{outputs = 3}")),
    *((first(f"{{kind = {kind}}}"), "which is not known; it may be dense, conv,")
      for kind in ("3", "[1]", '"input"', '"add"', '""', "{}")),
    (first('{kind = "Relu"}'), "of kind 'Relu', which is not known; did you mean relu? it may be dense, conv,"),
    (first('{kind = "average_pool"}'), "which is not known; did you mean avgpool?"),
    (first('{kind = "conv", filter = 3, kernel = 3}'),
     "has no argument 'filter'; did you mean filters? it may have filters,"),
    (first('{kind = "relu", limit = 3}'), f"{LAYER} (relu) has no argument 'limit'; it has none"),
    (second('{kind = "dense", outputs = 3, kernel = 3}'), "(dense) has no argument 'kernel'; it may have outputs"),
    (first('{kind = "conv", filters = 3}'), f"{LAYER} (conv) lacks the argument 'kernel'"),
    (first('{kind = "maxpool", kernel = 20, padding = "same"}'), "has 400 values; it may have at most 256"),
    (first('{kind = "reshape", shape = "x"}'), f"{LAYER} (reshape): reshape shape 'x'"),
    (first('{kind = "reshape", shape = [7]}'), "shape (8, 8, 1) has 64 values; it cannot become (7,)"),
    (second(DENSE), f'layer 2 of model \'my model\' (dense) has outputs = "classes", {ONLY_LAST}'),
    (INPUT + layers(FLATTEN, DENSE, RELU), "layer 3 of model 'my model' is of kind 'relu'; the last layer must"),
    (INPUT + layers(FLATTEN), "layer 1 of model 'my model' is of kind 'flatten'; the last layer must be dense"),
    (INPUT + layers(RELU, DENSE), "layer 'dense1' of network 'FILE': a dense layer needs a flat input"),
    (second('{kind = "conv", filters = 3, kernel = 3}'), "layer 'conv1' of network 'FILE': it needs an input"),
    (INPUT + layers(FLATTEN, *['{kind = "dense", outputs = 4_000_000}'] * 2, DENSE),
     "16,000,000,000,000 values in the weights of layer 'dense2'"),
    (first('{kind = "conv", filters = 65536, kernel = 1}').replace("8, 8", "8000, 8000"),
     "4,194,304,000,000 values in the output of layer 'conv1'"),
])  # fmt: skip
def test_wrong_layers(refused, content, words):
    assert words in refused(content)


@pytest.mark.parametrize("name, value, words", [
    *(("filters", value, f"{LAYER} (conv): a conv layer's number of filters")
      for value in ("0", "-1", "3.0", "true", '"8"', "[8]", "nan", "1979-05-27", "1_000_000_000", "{}")),
    *(("kernel", value, f"{LAYER} (conv): conv kernel")
      for value in ("0", "-3", "3.0", "true", '"3"', "[]", "[3]", "[1, 2, 3]", "[3, 3.0]", "{}", "32769", "[[3], 3]")),
    *(("stride", value, f"{LAYER} (conv): conv stride") for value in ("0", "[2, 0]", "2.0", "false")),
    *(("padding", value, "it may be valid, same") for value in ("1", '"full"', "[]", "true")),
    ("dilation", "2", "dilation 2 is not supported; it must be 1"),
    ("kernel", "9", "layer 'conv1' of network 'FILE': its kernel of 9 rows is larger than the input's 8"),
    ("filters", '"classes"', f'{LAYER} (conv) has filters = "classes", {ONLY_LAST}'),
    ("kernel", f"[{'1, ' * 900}]", "is not a whole number or two of them"),
    ("kernel", f"[{'1, ' * 1001}]", "it has more than 1,000 layers, or entries in a list"),
    ("filters", f"0x{'F' * 6000}", "layers[0].filters is a number of 24000 bits; it may have 31"),
    ("padding", f'"{"x" * 10_000}"', "layers[0].padding is a text of 10,000 characters"),
])  # fmt: skip
def test_wrong_arguments(refused, name, value, words):
    assert words in refused(conv(**{name: value}))


@pytest.mark.parametrize("block, words", [
    *((residual(body), f"{LAYER} (residual): body must be a list of at least one table")
      for body in ("[]", '"x"', "5", '{kind = "relu"}')),
    ('{kind = "residual"}', f"{LAYER} (residual) lacks the argument 'body'"),
    (residual(f"[{RELU}, 5]"), f"{LAYER}, body 2 is not a table with a kind"),
    (residual(f'[{nested(1)}, {{kind = "x"}}]'), f"{LAYER}, body 2 is of kind 'x'"),
    (residual("[" + residual('[{kind = "conv", filters = 3}]') + "]"), f"{LAYER}, body 1, body 1 (conv) lacks"),
    (residual(f"[{DENSE}]"), f'{LAYER}, body 1 (dense) has outputs = "classes", {ONLY_LAST}'),
    *((residual(f"[{RELU}]", value), f"{LAYER}, projection is not a table with a kind")
      for value in ("0", "false", f"[{RELU}]", '"relu"')),
    (residual('[{kind = "conv", filters = 3, kernel = 3}]'),
     "layer 'add1' of network 'FILE': the residual block's body has output shape (6, 6, 3) and its shortcut (8, 8, 1)"),
])  # fmt: skip
def test_wrong_residual_blocks(refused, block, words):
    assert words in refused(first(block))


# and back


def test_describe_leaves_defaults_out_and_is_plain():
    body = [Conv2D(4, (3, 1), padding="same"), ReLU(), DepthwiseConv2D(3, 1, "same")]
    some = [Residual(body, Conv2D(4, 1)), MaxPool2D(2), AveragePool2D((1, 2), 2), Flatten(), Dense(3)]
    assert json.loads(json.dumps(describe(some))) == [
        {
            "kind": "residual",
            "body": [
                {"kind": "conv", "filters": 4, "kernel": [3, 1], "padding": "same"},
                {"kind": "relu"},
                {"kind": "depthwise", "kernel": 3, "padding": "same"},
            ],
            "projection": {"kind": "conv", "filters": 4, "kernel": 1},
        },
        {"kind": "maxpool", "kernel": 2},
        {"kind": "avgpool", "kernel": [1, 2], "stride": 2},
        {"kind": "flatten"},
        {"kind": "dense", "outputs": 3},
    ]
