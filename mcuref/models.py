"""The model zoo: networks by name, and multilayer perceptrons written as mlp-A-B-C or autoencoder-A-B-A."""

import re
from dataclasses import dataclass
from math import prod

from mcuref.errors import InputError
from mcuref.layers import Dense, Flatten, Input, ReLU
from mcuref.network import Network

LARGEST_WIDTH = 1 << 16
MOST_WIDTHS = 21  # in a name


@dataclass(frozen=True)
class Model:
    """An entry of the zoo.

    Parameters
    ----------
    widths : values at the input, then outputs of each dense layer; ReLU between them.
    what : str, what it is for, with its source.
    shape : shape of a sample; (widths[0],) if None.
    channels : pairs of normalisation constants.
    loss : str, the loss it is trained with.
    """

    widths: tuple
    what: str
    shape: tuple | None = None
    channels: int = 1
    loss: str = "softmax_cross_entropy"


MODELS = {
    "mlp-64-32-10": Model((64, 32, 10), "8x8 digits", (8, 8, 1)),
    "mlp-784-32-10": Model((784, 32, 10), "28x28 images, fits most parts", (28, 28, 1)),
    "mlp-784-128-64-10": Model((784, 128, 64, 10), "28x28 images, 109,184 weights", (28, 28, 1)),
    "mlp-har": Model((1152, 64, 32, 6), "UCI HAR, windows of 128 x 9 values", (128, 9), 9),
    "autoencoder": Model(
        (640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640),
        "MLPerf Tiny anomaly detection, 5 frames of 128 log-mel bands (Banbury et al. 2021), BatchNorm folded",
        loss="reconstruction",
    ),
}


def build(name, data=None, *, seed=0):
    """The network called ``name``, with the input of a data set.

    Parameters
    ----------
    name : str, a name of :data:`MODELS`, or ``mlp-A-B-C``: A inputs, then dense layers of B, C, ... outputs with ReLU
        between them, or ``autoencoder-A-B-A``: the same, trained to reproduce its input.
    data : :class:`mcuref.datasets.Data` or None. With it, sample shape, type and normalisation are the data's and the
        sizes must agree; without, samples are float32 in the shape of the model.
    seed : int, of the start weights.

    Returns
    -------
    :class:`mcuref.Network`, [Input, Flatten, Dense, ReLU, ..., Dense].

    Raises
    ------
    InputError : unknown name; inputs or outputs that do not match the data.
    """
    model = find_model(name)
    if data is None:
        zeros, ones = [0.0] * model.channels, [1.0] * model.channels
        first = Input(model.shape or model.widths[:1], "float32", zeros, ones)
    else:
        _check_data(name, model, data)
        first = Input(data.input_shape, str(data.x_train.dtype), data.mean, data.scale)
    return Network(_layers(first, model.widths), seed=seed, name=name)


def find_model(name):
    """The zoo's entry of this name, or one made from the widths in it; InputError if it is neither."""
    if isinstance(name, str) and name in MODELS:
        return MODELS[name]
    if isinstance(name, str) and re.fullmatch(rf"(mlp|autoencoder)(-[0-9]{{1,9}}){{2,{MOST_WIDTHS}}}", name):
        widths = tuple(int(part) for part in name.split("-")[1:])
        wrong = [w for w in widths if not 1 <= w <= LARGEST_WIDTH]
        if wrong:
            raise InputError(f"model {name!r} has a layer of {wrong[0]}; widths are 1 to {LARGEST_WIDTH}")
        if name.startswith("mlp"):
            return Model(widths, "multilayer perceptron")
        if widths[0] != widths[-1]:
            raise InputError(f"model {name!r} has {widths[0]} inputs and {widths[-1]} outputs; they must be as many")
        return Model(widths, "autoencoder", loss="reconstruction")
    raise InputError(
        f"model {name!r} is not known; it may be {', '.join(MODELS)}, or written as mlp-784-50-10 or autoencoder-640-8-640"
    )


def default_model(data):
    """Name of the zoo's model for a data set: the first of its inputs and classes, else one hidden layer of 32."""
    for name, model in MODELS.items():
        if model.widths[0] == data.input_size and model.widths[-1] == data.classes:
            return name
    return f"mlp-{data.input_size}-32-{data.classes}"


def narrowed(network, fraction):
    """The network with its hidden layers' outputs times ``fraction`` (at least 1), under the name it can be built by.

    None if it has no hidden layer, or is not a multilayer perceptron as :func:`build` makes them.
    """
    widths = [prod(network.input.shape)] + [layer.outputs for layer in network.layers if isinstance(layer, Dense)]
    if not 3 <= len(widths) <= MOST_WIDTHS or tuple(_layers(network.input, widths)) != network.layers:
        return None
    widths[1:-1] = [max(1, int(width * fraction)) for width in widths[1:-1]]
    kind = "autoencoder" if network.name.startswith("autoencoder") else "mlp"
    return Network(_layers(network.input, widths), seed=network.seed, name="-".join([kind, *map(str, widths)]))


def _layers(first, widths):
    layers = [first] + ([Flatten()] if len(first.shape) > 1 else [])
    for width in widths[1:]:
        layers += [Dense(width), ReLU()]
    return layers[:-1]


def _check_data(name, model, data):
    if not hasattr(data, "input_size"):
        raise InputError(f"data {data!r} is not a data set, such as mcuref.load_data('digits')")
    if model.widths[0] != data.input_size:
        raise InputError(
            f"model {name!r} takes {model.widths[0]} values but a sample of data {data.name!r} has {data.input_size} "
            f"(shape {data.input_shape}); try --model {default_model(data)}"
        )
    if model.loss == "softmax_cross_entropy" and model.widths[-1] < data.classes:
        raise InputError(
            f"model {name!r} has {model.widths[-1]} outputs but data {data.name!r} has {data.classes} classes; "
            f"try --model {default_model(data)}"
        )
