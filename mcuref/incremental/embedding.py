"""Embeddings: frozen networks whose outputs are the features that distillation and herding compare.

They are the user's network without its last layer, at random weights that a seed brings back at any time, so that they
cost no storage; or the present network's own features.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError
from mcuref.kernels import random
from mcuref.layers import Input
from mcuref.layers.losses import MATCHING
from mcuref.memory.arena import Part
from mcuref.network import Network
from mcuref.program.compiler import compile
from mcuref.program.effort import macs
from mcuref.program.program import Program


def embedding_network(
    network: Network, *, seed: int = 0, parameters: Mapping[str, NDArray[np.float32]] | None = None
) -> Network:
    """The network without its last layer, for samples that are normalised already (float32).

    Parameters
    ----------
    network : :class:`mcuref.Network` that ends with a dense layer and has another layer with parameters.
    seed : int, of random weights; they are those of a network of that seed (He et al. 2015, uniform).
    parameters : {name: array} of the network, for the features that it has learned; None for random ones.
    """
    if len(network.parametric) < 2:
        raise InputError(f"network {network.name!r} has one layer with parameters; without it there are no features")
    first = Input(network.input.shape, "float32", 0.0, 1.0)
    if parameters is not None:
        last = network.names[-1]
        parameters = {n: values for n, values in parameters.items() if not n.startswith(f"{last}.")}
    layers, name = [first, *network.written[1:-1]], f"features of {network.name}"
    return Network(layers, seed=seed, name=name, parameters=parameters)


def embedding_seeds(seed: int, count: int) -> list[int]:
    """Seeds of ``count`` random embeddings: what a seed of the user's stands for, uint32 as int."""
    return [int(value) for value in random.philox(seed, random.EMBEDDINGS, count)]


class Embedding:
    """One frozen network, compiled for gradients with respect to its input; counts what it does.

    Parameters
    ----------
    network : as :func:`embedding_network` makes it.
    part : :class:`mcuref.memory.arena.Part` of a larger arena to lie in; an arena of its own if None.
    program : what it is compiled to, if that is known already.

    Attributes
    ----------
    counts : int64[rows, 5], what its program did, as ``program.counts``.
    distances : int, multiply-accumulates of distances between its features, which those who compute them add.
    """

    def __init__(self, network: Network, part: Part | None = None, program: Program | None = None) -> None:
        program = compile(network, loss=MATCHING.name, wrt="input") if program is None else program
        self.program = program.fresh(part)
        self.counts, self.distances = np.zeros_like(self.program.counts), 0
        (self._difference,) = (b for b in self.program.plan.offsets if b.name.endswith(".mean_difference"))

    @property
    def features(self) -> int:
        """D, the number of features."""
        return self.program.network.outputs

    def adopt(self, parameters: Mapping[str, NDArray[np.float32]]) -> None:
        """Take the parameters of the network that this is a part of: the features that it has learned."""
        part = self.program.arena
        for name, buffer in self.program.listing.parameters.items():
            part.view(buffer)[:] = parameters[name]

    def outputs(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features float32[N, D] of normalised samples float32[N, ...]."""
        return self.program.outputs(x, counts=self.counts)

    def gradient(self, x: NDArray[np.float32], difference: NDArray[np.float32]) -> NDArray[np.float32]:
        """J(x_j)^T difference, float32[N, ...]: how features f(x_j) projected on ``difference`` [D] change with x_j."""
        self.program.arena.view(self._difference)[:] = difference
        return self.program.input_gradient(x, counts=self.counts)

    @property
    def macs(self) -> int:
        """Multiply-accumulates so far, of its program and of distances."""
        return sum(macs(self.program.instructions, self.counts)) + self.distances
