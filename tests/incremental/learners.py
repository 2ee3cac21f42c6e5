"""Small learners, tasks for them, and all that they are, to compare."""

import hashlib
import json

import numpy as np
from hypothesis import Phase, settings

from mcuref import Dense, Input, Network, ReLU
from mcuref.incremental.criterion import Criterion, Verification
from mcuref.incremental.distillation import Distillation
from mcuref.incremental.learner import IncrementalLearner
from mcuref.incremental.plans import LearnerPlans
from mcuref.incremental.recipe import Recipe

QUICK = Distillation(embeddings=2, iterations=4, group=3, stream=30)
LABELS = (7, 3, 100, 0, 12, 5)  # of the user's, in the order in which they arrive
TASKS = ((7, 3), (100,), (0, 12, 5))
HELD_OUT = Verification("held-out")
NEVER, ALWAYS = Criterion(1.0), Criterion(0.0)


def few(count):
    phases = (Phase.explicit, Phase.generate)  # an example is slow: it is not made smaller
    return settings(max_examples=count, deadline=None, database=None, derandomize=True, phases=phases)


def recipe(**given):
    return Recipe(
        **{"steps": 200, "per_class": 4, "learning_rate": 0.05, "distillation": QUICK, "verification": HELD_OUT} | given
    )


def network(*widths, seed=3):
    hidden = [layer for width in widths or (6,) for layer in (Dense(width), ReLU())]
    return Network([Input((9,)), *hidden, Dense(6)], seed=seed)


def blobs(labels, each=25, seed=0, spread=0.3):
    """(x, y): a cloud a label, in turns; clouds stay where they are from call to call."""
    random, y = np.random.default_rng(seed), np.tile(labels, each)
    centres = np.random.default_rng(99).normal(size=(101, 9))
    return (centres[y] + spread * random.normal(size=(len(y), 9))).astype(np.float32), y


def learner(*widths, most=6, budget=None, criterion=None, grow=None, largest=None, seed=5, embedding=None, **given):
    return IncrementalLearner(
        network(*widths),
        most,
        recipe=recipe(**given),
        criterion=criterion,
        expansion=grow,
        largest=largest,
        budget=budget,
        seed=seed,
        embedding=embedding,
    )


def learn(made, number, **given):
    """Task number 0, 1, 2 of TASKS."""
    known = [label for task in TASKS[: number + 1] for label in task]
    return made.learn(*blobs(TASKS[number], seed=number), held_out=blobs(known, 10, seed=50 + number), **given)


def taught(tasks=2, *widths, **given):
    made = learner(*widths, **given)
    for number in range(tasks):
        learn(made, number)
    return made


def sha(values):
    """A digest of bytes: what pytest can show the difference of in no time."""
    return hashlib.sha256(np.ascontiguousarray(values)).hexdigest()[:16]


def bits(made):
    """All of a learner's state: plain data as JSON, arrays with their types and a digest of their bytes."""
    plain, arrays = made.state()
    return json.dumps(plain, sort_keys=True), {n: (str(v.dtype), v.shape, sha(v)) for n, v in arrays.items()}


def whole(made):
    """The state, the very arena, and what is in it."""
    return bits(made), id(made.memory), id(made.samples), sha(made.memory.arena.bytes)


def least(made):
    """{region: bytes} that a learner is refused below: with all classes, and with old and new outputs of the last one."""
    free, most = LearnerPlans(made.layout, None, made.seed), made.most_classes
    without = free.memory(made.network, most - 1)
    plans = [free.memory(made.network, most, replaces).plan for replaces in (None, without)]
    return {region: max(getattr(plan, region) for plan in plans) for region in ("sram", "flash")}
