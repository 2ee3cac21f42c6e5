"""Models: the zoo, multilayer perceptrons by their widths, and the user's own in TOML files."""

from mcuref.models.build import build, default_model, find_model, narrowed
from mcuref.models.description import Model, describe, label, read_model
from mcuref.models.zoo import ZOO

__all__ = ["ZOO", "Model", "build", "default_model", "describe", "find_model", "label", "narrowed", "read_model"]
