"""A run: pre-training if the protocol has it, deployment, then training; in a folder it survives being killed.

The folder holds ``run.json``, what was asked for, from the start; ``checkpoint``, where the run stands, now and then;
and the results when it is complete. Resumed, it goes on with the last checkpoint and ends with the same bytes.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mcuref.datasets.data import Data
from mcuref.errors import InputError
from mcuref.network import Network
from mcuref.program.arithmetic import FLOAT32, Arithmetic
from mcuref.program.compiler import compile
from mcuref.program.instructions import Instruction
from mcuref.program.program import Program
from mcuref.runs import checkpoints
from mcuref.runs.fingerprint import data_digest, digest, same_run, sources_digest, unusable
from mcuref.training import Result, Trainer

PHASES = ("pre-training", "training")
# Text that decides what a run comes to, beside the table of its program and the kernels that this names
SOURCES = (
    "kernels/random.py", "metrics.py", "optimisers.py", "program/effort.py", "program/executor.py", "program/program.py",
    "program/samples.py", "program/step.py", "runs/training.py", "training.py",
)  # fmt: skip
OF_DEPLOYMENT = ("calibration.py", "program/arithmetic/*.py", "quantization/*.py")  # the same, of scales and their factors


class Phases(Protocol):
    """What a run asks of its protocol: :class:`mcuref.experiments.protocols.TrainingProtocol`."""

    @property
    def epochs(self) -> int:
        """Of the training."""

    @property
    def pretrained_epochs(self) -> int:
        """Of what happens before deployment, 0 for none."""

    def parts(self, data: Data) -> tuple[Data | None, Data]:
        """(data to pre-train on or None, data of the run)."""

    def pretrainer(self, network: Network, data: Data, loss: str, seed: int) -> Trainer:
        """The trainer of what happens before deployment."""

    def started(self, network: Network, pretrained: Program, seed: int) -> Network:
        """The network that training starts from, once it has happened."""


@dataclass(frozen=True)
class Deployment:
    """How a network becomes the one that a device trains, once what comes before is done.

    Attributes
    ----------
    make : callable(network, data that it is trained on) -> network; the same ones give the same.
    said : dict, plain data: how it is done, in reports and for the fingerprint.
    """

    make: Callable[[Network, Data], Network] = field(repr=False)
    said: dict[str, Any]


def run_fingerprint(
    text: str, program: Program, network: Network, instructions: Iterable[Instruction], data: str, more: Iterable[str] = ()
) -> dict[str, str]:
    """What decides a run, as sha256 by what it is: sources, data, and program with what a text says.

    program : that is trained; network : whose parameters it starts from; instructions : of all programs that are run.
    data : its digest; more : names of sources that decide the run beside those that decide every run.
    """
    arrays = [program.table, *program.listing.constants.values(), *network.parameters.values()]
    return {"mcuref": sources_digest((*SOURCES, *more), instructions), "data": data, "program": digest(text, arrays)}


class TrainingCheckpoints:
    """Writes the checkpoints of one run, at most one every ``seconds``, and finds the last one.

    Parameters
    ----------
    folder : path of the run folder.
    seconds : float, between two checkpoints.
    warn : callable(sentence), for a damaged checkpoint.
    """

    def __init__(self, folder: Path | str, seconds: float, warn: Callable[[str], Any]) -> None:
        self.folder, self.seconds, self.warn = Path(folder), seconds, warn
        self._saved = time.monotonic()

    def load(self, fingerprint: dict[str, str]) -> checkpoints.Found | None:
        """(header, arrays) to go on from, or None; InputError if they are of another run."""
        found = checkpoints.load(self.folder, self.warn)
        if found:
            if not isinstance(found[0], dict) or found[0].get("phase") not in PHASES:
                raise self.unusable("it does not say where the run stands")
            same_run(self.folder, found[0].get("fingerprint"), fingerprint)
        return found

    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return time.monotonic() - self._saved >= self.seconds

    def save(self, header: Any, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write one, unless a value is not finite: then training is about to fail, and the last good one is kept."""
        if all(np.isfinite(values).all() for values in arrays.values()):
            checkpoints.save(self.folder, header, arrays)
        self._saved = time.monotonic()

    def unusable(self, reason: Any) -> InputError:
        """The error for a checkpoint that is whole, but not one of this run."""
        return unusable(self.folder, reason)


class Run:
    """Phases of a run and what passes between them.

    Parameters
    ----------
    protocol : :class:`mcuref.experiments.protocols.TrainingProtocol`.
    network : :class:`mcuref.Network`, with the start weights of the seed.
    data : :class:`mcuref.Data`, whole.
    loss : str.
    seed : int, of the orders.
    compiled : callable(network) -> program of the run, under its budget; of a network before it is deployed too.
    deployment : :class:`Deployment`, or None for a network that is trained as it is.
    progress : callable(phase, done, total) or None.

    Attributes
    ----------
    checkpoints : :class:`TrainingCheckpoints`, or None for a run without checkpoints.
    trainer : the trainer of the last phase, once :meth:`finish` is under way.
    """

    def __init__(
        self,
        protocol: Phases,
        network: Network,
        data: Data,
        loss: str,
        seed: int,
        compiled: Callable[[Network], Program],
        deployment: Deployment | None = None,
        progress: Callable[[str, int, int], Any] | None = None,
    ) -> None:
        self.protocol, self.network, self.loss, self.seed, self.compiled = protocol, network, loss, seed, compiled
        self.checkpoints: TrainingCheckpoints | None = None
        self.trainer: Trainer | None = None
        self.progress, self.deployment = progress, deployment
        self.first, self.second = protocol.parts(data)
        if network.dtype != "float32":  # it was deployed before
            self.first = None

    def start(self, found: checkpoints.Found | None = None) -> Network:
        """The network that training starts from: pre-trained, if the protocol says so."""
        if self.first is None:
            return self.network
        trainer = self.protocol.pretrainer(self.network, self.first, self.loss, self.seed)
        self._train(trainer, "pre-training", found, {})
        return self.protocol.started(self.network, trainer.program, self.seed)

    def finish(self, found: checkpoints.Found | None = None) -> Result:
        """Do what is left of the run after a checkpoint, or all of it; returns the trainer's Result."""
        if found and found[0]["phase"] == "training":
            network = self._started(found[1])
        else:
            network, found = self.start(found), None
        began = {} if self.first is None else {f"start.{name}": v for name, v in network.parameters.items()}
        if self.deployment:
            network = self.deployment.make(network, self.second)
        self.trainer = Trainer(self.compiled(network), self.second, epochs=self.protocol.epochs, seed=self.seed)
        return self._train(self.trainer, "training", found, began)

    @cached_property
    def fingerprint(self) -> dict[str, str]:
        """What decides the run, as sha256 by what it is: sources, data, and program with its protocol and seed."""
        deployed = self.deployment is not None
        text = f"{self.protocol} {self.loss} {self.seed}" + f" {self.deployment}" * deployed
        program, data = self.compiled(self.network), data_digest(self.first, self.second)
        return run_fingerprint(text, program, self.network, self.instructions, data, OF_DEPLOYMENT if deployed else ())

    @property
    def arithmetics(self) -> list[Arithmetic]:
        """Those of the programs that it runs."""
        trained = self.compiled(self.network).arithmetic
        before = self.network.dtype == "float32" and (trained.name != "float32" or self.first is not None)
        return list(dict.fromkeys([FLOAT32, trained] if before else [trained]))

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """Those of the program that is trained, of the one that is pre-trained, and of what is calibrated."""
        instructions = self.compiled(self.network).instructions
        if self.deployment and self.network.dtype == "float32":
            instructions += compile(self.network, trainable=0).instructions
        if self.first is None:
            return instructions
        return instructions + self.protocol.pretrainer(self.network, self.first, self.loss, self.seed).program.instructions

    def _started(self, arrays):
        """The network that training started from, according to a checkpoint."""
        if self.first is None:
            return self.network
        try:
            return self.network.with_parameters(
                {n.removeprefix("start."): v for n, v in arrays.items() if n.startswith("start.")}
            )
        except InputError as error:
            raise self.checkpoints.unusable(error) from None

    def _train(self, trainer, phase, found, extra):
        """Run a trainer, from a checkpoint if one was found, saving new ones as it goes."""

        def save():
            plain, arrays = trainer.state()
            self.checkpoints.save({"fingerprint": self.fingerprint, "phase": phase} | plain, arrays | extra)

        def update(done, total):
            if self.progress:
                self.progress(phase, done, total)
            if self.checkpoints and self.checkpoints.due():
                save()

        if found:
            try:
                trainer.restore(*found)
            except InputError as error:
                raise self.checkpoints.unusable(error) from None
        trainer.progress = update
        result = trainer.run()
        if self.checkpoints:
            save()
        return result
