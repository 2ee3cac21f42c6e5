"""README.txt of an exported project: how to build it, and how to use it in a firmware of one's own."""

import re

from mcuref.export.advice import INTERRUPTS, keeping, memory, slot_bytes
from mcuref.export.calls import called, is_int8, stored
from mcuref.export.cores import CORES
from mcuref.export.literals import TYPES
from mcuref.export.material import Material
from mcuref.models import label
from mcuref.program.program import Program
from mcuref.version import __version__

CALLS = {  # by whether an answer is a label; {number}: the type of a loss, and of targets
    True: """\
    int32_t found = mcuref_infer(&model, arena, sample);
    mcuref_train(&model, arena, sample, &label, MODEL_RATE, 0);""",
    False: """\
    {number} loss = mcuref_loss(&model, arena, sample, answer);      of a reconstruction: how odd the sample is
    mcuref_train(&model, arena, sample, answer, MODEL_RATE, 0);   answer: {number}[MODEL_OUTPUTS], or anything""",
}
STORED = """
    int32_t rests = mcuref_resting(&model, arena, index, epoch);     index: 0 to {last:,}; a sample that
    mcuref_train_stored(&model, arena, rests ? 0 : sample, {answer}, MODEL_RATE, index, epoch, 0);   rests may be null"""
INFERENCE = "    int32_t found = mcuref_infer(&model, arena, sample);   all outputs: mcuref_outputs(&model, arena)"

WHERE = "It comes with a library: mcuref export RUN --library cmake --c FOLDER."


def calls(material: Material) -> str:
    """Lines of C that run a program and, if it trains, train it."""
    if not material.steps:
        return called(INFERENCE, material.program)
    number = "int32_t" if is_int8(material.program) else "float"
    text = CALLS[material.labelled].format(number=number)
    if count := stored(material.program):
        text += STORED.format(last=count - 1, answer="&label" if material.labelled else "answer")
    return called(text, material.program)


def readme(material: Material) -> str:
    """The text."""
    program, plan = material.program, material.program.plan
    cores = ", ".join(core for core in CORES if core not in ("host", "m4f"))
    return f"""{title(program)}
{"=" * len(title(program))}

A network that runs, and goes on learning, on a microcontroller: C99 without heap, recursion or C library. Made by mcuref
{__version__}; the same bits as there.

    make run                  build the example for this computer and run it
    make CORE=m4f run         the same on an emulated Cortex-M4F; also {cores}
    mcuref verify . --core m4f    compare every instruction with Python

mcuref verify builds a copy with this project's own Makefile and runs it: do not verify the project of somebody you do not
trust.

In a firmware of your own: compile model.c and all of kernels/, operations/ and program/ with the flags below (no -I is
needed, but for model.h), and call, as main.c does:

    #include "model.h"
    static uint32_t arena[MODEL_SRAM_BYTES / 4], saved[MODEL_SAVED_BYTES / 4];
    mcuref_init(&model, arena);
{calls(material)}
    mcuref_save(&model, arena, saved);        mcuref_restore(&model, arena, saved);

What keeps the bits; main.c says, and its exit status, whether the state is right after training:
    no -ffast-math or part of it; no fused multiply-add: kernels/numerics.h sees to it, but for clang's -ffp-contract=fast
    -fno-strict-aliasing                  gcc and clang: the arena holds values of all types
    -fno-tree-loop-distribute-patterns    gcc, where there is no C library: no calls of memcpy and memset
    -fno-tree-vectorize                   Cortex-M55: its vector instructions flush subnormal numbers to 0
    FPSCR.FZ = 0, as after a reset        keeps them elsewhere

Several models in one firmware: export each under a name of its own (mcuref export --name) and compile all their files,
those that have the same path once. Their kept indices must be of one type; the compiler says if they are not.

{keeping(slot_bytes(plan.state), WHERE)}
{INTERRUPTS}
Memory

{memory(material, slots=False)}
{sample(material)}
"""


def sample(material: Material) -> str:
    """What a sample is, and in int8 a learning rate."""
    size, dtype = material.program.network.input.size, str(material.samples.dtype)
    quantization = material.program.network.quantization
    if quantization is not None and dtype != material.program.network.input.dtype:
        scale, zero = quantization.outputs[0]
        taken = f"in the scale of the network: round(v / {float(scale):.9g}) + {zero} of a value v that is normalised"
    else:
        taken = "the network normalises them itself"
    text = f"A sample is {size} values of type {TYPES[dtype]}; {taken}."
    if not is_int8(material.program):
        return text
    return (
        text
        + """
A learning rate is that of the export, MODEL_RATE; with so many halvings it is MCUREF_RATE_S8(halvings): see program/int8.h.
There is not one float in the model."""
    )


def title(program: Program) -> str:
    """What the model is, in words that end no comment."""
    return f"{re.sub(r'[^A-Za-z0-9_.@+-]', '_', label(program.network.name))} trained by {program.rule.method}"
