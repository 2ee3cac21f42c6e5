"""What goes to the terminal: results to stdout, progress to stderr, and word of what takes long."""

import io
import os
import sys
from contextlib import contextmanager

from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

WIDTH = 120  # of what goes to a file or pipe, where there is no terminal to ask


class _Console(Console):
    """Takes text as it is: a path may contain brackets and colons."""

    def __init__(self, **keywords):
        super().__init__(highlight=False, markup=False, emoji=False, **keywords)

    def on_broken_pipe(self):
        """The reader of a pipe went away: go on in silence, there may be files to write."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def prepare_streams():
    """Make stdout and stderr safe to write to: there although closed, and no character that they cannot show."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def show(*results):
    """Print results to stdout. A table is as wide as its numbers: a terminal may wrap it, but a cut number is wrong."""
    width = _Console().width if sys.stdout.isatty() else WIDTH
    for result in results:
        least = _least_width(result) if isinstance(result, Table) else 0
        _Console(width=max(width, least)).print(result)


def say(sentence):
    """Print a warning to stderr, on one line."""
    _Console(stderr=True).print("mcuref:", " ".join(str(sentence).split()), soft_wrap=True)


def warn(sentences):
    """Print warnings to stderr, a line each."""
    for sentence in sentences:
        say(sentence)


def _least_width(table):
    """Columns of a table at which nothing is cut that may not be wrapped."""
    roomy = _Console(width=10_000)
    for column in table.columns:
        if column.no_wrap:
            cells = (column.header, *column.cells)
            column.min_width = max(Measurement.get(roomy, roomy.options, cell).maximum for cell in cells)
    return Measurement.get(roomy, roomy.options, table).minimum


def prepare_kernels():
    """Load the compiled executor, or compile it and say so: the first time takes a while."""
    console = _Console(stderr=True)
    with console.status("loading kernels"):
        from mcuref.kernels.jit import CACHE, CACHED
        from mcuref.program import executor

        fresh = not CACHED or not any(CACHE.rglob("executor.*.nbc"))  # a folder not ours may not be looked into either
    if executor.is_compiled():
        return
    if fresh:
        often = "once for each version of mcuref" if CACHED else f"at every start, because {CACHE} cannot be written"
        console.print(f"compiling kernels for this machine ({often}, about half a minute)")
    with console.status("compiling kernels" if fresh else "loading kernels"):
        executor.compile_executor()


@contextmanager
def progress():
    """A callable (what, done, total) that draws a bar for all that is under way, on stderr if that is a terminal."""
    console = _Console(stderr=True)
    if not console.is_interactive:
        yield lambda what, done, total: None
        return
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks = {}

        def update(what, done, total):
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total, visible=done < total)

        yield update
