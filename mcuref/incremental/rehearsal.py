"""Training on the memory: stored samples are brought back, moved a little, and shown; arriving ones may pass in between."""

import numpy as np

from mcuref.errors import InputError
from mcuref.kernels.random import REPLAY, SHUFFLE, permutation, philox

CHUNK = 4096  # samples that the host hands over at once; it decides no bit


def rehearse(learner, steps):
    """Show ``steps`` stored samples in a learning-rate schedule of their own: epoch after epoch, each in a new order."""
    slots, labels = learner.material()
    if not len(slots):
        raise InputError("there is nothing to train on yet; call learn(x, y), or add_classes and distil, first")
    done = 0
    while done < steps:
        order = permutation(len(slots), learner.seed, SHUFFLE + learner.epochs)[: steps - done]
        learner.epochs += 1
        learner.keep_order(order)
        for begin in range(0, len(order), CHUNK):
            part = order[begin : begin + CHUNK]
            _show(learner, learner.shown(slots[part]), labels[part], done, steps)
            done += len(part)
            learner.report_progress("training", done, steps)


def stream_with_replay(learner, x, y, tasks_before, old_classes):
    """Show arriving samples once, each followed by as many stored ones as there were tasks before; returns how many.

    Stored ones are those of the classes that were there before, ``old_classes`` of them; of all if none is new.
    """
    slots, labels = learner.material()
    if 0 < old_classes < len(learner.classes):
        slots, labels = slots[labels < old_classes], labels[labels < old_classes]
    replayed = tasks_before if len(slots) else 0
    index = {label: i for i, label in enumerate(learner.classes)}
    total, each = len(x) * (1 + replayed), 1 + replayed
    for begin in range(0, len(x), CHUNK // each + 1):
        new = slice(begin, min(begin + CHUNK // each + 1, len(x)))
        count = new.stop - begin
        samples = np.empty((count, each, *x.shape[1:]), x.dtype)
        answers = np.empty((count, each), np.int64)
        samples[:, 0], answers[:, 0] = x[new], [index[label] for label in y[new].tolist()]
        if replayed:
            draws = philox(learner.seed, REPLAY, count * each, learner.steps).astype(np.uint64)  # one a step
            chosen = ((draws * np.uint64(len(slots))) >> np.uint64(32)).astype(np.int64).reshape(count, each)[:, 1:]
            for i in range(count):
                samples[i, 1:] = learner.shown(slots[chosen[i]], i * each + 1)
            answers[:, 1:] = labels[chosen]
        _show(learner, samples.reshape(-1, *x.shape[1:]), answers.reshape(-1), begin * each, total)
    return total


def _show(learner, x, labels, first, total):
    learner.program.train(x, labels, first=first, total=total)
    learner.steps += len(x)
