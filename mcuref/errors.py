"""Every error that mcuref raises on purpose: one clear sentence, fit to be printed to a person as it is."""

from typing import Any

REMEDY = "try a smaller learning rate or check the data's scale"


class McurefError(Exception):
    """Base of all deliberate errors; the command line prints the sentence and exits with status 2."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as it is, sentence and attributes: it may come from another process."""
        return _again, (type(self), self.args, self.__dict__)


class InputError(McurefError, ValueError):
    """Something the caller gave is wrong: the sentence names the thing, its value, and what would be right."""


class MissingData(InputError):
    """A data set is not on this machine: the sentence says which command brings it."""


class NonFiniteError(McurefError, ArithmeticError):
    """A layer's error (gradient at its pre-activation output) became NaN or infinite while training.

    The layer and those below it were left as they were before the sample.

    Attributes
    ----------
    layer : str, the layer whose error is not finite.
    sample : int, position in the training order (0-based) of the sample.
    """

    def __init__(self, layer: str, sample: int) -> None:
        self.layer, self.sample = layer, sample
        super().__init__(
            f"the error of layer {layer!r} became NaN or infinite at sample {sample}; its weights and those below "
            f"were left as they were before that sample ({REMEDY})"
        )


class DivergedError(McurefError, ArithmeticError):
    """The outputs of a trained network are NaN or infinite: the last updates went too far to be seen as an error."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"the network's outputs are NaN or infinite after epoch {epoch} ({REMEDY})")


def _again(kind, arguments, attributes):
    """An error as it was."""
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(attributes)
    return error
