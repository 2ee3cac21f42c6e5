"""Pictures of a program, with matplotlib (the ``plot`` extra), and what all pictures share."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from mcuref.errors import InputError, McurefError
from mcuref.files import new_file
from mcuref.memory.buffers import CATEGORIES
from mcuref.models import label
from mcuref.names import hint, near
from mcuref.program.program import Program
from mcuref.text import one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure


DPI = 120


def draw_memory_map(program: Program, file: Path | str) -> None:
    """Draw SRAM offset against instruction, a rectangle a buffer, to a picture file: the part that buffers share.

    InputError if matplotlib is not installed, the file's ending is not a picture's, or it cannot be written.
    """
    with drawing(file):
        content = rendered(_memory_map(program), file)
    with new_file(file) as part:
        part.write_bytes(content)


def _memory_map(program):
    figure = new_figure(10, 6)
    axes = figure.subplots()
    sharing = [p for p in program.plan.placements if p.buffer.region == "sram" and not p.buffer.persistent]
    _rectangles(axes, sharing, program.plan)
    names = [f"{i.layer}  {i.operator.family}" for i in program.instructions]
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=7)
    axes.axvline(program.plan.peak, color="black", linestyle=":", linewidth=1)
    base = min((p.offset for p in sharing), default=program.plan.sram)
    axes.set(xlim=(-0.6, len(names) - 0.4), ylim=(base, program.plan.sram), ylabel="offset in SRAM, bytes")
    axes.set_title(
        f"{one_line(label(program.network.name))}, {program.rule.method}: {program.plan.sram:,} B of SRAM\n"
        f"{base:,} B of weights and state lie below; {program.plan.sram - base:,} B are shared over time; peak dotted",
        fontsize=10,
    )
    from matplotlib.patches import Patch

    handles = [
        Patch(color=shown.colour, label=name)
        for name, shown in CATEGORIES.items()
        if any(p.buffer.category == name for p in sharing)
    ]
    figure.legend(handles=handles, loc="outside right upper", fontsize=8)
    return figure


def _rectangles(axes, placements, plan):
    """A rectangle from first to last instruction and from offset to offset + bytes; results in place on top."""
    for p in placements:
        middle, width = (p.first + p.last) / 2, p.last - p.first + 0.9
        colour = CATEGORIES[p.buffer.category].colour
        axes.bar(middle, p.buffer.size, width, p.offset, color=colour, edgecolor="white", linewidth=0.5)
        if p.buffer.size > 0.03 * plan.shared("sram") and width > 1:
            axes.text(middle, p.offset + p.buffer.size / 2, p.buffer.name, ha="center", va="center", fontsize=7)


# -- what all pictures share ------------------------------------------------------------------------------------------


@contextmanager
def drawing(what: object) -> Iterator[None]:
    """Whatever goes wrong while a picture is drawn, in fonts and memory too, is an InputError; text is taken as it is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of characters that the font lacks
            with _literal_text():
                yield
    except McurefError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"picture {str(what)!r} cannot be drawn: {reason}") from None


def _literal_text():
    """Matplotlib takes no text for mathematics, for a while; without it nothing, and :func:`new_figure` says so."""
    try:
        from matplotlib import rc_context
    except ImportError:
        return nullcontext()
    return rc_context({"text.parse_math": False, "text.usetex": False})


def rendered(figure: Figure, file: Path | str) -> bytes:
    """Bytes of a picture of the kind that the file's ending says."""
    content = io.BytesIO()
    figure.savefig(content, dpi=DPI, format=picture_kind(figure, file))
    return content.getvalue()


def new_figure(width: float, height: float) -> Figure:
    """A figure of a size in inches; InputError if matplotlib is not installed."""
    try:
        import matplotlib.figure
    except ImportError:
        raise InputError("pictures need matplotlib; install it with: pip install '.[plot]' in the clone of mcuref") from None
    return matplotlib.figure.Figure(figsize=(width, height), layout="constrained")


def picture_kind(figure: Figure, file: Path | str) -> str:
    """What kind of picture a file's ending says, PNG without one; InputError if it is none."""
    kind, kinds = Path(file).suffix[1:].lower() or "png", sorted(figure.canvas.get_supported_filetypes())
    if kind not in kinds:
        may_be = hint(near(kind, kinds), f"it may be {', '.join(kinds)}")
        raise InputError(f"picture {str(file)!r} ends with {kind!r}{may_be}")
    return kind
