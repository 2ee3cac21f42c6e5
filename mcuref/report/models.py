"""Models as plain data: what each is, and what it costs to train."""

from math import prod
from typing import Any

from mcuref.models import Model, build, find_model, label
from mcuref.program.compiler import compile
from mcuref.rules import TinyPropV2


def model_report(name: Model | str) -> dict[str, Any]:
    """A model without data, as plain data: {"name", "what", "input", "outputs", "loss", "parameters", "macs_forward",
    "sram_bytes", "flash_bytes", "layers"}; bytes are those of training all layers by TinyPropv2, batch 1.
    """
    model = find_model(name)
    network = build(model)
    plan = compile(network, TinyPropV2(), loss=model.loss).plan
    layers = _layers(network)
    return {
        "name": label(model.name),
        "what": model.what,
        "input": list(model.shape),
        "outputs": network.outputs,
        "loss": model.loss,
        "parameters": sum(row["parameters"] for row in layers),
        "macs_forward": sum(row["macs_forward"] for row in layers),
        "sram_bytes": plan.sram,
        "flash_bytes": plan.flash,
        "layers": layers,
    }


def _layers(network):
    """Per layer: name, which layers feed it, output shape, parameters, forward MACs."""
    return [
        {
            "layer": name,
            "from": [network.names[j] for j in network.sources[i]],
            "shape": list(network.shapes[i]),
            "parameters": sum(prod(shape) for shape in network.parameter_shapes(i).values()),
            "macs_forward": network.parametric_layer(i).macs(network.input_shape(i)) if i in network.parametric else 0,
        }
        for i, name in enumerate(network.names)
    ]
