"""A program as plain data and arrays, and back: what run folders and exported projects keep of it."""

import io
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.layers import Input
from mcuref.models import describe, label
from mcuref.models.description import make_network_layers
from mcuref.network import Network
from mcuref.optimisers import SGD
from mcuref.program.arithmetic import IN_PLACE
from mcuref.program.compiler import compile
from mcuref.program.program import Program
from mcuref.rules import created, find, method_of, settings_of
from mcuref.runs.fingerprint import digest


def program_description(program: Program) -> dict[str, Any]:
    """What a program was compiled from, as plain data; with the parameters enough to compile it again."""
    return (
        {
            "model": label(program.network.name),
            "input": _input(program.network.input) | ({"in_place": True} if program.arithmetic.in_place else {}),
            "layers": describe(program.network.written[1:]),
            "method": method_of(program.rule),
            "settings": settings_of(program.rule),
            "optimiser": asdict(program.optimiser),
            "policy": program.policy,
            "loss": program.loss,
            "trainable_layers": [program.network.names[i] for i in program.trainable],
        }
        | _scales(program.network)
        | _training(program)
        | _own(program)
    )


def now(program: Program) -> Program:
    """A program of the network as one now is, compiled as that was: what is kept of it."""
    return compile(
        program.trained(),
        program.rule,
        program.optimiser,
        loss=program.loss,
        policy=program.policy,
        trainable=len(program.trainable),
        arithmetic=program.arithmetic,
    )


def _scales(network):
    """Of an int8 network what its values stand for."""
    if network.quantization is None:
        return {}
    from mcuref.quantization.plain import as_plain

    return {"quantization": as_plain(network, network.quantization)}


def _training(program):
    """Of an int8 program that trains, how."""
    if program.network.dtype != "int8" or not program.trainable:
        return {}
    return {"update": program.arithmetic.update, "scales": program.arithmetic.scales}


def _arithmetic(content):
    """What :func:`_training` described, or an input that is read in place; None where nothing is said."""
    if content["input"].get("in_place", False):
        return IN_PLACE
    if "update" not in content:
        return None
    from mcuref.program.arithmetic.int8 import Int8

    return Int8(content["update"], content["scales"])


def _own(program):
    """Of a program with a rule or layers from outside, sha256 of what it was compiled to: their code may be edited."""
    parts = program.rule, *program.network.layers  # those inside of residual blocks are among the layers
    if all(type(part).__module__.startswith("mcuref.") for part in parts):
        return {}
    return {"program": digest("", [program.table, *program.listing.constants.values()])}


def _input(layer):
    """What brings a sample into the network: x = (sample - mean) * scale, value i with pair i % len(mean).

    :func:`program_description` says of it too if the first layer reads the sample in place.
    """
    return {"shape": list(layer.shape), "dtype": layer.dtype, "mean": layer.mean.tolist(), "scale": layer.scale.tolist()}


def arrays_in(content: bytes, name: str) -> dict[str, NDArray[Any]]:
    """{name: array} of the bytes of a .npz file; ValueError, with the file's name, if it is damaged."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except MemoryError:
        raise
    except Exception:  # whatever zipfile, zlib and NumPy make of damaged bytes; NumPy's advice is to load them unsafely
        raise ValueError(f"{name} is damaged, or no archive of plain arrays") from None


def _network(layers, content, parameters):
    """The network of these layers, with the scales that a description has."""
    seed, name, quantization = content["seed"], content["model"], None
    if "quantization" in content:
        from mcuref.quantization.plain import from_plain

        quantization = from_plain(Network(layers, name=name).names, content["quantization"])
    return Network(layers, seed=seed, name=name, parameters=parameters, quantization=quantization)


def described_program(content: dict[str, Any], parameters: Mapping[str, NDArray[Any]]) -> Program:
    """The Program that a description (:func:`program_description`) and parameters mean."""
    given, name = content["input"], content["model"]
    if not isinstance(name, str):
        raise ValueError(f"its model is {name!r}; it must be a name")
    layers = make_network_layers(content["layers"])
    first = Input(tuple(given["shape"]), given["dtype"], given["mean"], given["scale"])
    network = _network([first, *layers], content, parameters)
    rule = created(content["method"], find(content["method"]), content["settings"])
    optimiser = SGD(**content["optimiser"])
    program = compile(
        network,
        rule,
        optimiser,
        loss=content["loss"],
        policy=content["policy"],
        trainable=len(content["trainable_layers"]),
        arithmetic=_arithmetic(content),
    )
    if content.get("program") != _own(program).get("program"):
        raise ValueError("its rule, or a layer, which are not mcuref's, are not what they were")
    return program
