"""Models as plain data: what each is, and what it costs to train."""

from math import prod
from typing import Any

from mcuref.models import Model, build, find_model, label
from mcuref.program.compiler import compile
from mcuref.rules import TinyPropV2


def model_report(name: Model | str) -> dict[str, Any]:
    """A model without data, as plain data: {"name", "what", "input", "outputs", "loss", "parameters", "macs_forward",
    "sram_bytes", "flash_bytes", "dtype", "layers"}; bytes are those of training all layers by TinyPropv2, batch 1, of an
    int8 network of inference; its layers also have "scale", "zero", "weight_scales" ([smallest, largest] or null), "fused".
    """
    model = find_model(name)
    network = build(model)
    int8 = network.dtype == "int8"
    plan = compile(network, TinyPropV2(), loss=model.loss, trainable=0 if int8 else None).plan
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
        "dtype": network.dtype,
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
            **_scales(network, i),
        }
        for i, name in enumerate(network.names)
    ]


def _scales(network, i):
    """Of a layer of an int8 network what its values stand for, and whether the layer before computes it."""
    if i >= network.body:
        return {}
    (scale, zero), weights = network.quantization.outputs[i], network.quantization.weights.get(network.names[i])
    ends = None if weights is None else [float(weights.min()), float(weights.max())]
    return {"scale": float(scale), "zero": zero, "weight_scales": ends, "fused": i in network.quantization.fused}
