"""The experiments: for each data set and regime, on what, how long and how fast is trained. One visible table.

    scratch    from the start weights of the seed, on the training set
    continue   pre-trained densely on a first part of it; then new samples of the same kind

All methods of a comparison share start weights, order, epochs and learning rate. Settings of the rules are the preset's,
the same for all data sets; none has settings of its own.
"""

from dataclasses import dataclass, replace

from mcuref import arguments
from mcuref.errors import InputError
from mcuref.optimisers import SGD
from mcuref.program.compiler import compile
from mcuref.rules import Full
from mcuref.training import Trainer

REGIMES = ("scratch", "continue")


@dataclass(frozen=True)
class Protocol:
    """One row: epochs and learning rate of the run; of ``continue``, also what came before.

    Parameters
    ----------
    epochs : int.
    learning_rate : float.
    schedule : str, of both phases.
    pretrained_part : float, share of the training set, from its start, that the dense pre-training sees (continue).
    pretrained_epochs : int.
    """

    epochs: int
    learning_rate: float
    schedule: str = "linear"
    pretrained_part: float = 0.0
    pretrained_epochs: int = 0

    def __post_init__(self):
        arguments.epochs(self.epochs)
        SGD(self.learning_rate, self.schedule)  # refuses what is not a rate or a schedule

    def border(self, data):
        """Index of the first new training sample: 0 without pre-training; InputError if too few for two parts."""
        count = len(data.x_train)
        border = int(count * self.pretrained_part)
        if self.pretrained_epochs and not 0 < border < count:
            raise InputError(
                f"data {data.name!r} has {count} training samples; regime 'continue' needs two parts of them"
            )
        return border


#    data       regime       epochs  rate           part pre-trained, its epochs
PROTOCOLS = {
    ("digits", "scratch"): Protocol(20, 0.02),
    ("digits", "continue"): Protocol(10, 0.02, pretrained_part=0.5, pretrained_epochs=20),
    ("mnist", "scratch"): Protocol(3, 0.01),
    ("mnist", "continue"): Protocol(1, 0.01, pretrained_part=0.5, pretrained_epochs=3),
    ("uci_har", "scratch"): Protocol(8, 0.005),
    ("uci_har", "continue"): Protocol(4, 0.005, pretrained_part=0.5, pretrained_epochs=8),
}
OTHER = {
    "scratch": Protocol(10, 0.01),
    "continue": Protocol(5, 0.01, pretrained_part=0.5, pretrained_epochs=10),
}


def find_protocol(data_name, regime, epochs=None, learning_rate=None, schedule=None):
    """The table's row for a data set, or the one for other data; epochs, rate and schedule replaced if given."""
    arguments.one_of("regime", regime, REGIMES)
    protocol = PROTOCOLS.get((data_name, regime), OTHER[regime])
    given = {"epochs": epochs, "learning_rate": learning_rate, "schedule": schedule}
    return replace(protocol, **{name: value for name, value in given.items() if value is not None})


def prepare(protocol, network, data, loss, seed, progress=None):
    """(network, data) that the run starts from: pre-trained on the first part, and the new samples, if it continues.

    Pre-training stands for what happens before deployment, on a computer: dense, all layers, under no budget.
    """
    if not protocol.pretrained_epochs:
        return network, data
    border = protocol.border(data)
    program = compile(network, Full(), SGD(protocol.learning_rate, protocol.schedule), loss=loss)
    trainer = Trainer(
        program,
        data.training_part(0, border),
        epochs=protocol.pretrained_epochs,
        seed=seed,
        progress=progress,
    )
    trainer.run()
    return network.with_parameters(program.parameters()), data.training_part(border, len(data.x_train))
