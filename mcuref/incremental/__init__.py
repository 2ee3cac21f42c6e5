"""Incremental learning: distil new data, train on the distilled memory, verify, expand the model, record."""

from mcuref.incremental.augmentation import Augmentation
from mcuref.incremental.criterion import Criterion, Verification
from mcuref.incremental.distillation import Distillation
from mcuref.incremental.learner import IncrementalLearner
from mcuref.incremental.recipe import Expansion, Recipe
from mcuref.incremental.storage import Storage

__all__ = [
    "Augmentation",
    "Criterion",
    "Distillation",
    "Expansion",
    "IncrementalLearner",
    "Recipe",
    "Storage",
    "Verification",
]
