"""The experiments: for each data set and regime, on what, how long and how fast is trained. One visible table.

    scratch    from the start weights of the seed, on the training set
    continue   pre-trained densely on a first part of it; then new samples of the same kind
    shift      pre-trained densely on a first part; then the domain changes: the rest of the training set and the test
               set are rotated images, a turned phone, noisy speech, a machine not heard before
               (:mod:`mcuref.datasets.shift`)
    transfer   pre-trained densely on another data set, the source; then a new output layer, with start weights of the
               seed, for the classes of this one

All methods of a comparison share start weights, order, epochs and learning rate. Settings of the rules are the
preset's, the same for all data sets, but for the few that stand in the table.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mcuref import arguments
from mcuref.datasets.data import Data
from mcuref.datasets.shift import has_shift, no_shift, shift
from mcuref.errors import InputError
from mcuref.experiments.transferring import check_source, load_source, with_output_layer
from mcuref.network import Network
from mcuref.optimisers import SGD
from mcuref.program.compiler import compile
from mcuref.program.program import Program
from mcuref.rules import Full
from mcuref.training import Trainer

REGIMES = ("scratch", "continue", "shift", "transfer")


@dataclass(frozen=True)
class TrainingProtocol:
    """One row: epochs and learning rate of the run; of all regimes but ``scratch``, also what came before.

    Parameters
    ----------
    epochs : int.
    learning_rate : float.
    schedule : str, of both phases.
    pretrained_part : float, share of the training set, from its start, that the dense pre-training sees.
    pretrained_epochs : int.
    pretrained_rate : float, its learning rate; None for the run's.
    shifted : bool, whether the domain changes after pre-training.
    momentum, batch : of the run's optimiser; pre-training has batch 1 and no momentum.
    settings : dict, settings of the adaptive rules that replace the default preset's.
    source : str, the data set that pre-training is on, its whole training side; None: the first part of the same one.
    """

    epochs: int
    learning_rate: float
    schedule: str = "linear"
    pretrained_part: float = 0.0
    pretrained_epochs: int = 0
    pretrained_rate: float | None = None
    shifted: bool = False
    momentum: float = 0.0
    batch: int = 1
    settings: dict[str, Any] = field(default_factory=dict)
    source: str | None = None

    def __post_init__(self) -> None:
        arguments.epochs(self.epochs)
        self.optimiser()  # refuses what is not a rate, a schedule, a momentum or a batch

    def optimiser(self) -> SGD:
        """The optimiser of the run."""
        return SGD(self.learning_rate, self.schedule, self.momentum, self.batch)

    def parts(self, data: Data) -> tuple[Data | None, Data]:
        """(data to pre-train on or None, data of the run); InputError as of `check`, or if a network cannot take both."""
        if self.source is not None:
            return load_source(self.source, data), data
        border = self.border(data)
        if not self.pretrained_epochs:
            return None, data
        first, second = data.training_part(0, border), data.training_part(border, len(data.x_train))
        return first, shift(second) if self.shifted else second

    def check(self, data: Data) -> None:
        """InputError, before any work, if the data has no domain shift, too few samples, or its source is not there."""
        if self.source is not None:
            check_source(self.source, data)
            return
        self.border(data)
        if self.shifted and not has_shift(data):
            raise no_shift(data)

    def border(self, data: Data) -> int:
        """Index of the first new training sample: 0 without pre-training on them; InputError if too few for two parts.

        A group (a person, a clip) that lies in one run of samples is not torn apart, unless it is the only one; nor is a
        machine, where the change of domain is another machine.
        """
        if not self.pretrained_epochs or self.source is not None:
            return 0
        count = len(data.x_train)
        border = int(count * self.pretrained_part)
        groups = data.sessions if self.shifted and data.kind == "anomaly" else data.groups
        if groups is not None and 0 < border < count:
            starts = np.flatnonzero(np.diff(groups)) + 1  # of the runs but the first
            later = starts[starts >= border]
            border = int(later[0] if later.size else starts[-1] if starts.size else border)
        if not 0 < border < count:
            raise InputError(
                f"data {data.name!r} has {count} training samples; a regime with pre-training needs two parts of them"
            )
        return border

    def pretrainer(
        self, network: Network, data: Data, loss: str, seed: int, progress: Callable[[int, int], None] | None = None
    ) -> Trainer:
        """The trainer of what happens on a computer before deployment: dense, all layers, without a budget."""
        rate = self.learning_rate if self.pretrained_rate is None else self.pretrained_rate
        if self.source is not None and loss != "reconstruction":
            network = with_output_layer(network, data.classes, seed)
        program = compile(network, Full(), SGD(rate, self.schedule), loss=loss)
        return Trainer(program, data, epochs=self.pretrained_epochs, seed=seed, progress=progress)

    def started(self, network: Network, pretrained: Program, seed: int) -> Network:
        """The network that the run starts from: with what was pre-trained, and of ``transfer`` a new output layer."""
        if self.source is None:
            return network.with_parameters(pretrained.parameters())
        trained = pretrained.network.with_parameters(pretrained.parameters())
        return with_output_layer(trained, network.outputs, seed)


def _after(pretrained_part, pretrained_epochs, epochs, rate, **more):
    """A protocol with a part of the training set and epochs of pre-training before it."""
    return TrainingProtocol(epochs, rate, pretrained_part=pretrained_part, pretrained_epochs=pretrained_epochs, **more)


def _from(source, pretrained_epochs, pretrained_rate, epochs, rate, **more):
    """A protocol with epochs of pre-training on another data set before it."""
    before = {"source": source, "pretrained_epochs": pretrained_epochs, "pretrained_rate": pretrained_rate}
    return TrainingProtocol(epochs, rate, **before, **more)


# The key is (data, model, regime), the model None for all that have no row of their own.
#                            epochs  rate, or: part pre-trained, its epochs, epochs, rate
PROTOCOLS = {
    ("digits", None, "scratch"): TrainingProtocol(20, 0.02),
    ("digits", None, "continue"): _after(0.5, 20, 10, 0.02),
    ("digits", None, "shift"): _after(0.5, 20, 20, 0.02, shifted=True),
    ("mnist", None, "scratch"): TrainingProtocol(3, 0.01),
    ("mnist", None, "continue"): _after(0.5, 3, 1, 0.01),
    ("mnist", None, "shift"): _after(0.5, 3, 3, 0.02, shifted=True),
    ("uci_har", None, "scratch"): TrainingProtocol(8, 0.005),
    ("uci_har", None, "continue"): _after(0.5, 8, 4, 0.005),
    ("uci_har", None, "shift"): _after(0.55, 8, 8, 0.005, shifted=True),
    ("cifar10", None, "scratch"): TrainingProtocol(10, 0.005, settings={"s_max": 0.3}),
    ("cifar10", None, "shift"): _after(0.5, 10, 10, 0.005, shifted=True, settings={"s_max": 0.3}),
    ("speech_commands_mfcc49x10", None, "scratch"): TrainingProtocol(10, 0.01),
    ("speech_commands_mfcc49x10", None, "continue"): _after(0.5, 8, 4, 0.01),
    ("speech_commands_mfcc49x10", None, "shift"): _after(0.5, 8, 4, 0.01, shifted=True),
    ("dcase2020_toycar", None, "shift"): _after(0.75, 3, 2, 0.02, shifted=True, settings={"s_max": 0.2}),
    # pre-trained on, its epochs and rate, epochs, rate
    ("cifar100", None, "transfer"): _from("cifar10", 6, 0.01, 5, 0.01, settings={"s_max": 0.3}),
    ("flowers102_32", None, "transfer"): _from("cifar10", 6, 0.01, 10, 0.01),
    ("food101_32", None, "transfer"): _from("cifar10", 6, 0.01, 10, 0.01, settings={"s_max": 0.3}),
}
OTHER = {
    "scratch": TrainingProtocol(10, 0.01),
    "continue": _after(0.5, 10, 5, 0.01),
    "shift": _after(0.5, 10, 5, 0.01, shifted=True),
}


def find_protocol(data_name: str, model_name: str, regime: str, **given: Any) -> TrainingProtocol:
    """The table's row for a data set and model, or the one for others; what is given and not None replaces a column.

    InputError for an unknown regime, and for ``transfer`` of data without a row: nothing says from where.
    """
    arguments.one_of("regime", regime, REGIMES)
    keys = ((data_name, model_name, regime), (data_name, None, regime))
    protocol = next((PROTOCOLS[key] for key in keys if key in PROTOCOLS), OTHER.get(regime))
    if protocol is None:
        named = ", ".join(sorted({name for name, _, other in PROTOCOLS if other == regime}))
        raise InputError(f"regime {regime!r} has no source for data {data_name!r}; it has one for {named}")
    return replace(protocol, **{name: value for name, value in given.items() if value is not None})
