"""Update rules: how many of the largest error entries a layer trains, and whether a sample is trained at all.

l counts the trainable layers from the output (0); delta is the error at a layer's pre-activation output, n values.

    Full         k = n
    TopK         k = clamp(rint(r n), 1, n), r fixed (meProp, Sun et al. 2017)
    TinyProp     Y = sum |delta|;  Y_max <- max(Y_max, Y);  S = (S_min + (S_max - S_min) Y / Y_max) zeta^l
                 k = clamp(rint(S n), 1, n)                                    (Rueb et al., arXiv 2308.09201)
    TinyPropV2   first, at the output layer: D = (D_min + (D_max - D_min) Y / Y_max) beta; the sample is trained, as
                 by TinyProp, if D > threshold, else nothing changes but Y_max (Rueb et al., arXiv 2409.07109)
    TinyPropR    TinyPropV2, and of stored samples one that was skipped s times in a row is shown only every 2^s-th epoch:
                 in epoch e that of index i, if the lowest min(s, rests) bits of e + i are 0 (ours; ancestors hide easy
                 samples of large data sets: KAKURENBO, NeurIPS 2023; InfoBatch, ICLR 2024)

The k largest |delta| are kept, ties to the lowest index; entries that are exactly 0 are dropped, in every rule. Only kept
entries train their weights and biases and are propagated. Y is a float32 sum in eight lanes; the rule's arithmetic is
float32, its rounding to nearest, ties to even.

Where the papers leave room, the choice is an argument with a documented default. Our reading of TinyPropv2's D, whose
full text was not at hand: alpha is the local error Y / Y_max, beta a constant damping factor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from mcuref.arguments import MOST_EPOCHS, number, one_of, shown, whole
from mcuref.baseline_rules import BASELINES, Biases, Channels, Full, RandomK, TopK
from mcuref.errors import InputError, McurefError
from mcuref.layers.layer import Emit
from mcuref.memory.buffers import Buffer
from mcuref.names import hint, near
from mcuref.outside import find_class, reference_of, what_went_wrong
from mcuref.selections import Selection, kept_entries, selection

NEEDED = ("method", "bias", "decide", "select")  # of what is a rule
MOST_RESTS = 15  # skips in a row that are told apart


@runtime_checkable
class Rule(Protocol):
    """What an update rule has; a class of one's own that has it is taken wherever a rule is.

    Also looked at, where they are there: ``output``, "auto", "dense" or "rule", how the output layer is trained;
    ``weights``, False if biases alone are trained; ``restrict(emit, kept, dense)``, which emits, behind the propagation,
    what leaves those entries that are trained, and returns their Selection; ``rests``, 0 or up to how many skips in a row a
    stored sample is shown less and less often, and ``stored``, of how many samples; ``effort``, 0 or the share of dense
    training that the run is brought to, and ``epochs``, of how many, or 0.
    """

    @property
    def method(self) -> str:
        """Its name in tables."""

    @property
    def bias(self) -> str:
        """ "masked" (biases of kept entries are trained) or "dense" (all biases of a layer)."""

    def decide(self, emit: Emit, delta: Buffer) -> None:
        """Emit a decision on the error at the outputs: whether the sample is trained; nothing if every sample is."""

    def select(self, emit: Emit, delta: Buffer, position: int, dense: bool) -> Selection:
        """Emit the selection of the entries of an error that are trained, of the layer ``position`` from the output.

        ``dense``: the output layer, all of whose entries are to be kept whatever the rule.
        """


def _ordered(low_name, low, high_name, high):
    if np.float32(low) > np.float32(high):
        raise InputError(f"{low_name} {low:g} is larger than {high_name} {high:g}; it may be at most that")


@dataclass(frozen=True)
class TinyProp:
    """Adapt the share of trained entries to the size of the error, per layer and sample.

    Parameters
    ----------
    s_min, s_max : float, 0 <= S_min <= S_max: bounds of the back-propagation ratio S.
    zeta : float > 0: damping of S per layer from the output, zeta^l.
    output, bias : as in :class:`TopK`.
    rounding : "nearest" or "floor": of S n (the authors' Python code rounds, their C code truncates).
    decay : float in ]0, 1]: Y_max <- max(decay Y_max, Y), to forget one large error in time; 1 is the paper's.
    """

    s_min: float = 0.04
    s_max: float = 0.7
    zeta: float = 1.0
    output: str = "auto"
    bias: str = "masked"
    rounding: str = "nearest"
    decay: float = 1.0

    method = "tinyprop"

    def __post_init__(self) -> None:
        number("s_min", self.s_min, 0)
        number("s_max", self.s_max, 0, above=True)
        _ordered("s_min", self.s_min, "s_max", self.s_max)
        number("zeta", self.zeta, 0, above=True)
        one_of("output", self.output, ("auto", "dense", "rule"))
        one_of("bias", self.bias, ("masked", "dense"))
        one_of("rounding", self.rounding, ("nearest", "floor"))
        number("decay", self.decay, 0, 1, above=True)

    def decide(self, emit: Emit, delta: Buffer) -> None:
        """Every sample is trained."""

    def select(self, emit: Emit, delta: Buffer, position: int, dense: bool) -> Selection:
        """Emit the adaptive selection, with Y_max as state in SRAM; returns a :class:`Selection`."""
        if dense:
            return selection(emit, "select_full", delta, delta.shape[0])
        s_min, s_range, damping = self._constants(position)
        with np.errstate(over="ignore"):
            largest = (s_min + s_range) * damping  # S at Y = Y_max bounds every S: rounding is monotone
        k = kept_entries(largest, delta.shape[0])
        return selection(
            emit,
            "select_adaptive",
            delta,
            k,
            y_max=emit.state("y_max"),
            floor=self.rounding == "floor",
            s_min=s_min,
            s_range=s_range,
            damping=damping,
            decay=self.decay,
        )

    def _constants(self, position):
        """S_min, S_max - S_min and zeta^l, float32."""
        s_min = np.float32(self.s_min)
        damping = np.float32(1)
        with np.errstate(over="ignore", under="ignore"):
            for _ in range(position):
                damping = damping * np.float32(self.zeta)
        return s_min, np.float32(self.s_max) - s_min, damping


@dataclass(frozen=True)
class TinyPropV2(TinyProp):
    """TinyProp that also decides, per sample, whether to train at all.

    Parameters
    ----------
    s_min, s_max, ... : as in :class:`TinyProp`; wider bounds by default, because few samples are left to train on.
    threshold : float >= 0: the sample is trained if D > threshold; 0 is TinyProp exactly, there is no decision then.
    d_min, d_max : float, 0 <= D_min <= D_max: bounds of D.
    beta : float > 0, or "ratio": damping of D, a constant or the output layer's back-propagation ratio S.
    rests : int, 0 to 15: a stored sample that was skipped s times in a row is shown only every 2^min(s, rests)-th epoch; 0:
        all are always shown. The state has 1, 2 or 4 bits a stored sample: up to 1, 3 or 15 skips.
    stored : int, how many samples are stored, if rests is not 0; 0: the trainer's data says it.
    effort : float, 0 to 1: what the run's total effort is brought to, of dense training of all samples of all epochs: a
        governor (:mod:`mcuref.kernels.governor`) lowers the threshold while there is something left to spend, and leaves
        samples out where there is not; 0: there is none.
    epochs : int, how many the run has, if effort is not 0: early ones then get more of it; 0: the run's protocol says it, or
        all get the same.
    """

    s_min: float = 0.08
    s_max: float = 0.8
    threshold: float = 0.3
    d_min: float = 0.0
    d_max: float = 1.0
    beta: float | str = 1.0
    rests: int = 0
    stored: int = 0
    effort: float = 0.0
    epochs: int = 0

    method = "tinypropv2"

    def __post_init__(self) -> None:
        super().__post_init__()
        number("threshold", self.threshold, 0)
        number("d_min", self.d_min, 0)
        number("d_max", self.d_max, 0, above=True)
        _ordered("d_min", self.d_min, "d_max", self.d_max)
        if not (isinstance(self.beta, str) and self.beta == "ratio"):
            number("beta", self.beta, 0, above=True)
        whole("rests", self.rests, 0, MOST_RESTS)
        whole("stored", self.stored, 0)
        if self.rests and np.float32(self.threshold) == 0:
            raise InputError(f"rests {self.rests} are of samples that are skipped, and threshold 0 skips none")
        number("effort", self.effort, 0, 1)
        whole("epochs", self.epochs, 0, MOST_EPOCHS)
        if self.effort and np.float32(self.threshold) == 0:
            raise InputError(f"effort {self.effort:g} is governed by the threshold, and threshold 0 skips no sample")

    def decide(self, emit: Emit, delta: Buffer) -> None:
        """Emit the decision on the output layer's error: a jump to the end of the step if the sample is skipped."""
        if np.float32(self.threshold) == 0:
            return
        d_min = np.float32(self.d_min)
        s_min, s_range, _ = self._constants(0)
        beta, beta_range = (s_min, s_range) if self.beta == "ratio" else (np.float32(self.beta), np.float32(0))
        governor = emit.governor
        governed = {} if governor is None else {"balance": governor.balance, "full": governor.full}
        emit(
            "decide_governed" if governed else "decide",
            y_max=emit.state("y_max"),
            delta=delta,
            n=delta.shape[0],
            d_min=d_min,
            d_range=np.float32(self.d_max) - d_min,
            beta=beta,
            beta_range=beta_range,
            threshold=self.threshold,
            decay=self.decay,
            **governed,
        )

    def select(self, emit: Emit, delta: Buffer, position: int, dense: bool) -> Selection:
        """As TinyProp's; where the decision has aged Y_max for this sample, the selection does not do so again."""
        decided = position == 0 and np.float32(self.threshold) > 0
        rule = replace(self, decay=1.0) if decided else self
        return TinyProp.select(rule, emit, delta, position, dense)


@dataclass(frozen=True)
class TinyPropR(TinyPropV2):
    """TinyPropV2 whose stored samples rest: what was skipped is shown less often, and its forward pass is saved, too.

    A stream whose samples never come back gains nothing. Parameters are those of :class:`TinyPropV2`; the threshold is lower
    by default, because what it trains more is backward work of few samples.
    """

    threshold: float = 0.2
    rests: int = 3

    method = "tinypropr"

    def __post_init__(self) -> None:
        whole("rests", self.rests, 1, MOST_RESTS)
        super().__post_init__()


def with_stored(rule: Rule, count: int, epochs: int = 0) -> Rule:
    """The rule for ``count`` stored samples, if it lets them rest, and for a run of so many epochs, if it has an effort.

    What the rule says itself of these stays as it is.
    """
    if not is_dataclass(rule):
        return rule
    if getattr(rule, "rests", 0) and not getattr(rule, "stored", 0):
        rule = replace(rule, stored=count)
    if getattr(rule, "effort", 0) and not getattr(rule, "epochs", 0):
        rule = replace(rule, epochs=epochs)
    return rule


METHODS: dict[str, Any] = {rule.method: rule for rule in (Full, TopK, TinyProp, TinyPropV2, TinyPropR, *BASELINES)}
COMPARED = tuple(method for method, rule in METHODS.items() if rule not in BASELINES)  # where no methods are named

# "paper": as published. "default": ours, one for all data sets, chosen on validation splits (docs/results.md).
PRESETS: dict[str, dict[str, Any]] = {
    "paper": {
        "full": Full(),
        "topk": TopK(0.1, output="rule"),
        "tinyprop": TinyProp(0.0, 1.0, 1.0, output="rule"),
        "tinypropv2": TinyPropV2(0.0, 1.0, 1.0, output="rule", threshold=0.5),
        "tinypropr": TinyPropR(0.0, 1.0, 1.0, output="rule", threshold=0.5),
        "randomk": RandomK(0.1, output="rule"),
        "biases": Biases(),
        "channels": Channels(),
    },
    "default": {rule.method: rule() for rule in METHODS.values()},
}


def find(method: str) -> Any:
    """The class of a method: a name, or "package.module:Class" for a rule of one's own; InputError if there is none."""
    if ":" in method:
        return find_class("method", method, NEEDED, "mcuref.rules.Rule")
    one_of("method", method, METHODS)
    return METHODS[method]


def method_of(rule: Rule) -> str:
    """What :func:`find` finds a rule's class by: its method, or of one from outside "package.module:Class"."""
    if METHODS.get(rule.method) is type(rule):
        return rule.method
    return reference_of(type(rule))


def settings_of(rule: Rule) -> dict[str, Any]:
    """A rule's settings as plain data; none of what is no dataclass."""
    return asdict(rule) if is_dataclass(rule) and not isinstance(rule, type) else {}


def checked(rule: Any) -> Rule:
    """The rule; InputError, one sentence, if it is none: see :class:`Rule`."""
    if isinstance(rule, Rule) and not isinstance(rule, type):
        return rule if type(rule) in METHODS.values() else _checked_attributes(rule)
    lacking = [name for name in NEEDED if not hasattr(rule, name)]
    if isinstance(rule, type) or not 0 < len(lacking) < len(NEEDED):
        raise InputError(f"rule {shown(rule)} is not an update rule, such as mcuref.TinyProp()")
    raise InputError(f"rule of class {type(rule).__name__!r} has no {lacking[0]!r}; mcuref.rules.Rule says what it needs")


def _checked_attributes(rule):
    """A rule from outside, whose attributes nothing else has looked at."""
    of = f"of rule {type(rule).__name__!r}"
    if not isinstance(rule.method, str) or not rule.method.isprintable():
        raise InputError(f"method {shown(rule.method)} {of} must be a name in one line")
    one_of(f"bias {of}:", rule.bias, ("masked", "dense"))
    one_of(f"output {of}:", getattr(rule, "output", "rule"), ("auto", "dense", "rule"))
    if not isinstance(weights := getattr(rule, "weights", True), bool):
        raise InputError(f"weights {shown(weights)} {of} must be True or False")
    return rule


def emitted(rule: Rule, name: str, *arguments: Any) -> Any:
    """What a method of a rule returns that emits; InputError if one from outside fails, or selects nothing."""
    own = type(rule) not in METHODS.values()
    try:
        found = getattr(rule, name)(*arguments)
    except McurefError:
        raise
    except Exception as error:
        if not own:
            raise
        raise InputError(f"{name} of rule {type(rule).__name__!r} fails: {what_went_wrong(error)}") from error
    if own and name != "decide" and not isinstance(found, Selection):
        raise InputError(f"{name} of rule {type(rule).__name__!r} returns {shown(found)}, not a mcuref.rules.Selection")
    return found


def setting_names(method: str) -> list[str]:
    """Names of the settings that a method has: the fields of its class."""
    found = find(method)
    return [field.name for field in fields(found)] if is_dataclass(found) else []


def make(method: str, preset: str = "default", **settings: Any) -> Rule:
    """The rule called ``method`` with a preset's settings, some of them replaced.

    One from outside, "package.module:Class", has the settings that its class begins with, whatever the preset. Raises
    InputError for an unknown method or preset, and for a setting that the method does not have.
    """
    found = find(method)
    one_of("preset", preset, PRESETS)
    names = setting_names(method)
    for name in settings:
        if name not in names:
            raise InputError(f"method {method!r} has no setting {name!r}{settings_hint(name, [method], preset)}")
    if method in METHODS:
        start = PRESETS[preset][method]
        return replace(start, **{name: _like(getattr(start, name), value) for name, value in settings.items()})
    return created(method, found, settings)


def _like(start, value):
    """A setting's value; of one that is a whole number, as text gives it, 2.0 is 2."""
    return int(value) if type(start) is int and isinstance(value, float) and value.is_integer() else value


def created(method: str, found: Any, settings: Mapping[str, Any]) -> Rule:
    """A rule of a class; InputError if it cannot be made of these settings, or is no rule."""
    for field in fields(found) if is_dataclass(found) else ():
        value, default = settings.get(field.name), field.default
        if isinstance(default, (int, float)) and not isinstance(value, (int, float, type(None))):
            raise InputError(f"setting {field.name} of method {method!r} is {shown(value)}; it must be a number")
    try:
        return checked(found(**settings))
    except McurefError:
        raise
    except Exception as error:
        raise InputError(f"method {method!r} cannot be made: {what_went_wrong(error)}") from error


def settings_hint(name: str, methods: Sequence[str], preset: str = "default") -> str:
    """How a sentence ends that refuses a setting: which of the methods' are near, and all, as the preset has them."""
    values: dict[str, dict[str, bool]] = {}
    for method in methods:
        for setting, value in settings_of(make(method, preset)).items():
            values.setdefault(setting, {})[f"{value:g}" if isinstance(value, (int, float)) else str(value)] = True
    every = ", ".join(f"{setting}={' or '.join(found)}" for setting, found in values.items())
    return hint(near(name, values), f"in preset {preset!r} the settings are {every}" if every else "there are none")
