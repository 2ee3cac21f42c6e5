"""Pieces on the workers of a Dask cluster, wherever they are."""

import warnings
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from typing import Any

from mcuref.datasets.data import Data
from mcuref.errors import InputError
from mcuref.sources import same_sources
from mcuref.version import __version__

SECONDS = 10  # to find a scheduler, and for a worker to join it


class Cluster(Executor):
    """The executor of a Dask scheduler whose workers have the mcuref that this process has; to be used with ``with``.

    A piece whose worker is lost is done by another one.

    Parameters
    ----------
    address : str, of the scheduler, such as "tcp://host:8786".

    Raises
    ------
    InputError : ``distributed`` is not installed, nothing answers there, no worker has joined, or one has another mcuref.
    """

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ModuleNotFoundError:
            raise InputError(
                "a scheduler needs the package distributed: pip install '.[cluster]' in the clone of mcuref"
            ) from None
        self.address = address
        try:
            self._client = distributed.Client(address, timeout=SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError):
            raise InputError(
                f"no scheduler answers at {address!r} within {SECONDS} s; `dask scheduler` starts one and says its address"
            ) from None
        try:
            self._check()
        except BaseException:
            self._client.close()
            raise
        self._executor = self._client.get_executor(pure=False)

    def _check(self):
        """InputError unless there are workers, all of which have this mcuref."""
        try:
            self._client.wait_for_workers(1, timeout=SECONDS)
        except TimeoutError:
            raise InputError(
                f"scheduler {self.address!r} has no worker; `dask worker {self.address} --nthreads 1` starts one"
            ) from None

        def answer():  # sent as it is: a worker may have no mcuref
            try:
                from mcuref.sources import same_sources
            except ImportError:
                return None
            return same_sources()

        for worker, found in sorted(self._client.run(answer).items()):
            if found is None:
                raise InputError(f"worker {worker} has no mcuref {__version__}; install it there")
            if found != same_sources():
                raise InputError(another_mcuref(f"worker {worker}", found))

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Future[Any]:
        """A call, to be made by a worker."""
        return self._executor.submit(function, *arguments, **keywords)

    def shared(self, data: Data) -> Any:
        """Data to give to many calls: it goes to the cluster once, and again to workers that are lost with it."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")
            return self._client.submit(_itself, data, pure=False)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster, which goes on; what was not done is not done any more."""
        self._client.close()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Leave; InputError, one sentence, if what went wrong is the cluster."""
        from distributed import KilledWorker

        self.shutdown()
        if isinstance(error, KilledWorker):
            raise InputError(
                f"a piece was given up by scheduler {self.address!r}: {error.allowed_failures + 1} workers were lost while "
                "doing it (too little memory, or stopped)"
            ) from None
        if isinstance(error, CancelledError):
            raise InputError(f"scheduler {self.address!r} went away while pieces were being done") from None


def another_mcuref(who: str, found: tuple[str, str]) -> str:
    """The sentence for a process with other sources than this one, which are what it found."""
    differs = f"is {found[0]}, here it is {__version__}" if found[0] != __version__ else "has other sources than here"
    return f"the mcuref of {who} {differs}; all must have the same, or results could differ"


def _itself(data):
    return data
