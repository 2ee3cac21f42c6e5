"""What goes to the terminal: tables to stdout, progress to stderr, and word of what takes long."""

import sys
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

WIDTH = 120  # of a table that goes to a file or pipe, where there is no terminal to ask


def stdout():
    """Console for results."""
    return Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)


def stderr():
    """Console for progress and notes."""
    return Console(stderr=True, highlight=False)


def prepare_kernels():
    """Load the compiled executor, or compile it and say so: the first time takes a while."""
    console = stderr()
    with console.status("loading kernels"):
        from mcuref.kernels.jit import CACHE
        from mcuref.program import executor

        fresh = not any(CACHE.rglob("executor.*.nbc"))
    if executor.is_compiled():
        return
    if fresh:
        console.print("compiling kernels for this machine (once for each version of mcuref, about a quarter of a minute)")
    with console.status("compiling kernels" if fresh else "loading kernels"):
        executor.compile_executor()


@contextmanager
def progress():
    """A callable (what, done, total) that draws one bar after the other, on stderr."""
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr(), transient=True) as bars:
        tasks = {}

        def update(what, done, total):
            if what not in tasks:
                for task in tasks.values():
                    bars.update(task, visible=False)
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield update
