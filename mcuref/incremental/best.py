"""The upper bound: trained on everything until it gets no better, whatever that costs."""

from collections.abc import Callable
from typing import Any

from mcuref.incremental import arrivals
from mcuref.incremental.expansion import ROW
from mcuref.incremental.learner import IncrementalLearner

PATIENCE = 2  # phases in which accuracy may fail to rise before it is taken to have reached its optimum


class BestLearner(IncrementalLearner):
    """A learner that is given held-out samples with every task, and trains to the optimum on those: ``joint-best``.

    It trains phase after phase of ``recipe.steps``, each with a learning-rate schedule of its own, until the accuracy on
    the held-out samples has not risen above its best in 2 phases; it ends with the parameters of the best one. Inferences of
    held-out samples are charged as verification. The copy of its best parameters lies outside of its plan.
    """

    def _checked_held_out(self, held_out, classes):
        x, y = arrivals.checked(self.network.input, *arrivals.pair(held_out), what="held-out samples")
        arrivals.all_there(y, classes)
        return x, y

    def _train_until(self, level, held_out, arrived):
        accuracy, state = until_best(self.train_phase, lambda: self.verify(held_out), self.program.state)
        self.program.restore(state)
        return dict.fromkeys(ROW) | {"measured": accuracy, "accuracy": accuracy, "growths": []}

    def train_phase(self) -> None:
        """One phase of training."""
        self.train(self.recipe.steps)


def until_best(
    train: Callable[[], Any], verify: Callable[[], float], state: Callable[[], dict[str, Any]]
) -> tuple[float, dict[str, Any]]:
    """Train until ``verify()`` has not risen above its best for `PATIENCE` times; (the best, ``state()`` of then).

    Parameters
    ----------
    train : callable(), one phase.
    verify : callable() -> accuracy.
    state : callable() -> what to go back to.
    """
    best, found, failed = -1.0, state(), 0
    while failed < PATIENCE:
        train()
        accuracy = verify()
        if accuracy > best:
            best, found, failed = accuracy, state(), 0
        else:
            failed += 1
    return best, found
