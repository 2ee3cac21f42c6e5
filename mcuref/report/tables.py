"""Tables for people that fit a width: the columns that matter least go first, no row wraps, and no figure is cut."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isinf

from rich import box
from rich.cells import cell_len
from rich.console import JustifyMethod, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from mcuref.text import one_line

GAP = 2  # spaces between columns
NARROWEST = 12  # of a column of text that is folded, where nothing else can go
NAMED = 8  # columns that went and are named, before the others are counted


@dataclass(frozen=True, eq=False)
class Column:
    """A column, declared once with all that is said of it.

    Parameters
    ----------
    head : its title, of one line or two. The first column of a table is text, aligned left, and so is one with "<" before
        its title; others are figures.
    goes : its turn to go where a table is too wide, from 1 on; 0 stays.
    means : what its figures are, for the note below the table; empty where the title says it.
    explained : the same in a line for somebody who sees such a table for the first time.
    """

    head: str
    goes: int = 0
    means: str = ""
    explained: str = ""

    @property
    def title(self) -> list[str]:
        """The lines of its title."""
        return self.head.removeprefix("<").split("\n")

    @property
    def name(self) -> str:
        """Its title in a sentence."""
        return " ".join(filter(None, self.title))


class Table:
    """Rows under columns; what is printed of it is `fitted`."""

    def __init__(self, *columns: Column) -> None:
        self.columns, self.rows, self._ends = columns, [], set()

    def add_row(self, *cells: object) -> None:
        """A cell a column: str, or rich Text where it has a style."""
        self.rows.append([cell if isinstance(cell, Text) else Text(one_line(cell)) for cell in cells])

    def add_section(self) -> None:
        """An empty line before the next row."""
        self._ends.add(len(self.rows) - 1)

    def shown(self, width: float) -> list[Column]:
        """The columns that a width, which may be infinite, has room for."""
        widths = self._widths()
        for column in sorted((c for c in self.columns if c.goes), key=lambda c: c.goes):
            if _total(widths.values()) <= width:
                break
            del widths[column]
        return list(widths)

    def fitted(self, width: float) -> Iterator[RenderableType]:
        """What is printed: the rows with the columns that fit, and which did not."""
        shown = self.shown(width)
        widths = self._folded(shown, width)
        grid = Grid(box=box.SIMPLE_HEAD, header_style="bold", show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
        for column in shown:
            side: JustifyMethod = "left" if self._is_text(column) else "right"
            grid.add_column("\n".join(column.title), justify=side, width=widths[column], overflow="fold")
        picked = [self.columns.index(column) for column in shown]
        for i, row in enumerate(self.rows):
            grid.add_row(*(row[j] for j in picked), end_section=i in self._ends)
        yield from (Text(), grid, Text())
        missing = [column.name for column in self.columns if column not in shown]
        if missing:
            more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
            yield note(f"--wide shows also: {', '.join(missing[:NAMED])}{more}")

    def legend(self, *others: str, explain: bool = False) -> "Legend":
        """What the columns mean, as far as they are shown, after what ``others`` say; or each explained on its line."""
        return Legend(self, others, explain)

    def _is_text(self, column):
        return column is self.columns[0] or column.head.startswith("<")

    def _widths(self):
        """{column: cells that it takes}."""
        cells = ([*column.title, *(row[i].plain for row in self.rows)] for i, column in enumerate(self.columns))
        return {column: max(map(cell_len, texts)) for column, texts in zip(self.columns, cells)}

    def _folded(self, columns, width):
        """Their widths; where a name that somebody gave leaves no room for the figures, that of the longest text smaller."""
        widths = {column: taken for column, taken in self._widths().items() if column in columns}
        excess = _total(widths.values()) - width
        longest = max((c for c in columns if self._is_text(c)), key=widths.get)
        if excess > 0:
            widths[longest] = max(widths[longest] - excess, min(widths[longest], NARROWEST))
        return widths


def _total(widths):
    return sum(widths) + GAP * (len(widths) - 1)


class WideTable(Table):
    """A table that only --wide shows.

    Parameters
    ----------
    name : str, by which a line says that it is there.
    columns : as of :class:`Table`.
    """

    def __init__(self, name: str, *columns: Column) -> None:
        super().__init__(*columns)
        self.name = name

    def shown(self, width: float) -> list[Column]:
        """All columns, or none."""
        return list(self.columns) if isinf(width) else []

    def fitted(self, width: float) -> Iterator[RenderableType]:
        """What is printed: the rows, or that there are some."""
        if isinf(width):
            yield from super().fitted(width)
        else:
            yield note(f"--wide shows also: {self.name}")


@dataclass(frozen=True)
class Legend:
    """What the columns of a table mean, as far as they are shown."""

    table: Table
    others: tuple[str, ...]
    explain: bool

    def fitted(self, width: float) -> Iterator[Text]:
        """What is printed at a width."""
        shown = self.table.shown(width)
        if self.explain:
            yield from _explanations([column for column in shown if column.explained])
            yield from map(Text, self.others)
            return
        meant = {}
        for column in shown:
            meant.setdefault(column.means, []).append(column.name)
        meant.pop("", None)
        said = [*self.others, *(f"{', '.join(names)}: {means}" for means, names in meant.items())]
        if said:
            yield note("; ".join(said))


Printed = Text | Table | Legend  # what the tables of a command consist of


def _explanations(columns):
    """A line each."""
    longest = max(len(column.name) for column in columns)
    for column in columns:
        yield Text(f"{column.name:<{longest}}  {column.explained}")


def note(text: str) -> Text:
    """A line below a table, dim."""
    return Text(text, style="dim")


def percent(fraction: float | None, digits: int = 1) -> str:
    """A share as people read it; - where there is none."""
    return "-" if fraction is None else f"{100 * fraction:.{digits}f} %"


def extents(shape: Iterable[int]) -> str:
    """A shape as people read it: 28x28x1."""
    return "x".join(map(str, shape))


def warnings_below(sentences: Iterable[str]) -> list[Text]:
    """Lines below a table, of what is wrong with it."""
    return [Text(f"warning: {sentence}", style="bold yellow") for sentence in sentences]
