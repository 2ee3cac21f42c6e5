"""A program as a C99 project that builds: the kernels it uses, its table and weights, samples, an example, a check.

README.txt, Makefile      how to build it, for this computer and for emulated boards
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
from dataclasses import replace
from pathlib import Path

import numpy as np

from mcuref.errors import InputError
from mcuref.export.calls import called, header, is_int8, stored
from mcuref.export.image import SAVED_HEAD, Image
from mcuref.export.literals import TYPES, lines, number
from mcuref.export.makefile import makefile
from mcuref.export.material import Material
from mcuref.export.names import COUNTS, check_name
from mcuref.export.readme import readme, title
from mcuref.export.reference import write_reference
from mcuref.export.sources import SOURCES, needed_sources
from mcuref.export.trace import python_trace
from mcuref.files import new_folder
from mcuref.program.program import Program
from mcuref.version import __version__

STORED = '#include "program/stored.h"\n'
LICENSE = "MIT licence; made by mcuref"


def write_project(material: Material, folder: Path | str, name: str = "model") -> None:
    """Write the project of a :class:`mcuref.export.material.Material` into a new folder; its samples are compiled in.

    ``name`` is that of the model in C: NAME.h, NAME_SRAM_BYTES in capitals, the symbol. InputError if it is no name in
    C, or the folder is there already or cannot be made; then nothing is written.
    """
    check_name(name)
    check_answers(material)
    sources = needed_sources(material.program)
    with new_folder(folder, "folder") as part:
        copy_sources(material.program, sources, part)
        texts = {
            "main.c": called((SOURCES / "example" / "main.c").read_text(encoding="utf-8"), material.program),
            "verify/verify.c": (SOURCES / "verify" / "verify.c").read_text(encoding="utf-8"),
            **model_texts(material),
            **sample_texts(material),
            "verify/spans.h": _spans_header(Image(material.program), material.slots),
            "README.txt": readme(material),
        }
        write_texts(part, texts, name)
        (part / "Makefile").write_text(makefile(name), encoding="utf-8")
        write_reference(part / "reference", material)


def check_answers(material: Material) -> None:
    """InputError unless the samples have what an example needs of them."""
    if material.program.loss == "softmax_cross_entropy" and not material.labelled:
        raise InputError("the samples of a network with loss 'softmax_cross_entropy' need labels: the example counts them")


def copy_sources(program: Program, sources: dict[str, list[str]], folder: Path) -> None:
    """Copy what :func:`mcuref.export.sources.needed_sources` named for a program into a folder."""
    for kind, files in sources.items():
        for file in files:
            (folder / kind / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(SOURCES / kind / file, folder / kind / file)
    _write_index_type(folder / "kernels" / "index.h", program.listing.index_type)


def model_texts(material: Material) -> dict[str, str]:
    """{path: text} of the model, which is called model there: sizes, and the program."""
    return {"model.h": _model_header(material), "model.c": _model_source(Image(material.program))}


def sample_texts(material: Material) -> dict[str, str]:
    """{path: text} of the samples, with what is right after training on them."""
    return {"samples.h": _samples_header(material), "samples.c": _samples_source(material)}


def write_texts(folder: Path, texts: dict[str, str], name: str) -> None:
    """Write {path: text} into a folder, with the model called ``name``."""
    for path, text in texts.items():
        place = folder / path.replace("model", name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(_named(text, name), encoding="utf-8")


def _named(text, name):
    """C source with the model called ``name``; as it stands in mcuref it is called model."""
    text = re.sub(r"\bMODEL_", f"{name.upper()}_", text)
    code = r"&model\b|\bmodel(?=_(sample|answer|rate)\b|\.(h|c|rows|forward_rows|state_bytes)\b|;| = \{)"
    return re.sub(code, lambda match: match[0].replace("model", name), text)


def _write_index_type(path, index_type):
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("MCUREF_INDEX uint16_t", f"MCUREF_INDEX {index_type}_t"), encoding="utf-8")


def _head(what):
    return f"/* {what} ({LICENSE} {__version__}) */\n"


def _model_header(material):
    program, plan = material.program, material.program.plan
    rate = "MCUREF_RATE_S8(0)" if is_int8(program) else _decimal(np.float32(program.optimiser.rates(0, 1, 1)[0]))
    return f"""{_head(f"The model: {title(program)}")}#ifndef MODEL_H
#define MODEL_H

#include "{header(program)}"
{STORED if stored(program) else ""}
#ifdef __cplusplus
extern "C" {{
#endif

#define MODEL_SRAM_BYTES {plan.sram}
#define MODEL_FLASH_BYTES {plan.flash}
#define MODEL_SAVED_BYTES {plan.state + SAVED_HEAD} /* of mcuref_save */
#define MODEL_ROWS {len(program.instructions)}
#define MODEL_INPUTS {program.network.input.size}
#define MODEL_OUTPUTS {program.network.outputs}
#define MODEL_LABELS {int(material.labelled)} /* 1: an answer is one label; 0: a number for every output, or nothing */
#define MODEL_INT8 {int(is_int8(program))} /* 1: functions end in _s8 */
#define MODEL_STORED {stored(program)} /* samples that may rest: mcuref_train_stored; 0: none */
#define MODEL_RATE {rate} /* the learning rate it was trained with, before its decay, over the batch size */

typedef {TYPES[str(material.samples.dtype)]} model_sample;
typedef {TYPES[str(material.answers.dtype)]} model_answer;
typedef {TYPES[str(material.rates.dtype)]} model_rate;

extern const mcuref_program model;

#ifdef __cplusplus
}}
#endif

#endif
"""


def _model_source(image):
    program, plan = image.program, image.program.plan
    operations = "".join(
        f"    mcuref_run_{instruction.name}, /* {row}: {instruction.layer} */\n"
        for row, instruction in enumerate(program.instructions)
    )
    images = ""
    if len(image.images):
        rows = ", ".join(f"{{{to}, {start}, {size}}}" for to, start, size in image.images.tolist())
        images = f"static const mcuref_image images[] = {{{rows}}};\n\n"
    return f"""{_head(f"The model: {title(program)}")}#include "model.h"

#include "kernels/index.h"
#include "operations/operations.h"

/* kernels/ is shared by the models of a firmware only if their kept indices are of one type: see index.h */
typedef char model_has_other_indices[sizeof(mcuref_index) == sizeof({program.listing.index_type}_t) ? 1 : -1];

static const mcuref_operation operations[MODEL_ROWS] = {{
{operations}}};

{images}/* constants, weights, start images, and the table of the program */
static const uint32_t flash[MODEL_FLASH_BYTES / 4] = {{
{lines(f"0x{word:x}u" for word in image.flash.tolist())}}};

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
    return f"""{_head("Samples, and what is right after training on them")}#ifndef SAMPLES_H
#define SAMPLES_H

#include "model.h"

/* Not macros: the example is the same code for any number of samples; its size and its stack are known before it is built */
extern const int32_t sample_count, sample_bytes;
extern const int32_t answer_values; /* of model_answer a sample */
extern const int32_t sample_slots; /* step i shows stored sample i % sample_slots in epoch i / sample_slots; 0: none rests */
extern const uint32_t trained_state; /* FNV-1a of the state after training on them, by mcuref */
extern const uint32_t trained_outputs; /* FNV-1a of the outputs that all of them have then, one after another */

extern const model_sample samples[];
extern const model_answer answers[];
extern const model_rate rates[];

#endif
"""


def _trained(material):
    """Hashes of the state after the steps, and of the outputs that all samples have then."""
    from mcuref.kernels.hashing import START, fnv1a

    trace = python_trace(replace(material, program=material.program.fresh(), inferences=len(material.x)))
    outputs = b"".join(outputs.tobytes() for _, outputs, _ in trace.inferences)
    return [f"0x{int(fnv1a(np.frombuffer(content, np.uint8), START)):08x}u" for content in (trace.state, outputs)]


def _samples_source(material):
    arrays = {
        "model_sample samples": material.samples,
        "model_answer answers": material.answers,
        "model_rate rates": material.rates,
    }
    counts = (len(material.x), material.samples[:1].nbytes, material.answers.shape[1], material.slots, *_trained(material))
    texts = [f"const {kind} {name} = {value};\n" for (name, kind), value in zip(COUNTS.items(), counts)]
    texts += [
        f"\nconst {name}[] = {{\n{lines(map(number, np.ascontiguousarray(values).reshape(-1)))}}};\n"
        for name, values in arrays.items()
    ]
    return _head("Samples, and what is right after training on them") + '#include "samples.h"\n\n' + "".join(texts)


def _spans_header(image, slots):
    spans = image.spans
    pairs = (f"{{{offset}, {size}}}" for offset, size in spans.reshape(-1, 2).tolist())
    operands = (str(row).translate(str.maketrans("[]", "{}", " ")) for row in image.operands.tolist())
    return f"""{_head("What every instruction writes and reads")}#ifndef SPANS_H
#define SPANS_H

#include "../model.h"
#include "trace.h"

#define OUTPUT_BYTES {image.program.listing.output.size}
#define SPANS {spans.shape[1]} /* of a row */
#define CALLS {"trace_int8" if is_int8(image.program) else "trace_float32"}
#define SLOTS {slots} /* of trace_program */
#define RATE {"i32" if is_int8(image.program) else "f32"} /* of a mcuref_number */

static const mcuref_span spans[MODEL_ROWS * SPANS] = {{
{lines(pairs)}}};

static const mcuref_operands operands[MODEL_ROWS] = {{
{lines(operands)}}};

#endif
"""


def _decimal(rate):
    """A float32 in the nine digits that are enough for its value: C++ before 2017 has no hexadecimal ones."""
    text = f"{rate:.9g}"
    return f"{text}f" if set(text) & set(".en") else f"{text}.0f"
