"""What goes to the terminal: results to stdout, progress to stderr, and word of what takes long."""

import io
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.segment import SegmentLines
from rich.table import Table
from rich.text import Text

from mcuref.text import one_line, printable

WIDTH = 120  # of what goes to a file or pipe, where neither a terminal nor the environment variable COLUMNS says it
HELD = "\ue000"  # while lines are made, a space at which none ends; rich breaks at no-break spaces too


class _Console(Console):
    """Takes text as it is, a path may contain brackets and colons; but no text moves the cursor."""

    def __init__(self, **keywords):
        super().__init__(highlight=False, markup=False, emoji=False, **keywords)

    def render(self, renderable, options=None):
        """What everything that is printed comes through, piece by piece."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text.replace(HELD, " ")))

    def on_broken_pipe(self):
        """The reader of a pipe went away: go on in silence, there may be files to write."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def prepare_streams() -> None:
    """Make stdout and stderr safe to write to: there although closed, and no character that they cannot show."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def show(*results: Any, wide: bool = False) -> None:
    """Print results to stdout: of tables the columns that there is room for, or all of them.

    What is left of a table is as wide as its figures: a terminal may wrap it, but a cut number is wrong.
    """
    width = _width()
    for result in results:
        pieces = result.fitted(math.inf if wide else width) if hasattr(result, "fitted") else [result]
        for piece in pieces:
            _print(piece, width)


def _width():
    """The terminal's; else what COLUMNS says, if that is a width."""
    if sys.stdout.isatty():
        return _Console().width
    said = os.environ.get("COLUMNS", "")
    return int(said) if re.fullmatch("[1-9][0-9]{0,4}", said) else WIDTH


def _print(piece, width):
    """Print a str, rich Text or Table without spaces at the ends of lines."""
    if isinstance(piece, Table):
        roomy = _Console(width=100_000)
        width = max(width, Measurement.get(roomy, roomy.options, piece).maximum)
    else:
        piece = _held_together(piece)
    console = _Console(width=width)
    lines = [_without_end(line) for line in console.render_lines(piece, pad=False)]
    console.print(SegmentLines(lines, new_lines=True), end="")


def _held_together(piece):
    """A str or Text in which no line ends between a figure and its %."""
    text = Text(piece) if isinstance(piece, str) else piece.copy()
    text.plain = text.plain.replace(" %", f"{HELD}%")
    return text


def _without_end(line):
    """Segments of a line without the spaces at its end."""
    while line and not line[-1].text.rstrip():
        line = line[:-1]
    return [*line[:-1], line[-1]._replace(text=line[-1].text.rstrip())] if line else line


def first_time(what: str) -> bool:
    """Whether that was never shown to this user; from now on it was. Always, where that cannot be kept."""
    from mcuref.files import user_cache

    marker = user_cache() / f"{what}-shown"
    try:
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch(exist_ok=False)
    except OSError:
        return not os.path.exists(marker)
    return True


def say(sentence: object) -> None:
    """Print a warning to stderr, on one line."""
    _Console(stderr=True).print("mcuref:", one_line(sentence), soft_wrap=True)


def warn(sentences: Iterable[object]) -> None:
    """Print warnings to stderr, a line each."""
    for sentence in sentences:
        say(sentence)


def prepare_kernels(arithmetic: Any = None) -> None:
    """Load the compiled executor, or compile it and say so: the first time takes a while.

    arithmetic : :class:`mcuref.program.arithmetic.Arithmetic` whose programs it runs; float32 if None.
    """
    console = _Console(stderr=True)
    with console.status("loading kernels"):
        from mcuref.kernels.jit import STORE
        from mcuref.program import compiler, executor

        which = () if arithmetic is None else ("uint16", arithmetic)
        fresh = not executor.is_compiled(*which) and not executor.is_kept(*which)
    if fresh:
        how_often = f"at every start, because {_not_kept(STORE)}" if STORE.failure else "once for each version of mcuref"
        console.print(f"compiling kernels for this machine ({how_often}, about half a minute)")
    told = STORE.failure
    with console.status("compiling kernels" if fresh else "loading kernels"):
        compiler.prepare_executor(*which)
    if STORE.failure != told:
        console.print(f"kernels will be compiled at every start, because {_not_kept(STORE)}")


def _not_kept(store):
    return f"{store.folder} {store.failure}"


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
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
