"""Embeddings for the tests, their features in float64, and data."""

import numpy as np
import pytest

from mcuref import (
    AveragePool2D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool,
    Input,
    MaxPool2D,
    Network,
    ReLU,
    ReLU6,
    Reshape,
    Residual,
)
from mcuref.incremental.embedding import Embedding, embedding_network, embedding_seeds
from mcuref.incremental.storage import Codec
from mcuref.testing import oracles

U = 2.0**-24  # float32's unit roundoff

# Maps are not square: rows and columns taken for each other show
NETWORKS = {
    "dense": [Input((9,)), Dense(17), ReLU(), Dense(7), ReLU(), Dense(3)],
    "conv, max": [Input((5, 7, 2)), Conv2D(3, (3, 2), padding="same"), ReLU(), MaxPool2D((2, 3)), Flatten(), Dense(5),
                  ReLU(), Dense(3)],
    "strides, mean": [Input((7, 3, 1)), Conv2D(4, 3, (2, 1), "same"), ReLU6(), AveragePool2D(2, 1, "same"),
                      Conv2D(3, (1, 2)), ReLU(), GlobalAveragePool(), Dense(2)],
    "signal": [Input((15, 2)), Reshape((1, 15, 2)), Conv2D(4, (1, 5), (1, 2)), ReLU(), MaxPool2D((1, 2)), Flatten(),
               Dense(2)],
    "blocks": [Input((3, 5, 2)), DepthwiseConv2D((3, 2), 1, "same"), ReLU(),
               Residual([Conv2D(3, 3, padding="same"), ReLU(), Conv2D(3, 1)], Conv2D(3, 1)), ReLU(), Flatten(), Dense(2)],
}  # fmt: skip

LINEAR = [Input((4, 3, 2)), Conv2D(3, (2, 3), padding="same"), AveragePool2D((2, 1)), Flatten(), Dense(6), Dense(2)]

every_network = pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)


def embeddings_of(layers, count=1, seed=0):
    network = Network(layers)
    return [Embedding(embedding_network(network, seed=s)) for s in embedding_seeds(seed, count)]


def embedding_of(layers, seed=0, biases=True):
    """One embedding whose biases are not 0."""
    network = embedding_network(Network(layers), seed=seed)
    random = np.random.default_rng(seed)
    parameters = {n: v + biases * (v.ndim == 1) * random.normal(0, 0.3, v.shape) for n, v in network.parameters.items()}
    return Embedding(network.with_parameters(parameters))


def normal(layers, count, seed, mean=0.0):
    return np.random.default_rng(seed).normal(mean, 1, (count, *layers[0].shape)).astype(np.float32)


class Recording(Codec):
    """A codec that keeps the normalised samples that it stores."""

    def encode_normalised(self, x):
        self.stored = [*getattr(self, "stored", []), x.copy()]
        return super().encode_normalised(x)


def features64(network, x):
    """Outputs of a network for one normalised sample, float64, by the oracles."""
    values = [np.asarray(x, np.float64)]
    for i, layer in enumerate(network.layers[1:], 1):
        inputs = [values[j] for j in network.sources[i]]
        geometry = layer.geometry(network.input_shape(i)) if hasattr(layer, "geometry") else None
        weights = [network.parameters[f"{network.names[i]}.{kind}"] for kind in network.parameter_shapes(i)]
        if layer.kind == "dense":
            value = oracles.dense_forward(inputs[0].reshape(-1), *weights)
        elif layer.kind in ("conv", "depthwise"):
            value = getattr(oracles, f"{layer.kind}_forward")(inputs[0], *weights, geometry)
        elif layer.kind == "maxpool":
            value = oracles.max_pool_forward(inputs[0], geometry)[0]
        elif layer.kind in ("avgpool", "globalavgpool"):
            value = oracles.average_pool_forward(inputs[0], geometry)
        elif layer.kind == "add":
            value = oracles.add(*inputs)
        elif isinstance(layer, ReLU):
            value = oracles.relu_forward(inputs[0], layer.limit)
        else:
            value = inputs[0]
        values.append(value.reshape(network.shapes[i]))
    return values[-1].reshape(-1)


def affine(network):
    """(A [D, n], b [D]) of a network without kinks, float64, from its outputs at 0 and at the unit vectors."""
    n = network.input.size
    b = features64(network, np.zeros(network.input.shape))
    columns = [features64(network, row.reshape(network.input.shape)) - b for row in np.eye(n)]
    return np.array(columns).T, b


def blobs(count, seed, layer):
    """Raw samples of one class: a cloud round its centre."""
    random = np.random.default_rng(seed)
    centre = random.normal(0, 1, layer.shape)
    x = centre + 0.7 * random.normal(size=(count, *layer.shape))
    return (x if layer.dtype == "float32" else (128 + 40 * x).clip(0, 255)).astype(layer.dtype)
