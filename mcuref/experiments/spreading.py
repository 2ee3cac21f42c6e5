"""Pieces of work on an executor: threads of this process, or processes wherever they are.

What comes out depends neither on the executor, nor on how many pieces it does at once, nor on their order.
"""

import os
import pickle
import platform
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from mcuref.datasets import load_part
from mcuref.datasets.data import Data
from mcuref.errors import InputError
from mcuref.experiments.cluster import Cluster, another_mcuref
from mcuref.experiments.parallel import cores
from mcuref.runs.fingerprint import data_digest
from mcuref.sources import same_sources

Results = dict[Hashable, Any]


@dataclass(frozen=True)
class Origin:
    """Where data comes from, for processes that load it themselves: arguments of `mcuref.datasets.load_part`."""

    place: str
    evaluate: str = "test"
    samples: int | None = None


class Owner(Protocol):
    """What pieces belong to: a table, with all that they share."""

    data: Data
    origin: Origin | None  # None: data goes to other processes as it is
    progress: Callable[[str, int, int], Any] | None

    def maker(self) -> Callable[[Data], "Owner"]:
        """What makes the same owner of the same data in another process; it can be pickled."""

    def begin(self) -> None:
        """Pieces are about to be done."""

    def stop(self) -> None:
        """Those that are under way in this process need not go on."""


class Piece(NamedTuple):
    """function(owner, *arguments), and behind these the result of the piece ``needs``, if it needs one.

    The function is one of a module; arguments and result can be pickled.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    needs: Hashable = None


def spread(
    owner: Owner,
    pieces: Mapping[Hashable, Piece],
    executor: Executor | None = None,
    known: Mapping[Hashable, Any] | None = None,
    arrived: Callable[[Hashable, Any], Any] | None = None,
) -> Results:
    """Results of pieces, {key: result}, in their order. The first that fails stops the others, and its error is raised.

    Parameters
    ----------
    owner : what they belong to; in other processes, one that is made of the same.
    pieces : {key: piece}.
    executor : any :class:`concurrent.futures.Executor`; None: threads on all cores that this process may use.
    known : {key: result} of pieces that were done before: these are not done again.
    arrived : callable(key, result) or None, called in this thread with each that was not known.
    """
    known = {} if known is None else known
    pool = ThreadPoolExecutor(cores()) if executor is None else executor
    owner.begin()
    try:
        results = _done(owner, pieces, pool, dict(known), arrived)
    except BaseException:  # one failed, or Ctrl-C
        owner.stop()
        raise
    finally:
        if executor is None:
            pool.shutdown(cancel_futures=True)
    return {key: results[key] for key in pieces}


def _done(owner, pieces, pool, results, arrived):
    """{key: result} of all pieces."""
    here = isinstance(pool, ThreadPoolExecutor)
    call = _caller(pool, owner, here)
    futures: dict[Future[Any], Hashable] = {}

    def submit(needed):
        for key, piece in pieces.items():
            if piece.needs == needed and key not in results:
                futures[call(piece.function, *piece.arguments, *([] if needed is None else [results[needed]]))] = key

    try:
        for needed in (None, *results):
            submit(needed)
        while futures:
            done, _ = wait(futures, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=_failed):  # what succeeded is not lost
                key = futures.pop(future)
                results[key] = future.result()
                if arrived:
                    arrived(key, results[key])
                submit(key)
            if owner.progress and not here:
                owner.progress("pieces", len(pieces) - sum(key not in results for key in pieces), len(pieces))
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    return results


def _failed(future):
    """Whether a future that is done has no result."""
    return future.cancelled() or future.exception() is not None


def _caller(pool, owner, here):
    """call(function, *arguments) -> future."""
    if here:
        return lambda function, *arguments: pool.submit(function, owner, *arguments)
    try:
        made = pickle.dumps(owner.maker())
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InputError(f"what is compared cannot be sent to another process: {error}") from None
    if owner.origin is None:
        known, data = None, pool.shared(owner.data) if isinstance(pool, Cluster) else owner.data
    else:
        known, data = (owner.origin, data_digest(owner.data)), None
    return lambda *work: pool.submit(done_elsewhere, pickle.dumps((made, known, work)), data, same_sources())


def done_elsewhere(call: bytes, data: Data | None, sources: tuple[str, str]) -> Any:
    """The result of a piece, in a process that does not have its owner.

    call : pickle of (what makes the owner, origin and digest of the data or None, (function, *arguments)).
    data : None if it is loaded here.
    sources : those of whoever asks; InputError if others are here.
    """
    if sources != same_sources():
        raise InputError(another_mcuref(_here(), same_sources()))
    made, known, (function, *arguments) = pickle.loads(call)
    return function(_owner(made, _loaded(*known) if data is None else data), *arguments)


@lru_cache(maxsize=2)
def _owner(made, data):
    """The owner that bytes make of data: once for all pieces of a table."""
    return pickle.loads(made)(data)


@lru_cache(maxsize=2)
def _loaded(origin, digest):
    """Data by its origin; InputError if it is not that of whoever asks."""
    try:
        data = load_part(origin.place, origin.evaluate, origin.samples)
    except InputError as error:
        raise InputError(f"{_here()} cannot load the data: {error}") from None
    if data_digest(data) != digest:
        raise InputError(f"{_here()} has other data under the name {origin.place!r}; it must be the same everywhere")
    return data


def _here():
    """This process, for error sentences."""
    return f"worker {os.getpid()} on {platform.node()}"
