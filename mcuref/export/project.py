"""A program as a C99 project that builds: the kernels it uses, its table and weights, samples, an example, a check.

README.txt, Makefile      how to build it, for this computer and for Cortex-M boards
main.c                    an example: trains on the samples compiled in
model.h, model.c          sizes, and the program: table, operations, flash part
samples.h, samples.c      samples, answers, learning rates
kernels/ operations/ program/   what the model needs of mcuref, as it stands in mcuref/export/c
board/                    startup, linker script, semihosting; the host's part
verify/                   writes the trace that ``mcuref verify`` compares
reference/                the program and the samples for mcuref itself
"""

import re
import shutil

import numpy as np

from mcuref import __version__
from mcuref.export.image import SPANS, Image
from mcuref.export.makefile import makefile
from mcuref.export.reference import write_reference
from mcuref.files import new_folder
from mcuref.firmware.toolchain import SOURCES

TYPES = {"uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int32_t", "float32": "float"}
LICENSE = "MIT licence; made by mcuref"
FIXED = {
    "board": ("port.h", "host.c", "semihosting.c", "startup.c", "board.ld"),
    "verify": ("trace.h", "trace.c", "mark.c", "verify.c"),
    "program": ("mcuref.h", "mcuref.c", "program.h", "program.c"),
    "kernels": ("hashing.h", "hashing.c", "numerics.h"),  # of mcuref_save and the check
    "operations": ("operations.h",),
}  # fmt: skip


def write_project(material, folder):
    """Write the project of a :class:`mcuref.firmware.trace.Material` into a new folder; its samples are compiled in.

    InputError if the folder is there already or cannot be made; then nothing is written.
    """
    program = material.program
    image = Image(program)
    with new_folder(folder, "folder") as part:
        for name, files in needed_sources(program).items():
            (part / name).mkdir()
            for file in files:
                shutil.copyfile(SOURCES / name / file, part / name / file)
        _write_index_type(part / "kernels" / "index.h", program.listing.index_type)
        shutil.copyfile(SOURCES / "example" / "main.c", part / "main.c")
        for name, text in (
            ("model.h", _model_header(material)), ("model.c", _model_source(image)),
            ("samples.h", _samples_header(material)), ("samples.c", _samples_source(material)),
            ("verify/spans.h", _spans_header(image)), ("Makefile", makefile()),
            ("README.txt", _readme(material)),
        ):  # fmt: skip
            (part / name).write_text(text, encoding="utf-8")
        write_reference(part / "reference", material)


def needed_sources(program):
    """{folder: sorted names} of the C files that a program needs: its operations, and what they include."""
    names = {f"run_{instruction.name}" for instruction in program.instructions}
    needed = {name: set(files) for name, files in FIXED.items()}
    for path in (SOURCES / "operations").glob("*.c"):
        if names & _defined(path):
            needed["operations"].add(path.name)
    queue = [SOURCES / name / file for name, files in needed.items() for file in files]
    while queue:
        for include in re.findall(r'#include "(\w+\.h)"', queue.pop().read_text(encoding="utf-8")):
            for path in (SOURCES / "kernels").glob(include[:-1] + "[hc]"):
                if path.name not in needed["kernels"]:
                    needed["kernels"].add(path.name)
                    queue.append(path)
    return {name: sorted(files) for name, files in needed.items()}


def _defined(path):
    """Names of the operations that a C file defines."""
    text = path.read_text(encoding="utf-8")
    return set(re.findall(r"^mcuref_next (run_\w+)\(", text, re.M)) | {
        f"run_{name}" for name in re.findall(r"^RUN_LOAD\((\w+)\)", text, re.M)
    }


def _write_index_type(path, index_type):
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("MCUREF_INDEX uint16_t", f"MCUREF_INDEX {index_type}_t"), encoding="utf-8")


def _head(what):
    return f"/* {what} ({LICENSE} {__version__}) */\n"


def _title(program):
    return f"{program.network.name} trained by {program.rule.method}"


def _model_header(material):
    program, plan = material.program, material.program.plan
    labels = material.answers.dtype == np.int32 and material.answers.shape[1] == 1
    rate = np.float32(program.optimiser.rates(0, 1, 1)[0])
    return f"""{_head(f"The model: {_title(program)}")}#ifndef MODEL_H
#define MODEL_H

#include "mcuref.h"

#define MODEL_SRAM_BYTES {plan.sram}
#define MODEL_FLASH_BYTES {plan.flash}
#define MODEL_SAVED_BYTES {plan.state + 8} /* of mcuref_save */
#define MODEL_ROWS {len(program.instructions)}
#define MODEL_INPUTS {program.network.input.size}
#define MODEL_OUTPUTS {program.network.outputs}
#define MODEL_LABELS {int(labels)} /* 1: an answer is one label; 0: a float for every output, or nothing */
#define MODEL_RATE {_float(rate)} /* the learning rate it was trained with, at the start, over the batch */

typedef {TYPES[program.network.input.dtype]} model_sample;
typedef {TYPES[str(material.answers.dtype)]} model_answer;

extern const mcuref_program model;

#endif
"""


def _model_source(image):
    program, plan = image.program, image.program.plan
    operations = "".join(
        f"    run_{instruction.name}, /* {row}: {instruction.layer} */\n"
        for row, instruction in enumerate(program.instructions)
    )
    images = ""
    if len(image.images):
        rows = ", ".join(f"{{{to}, {start}, {size}}}" for to, start, size in image.images.tolist())
        images = f"static const mcuref_image images[] = {{{rows}}};\n\n"
    return f"""{_head(f"The model: {_title(program)}")}#include "model.h"

#include "operations.h"

static const mcuref_operation operations[MODEL_ROWS] = {{
{operations}}};

{images}/* constants, weights, start images, and the table of the program */
static const uint32_t flash[MODEL_FLASH_BYTES / 4] = {{
{_lines(f"0x{word:x}u" for word in image.flash.tolist())}}};

const mcuref_program model = {{
    .table = (const void *)(flash + {image.table // 4}),
    .operations = operations,
    .flash = flash,
    .images = {"images" if images else "0"},
    .rows = MODEL_ROWS,
    .forward_rows = {program.listing.forward_rows},
    .image_count = {len(image.images)},
    .sram_bytes = MODEL_SRAM_BYTES,
    .state_bytes = {plan.state},
    .output = {image.output},
    .outputs = MODEL_OUTPUTS,
    .identity = 0x{image.identity:08x}u,
}};
"""


def _samples_header(material):
    return f"""{_head("Samples that main.c and verify/ train on")}#ifndef SAMPLES_H
#define SAMPLES_H

#include "model.h"

#define SAMPLES {len(material.x)}
#define ANSWER {material.answers.shape[1]} /* values of model_answer a sample */

extern const model_sample samples[];
extern const model_answer answers[];
extern const float rates[];

#endif
"""


def _samples_source(material):
    arrays = {"model_sample samples": material.x, "model_answer answers": material.answers, "float rates": material.rates}
    texts = [
        f"\nconst {name}[] = {{\n{_lines(map(_number, np.ascontiguousarray(values).reshape(-1))) or '0'}}};\n"
        for name, values in arrays.items()
    ]
    return _head("Samples that main.c and verify/ train on") + '#include "samples.h"\n' + "".join(texts)


def _spans_header(image):
    spans = (f"{{{offset}, {size}}}" for offset, size in image.spans.reshape(-1, 2).tolist())
    return f"""{_head("What every instruction writes")}#ifndef SPANS_H
#define SPANS_H

#include "model.h"
#include "trace.h"

static const mcuref_span spans[MODEL_ROWS * {SPANS}] = {{
{_lines(spans)}}};

#endif
"""


def _number(value):
    return _float(value) if isinstance(value, np.floating) else str(int(value))


def _float(value):
    """A float32 as C99 writes it exactly."""
    return f"{float(value).hex()}f"


def _lines(items, width=118):
    """Items with commas between, in lines."""
    lines, line = [], ""
    for item in items:
        if len(line) + len(item) + 2 > width:
            lines.append(line)
            line = ""
        line += f" {item}," if line else f"{item},"
    return "".join(f"{text}\n" for text in [*lines, line] if text)


def _readme(material):
    program, plan, first = material.program, material.program.plan, material.program.network.input
    return f"""{_title(program)}
{"=" * len(_title(program))}

A network that runs, and goes on learning, on a microcontroller: C99 without heap, recursion or C library. Made by mcuref
{__version__}; the same bits as there.

    make run                  build the example for this computer and run it
    make CORE=m4f run         the same on an emulated Cortex-M4F; also m0, m3, m7, m55, microbit
    mcuref verify . --core m4f    compare every instruction with Python

In a firmware of your own: compile kernels/, operations/, program/ and model.c with the flags of the Makefile
(-ffp-contract=off is what keeps the bits), and call, as main.c does:

    #include "model.h"
    static uint32_t arena[MODEL_SRAM_BYTES / 4];
    mcuref_init(&model, arena);
    int32_t answer = mcuref_infer(&model, arena, sample);
    mcuref_train(&model, arena, sample, &label, MODEL_RATE, 0);
    mcuref_save(&model, arena, saved);        mcuref_restore(&model, arena, saved);

SRAM: {plan.sram:,} bytes of arena, and the stack.
Flash: {plan.flash:,} bytes of weights, constants and program, and the code.
A sample is {first.size} values of type {TYPES[first.dtype]}; the network normalises them itself.
"""
