"""Pictures of a program, with matplotlib (the ``plot`` extra)."""

from pathlib import Path

from mcuref.errors import InputError
from mcuref.files import new_file

COLOURS = {"input": "#76b7b2", "activations": "#59a14f", "errors": "#e15759", "selection": "#f28e2b"}


def draw_memory_map(program, file):
    """Draw SRAM offset against instruction, a rectangle a buffer, to a picture file: the part that buffers share.

    InputError if matplotlib is not installed, the file's ending is not a picture's, or it cannot be written.
    """
    figure = new_figure(10, 6)
    kind = picture_kind(figure, file)
    axes = figure.subplots()
    sharing = [p for p in program.plan.placements if p.buffer.region == "sram" and not p.buffer.persistent]
    _rectangles(axes, sharing, program.plan)
    names = [f"{i.layer}  {i.name.removesuffix('_f32')}" for i in program.instructions]
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=7)
    axes.axvline(program.plan.peak, color="black", linestyle=":", linewidth=1)
    base = min((p.offset for p in sharing), default=program.plan.sram)
    axes.set(xlim=(-0.6, len(names) - 0.4), ylim=(base, program.plan.sram), ylabel="offset in SRAM, bytes")
    axes.set_title(
        f"{program.network.name}, {program.rule.method}: {program.plan.sram:,} B of SRAM\n"
        f"{base:,} B of weights and state lie below; {program.plan.sram - base:,} B are shared over time; peak dotted",
        fontsize=10,
    )
    from matplotlib.patches import Patch

    handles = [
        Patch(color=colour, label=name)
        for name, colour in COLOURS.items()
        if any(p.buffer.category == name for p in sharing)
    ]
    figure.legend(handles=handles, loc="outside right upper", fontsize=8)
    with new_file(file) as part:
        figure.savefig(part, dpi=120, format=kind)


def _rectangles(axes, placements, plan):
    """A rectangle from first to last instruction and from offset to offset + bytes; results in place on top."""
    for p in placements:
        middle, width = (p.first + p.last) / 2, p.last - p.first + 0.9
        axes.bar(
            middle, p.buffer.size, width, p.offset, color=COLOURS[p.buffer.category], edgecolor="white", linewidth=0.5
        )
        if p.buffer.size > 0.03 * plan.shared("sram") and width > 1:
            axes.text(middle, p.offset + p.buffer.size / 2, p.buffer.name, ha="center", va="center", fontsize=7)


def new_figure(width, height):
    """A figure of a size in inches; InputError if matplotlib is not installed."""
    try:
        import matplotlib.figure
    except ImportError:
        raise InputError("pictures need matplotlib; install it with: pip install '.[plot]' in the clone of mcuref") from None
    return matplotlib.figure.Figure(figsize=(width, height), layout="constrained")


def picture_kind(figure, file):
    """What kind of picture a file's ending says, PNG without one; InputError if it is none."""
    kind, kinds = Path(file).suffix[1:].lower() or "png", sorted(figure.canvas.get_supported_filetypes())
    if kind not in kinds:
        raise InputError(f"picture {str(file)!r} ends with {kind!r}; it may be {', '.join(kinds)}")
    return kind
