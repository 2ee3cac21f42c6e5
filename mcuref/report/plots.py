"""Pictures of a program, with matplotlib (the ``plot`` extra)."""

from pathlib import Path

from mcuref.errors import InputError
from mcuref.files import new_file

COLOURS = {
    "weights": "#4e79a7", "activations": "#59a14f", "errors": "#e15759", "selection": "#f28e2b",
    "rule state": "#b07aa1", "input": "#76b7b2", "scratch": "#9c755f",
}  # fmt: skip


def draw_memory_map(program, file):
    """Draw SRAM offset against instruction, a rectangle a buffer, to a picture file.

    InputError if matplotlib is not installed, the file's ending is not a picture's, or it cannot be written.
    """
    try:
        import matplotlib.figure
    except ImportError:
        raise InputError('--map needs matplotlib; install it with: pip install "mcuref[plot]"') from None
    figure = matplotlib.figure.Figure(figsize=(10, 6), layout="constrained")
    kind, kinds = Path(file).suffix[1:].lower() or "png", sorted(figure.canvas.get_supported_filetypes())
    if kind not in kinds:
        raise InputError(f"picture {str(file)!r} ends with {kind!r}; it may be {', '.join(kinds)}")
    axes = figure.subplots()
    _rectangles(axes, program)
    names = [f"{i.layer}  {i.name.removesuffix('_f32')}" for i in program.instructions]
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=7)
    axes.axvline(program.plan.peak, color="black", linestyle=":", linewidth=1)
    axes.set(xlim=(-0.6, len(names) - 0.4), ylim=(0, program.plan.sram), ylabel="SRAM offset, bytes")
    axes.set_title(f"{program.network.name}, {program.rule.method}: {program.plan.sram:,} B of SRAM, peak dotted")
    handles = [matplotlib.patches.Patch(color=colour, label=name) for name, colour in COLOURS.items()]
    figure.legend(handles=handles, loc="outside right upper", fontsize=8)
    with new_file(file) as part:
        figure.savefig(part, dpi=120, format=kind)


def _rectangles(axes, program):
    """A rectangle from first to last instruction and from offset to offset + bytes; persistent ones span all."""
    rows = len(program.instructions)
    height = program.plan.sram
    for p in program.plan.placements:
        if p.buffer.region != "sram":
            continue
        first, last = (0, rows - 1) if p.buffer.persistent else (p.first, p.last)
        colour = COLOURS.get(p.buffer.category, "#bab0ac")
        middle = (first + last) / 2
        axes.bar(middle, p.buffer.size, last - first + 0.9, p.offset, color=colour, edgecolor="white", linewidth=0.5)
        if p.buffer.size > 0.03 * height:
            axes.text(middle, p.offset + p.buffer.size / 2, p.buffer.name, ha="center", va="center", fontsize=7)
