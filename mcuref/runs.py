"""A run: pre-training if the protocol has it, then training; in a folder it survives being killed.

The folder holds ``run.json``, what was asked for, from the start; ``checkpoint``, where the run stands, now and then;
and the results when it is complete. Resumed, it goes on with the last checkpoint and ends with the same bytes.
"""

import hashlib
import time
from dataclasses import fields
from functools import cached_property
from pathlib import Path

import numpy as np

from mcuref import __version__, checkpoints
from mcuref.errors import InputError
from mcuref.training import Trainer

PHASES = ("pre-training", "training")
# Text that decides what a run comes to, beside its program; not read through mcuref.kernels.jit, which loads Numba
SOURCES = ("kernels/*.py", "program/*.py", "metrics.py", "optimisers.py", "runs.py", "training.py")
OTHER = {"mcuref": "another version of mcuref", "data": "other data", "program": "another model or other settings"}


class Keeper:
    """Writes the checkpoints of one run, at most one every ``seconds``, and finds the last one.

    Parameters
    ----------
    folder : path of the run folder.
    seconds : float, between two checkpoints.
    warn : callable(sentence), for a damaged checkpoint.
    """

    def __init__(self, folder, seconds, warn):
        self.folder, self.seconds, self.warn = Path(folder), seconds, warn
        self._saved = time.monotonic()

    def load(self, fingerprint):
        """(header, arrays) to go on from, or None; InputError if they are of another run."""
        found = checkpoints.load(self.folder, self.warn)
        if found:
            if not isinstance(found[0], dict) or found[0].get("phase") not in PHASES:
                raise self.unusable("it does not say where the run stands")
            same_run(self.folder, found[0].get("fingerprint"), fingerprint)
        return found

    def due(self):
        """Whether it is time for a checkpoint."""
        return time.monotonic() - self._saved >= self.seconds

    def save(self, header, arrays):
        """Write one, unless a value is not finite: then training is about to fail, and the last good one is kept."""
        if all(np.isfinite(values).all() for values in arrays.values()):
            checkpoints.save(self.folder, header, arrays)
        self._saved = time.monotonic()

    def unusable(self, reason):
        """The error for a checkpoint that is whole, but not one of this run."""
        return unusable(self.folder, reason)


def unusable(folder, reason):
    """The error for a checkpoint that is whole, but not of the run in a folder: it may be of use elsewhere."""
    return InputError(
        f"the checkpoint in run folder {str(folder)!r} is not one of this run: {reason}; move it away to begin again "
        "from the start"
    )


def same_run(folder, begun, fingerprint):
    """InputError, naming what is different, unless both fingerprints are the same."""
    if begun != fingerprint:
        begun = begun if isinstance(begun, dict) else {}
        different = [what for part, what in OTHER.items() if begun.get(part) != fingerprint[part]]
        raise InputError(
            f"run folder {str(folder)!r} was begun with {' and '.join(different)}; it can only go on with the same"
        )


class Run:
    """Phases of a run and what passes between them.

    Parameters
    ----------
    protocol : :class:`mcuref.protocols.Protocol`.
    network : :class:`mcuref.Network`, with the start weights of the seed.
    data : :class:`mcuref.Data`, whole.
    loss : str.
    seed : int, of the orders.
    compiled : callable(network) -> program of the run, under its budget.
    progress : callable(phase, done, total) or None.

    Attributes
    ----------
    keeper : :class:`Keeper`, or None for a run without checkpoints.
    trainer : the trainer of the last phase, once :meth:`finish` is under way.
    """

    def __init__(self, protocol, network, data, loss, seed, compiled, progress=None):
        self.protocol, self.network, self.loss, self.seed, self.compiled = protocol, network, loss, seed, compiled
        self.keeper, self.progress, self.trainer = None, progress, None
        self.first, self.second = protocol.parts(data)

    def start(self, found=None):
        """The network that training starts from: pre-trained, if the protocol says so."""
        if self.first is None:
            return self.network
        trainer = self.protocol.pretrainer(self.network, self.first, self.loss, self.seed)
        self._train(trainer, "pre-training", found, {})
        return self.network.with_parameters(trainer.program.parameters())

    def finish(self, found=None):
        """Do what is left of the run after a checkpoint, or all of it; returns the trainer's Result."""
        if found and found[0]["phase"] == "training":
            network = self._started(found[1])
        else:
            network, found = self.start(found), None
        began = {} if self.first is None else {f"start.{name}": v for name, v in network.parameters.items()}
        self.trainer = Trainer(self.compiled(network), self.second, epochs=self.protocol.epochs, seed=self.seed)
        return self._train(self.trainer, "training", found, began)

    @cached_property
    def fingerprint(self):
        """What decides the run, as sha256 by what it is: sources, data, and program with its protocol and seed."""
        program = self.compiled(self.network)
        arrays = [program.table, *program.listing.constants.values(), *self.network.parameters.values()]
        return {
            "mcuref": sources_digest(SOURCES),
            "data": data_digest(self.first, self.second),
            "program": digest(f"{self.protocol} {self.loss} {self.seed}", arrays),
        }

    def _started(self, arrays):
        """The network that training started from, according to a checkpoint."""
        if self.first is None:
            return self.network
        try:
            return self.network.with_parameters(
                {n.removeprefix("start."): v for n, v in arrays.items() if n.startswith("start.")}
            )
        except InputError as error:
            raise self.keeper.unusable(error) from None

    def _train(self, trainer, phase, found, extra):
        """Run a trainer, from a checkpoint if one was found, saving new ones as it goes."""

        def save():
            plain, arrays = trainer.state()
            self.keeper.save({"fingerprint": self.fingerprint, "phase": phase} | plain, arrays | extra)

        def update(done, total):
            if self.progress:
                self.progress(phase, done, total)
            if self.keeper and self.keeper.due():
                save()

        if found:
            try:
                trainer.restore(*found)
            except InputError as error:
                raise self.keeper.unusable(error) from None
        trainer.progress = update
        result = trainer.run()
        if self.keeper:
            save()
        return result


def data_digest(*parts):
    """sha256 of all arrays of data sets, in the order of their fields; parts that are None are left out."""
    given = [getattr(data, f.name) for data in parts if data is not None for f in fields(data)]
    return digest("", [value for value in given if isinstance(value, np.ndarray)])


def digest(text, arrays):
    """sha256 of a text and of arrays with their types and shapes."""
    sha = hashlib.sha256(text.encode())
    for values in arrays:
        sha.update(f"{values.dtype} {values.shape}".encode())
        sha.update(np.ascontiguousarray(values))
    return sha.hexdigest()


def sources_digest(patterns):
    """sha256 of the version and of the sources that decide a bit: files of the package by patterns."""
    package, sha = Path(__file__).resolve().parent, hashlib.sha256(__version__.encode())
    for path in sorted(path for pattern in patterns for path in package.glob(pattern)):
        sha.update(path.read_bytes())
    return sha.hexdigest()
