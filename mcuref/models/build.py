"""Networks from models: by name or file, with the input of a data set, wider or narrower."""

import re
from dataclasses import replace
from fractions import Fraction
from math import ceil, prod

from mcuref.datasets.data import Data
from mcuref.errors import InputError
from mcuref.layers import Dense, Flatten, Input, Reshape
from mcuref.models.description import Model, parse_model, read_model
from mcuref.models.given import read_file, with_data
from mcuref.models.zoo import ZOO, perceptron
from mcuref.names import MOST, hint, near, near_files
from mcuref.network import Network

LARGEST_WIDTH = 1 << 16
MOST_VALUES = 1 << 29  # of a layer's outputs or parameters: the program's table addresses 2 GiB
WIDTHS = re.compile(r"(mlp|autoencoder)(-[0-9]{1,9}){2,21}")
FACTOR = re.compile(r"[0-9]{1,2}(\.[0-9]{1,4})?")


def build(name: Model | str, data: Data | None = None, *, seed: int = 0) -> Network:
    """The network called ``name``, with the input of a data set.

    Parameters
    ----------
    name : str, a name of `mcuref.models.zoo.ZOO`; ``mlp-A-B-C``: A inputs, then dense layers of B, C, ... outputs
        with ReLU between them; ``autoencoder-A-B-A``: the same, trained to reproduce its input; a TOML file
        (:mod:`mcuref.models.description`). Any of them with ``@F`` behind it has hidden widths times F, rounded down.
        A .tflite file, whose parameters are its start weights whatever the seed. Or a :class:`Model`, as
        :func:`find_model` returns it: a file that it was read from is not looked at again.
    data : :class:`mcuref.datasets.Data` or None. With it, sample shape, type, normalisation and number of classes are
        the data's and the sizes must agree; without, samples are float32 in the shape of the model.
    seed : int, of the start weights.

    Returns
    -------
    :class:`mcuref.Network`.

    Raises
    ------
    InputError : unknown name; a wrong file; inputs or outputs that do not match the data; too large to be addressed.
    """
    model = find_model(name)
    if model.network is not None:
        return model.network if data is None else with_data(model, data)
    if data is None:
        _check_size(model.name, "a sample", prod(model.shape))
        first, classes = Input(model.shape, "float32", [0.0] * model.channels, [1.0] * model.channels), None
    else:
        _check_data(model.name, model, data)
        first, classes = Input(data.input_shape, str(data.x_train.dtype), data.mean, data.scale), data.classes
    return _checked_network(_network(model, first, classes, seed))


def _network(model, first, classes, seed):
    """A model's layers behind an Input layer, which may have another shape of as many values."""
    layers = model.make_layers(classes, model.factor)
    if first.shape != model.shape and not isinstance(layers[0], Flatten):
        layers.insert(0, Flatten() if len(model.shape) == 1 else Reshape(model.shape))
    return Network([first, *layers], seed=seed, name=model.name)


def _checked_network(network):
    """The network; InputError if something in it is too large. Nothing of that size has been allocated yet."""
    for i, layer in enumerate(network.names):
        _check_size(network.name, f"the output of layer {layer!r}", prod(network.shapes[i]))
        for kind, shape in network.parameter_shapes(i).items():
            _check_size(network.name, f"the {kind} of layer {layer!r}", prod(shape))
    return network


def _check_size(name, what, values):
    if values > MOST_VALUES:
        raise InputError(
            f"model {name!r} is too large: {values:,} values in {what}; at most {MOST_VALUES:,} can be addressed"
        )


def find_model(name: Model | str, text: str | None = None) -> Model:
    """The :class:`Model` of this name or file, under that name; InputError if there is none.

    text : what stood in the file when it was read; it is not read again then.
    """
    if isinstance(name, Model):
        return name
    if not isinstance(name, str) or "@" not in name or name.endswith((".toml", ".tflite")):
        return replace(_model(name, text), name=name)
    base, _, factor = name.rpartition("@")
    model = _model(base, text)
    if model.network is not None:
        raise InputError(f"model {name!r} has hidden widths times {factor}; {base!r} comes with its weights, as it is")
    if not FACTOR.fullmatch(factor) or Fraction(factor) == 0:
        raise InputError(f"model {name!r} has hidden widths times {factor!r}; a factor is 0.0001 to 99.9999, such as 0.5")
    return replace(model, name=name, factor=Fraction(factor))


def _model(name, text):
    if isinstance(name, str) and name in ZOO:
        return ZOO[name]
    if isinstance(name, str) and name.endswith(".toml"):
        return read_model(name) if text is None else parse_model(name, text)
    if isinstance(name, str) and name.endswith(".tflite"):
        return read_file(name)
    if isinstance(name, str) and WIDTHS.fullmatch(name):
        return _by_widths(name)
    listed = hint(
        _near(name), "`mcuref models` lists them; mlp-784-50-10, by its widths, a TOML or .tflite file will do too"
    )
    raise InputError(f"model {name!r} is not known{listed}")


def _near(name):
    """Names of models that may be meant: by widths, of the zoo, or of a TOML file beside where ``name`` would be."""
    if not isinstance(name, str):
        return []
    by_widths = "-".join(re.findall("[a-z]+|[0-9]+", name.lower()))
    if WIDTHS.fullmatch(by_widths):
        return [by_widths]
    return (near(name, ZOO) + near_files(name, ".toml") + near_files(name, ".tflite"))[:MOST]


def _by_widths(name):
    widths = tuple(int(part) for part in name.split("-")[1:])
    wrong = [w for w in widths if not 1 <= w <= LARGEST_WIDTH]
    if wrong:
        raise InputError(f"model {name!r} has a layer of {wrong[0]}; widths are 1 to {LARGEST_WIDTH}")
    if name.startswith("mlp"):
        return perceptron(name, widths, "multilayer perceptron")
    if widths[0] != widths[-1]:
        raise InputError(f"model {name!r} has {widths[0]} inputs and {widths[-1]} outputs; they must be as many")
    return perceptron(name, widths, "autoencoder", loss="reconstruction")


def default_model(data: Data) -> str:
    """Name of the zoo's model for a data set: the first of its inputs that can tell its classes, else a perceptron."""
    for name, model in ZOO.items():
        if prod(model.shape) == data.input_size and _suits(model, data):
            return name
    if data.kind == "anomaly":
        return f"autoencoder-{data.input_size}-64-8-64-{data.input_size}"
    return f"mlp-{data.input_size}-32-{data.classes}"


def _suits(model, data):
    """Whether a model is trained as the data needs it, and has as many outputs as the data has classes."""
    if data.kind == "anomaly" or model.loss == "reconstruction":
        return data.kind == "anomaly" and model.loss == "reconstruction"
    return model.layers[-1]["outputs"] in ("classes", data.classes)


def _check_data(name, model, data):
    if not hasattr(data, "input_size"):
        raise InputError(f"data {data!r} is not a data set, such as mcuref.load_data('digits')")
    if prod(model.shape) != data.input_size:
        raise InputError(
            f"model {name!r} takes {prod(model.shape)} values but a sample of data {data.name!r} has {data.input_size} "
            f"(shape {data.input_shape}); try --model {default_model(data)}"
        )
    if data.kind == "anomaly" and model.loss != "reconstruction":
        raise InputError(
            f"model {name!r} tells classes apart, but data {data.name!r} has only normal samples to train on; "
            f"try --model {default_model(data)}"
        )
    outputs = model.layers[-1]["outputs"]
    if model.loss != "reconstruction" and outputs != "classes" and outputs < data.classes:
        raise InputError(
            f"model {name!r} has {outputs} outputs but data {data.name!r} has {data.classes} classes; "
            f"try --model {default_model(data)}"
        )


def narrowed(network: Network, fraction: Fraction | float) -> Network | None:
    """The network with hidden widths times ``fraction`` (at least 1), under the name it can be built by.

    None if it was not made by :func:`build`, or has no hidden layer. A name with @F goes in steps of a hundredth.
    """
    try:
        model = find_model(network.name)
        if model.network is not None:
            return None
        same = _network(model, network.input, network.outputs, network.seed)
    except InputError:
        return None
    name = _narrower_name(network, fraction) if same.written == network.written else None
    return name and _network(find_model(name), network.input, network.outputs, network.seed)


def _narrower_name(network, fraction):
    """Name by widths where the model has one, else with a factor below the present one; None if there is none."""
    if len(network.parametric) < 2:
        return None
    factor = find_model(network.name).factor
    base = network.name if factor == 1 else network.name.rpartition("@")[0]
    dense = [layer.outputs for layer in network.layers if isinstance(layer, Dense)]
    if WIDTHS.fullmatch(base) or (base in ZOO and len(dense) == len(network.parametric)):
        hidden = [max(1, int(width * fraction)) for width in dense[:-1]]
        return "-".join(map(str, (base.partition("-")[0], prod(network.input.shape), *hidden, dense[-1])))
    percent = min(ceil(100 * factor * fraction), ceil(100 * factor) - 1)  # rounded up: at least the widths asked for
    return f"{base}@{percent / 100:g}" if percent > 0 else None
