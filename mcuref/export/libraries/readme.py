"""README.txt of a library: how to use it, what keeps the bits, how to keep what was learned."""

from mcuref.export.advice import INTERRUPTS, keeping, memory
from mcuref.export.libraries.layouts import EXAMPLE, Layout
from mcuref.export.libraries.record import FLAGS, Record
from mcuref.export.material import Material
from mcuref.export.readme import calls, sample
from mcuref.version import __version__

WHERE = "The example uses it: keep.c is its driver."


def readme(material: Material, record: Record, layout: Layout) -> str:
    """The text."""
    head = f"{record.name}: {record.title}"
    folder = layout.example.partition("/")[0]
    return f"""{head}
{"=" * len(head)}

A network that runs, and goes on learning, on a microcontroller: C99 without heap, recursion or C library, as a library for
{layout.title}. Made by mcuref {__version__}; the same bits as there. To check it, here:

    {layout.check.format(name=record.name)}

{layout.use.format(name=record.name, option=record.option)}

The first thing to run on a board is {folder}/{EXAMPLE}: it trains on samples that are compiled in, and compares what came of
it with what mcuref computed, bit by bit. "self-check: the bits of mcuref" has to be its first line. Then it infers and
trains, and saves what it learned.

In a firmware of your own:

    #include "model.h"
    static uint32_t arena[MODEL_SRAM_BYTES / 4];
    mcuref_init(&model, arena);
    mcuref_restore_slots(&model, arena, &slots);     program/slots.h: below
{calls(material)}
    mcuref_save_slots(&model, arena, &slots);

What keeps the bits: {" ".join(FLAGS)}, no -ffast-math or part of it, and, where vector
instructions flush subnormal numbers (Cortex-M55), no vectorisation; FPSCR.FZ = 0, as after a reset.

{keeping(record.slot, WHERE)}
{INTERRUPTS}
Memory

{memory(material, slots=True)}
{sample(material)}
Several models in one firmware: export each under a name of its own (--name) and bring src/ of all into one library, files
that have the same path once; a CMakeLists.txt has to name those that are new. Two libraries would have the same functions.
Kept indices must be of one type, of this model {material.program.listing.index_type}_t; the compiler says if they are not.
"""
