"""A network layer by layer against LiteRT's reference kernels: which output element is not the same, if one is not.

int8 elements have to be equal. float32 sums are added up in another order there: an element may differ by `RELATIVE` of the
largest of its layer. A sum of n products is off by up to n 2^-24 of the sum of their magnitudes, in either order: of the
thousand products of larger layers 6e-5, before layers behind add theirs.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError
from mcuref.importers.tflite import Imported, parse_tflite, read_bytes
from mcuref.kernels.random import CHECKING, philox
from mcuref.network import Network
from mcuref.program.compiler import compile

NEEDS = "comparing with TensorFlow Lite needs the package ai-edge-litert: pip install '.[tflite-check]'"
CHUNK = 64  # samples at once, so that outputs of large layers stay small
RELATIVE = 1e-4  # of the largest output of a layer for a sample: what a float32 element may differ by


class Difference(NamedTuple):
    """The first element that is not the same: in which input, at which place of the flat output, and what it is."""

    sample: int
    element: int
    ours: float
    theirs: float


class Checked(NamedTuple):
    """What came of one layer: how many elements were compared, how many differ, by how much at most, and the first."""

    layer: str
    operator: str
    elements: int
    differing: int
    largest: float
    first: Difference | None


class Reference:
    """LiteRT's interpreter with its reference kernels, all tensors kept. InputError if the package is not there.

    content : bytes of a .tflite file.
    """

    def __init__(self, content: bytes) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter, OpResolverType
        except ModuleNotFoundError:
            raise InputError(NEEDS) from None
        try:
            self.interpreter = Interpreter(
                model_content=content,
                experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
                experimental_preserve_all_tensors=True,
                num_threads=1,
            )
            self.interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise InputError(f"LiteRT does not take the model: {' '.join(str(error).split())[:300]}") from None
        self.input = self.interpreter.get_input_details()[0]

    def outputs(self, sample: NDArray[Any], tensors: set[int]) -> dict[int, NDArray[Any]]:
        """{tensor: its flat values} for one sample, which is of the input's type."""
        self.interpreter.set_tensor(self.input["index"], sample.reshape(self.input["shape"]))
        self.interpreter.invoke()
        return {i: self.interpreter.get_tensor(i).reshape(-1) for i in tensors}


def readable(path: Path | str) -> tuple[Imported, bytes]:
    """What a .tflite file holds, and its bytes; InputError if it cannot be used; a run folder would have done too."""
    content = read_bytes(path, "a .tflite file or a run folder")
    return parse_tflite(content, path), content


def as_file(network: Network, path: Path | str) -> tuple[Imported, bytes]:
    """A network as it is read from the file that it is written to, and the bytes of that file."""
    from mcuref.export.tflite import tflite_bytes

    content = tflite_bytes(network)
    return parse_tflite(content, path), content


def random_samples(network: Network, count: int, seed: int = 0) -> NDArray[Any]:
    """Samples [count, *shape] drawn over all that the input takes: all of its type; of float32 -4 to 4."""
    first = network.input
    x = np.empty((count, *first.shape), first.dtype)
    for done in range(0, count, CHUNK):  # words take several times the memory of the samples
        part = x[done : done + CHUNK]
        words = philox(seed, CHECKING, part.size, done * first.size).reshape(part.shape)
        part[...] = words.astype(np.float64) / 2**29 - 4 if first.dtype == "float32" else words.astype(first.dtype)
    return x


def check(
    imported: Imported,
    reference: Reference,
    network: Network,
    x: NDArray[Any],
    progress: Callable[[int, int], Any] | None = None,
) -> list[Checked]:
    """Compare every output element of every layer for samples; returns a :class:`Checked` for each that computes.

    Parameters
    ----------
    imported : what :func:`mcuref.importers.tflite.read_tflite` made of a file.
    reference : of the same file.
    network : that network, or the same behind another Input layer, which takes x.
    x : samples.
    progress : callable(samples done, all) or None.
    """
    program = compile(network, trainable=0)
    # of layers that share a tensor, a convolution and its ReLU in float32, the last one has what lies there
    layers = sorted({imported.tensors[i]: i for i in _computed(program)}.values())
    rows: dict[int, list[Any]] = {i: [0, 0, 0.0, None] for i in layers}
    for done in range(0, len(x), CHUNK):
        step = program.step(x[done : done + CHUNK], None, None, 0, None)
        ours = {i: step.layer_outputs(i) for i in layers}
        for k in range(len(x[done : done + CHUNK])):
            theirs = reference.outputs(_entering(network, reference, ours[0][k]), {imported.tensors[i] for i in layers})
            for i in layers:
                _compare(rows[i], ours[i][k], theirs[imported.tensors[i]], done + k)
        if progress:
            progress(min(done + CHUNK, len(x)), len(x))
    return [Checked(network.names[i], _operator(program, i), *rows[i]) for i in layers]


def _computed(program):
    """Indices of the layers that are computed by an instruction of their own, the input's first."""
    return sorted({instruction.layer_index for instruction in program.instructions})


def _operator(program, index):
    return next(i.name for i in program.instructions if i.layer_index == index)


def _entering(network, reference, values):
    """What LiteRT is fed: the values that our program has loaded, as the file's input has them."""
    if network.quantization is None or reference.input["dtype"] is np.int8:
        return values
    if reference.input["dtype"] is np.uint8:
        return (values.astype(np.int16) + 128).astype(np.uint8)
    return network.quantization.outputs[0].scale * (values.astype(np.float32) - network.quantization.outputs[0].zero)


def _compare(row, ours, theirs, sample):
    """Add what one sample's outputs of a layer differ by."""
    difference = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    allowed = 0.0 if ours.dtype == np.int8 else RELATIVE * max(float(np.abs(theirs).max(initial=0)), 1e-6)
    wrong = ~(difference <= allowed)
    row[0] += ours.size
    row[1] += int(np.count_nonzero(wrong))
    row[2] = max(row[2], float(difference.max(initial=0)))
    if row[3] is None and wrong.any():
        place = int(np.argmax(wrong))
        row[3] = Difference(sample, place, float(ours[place]), float(theirs[place]))
