"""A data set in memory, validated once, so that everything behind it can trust it."""

import operator
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from mcuref.datasets import checks, doubts
from mcuref.datasets.normalisation import default_normalisation
from mcuref.errors import InputError
from mcuref.kernels.random import SPLIT, permutation
from mcuref.names import hint, near

KINDS = ("image", "signal", "mfcc", "features", "anomaly")
OF_OTHER_MACHINES = (
    "the test clips of all machines but the last, which is left out, are the validation side; that is for choosing "
    "settings of regime 'shift', whose test is of the last machine alone"
)
OF_ANOMALY = ("groups", "clips_test", "machines_test")  # what this kind needs


@dataclass(frozen=True, eq=False)
class Data:
    """Training and test set of a classification problem, and how a sample becomes the network's input.

    The input is `(x[i] - mean[i % c]) * scale[i % c]` over the flattened sample: c = 1 is one pair for all values,
    c = channels one a channel, c = features one a feature. Letters: N training samples, M test samples, S the shape
    of a sample (one or more dimensions).

    Parameters
    ----------
    name : str, in reports and error sentences.
    kind : "image", "signal", "mfcc", "features" or "anomaly" (below).
    x_train, x_test : [N, *S] and [M, *S], uint8, int8, int16 or float32, the same for both. Other floating point
        becomes float32, other integers within int16 become int16.
    y_train, y_test : [N] and [M], class numbers 0..classes-1, become int32. Floats must be whole numbers.
    class_names : sequence of str; by default 0 .. largest label of y_train as text, and normal, anomaly of that kind.
    mean, scale : float32[c], c divides the values of a sample; by default `default_normalisation(x_train)`.
    groups : None or int32[N]: samples of one group (a person, a clip) must not be on both sides of a split.
    validation : None or bool[N]: the official validation samples of the training set.
    sessions : None or int32[N]: when or from where each training sample was seen, for learning in steps.
    sessions_test : None or int32[M]: the same of the test samples, where they are of the same sessions.
    unit, zero : float: a stored value x stands for (x - zero) unit in the units of those who recorded it (grey levels, dB):
        what a network from elsewhere takes, which does not know ``mean`` and ``scale``.
    warnings : sentences, tuple of str, about what was taken from the arrays for want of ``class_names``, or of ``mean``
        and ``scale``, and is probably not what was meant (:mod:`mcuref.datasets.doubts`). Parts of the data keep them.

    Kind "anomaly" is the detection of anomalies (class 1) by a network that has seen normal samples (class 0) alone. A
    sample is a window of a clip, and groups are the clips of the training windows. What is judged is a clip, in
    comparison with the clips of the same machine; letters: K test clips, C clips of W windows.

    clips_test : int32[M], clip of each test window, 0..K-1.
    machines_test : int32[K], machine of each test clip.
    x_anomalous : None or [C, W, *S], windows of anomalous clips of the training set: for validation, where all clips
        are of one machine.

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
    class_names: tuple[str, ...] = None  # type: ignore[assignment]  # and the next two: made if they are not given
    mean: np.ndarray = field(default=None, repr=False)  # type: ignore[arg-type]
    scale: np.ndarray = field(default=None, repr=False)  # type: ignore[arg-type]
    groups: np.ndarray | None = field(default=None, repr=False)
    validation: np.ndarray | None = field(default=None, repr=False)
    sessions: np.ndarray | None = field(default=None, repr=False)
    sessions_test: np.ndarray | None = field(default=None, repr=False)
    clips_test: np.ndarray | None = field(default=None, repr=False)
    machines_test: np.ndarray | None = field(default=None, repr=False)
    x_anomalous: np.ndarray | None = field(default=None, repr=False)
    unit: float = field(default=1.0, repr=False)
    zero: float = field(default=0.0, repr=False)
    warnings: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InputError(f"the name of a data set is {self.name!r}; a non-empty string is needed")
        if self.kind not in KINDS:
            needed = hint(near(self.kind, KINDS), f"one of {', '.join(KINDS)} is needed")
            raise InputError(f"{self._where('kind')} is {self.kind!r}{needed}")
        self._check_samples()
        self._check_labels()
        self._check_normalisation()
        self._check_numbers()
        self._check_clips()

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return self.x_train.shape[1:]

    @property
    def input_size(self) -> int:
        """Number of values of one sample."""
        return int(np.prod(self.input_shape))

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def training_part(self, first: int, last: int) -> Self:
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

    def validation_split(self, fraction: float = 1 / 6, seed: int = 0) -> Self:
        """Data in which a held-out part of the TRAINING set is the test side: to choose settings, never on the test.

        The official validation samples where the data set has them; fraction and seed then change nothing. Otherwise
        samples are drawn by a seeded permutation, with groups whole groups (`fraction` of the groups). Samples keep
        their order on both sides, class names and normalisation stay as they are. Kind "anomaly": the held-out normal
        clips, and then all of x_anomalous. Without such, and
        with sessions, which are machines: the last machine is left out, and the test clips of the others are the test
        side, for regime ``shift``, whose test is of the last machine alone.

        Raises
        ------
        InputError : fraction is not between 0 and 1, there are fewer than two samples (or groups) to split, or no
            anomalous clip to detect.
        """
        if not 0 < fraction < 1:
            raise InputError(f"the validation fraction is {fraction!r}; more than 0 and less than 1 is needed")
        if self.kind == "anomaly" and self.x_anomalous is None:
            if len(self.machines) > 2:
                return self._without_last_machine()
            raise InputError(
                f"data set {self.name!r} has no anomalous training clips, so there is nothing to detect in a "
                "validation split; it can be evaluated on its test set alone"
            )
        held = self._drawn(fraction, seed) if self.validation is None else self.validation
        if held.all() or not held.any():
            raise InputError(
                f"data set {self.name!r} has {np.count_nonzero(held)} official validation samples among its "
                f"{len(held)} training samples; a validation split needs both"
            )
        part = replace(self._with_training(~held), validation=None)
        if self.kind == "anomaly":
            return replace(part, **self._anomaly_side(held))
        sessions = None if self.sessions is None else self.sessions[held]
        return replace(part, x_test=self.x_train[held], y_test=self.y_train[held], sessions_test=sessions)

    @property
    def machines(self) -> frozenset[int]:
        """The machines of the training samples of kind "anomaly", which are their sessions; none where nothing says so."""
        known = self.kind == "anomaly" and self.sessions is not None
        return frozenset(self.sessions.tolist()) if known else frozenset()  # type: ignore[union-attr]

    def of_its_machines(self) -> Self:
        """Data of kind "anomaly" with the test clips of the machines of its training samples only."""
        machines, clips = np.asarray(self.machines_test), np.asarray(self.clips_test)
        kept = np.isin(machines, list(self.machines))
        windows = kept[clips]
        return replace(
            self,
            x_test=self.x_test[windows],
            y_test=self.y_test[windows],
            clips_test=(np.cumsum(kept) - 1)[clips[windows]],
            machines_test=machines[kept],
        )

    def _without_last_machine(self):
        """Data of the other machines, which warns of what it is good for."""
        part = self._with_training(self.sessions != self.sessions[-1]).of_its_machines()
        return replace(part, warnings=(*self.warnings, f"data set {self.name!r}: {OF_OTHER_MACHINES}"))

    def _drawn(self, fraction, seed):
        """The training samples that a validation split holds out, bool[N], drawn one by one or by groups."""
        units = np.arange(len(self.x_train)) if self.groups is None else self.groups
        distinct = np.unique(units)
        if len(distinct) < 2:
            thing = "training samples" if self.groups is None else "groups"
            raise InputError(f"data set {self.name!r} has {len(distinct)} {thing}; a validation split needs two")
        held = min(max(round(fraction * len(distinct)), 1), len(distinct) - 1)
        drawn = distinct[permutation(len(distinct), seed, SPLIT)[:held]]
        return np.isin(units, drawn)

    def _anomaly_side(self, held):
        """The test side of a validation split: the normal windows that held, bool[N], marks, and x_anomalous."""
        anomalous, windows = self.x_anomalous.shape[:2]
        normal, clips = np.unique(self.groups[held], return_inverse=True)
        return {
            "x_test": np.concatenate([self.x_train[held], self.x_anomalous.reshape(-1, *self.input_shape)]),
            "y_test": np.repeat([0, 1], [len(clips), anomalous * windows]),
            "clips_test": np.concatenate([clips, np.repeat(len(normal) + np.arange(anomalous), windows)]),
            "machines_test": np.full(len(normal) + anomalous, self.machines_test[0]),
        }

    def _with_training(self, index):
        """Data with those training samples; index: a slice or bool[N]."""
        names = ("x_train", "y_train", "groups", "validation", "sessions")
        arrays = {name: getattr(self, name) for name in names}
        return replace(self, **{name: array[index] for name, array in arrays.items() if array is not None})

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
        if self.class_names is None and self.kind == "anomaly":
            self._set("class_names", ("normal", "anomaly"))
        elif self.class_names is None:
            self._set("class_names", tuple(str(label) for label in range(int(self.y_train.max()) + 1)))
            self._warn(doubts.empty_classes(self.y_train))
        else:
            self._set("class_names", checks.names(self.class_names, self._where("class_names")))
        checks.labels_below(self.y_train, self.classes, self._where("y_train"))
        checks.labels_below(self.y_test, self.classes, self._where("y_test"))

    def _check_normalisation(self):
        given = [name for name in ("mean", "scale") if getattr(self, name) is not None]
        if len(given) == 1:
            raise InputError(f"{self._where(given[0])} is given alone; mean and scale are needed together, or neither")
        mean, scale = (self.mean, self.scale) if given else default_normalisation(self.x_train)
        if not given:
            self._warn(doubts.waveform(self.x_train, mean, scale))
        self._set("mean", checks.constants(mean, self.input_size, self._where("mean")))
        self._set("scale", checks.constants(scale, self.input_size, self._where("scale")))
        if len(self.mean) != len(self.scale):
            raise InputError(
                f"{self._where('scale')} has {len(self.scale)} values and mean {len(self.mean)}; as many are needed"
            )
        if not self.scale.all():
            position = int(np.argmin(self.scale != 0))
            raise InputError(f"{self._where('scale')} has 0 at position {position}; a scale of 0 would hide the input")

    def _check_numbers(self):
        for name in ("groups", "sessions"):
            if getattr(self, name) is not None:
                values = checks.numbers(getattr(self, name), len(self.x_train), self._where(name), "training sample")
                self._set(name, values)
        if self.sessions_test is not None:
            values = checks.numbers(self.sessions_test, len(self.x_test), self._where("sessions_test"), "test sample")
            self._set("sessions_test", values)
        if self.validation is not None:
            self._set("validation", checks.flags(self.validation, len(self.x_train), self._where("validation")))

    def _check_clips(self):
        """What kind "anomaly" has, and no other kind."""
        if self.kind != "anomaly":
            for name in ("clips_test", "machines_test", "x_anomalous"):
                if getattr(self, name) is not None:
                    raise InputError(f"{self._where(name)} is given for kind {self.kind!r}; it is of kind 'anomaly'")
            return
        for name in OF_ANOMALY:
            if getattr(self, name) is None:
                raise InputError(f"{self._where(name)} is missing; kind 'anomaly' needs {', '.join(OF_ANOMALY)}")
        checks.labels_below(self.y_train, 1, self._where("y_train"))
        checks.labels_below(self.y_test, 2, self._where("y_test"))
        clips, machines = self.clips_test, self.machines_test
        self._set("clips_test", checks.numbers(clips, len(self.x_test), self._where("clips_test"), "test sample"))
        self._set("machines_test", checks.numbers(machines, np.size(machines), self._where("machines_test"), "clip"))
        checks.clips_of_windows(self.clips_test, self.y_test, self.machines_test, self._where("clips_test"))
        if self.x_anomalous is not None:
            self._check_anomalous()

    def _check_anomalous(self):
        where = self._where("x_anomalous")
        self._set("x_anomalous", checks.samples(self.x_anomalous, where))
        x = self.x_anomalous
        if x.shape[2:] != self.input_shape or x.dtype != self.x_train.dtype:
            raise InputError(
                f"{where} has shape {x.shape} and dtype {x.dtype}; clips of windows of shape {self.input_shape} and "
                f"dtype {self.x_train.dtype} are needed"
            )
        if (self.machines_test != self.machines_test[0]).any():
            raise InputError(f"{where} is given for {len(set(self.machines_test.tolist()))} machines; one is needed")

    def _where(self, field_name):
        return f"data set {self.name!r}: {field_name}"

    def _warn(self, sentence):
        if sentence:
            self._set("warnings", (*self.warnings, f"data set {self.name!r}: {sentence}"))

    def _set(self, field_name, value):
        object.__setattr__(self, field_name, value)  # the one way to replace a field of a frozen dataclass
