"""Reading .tflite files: a network with its scales, and the graph that it was."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from mcuref.errors import InputError
from mcuref.importers.graph import Graph, Samples
from mcuref.importers.topology import Chain, follow, layers_of, steps_of
from mcuref.layers import Input
from mcuref.network import Network
from mcuref.quantization.scales import Quantization
from mcuref.reading import open_ordinary

LARGEST_FILE = 16 << 20  # bytes
LONGEST_SENTENCE = 500
NEEDS = "reading .tflite files needs the package tflite: pip install '.[tflite]'"


@dataclass(frozen=True, eq=False)
class Imported:
    """What a .tflite file holds.

    Attributes
    ----------
    network : :class:`mcuref.Network`, with the file's parameters; of an int8 file also with its scales.
    tensors : tuple of int, one a layer of the network: the tensor of the file that is its output. A ReLU that stands in an
        operator shares it with the layer before; so does a Flatten or Reshape that the file does not need.
    graph : :class:`mcuref.importers.graph.Graph`, what stands in the file.
    digest : str, SHA-256 of the file.
    """

    network: Network
    tensors: tuple[int, ...]
    graph: Graph
    digest: str

    @property
    def is_hybrid(self) -> bool:
        """Whether it is a float32 network some of whose weights stand there as int8."""
        weights = {index for operation in self.graph.operations for index in operation.inputs if index >= 0}
        kinds = {self.graph.tensors[index].type for index in weights if self.graph.tensors[index].data is not None}
        return self.network.quantization is None and "INT8" in kinds


def read_tflite(path: Path | str) -> Imported:
    """What the .tflite file at path holds; InputError, one sentence, if it cannot be read or is not supported."""
    return parse_tflite(read_bytes(path), path)


def read_bytes(path: Path | str, needed: str = "a .tflite file") -> bytes:
    """The bytes of a .tflite file; InputError, which says what is ``needed``, if it cannot be read, or is too large."""
    where = f"model file {str(path)!r}"
    with open_ordinary(path, where, needed) as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise InputError(f"{where} has more than {LARGEST_FILE:,} bytes; that is no network for a microcontroller")
    return content


def parse_tflite(content: bytes, path: Path | str) -> Imported:
    """What such bytes hold, as :func:`read_tflite` says it; ``path`` is where they come from."""
    where = f"model file {str(path)!r}"
    try:
        from mcuref.importers.parsing import parse
    except ModuleNotFoundError:
        raise InputError(NEEDS) from None
    try:
        graph = parse(content)
        chain = follow(graph, len(content))
        network, tensors = _network(chain, graph.samples, Path(path).stem)
    except InputError as error:
        sentence = f"{where}: {error}"
        raise InputError(sentence if len(sentence) <= LONGEST_SENTENCE else f"{sentence[:LONGEST_SENTENCE]}...") from None
    return Imported(network, tensors, graph, hashlib.sha256(content).hexdigest())


def _network(chain: Chain, samples: Samples | None, name: str) -> tuple[Network, tuple[int, ...]]:
    """The network of a chain, and the tensor of each of its layers."""
    first = chain.ends.input if samples is None else Input(chain.ends.input.shape, *samples)
    layers, steps = [first, *layers_of(chain.parts)], steps_of(chain.parts)
    names = Network(layers, name=name).names[1:]
    parameters = {f"{name}.{kind}": values for name, step in zip(names, steps) for kind, values in step.parameters.items()}
    quantization = None
    if chain.ends.scale is not None:
        quantization = Quantization(
            outputs=(chain.ends.scale, *(step.scale for step in steps)),  # type: ignore[arg-type]  # int8: all have one
            weights={name: step.weights for name, step in zip(names, steps) if step.weights is not None},
            fused=frozenset(i for i, step in enumerate(steps, 1) if step.fused),
            output_type=chain.output_type,
        )
    network = Network(layers, name=name, parameters=parameters, quantization=quantization)
    return network, (chain.ends.first, *(step.tensor for step in steps))
