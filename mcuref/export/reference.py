"""A program and its samples on disk, for mcuref itself: what an exported project is compared with."""

import json

import numpy as np

from mcuref import __version__
from mcuref.errors import InputError
from mcuref.export.material import Material
from mcuref.layers import Input
from mcuref.models.description import make_network_layers
from mcuref.network import Network
from mcuref.optimisers import SGD
from mcuref.program.compiler import compile
from mcuref.report.runs import program_description
from mcuref.rules import METHODS

SCHEMA = "mcuref.firmware/1"
PROGRAM, ARRAYS = "program.json", "arrays.npz"
# What comes of a description or of arrays that something else has changed
UNUSABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    OverflowError,
    MemoryError,
    RecursionError,
)


def write_reference(folder, material):
    """Write program.json and arrays.npz into a new folder."""
    program = material.program
    folder.mkdir()
    content = {"schema": SCHEMA, "version": __version__, "seed": program.network.seed} | program_description(program)
    (folder / PROGRAM).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    arrays = {f"parameters/{name}": values for name, values in program.network.parameters.items()}
    arrays["x"] = material.x
    if material.y is not None:
        arrays["y"] = np.asarray(material.y)
    with open(folder / ARRAYS, "wb") as file:
        np.savez(file, **arrays)


def read_reference(folder):
    """The :class:`mcuref.export.material.Material` in a folder; InputError, one sentence, if there is none."""
    if not (folder / PROGRAM).is_file():
        raise InputError(f"{str(folder.parent)!r} is no exported project: it has no {folder.name}/{PROGRAM}")
    try:
        content = json.loads((folder / PROGRAM).read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise ValueError(f"its schema is {content['schema']!r}, not {SCHEMA!r}")
        arrays = read_arrays(folder / ARRAYS)
        parameters = {n.removeprefix("parameters/"): a for n, a in arrays.items() if n.startswith("parameters/")}
        program = described_program(content, parameters)
        return Material(program, arrays["x"], arrays.get("y"), inferences=len(arrays["x"]))
    except UNUSABLE as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else error
        raise InputError(f"{str(folder)!r} cannot be used: {reason}; export the project again") from None


def read_arrays(path):
    """{name: array} of a .npz file; ValueError or OSError if it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, MemoryError):
        raise
    except Exception as error:  # whatever zipfile, zlib and NumPy make of damaged bytes
        raise ValueError(f"{path.name} is damaged ({' '.join(str(error).split())})") from None


def described_program(content, parameters):
    """The Program that a description (:func:`mcuref.report.runs.program_description`) and parameters mean."""
    given, name = content["input"], content["model"]
    if not isinstance(name, str):
        raise ValueError(f"its model is {name!r}; it must be a name")
    layers = make_network_layers(content["layers"])
    first = Input(tuple(given["shape"]), given["dtype"], given["mean"], given["scale"])
    network = Network([first, *layers], seed=content["seed"], name=name, parameters=parameters)
    rule, optimiser = METHODS[content["method"]](**content["settings"]), SGD(**content["optimiser"])
    return compile(
        network, rule, optimiser, loss=content["loss"], policy=content["policy"],
        trainable=len(content["trainable_layers"]),
    )  # fmt: skip
