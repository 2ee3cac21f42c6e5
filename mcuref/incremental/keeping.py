"""An experiment in a folder: what every seed and strategy has come to, after each task; killed, it goes on from there."""

import copy
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from mcuref import plain
from mcuref.errors import InputError
from mcuref.incremental.charges import STAGES as CHARGED
from mcuref.incremental.state import State
from mcuref.layers.layer import Layer
from mcuref.program.program import Program
from mcuref.runs import checkpoints
from mcuref.runs.fingerprint import digest, same_run, sources_digest, unusable

# Text that decides what an experiment comes to, beside its data and settings and the layers and kernels of its models; those
# that distil and store, and those of a layer that may be put in, are always among them
SOURCES = (
    *(f"kernels/{name}.py" for name in ("augment", "load", "matching", "packing", "random")),
    *(f"layers/{name}.py" for name in ("activations", "conv", "dense")),
    *(f"operations/{name}.py" for name in ("conv", "dense", "relu")),
    "cost/*.py", "cost/measured/*", "program/*.py", "program/arithmetic/*.py", "incremental/*.py", "optimisers.py",
    "rules.py", "network.py", "calibration.py", "quantization/*.py",
)  # fmt: skip

TASK = {  # of a row of results, what is read of it again
    **dict.fromkeys(("task", "inference_macs", "stored_bytes", "sram", "flash"), int),
    **dict.fromkeys(("classes", "widths"), [int]), "per_task": [float],
    "accuracy": float, "held_out_accuracy": float, "criterion": (float, None), "verified": (float, None),
    "criterion_met": (bool, None), "stopped": (str, None),
}  # fmt: skip
STATE = {  # of a learner, beside its arrays
    "layers": list, "classes": [int], "history": [dict], "storage": dict, "peaks": {"sram": int, "flash": int},
    "macs": dict.fromkeys(CHARGED, int), "instructions": dict.fromkeys(CHARGED, (float, None)), "unmeasured": [str],
}  # fmt: skip

Kept = tuple[list[dict[str, Any]], list[list[float]], State]  # task rows, rows of the accuracy matrix, and where it stands


class ExperimentCheckpoints:
    """Writes a checkpoint after every task of every seed, and finds the last one.

    Parameters
    ----------
    folder : path of the run folder.
    fingerprint : dict, as :func:`fingerprint` makes it.
    warn : callable(sentence), for a damaged checkpoint.
    """

    def __init__(self, folder: Path | str, fingerprint: dict[str, str], warn: Callable[[str], Any]) -> None:
        self.folder, self.fingerprint, self._lock = folder, fingerprint, threading.Lock()
        self._done, self._arrays = {}, {}
        found = checkpoints.load(folder, warn)
        if found:
            header, arrays = found
            same_run(folder, header.get("fingerprint") if isinstance(header, dict) else None, fingerprint)
            try:
                plain.check(header, {"done": {str: {"rows": list, "matrix": list, "plain": dict}}})
                plain.check_limits(header)
            except ValueError as error:
                raise self.unusable(error) from None
            self._done, self._arrays = header["done"], arrays

    def unusable(self, reason: Any) -> InputError:
        """The error for a checkpoint that is whole, but not one of this experiment."""
        return unusable(self.folder, reason)

    def kept(self, seed: int, strategy: str) -> Kept | None:
        """(task rows, accuracy matrix rows, learner's state) of a strategy that was begun, or None."""
        key = f"{seed}/{strategy}"
        if key not in self._done:
            return None
        kept = copy.deepcopy(self._done[key])
        arrays = {n.removeprefix(f"{key}/"): v for n, v in self._arrays.items() if n.startswith(f"{key}/")}
        return kept["rows"], kept["matrix"], (kept["plain"], arrays)

    def keep(self, seed: int, strategy: str, rows: list[dict[str, Any]], matrix: list[list[float]], state: State) -> None:
        """Write a checkpoint with where this strategy stands now and where the others stood."""
        key, (plain, arrays) = f"{seed}/{strategy}", state
        with self._lock:
            self._done = _in_order(self._done | {key: copy.deepcopy({"rows": rows, "matrix": matrix, "plain": plain})})
            others = {name: values for name, values in self._arrays.items() if not name.startswith(f"{key}/")}
            self._arrays = _in_order(others | {f"{key}/{name}": values for name, values in arrays.items()})
            checkpoints.save(self.folder, {"fingerprint": self.fingerprint, "done": self._done}, self._arrays)


def _in_order(entries):
    """Sorted by seed and strategy: seeds run side by side, and which comes first must not show."""

    def place(entry):
        seed, _, rest = entry[0].partition("/")
        return len(seed), seed, rest  # a shorter number is a smaller one

    return dict(sorted(entries.items(), key=place))


def check_kept(tasks: int, rows: Any, matrix: Any, state: Any, judged: int | None = None) -> None:
    """ValueError unless this is what came of the first tasks of so many, and a learner's state.

    judged : int, accuracies after each task; None: one a task.
    """
    plain.check(rows, [TASK | {"raw_pool_bytes": int}], "a row of results")
    plain.check(matrix, [[float]], "its accuracy matrix")
    plain.check(state, STATE, "its state")
    if len(rows) != len(matrix) or len(rows) > tasks or any(len(row) != (judged or tasks) for row in matrix):
        raise ValueError(f"it does not have a figure for each of the {tasks} tasks")


def fingerprint(
    data_digest: str, asked: Mapping[str, Any], programs: Iterable[Program], parameters: Iterable[NDArray[Any]] = ()
) -> dict[str, str]:
    """What decides an experiment, as sha256 by what it is: sources, data, and what was asked for.

    programs : whose layers and operators its models have.
    parameters : that models have which come with their own.
    """
    instructions = [instruction for program in programs for instruction in program.instructions]
    layers = {layer_sources(layer) for program in programs for layer in program.network.layers}
    return {
        "mcuref": sources_digest((*SOURCES, *layers), instructions),
        "data": data_digest,
        "program": digest(repr(sorted(asked.items())), parameters),
    }


def layer_sources(layer: Layer) -> str:
    """The file of a layer's class, from the package on; of one that is not the package's own, a name that no file has."""
    return type(layer).__module__.removeprefix("mcuref.").replace(".", "/") + ".py"
