"""A model as plain data, as it stands in a TOML file, and the layers it means.

    what = "small CNN for 28x28 images"       optional
    input = [28, 28, 1]                       shape of a sample
    classes = 10                              optional: what "classes" in the last layer means without data; 10
    loss = "softmax_cross_entropy"            optional
    layers = [
        {kind = "conv", filters = 8, kernel = 3, stride = 2, padding = "same"},
        {kind = "relu"},
        {kind = "residual", body = [...], projection = {kind = "conv", filters = 16, kernel = 1, stride = 2}},
        {kind = "flatten"},
        {kind = "dense", outputs = "classes"},
    ]

A layer's other keys are the arguments of its class in :mod:`mcuref.layers`.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import Any

from mcuref.arguments import instance, one_of, whole
from mcuref.errors import InputError
from mcuref.layers import KINDS, LOSSES, Dense, Residual
from mcuref.layers.input import checked_shape
from mcuref.layers.layer import NEEDED
from mcuref.names import hint, near
from mcuref.network import Network
from mcuref.outside import find_class, reference_of
from mcuref.reading import open_ordinary

MOST_CLASSES = 1 << 16
MOST_LAYERS = 1000
LARGEST_FILE = 1 << 20  # bytes
MOST_DOTS = 5000  # a key of that many parts takes Python's reader 100 MB, one of twice as many four times that
LARGEST_NUMBER = (1 << 31) - 1  # the program's table has no larger one
LONGEST_TEXT = 200
LONGEST_SENTENCE = 500
DEEPEST = 18  # tables and lists in one another: seven residual blocks in one another, and what their layers hold
PER_DATA = "classes"  # stands for the number of classes of the data


@dataclass(frozen=True)
class Model:
    """A network before it knows its data.

    Parameters
    ----------
    name : str; a file's is its path, with @F if widths are scaled.
    shape : tuple of int, of a sample.
    layers : tuple of plain layers, dicts with ``kind`` and a class's arguments; "classes" stands for the data's.
    classes : int, outputs where no data says otherwise.
    what : str, what it is for, with its source.
    channels : int, pairs of normalisation constants where no data says otherwise.
    loss : str, the loss it is trained with.
    factor : of hidden widths.
    text : str, of the file that it stands in, or None; it says nothing that is not in the others.
    network : :class:`mcuref.Network`, of a model that comes with its parameters, from a file or a run; it has no plain
        layers.
    units : bool, whether that takes values in the units of those who recorded them, as a file does: see ``unit`` and
        ``zero`` of :class:`mcuref.Data`; else samples and normalisation are those that it was trained with.
    """

    name: str
    shape: tuple[int, ...]
    layers: tuple[dict[str, Any], ...]
    classes: int = 10
    what: str = ""
    channels: int = 1
    loss: str = "softmax_cross_entropy"
    factor: Fraction = Fraction(1)
    text: str | None = field(default=None, compare=False, repr=False)
    network: Network | None = field(default=None, compare=False, repr=False)
    units: bool = False

    def make_layers(self, classes: int | None = None, factor: Fraction | int = 1) -> list[Any]:
        """Layers behind the input, for so many classes; hidden widths times ``factor``, at least 1."""
        *hidden, last = [(f"layer {i} of model {self.name!r}", entry) for i, entry in enumerate(self.layers, 1)]
        output = _layer(*last, self.classes if classes is None else classes, 1)
        if not isinstance(output, Dense):
            raise InputError(
                f"{last[0]} is of kind {output.kind!r}; the last layer must be dense: the loss hands its error to it"
            )
        return [_layer(where, entry, None, factor) for where, entry in hidden] + [output]


def read_model(path: Path | str) -> Model:
    """The :class:`Model` in a TOML file; InputError, one sentence, if it cannot be read or something in it is wrong."""
    where = f"model file {str(path)!r}"
    with open_ordinary(path, where, "a TOML file") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise InputError(f"{where} has more than {LARGEST_FILE:,} bytes; that is no network in TOML")
    try:
        text = content.decode("utf-8-sig")
    except ValueError as error:
        raise InputError(f"{where} is not valid TOML: {error}") from None
    return parse_model(path, text)


def parse_model(path: Path | str, text: str) -> Model:
    """The :class:`Model` in the text of such a file, which need not be there any more."""
    where = f"model file {str(path)!r}"
    if text.count(".") > MOST_DOTS:
        raise InputError(f"{where} has more than {MOST_DOTS:,} dots; that is no network in TOML")
    try:
        content = tomllib.loads(text)
    except RecursionError:
        raise InputError(f"{where} is not valid TOML: it is nested too deeply") from None
    except ValueError as error:  # of TOML, or of Python, about a number of thousands of digits
        raise InputError(f"{where} is not valid TOML: {error}") from None
    try:
        return replace(_model(Path(path).stem, content), text=text)
    except InputError as error:
        raise InputError(_shortened(f"{where}: {error}")) from None


def label(name: str) -> str:
    """The name of a model as reports carry it: a file's without its folder, which is nobody else's business."""
    return Path(name).name


def _shortened(sentence):
    """The sentence without its middle if it is too long; its ends say where, and what would be right."""
    half = LONGEST_SENTENCE // 2
    return sentence if len(sentence) <= 2 * half else f"{sentence[:half]} ... {sentence[-half:]}"


def _model(name, content):
    """The Model that the content of a file means."""
    _check_plain(content)
    known = ("what", "input", "classes", "loss", "layers")
    for key in content:
        if key not in known:
            may_be = hint(near(key, known), f"it may be {', '.join(known)}")
            raise InputError(f"key {key!r} is not known{may_be}")
    for key in ("input", "layers"):
        if key not in content:
            raise InputError(f"key {key!r} is missing")
    layers, shape = _list_of_layers("layers", content["layers"]), checked_shape("input", content["input"])
    model = Model(
        name,
        shape,
        layers,
        whole("classes", content.get("classes", 10), 1, MOST_CLASSES),
        " ".join(instance("what", content.get("what", ""), str, 'a text, such as "small CNN"').split()),
        channels=shape[-1] if len(shape) > 1 else 1,
        loss=one_of("loss", content.get("loss", "softmax_cross_entropy"), LOSSES),
    )
    outputs = model.make_layers()[-1].outputs  # a wrong layer is reported now
    if model.loss == "reconstruction" and (outputs != prod(shape) or layers[-1]["outputs"] == PER_DATA):
        raise InputError(f"loss 'reconstruction' needs as many outputs as inputs: outputs = {prod(shape)} in the last layer")
    return model


def _check_plain(content):
    """InputError for what no model can mean: too deep, too long, too large. Without recursion, before all else."""
    left, tables = [("", content, 0)], 0
    while left:
        where, value, depth = left.pop()
        if isinstance(value, dict):
            tables += 1
            names = ((key if key.isprintable() else repr(key), v) for key, v in value.items())
            inner = [(f"{where}.{name}" if where else name, v) for name, v in names]
        elif isinstance(value, list):
            inner = [(f"{where}[{i}]", v) for i, v in enumerate(value)]
        else:
            _check_scalar(where, value)
            continue
        if depth == DEEPEST:
            raise InputError(f"{where} is nested too deeply; residual blocks may stand in one another seven deep")
        if tables > MOST_LAYERS + 1 or len(inner) > MOST_LAYERS:
            raise InputError(f"it has more than {MOST_LAYERS:,} layers, or entries in a list")
        left += [(name, v, depth + 1) for name, v in inner]


def _check_scalar(where, value):
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise InputError(f"{where} is a text of {len(value):,} characters; it may have {LONGEST_TEXT}")
    if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        raise InputError(f"{where} is a number of {value.bit_length()} bits; it may have 31")


def _list_of_layers(where, value):
    """``value`` as a tuple of plain layers; each of them is looked at later."""
    if not isinstance(value, (list, tuple)) or not value:
        raise InputError(f'{where} must be a list of at least one table, such as [{{kind = "relu"}}]')
    return tuple(value)


def _layer(where, entry, classes, factor):
    """A layer from plain data; InputError names it and what would be right. ``classes`` is None but in the last."""
    if not isinstance(entry, dict) or "kind" not in entry:
        raise InputError(f'{where} is not a table with a kind, such as {{kind = "relu"}}')
    kind, layer = entry["kind"], _layer_class(where, entry["kind"])
    arguments = {name: value for name, value in entry.items() if name != "kind"}
    names = {field.name: field.default is MISSING for field in fields(layer)} if is_dataclass(layer) else {}
    for name in arguments:
        if name not in names:
            has = f"it may have {', '.join(names)}" if names else "it has none"
            raise InputError(f"{where} ({kind}) has no argument {name!r}{hint(near(name, names), has)}")
    for name, needed in names.items():
        if needed and name not in arguments:
            raise InputError(f"{where} ({kind}) lacks the argument {name!r}")
    made = _arguments(where, kind, arguments, classes, factor)
    try:
        return layer(**made)
    except InputError as error:
        raise InputError(f"{where} ({kind}): {error}") from None


def _layer_class(where, kind):
    """The class of a kind: a word, or "package.module:Class" for a layer of one's own."""
    if isinstance(kind, str) and ":" in kind:
        return find_class(f"{where}: layer", kind, NEEDED, "mcuref.layers.Layer")
    if not isinstance(kind, str) or kind not in KINDS:
        may_be = hint(near(kind, KINDS), f"it may be {', '.join(KINDS)}")
        raise InputError(f"{where} is of kind {kind!r}, which is not known{may_be}")
    return KINDS[kind]


def _arguments(where, kind, arguments, classes, factor):
    """Arguments of a layer: lists as tuples, inner layers made, classes filled in, widths scaled."""
    made = {name: tuple(value) if isinstance(value, list) else value for name, value in arguments.items()}
    if KINDS.get(kind) is Residual:
        body = _list_of_layers(f"{where} (residual): body", made["body"])
        made["body"] = [_layer(f"{where}, body {i}", inner, None, factor) for i, inner in enumerate(body, 1)]
        if "projection" in made:
            made["projection"] = _layer(f"{where}, projection", made["projection"], None, factor)
    for name in ("outputs", "filters"):
        if made.get(name) == PER_DATA:
            if classes is None:
                raise InputError(f'{where} ({kind}) has {name} = "{PER_DATA}", which only the last layer may have')
            made[name] = classes
        elif name in made and factor != 1 and isinstance(made[name], int):
            made[name] = max(1, int(made[name] * factor))
    return made


def make_network_layers(described: Any) -> list[Any]:
    """Layers from what :func:`describe` returns; InputError names what is wrong."""
    entries = _list_of_layers("layers", described)
    _check_plain(list(entries))
    return [_layer(f"layer {i}", entry, None, 1) for i, entry in enumerate(entries, 1)]


def describe(layers: Iterable[Any]) -> list[dict[str, Any]]:
    """The plain data of layers, as a TOML file would hold them; defaults are left out."""
    described = []
    for layer in layers:
        own = KINDS.get(layer.kind) is not type(layer)
        entry = {"kind": reference_of(type(layer)) if own else layer.kind}
        for part in fields(layer) if is_dataclass(layer) else ():
            value = getattr(layer, part.name)
            if part.name == "body":
                value = describe(value)
            elif part.name == "projection" and value is not None:
                (value,) = describe([value])
            if value != part.default:
                entry[part.name] = list(value) if isinstance(value, tuple) else value
        described.append(entry)
    return described
