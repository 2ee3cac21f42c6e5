"""Training on the memory: stored samples are brought back, moved a little, and shown; arriving ones may pass in between."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError
from mcuref.incremental.augmentation import Augmentation
from mcuref.incremental.rests import resting
from mcuref.incremental.store import Progress, Store
from mcuref.kernels.random import REPLAY, SHUFFLE, permutation, philox
from mcuref.layers import Input
from mcuref.program.program import Program

CHUNK = 4096  # samples that the host hands over at once; it decides no bit


class Rehearsal:
    """Shows stored samples to programs; how many it has shown decides orders, draws and augmentation of the next.

    Parameters
    ----------
    augmentation : :class:`mcuref.incremental.augmentation.Augmentation` of stored samples.
    layer : Input layer of the programs.
    seed : int.

    Attributes
    ----------
    steps, epochs, augmented_values, rested : int, samples shown, orders drawn, values written by augmentation, and stored
        samples whose turn it was but that rested, which count as shown, so far.
    learnt : float, share of the stored samples that were learnt when training last ended: in its last steps, one for each
        stored sample, those whose class had more than half of the probability (loss < ln 2) before the step, as they were
        shown; one that rests is learnt. If all steps went to arriving samples and stored ones between them, of the last of
        these, drawn at random. 0.0 before any training, and if it was of arriving samples alone.
    """

    def __init__(self, augmentation: Augmentation, layer: Input, seed: int) -> None:
        self.augmentation, self.layer, self.seed = augmentation, layer, seed
        self.steps = self.epochs = self.augmented_values = self.rested = 0
        self.learnt = 0.0

    def rehearse(self, program: Program, samples: Store, steps: int, progress: Progress) -> None:
        """Show ``steps`` stored samples in a learning-rate schedule of their own: epoch after epoch, each in a new order.

        Parameters
        ----------
        program : :class:`mcuref.program.program.Program` that trains.
        samples : what holds them, see :mod:`mcuref.incremental.store`.
        progress : callable(what, done, total).
        """
        slots, labels = samples.material()
        if not len(slots):
            raise InputError("there is nothing to train on yet; call learn(x, y), or add_classes and distil, first")
        done, learnt = 0, np.zeros(0, bool)
        while done < steps:
            order = permutation(len(slots), self.seed, SHUFFLE + self.epochs)[: steps - done]
            samples.keep_order(order)
            for begin in range(0, len(order), CHUNK):
                part = order[begin : begin + CHUNK]
                shown = self._rehearse_part(program, samples, slots[part], labels[part], (done, steps))
                learnt = np.concatenate([learnt, shown])[-len(slots) :]
                done += len(part)
                progress("training", done, steps)
            self.epochs += 1
        self.learnt = float(np.mean(learnt))

    def _rehearse_part(self, program, samples, slots, labels, place):
        """Show the samples of these slots; bool[S], which are learnt.

        Those that rest are not brought back, another one stands in their place.
        """
        awake = ~resting(program, slots, self.epochs) if samples.in_plan else np.ones(len(slots), bool)
        if not awake.any():
            awake[0] = True
        x = self._moved(samples.raw(slots[awake]), among=awake)
        order = np.maximum(np.cumsum(awake) - 1, 0)
        return self._show(program, x, labels[awake], place, slots if samples.in_plan else -1, len(slots), order)

    def stream(
        self,
        program: Program,
        samples: Store,
        arriving: tuple[NDArray[Any], NDArray[np.int64]],
        replayed: int,
        old_classes: int,
    ) -> int:
        """Show arriving samples once, each followed by ``replayed`` stored ones; returns how many were shown in all.

        Parameters
        ----------
        program, samples : as for :meth:`rehearse`.
        arriving : (x, classes), raw samples and the indices of their classes.
        old_classes : int, replayed are samples of so many classes, which were there before; 0 for all.
        """
        (x, classes), (slots, labels), learnt = arriving, samples.material(), np.zeros(0, bool)
        if old_classes:
            slots, labels = slots[labels < old_classes], labels[labels < old_classes]
        replayed = replayed if len(slots) else 0
        total, each = len(x) * (1 + replayed), 1 + replayed
        for begin in range(0, len(x), CHUNK // each + 1):
            new = slice(begin, min(begin + CHUNK // each + 1, len(x)))
            count = new.stop - begin
            shown = np.empty((count, each, *x.shape[1:]), x.dtype)
            answers, index = np.empty((count, each), np.int64), np.full((count, each), -1, np.int64)
            shown[:, 0], answers[:, 0] = x[new], classes[new]
            if replayed:
                draws = philox(self.seed, REPLAY, count * each, self.steps).astype(np.uint64)  # one a step
                chosen = ((draws * np.uint64(len(slots))) >> np.uint64(32)).astype(np.int64).reshape(count, each)[:, 1:]
                for i in range(count):
                    shown[i, 1:] = self._moved(samples.raw(slots[chosen[i]]), i * each + 1)
                answers[:, 1:] = labels[chosen]
                index[:, 1:] = slots[chosen] if samples.in_plan else -1
            flat = shown.reshape(-1, *x.shape[1:]), answers.reshape(-1)
            right = self._show(program, *flat, (begin * each, total), index.reshape(-1), count * replayed)
            learnt = np.concatenate([learnt, right.reshape(count, each)[:, 1:].reshape(-1)])[-max(1, len(slots)) :]
        self.learnt = float(np.mean(learnt)) if len(learnt) else 0.0
        return total

    def _moved(self, x, ahead=0, among=None):
        """Stored samples as they are shown ``ahead`` steps from now, or at some among the next steps: moved, scaled."""
        return self.augmentation.apply(self.layer, x, self.seed, self.steps + ahead, among)

    def _show(self, program, x, labels, place, index, replayed, order=None):
        """Train; bool[S], which had more than half of the probability.

        place: (first, total) in the schedule; index: slots, -1 of what has none; ``replayed`` are stored ones.
        """
        first, total = place
        shown = program.train(x, labels, order, first=first, total=total, index=index, epoch=self.epochs)
        rested = int(shown.rested.sum())
        self.steps += len(shown.rested)
        self.rested += rested
        self.augmented_values += self.augmentation.active * (replayed - rested) * self.layer.size
        losses = program.arithmetic.losses(program.network, program.loss, shown.losses)
        return shown.rested | (losses < math.log(2))  # what a rest leaves as its loss, 0, is no loss in every arithmetic
