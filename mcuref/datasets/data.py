"""A data set in memory, validated once, so that everything behind it can trust it."""

import operator
from dataclasses import dataclass, field, replace

import numpy as np

from mcuref.datasets import checks
from mcuref.datasets.normalisation import default_normalisation
from mcuref.errors import InputError
from mcuref.kernels.random import SPLIT, permutation

KINDS = ("image", "signal", "features")


@dataclass(frozen=True, eq=False)
class Data:
    """Training and test set of a classification problem, and how a sample becomes the network's input.

    The input is `(x[i] - mean[i % c]) * scale[i % c]` over the flattened sample: c = 1 is one pair for all values,
    c = channels one a channel, c = features one a feature. Letters: N training samples, M test samples, S the shape
    of a sample (one or more dimensions).

    Parameters
    ----------
    name : str, in reports and error sentences.
    kind : "image", "signal" or "features".
    x_train, x_test : [N, *S] and [M, *S], uint8, int8, int16 or float32, the same for both. Other floating point
        becomes float32, other integers within int16 become int16.
    y_train, y_test : [N] and [M], class numbers 0..classes-1, become int32. Floats must be whole numbers.
    class_names : sequence of str; by default the numbers 0 .. largest label of y_train.
    mean, scale : float32[c], c divides the values of a sample; by default `default_normalisation(x_train)`.
    groups : None or int32[N]: samples of one group (a person, a machine) must not be on both sides of a split.

    Raises
    ------
    InputError : an array is unusable; the sentence names it, its value and what is needed.
    """

    name: str
    kind: str
    x_train: np.ndarray = field(repr=False)
    y_train: np.ndarray = field(repr=False)
    x_test: np.ndarray = field(repr=False)
    y_test: np.ndarray = field(repr=False)
    class_names: tuple[str, ...] | None = None
    mean: np.ndarray | None = field(default=None, repr=False)
    scale: np.ndarray | None = field(default=None, repr=False)
    groups: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name:
            raise InputError(f"the name of a data set is {self.name!r}; a non-empty string is needed")
        if self.kind not in KINDS:
            raise InputError(f"{self._where('kind')} is {self.kind!r}; one of {', '.join(KINDS)} is needed")
        self._check_samples()
        self._check_labels()
        self._check_normalisation()
        if self.groups is not None:
            self._set("groups", checks.group_numbers(self.groups, len(self.x_train), self._where("groups")))

    @property
    def input_shape(self):
        """Shape of one sample, a tuple of int."""
        return self.x_train.shape[1:]

    @property
    def input_size(self):
        """Number of values of one sample."""
        return int(np.prod(self.input_shape))

    @property
    def classes(self):
        """Number of classes."""
        return len(self.class_names)

    def training_part(self, first, last):
        """Data with the training samples first <= i < last and the whole test set, for learning in steps.

        Class names and normalisation stay: the network's input must not change from part to part.
        """
        count = len(self.x_train)
        try:
            first, last = operator.index(first), operator.index(last)
        except TypeError:
            raise InputError(f"the training part {first!r} to {last!r} needs whole numbers") from None
        if not 0 <= first < last <= count:
            raise InputError(f"the training part {first} to {last} needs 0 <= first < last <= {count}")
        return self._with_training(slice(first, last))

    def validation_split(self, fraction=1 / 6, seed=0):
        """Data in which a held-out part of the TRAINING set is the test side: to choose settings, never on the test.

        Samples are drawn by a seeded permutation and keep their order on both sides. With groups, whole groups are
        drawn (`fraction` of the groups). Class names and normalisation stay as they are.

        Raises
        ------
        InputError : fraction is not between 0 and 1, or there are fewer than two samples (or groups) to split.
        """
        if not 0 < fraction < 1:
            raise InputError(f"the validation fraction is {fraction!r}; more than 0 and less than 1 is needed")
        units = np.arange(len(self.x_train)) if self.groups is None else self.groups
        distinct = np.unique(units)
        if len(distinct) < 2:
            thing = "training samples" if self.groups is None else "groups"
            raise InputError(f"data set {self.name!r} has {len(distinct)} {thing}; a validation split needs two")
        held = min(max(round(fraction * len(distinct)), 1), len(distinct) - 1)
        drawn = distinct[permutation(len(distinct), seed, SPLIT)[:held]]
        validation = np.isin(units, drawn)
        part = self._with_training(~validation)
        return replace(part, x_test=self.x_train[validation], y_test=self.y_train[validation])

    def _with_training(self, index):
        groups = None if self.groups is None else self.groups[index]
        return replace(self, x_train=self.x_train[index], y_train=self.y_train[index], groups=groups)

    def _check_samples(self):
        for field_name in ("x_train", "x_test"):
            self._set(field_name, checks.samples(getattr(self, field_name), self._where(field_name)))
        if self.x_train.shape[1:] != self.x_test.shape[1:]:
            raise InputError(
                f"{self._where('x_test')} has samples of shape {self.x_test.shape[1:]} and x_train of "
                f"{self.x_train.shape[1:]}; both must have the same shape"
            )
        if self.x_train.dtype != self.x_test.dtype:
            raise InputError(
                f"{self._where('x_test')} has dtype {self.x_test.dtype} and x_train {self.x_train.dtype}; both must "
                "have the same dtype"
            )

    def _check_labels(self):
        for side in ("train", "test"):
            y, count = getattr(self, f"y_{side}"), len(getattr(self, f"x_{side}"))
            self._set(f"y_{side}", checks.labels(y, count, self._where(f"y_{side}")))
        if self.class_names is None:
            self._set("class_names", tuple(str(label) for label in range(int(self.y_train.max()) + 1)))
        else:
            self._set("class_names", checks.names(self.class_names, self._where("class_names")))
        checks.labels_below(self.y_train, self.classes, self._where("y_train"))
        checks.labels_below(self.y_test, self.classes, self._where("y_test"))

    def _check_normalisation(self):
        given = [name for name in ("mean", "scale") if getattr(self, name) is not None]
        if len(given) == 1:
            raise InputError(f"{self._where(given[0])} is given alone; mean and scale are needed together, or neither")
        mean, scale = (self.mean, self.scale) if given else default_normalisation(self.x_train)
        self._set("mean", checks.constants(mean, self.input_size, self._where("mean")))
        self._set("scale", checks.constants(scale, self.input_size, self._where("scale")))
        if len(self.mean) != len(self.scale):
            raise InputError(
                f"{self._where('scale')} has {len(self.scale)} values and mean {len(self.mean)}; as many are needed"
            )
        if not self.scale.all():
            position = int(np.argmin(self.scale != 0))
            raise InputError(f"{self._where('scale')} has 0 at position {position}; a scale of 0 would hide the input")

    def _where(self, field_name):
        return f"data set {self.name!r}: {field_name}"

    def _set(self, field_name, value):
        object.__setattr__(self, field_name, value)  # the one way to replace a field of a frozen dataclass
