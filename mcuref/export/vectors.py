"""Golden vectors: a program, some samples and the bits of everything that training on them computes, for others' ports.

The same content twice: vectors.npz for Python and vectors.h for C99, with a README.txt beside them that says what each
array is. Errors have to be finite: of a NaN the sign depends on the processor.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.export.image import Image, opcodes_used
from mcuref.export.literals import TYPES, lines
from mcuref.export.material import Material
from mcuref.export.trace import python_trace
from mcuref.files import new_folder
from mcuref.models import label
from mcuref.version import __version__

NPZ, HEADER, README = "vectors.npz", "vectors.h", "README.txt"
HEXADECIMAL = ("flash", "state", "hashes")  # words, and not numbers

# What the README says about each array; "bits" where the .h has a float's bits as a uint32_t.
ARRAYS = {
    "table": """int32[ROWS][32]: the program, a row an instruction: opcode, layer, jump, 0, out[3], in[5], dimensions[14],
              constants[6] (bits of floats, or integers); operands are byte offsets, -1 for none; what they are for
              each opcode stands in docs/operators.md""",
    "flash": "uint32[FLASH_BYTES / 4]: read-only part of the arena: constants, start weights, the table again",
    "images": "int32[IMAGES][3]: start images: to this offset of SRAM, from this one of the flash, so many bytes",
    "spans": """int32[ROWS][SPANS][2]: (offset, bytes) in the arena of what each row writes, but for scratch; (-1, 0) where
              there is no more. Negative bytes: minus the size of a kept index; the next span holds their number""",
    "samples": "[SAMPLES][...], of the type that the program loads: what is trained on, in order",
    "answers": """int32[SAMPLES][1] labels; targets [SAMPLES][OUTPUTS], float32 (bits) or, of int8, int32 in the scale of the
              outputs; or nothing for reconstruction""",
    "rates": "[STEPS], float32 (bits), or of int8 int32: m + 512 s is m 2^(-8 - s) of the learning rate compiled in",
    "stored": "int32[STEPS][2]: which stored sample each step shows, -1: none, and in which epoch, for rules with rests",
    "hashes": "uint32[HASHES][3]: (sample, row, hash) of every instruction run, in order; FNV-1a over its spans",
    "statuses": """int32[STEPS]: 0 trained, 1 skipped by the rule, 2 an error was not finite (that row's hash is 0), 5 rested
              (the loss is -1)""",
    "losses": "[STEPS], float32 (bits), or of int8 int32: what mcuref_train_s8 says of them in program/int8.h",
    "written_at": "int32[RUNS + 1]: where in `written` each row begins that the FIRST sample runs; then the end",
    "written": "uint8: the bytes of the spans of those rows, right after each has run",
    "classes": "int32[INFERENCES]: the largest output of each of the first samples, inferred after training",
    "outputs": "[INFERENCES][OUTPUTS], float32 (bits) or int8: the outputs then",
    "state": "uint32[STATE_BYTES / 4]: the beginning of the arena at the end: trained weights, state of the rule",
}  # fmt: skip


def golden_vectors(material: Material) -> dict[str, NDArray[Any]]:
    """{name: array} of a :class:`mcuref.export.material.Material`: those of ``ARRAYS``, sizes, names, and ``about``."""
    material = replace(material, program=material.program.fresh())
    program, image, trace = material.program, Image(material.program), python_trace(material)
    written, output = _written(material, trace), program.listing.output
    hashes = [(sample, row, value) for sample, (rows, *_) in enumerate(trace.steps) for row, value in rows]
    arrays = {
        "table": program.table,
        "flash": image.flash,
        "images": image.images,
        "spans": image.spans,
        "samples": material.samples,
        "answers": material.answers,
        "rates": material.rates,
        "stored": material.shown,
        "hashes": np.array(hashes, np.uint32).reshape(-1, 3),
        "statuses": np.array([status for _, status, _ in trace.steps], np.int32),
        "losses": np.array([bits for *_, bits in trace.steps], np.int32).view(program.arithmetic.loss),
        "written_at": np.cumsum([0, *map(len, written)], dtype=np.int32),
        "written": np.frombuffer(b"".join(written), np.uint8),
        "classes": np.array([best for best, *_ in trace.inferences], np.int32),
        "outputs": np.array([z for _, z, _ in trace.inferences], output.dtype).reshape(-1, *output.shape),
        "state": np.frombuffer(trace.state, np.uint32),
    }
    return {"about": np.array(json.dumps(_about(program)))} | _sizes(material, image, arrays) | _names(program) | arrays


def write_vectors(material: Material, folder: Path | str) -> None:
    """Write vectors.npz, vectors.h and README.txt of a material into a new folder.

    InputError if the folder is there already or cannot be made; then nothing is written.
    """
    vectors: dict[str, Any] = golden_vectors(material)
    with new_folder(folder, "folder") as part:
        np.savez_compressed(part / NPZ, **vectors)
        for name, text in ((HEADER, _header(vectors)), (README, _readme(vectors))):
            (part / name).write_text(text, encoding="utf-8", errors="backslashreplace")  # a file's name may be no Unicode


def read_vectors(path: Path | str) -> dict[str, NDArray[Any]]:
    """{name: array} of a vectors.npz. OSError or ValueError if it is missing or damaged."""
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


# -- what is in them ----------------------------------------------------------------------------------------------


def _about(program):
    """Where the vectors come from."""
    import numba

    return {
        "generator": f"mcuref {__version__}",
        "numpy": np.__version__,
        "numba": numba.__version__,
        "model": label(program.network.name),
        "seed": program.network.seed,
        "rule": repr(program.rule),
        "optimiser": repr(program.optimiser),
        "loss": program.loss,
        "policy": program.policy,
    }


def _sizes(material, image, arrays):
    """{name: int32 scalar}: what the .h defines as VECTORS_name."""
    program, plan = material.program, material.program.plan
    sizes = {
        "ROWS": len(program.instructions),
        "FORWARD_ROWS": program.listing.forward_rows,
        "IMAGES": len(image.images),
        "SRAM_BYTES": plan.sram,
        "STATE_BYTES": plan.state,
        "FLASH_BYTES": plan.flash,
        "TABLE": image.table,
        "OUTPUT": image.output,
        "OUTPUTS": program.network.outputs,
        "SAMPLES": len(material.x),
        "STEPS": material.steps,
        "INFERENCES": material.inferences,
        "HASHES": len(arrays["hashes"]),
        "RUNS": len(arrays["written_at"]) - 1,
    }
    return {name: np.array(value, np.int32) for name, value in sizes.items()}


def _names(program):
    """Names of each row's opcode and layer and of the buffers that it writes, and the number of every opcode used."""
    written = [[b.name for b in row.outputs if b.category != "scratch"] for row in program.instructions]
    opcodes = opcodes_used([program])
    return {
        "row_opcodes": np.array([row.name for row in program.instructions]),
        "row_layers": np.array([row.layer for row in program.instructions]),
        "row_buffers": np.array([", ".join(names) for names in written]),
        "opcode_names": np.array(list(opcodes)),
        "opcode_numbers": np.array(list(opcodes.values()), np.int32),
    }


def _written(material, trace):
    """bytes that each instruction of the first sample wrote, in the order in which they ran."""
    from mcuref.program.trace import written

    parts, program = [], material.program
    rows, status, _ = trace.steps[0] if trace.steps else ([], 0, 0)
    for row, _ in rows[:-1] if status == 2 else rows:  # a row that stopped wrote nothing
        python_trace(material, upto=(0, row))
        parts.append(b"".join(view.tobytes() for view in written(program, program.instructions[row])))
    return parts


# -- as text ------------------------------------------------------------------------------------------------------


def _header(vectors):
    """vectors.h."""
    about = "".join(f" * {name}: {value}\n" for name, value in json.loads(str(vectors["about"])).items())
    sizes = "".join(f"#define VECTORS_{name} {value}\n" for name, value in vectors.items() if name.isupper())
    sizes += f"#define VECTORS_SPANS {vectors['spans'].shape[1]}\n"
    opcodes = zip(vectors["opcode_numbers"].tolist(), vectors["opcode_names"].tolist())
    names = ("row_opcodes", "row_layers", "row_buffers")
    return f"""/* Golden vectors of a training step, for ports: what each array is stands in README.txt.
 *
{about} *
 * The arrays are flat, the last index runs fastest; words are little-endian. A float is given by its bits, a uint32_t:
 * compare bits with bits, or copy them into a float with memcpy.
 */
#ifndef VECTORS_H
#define VECTORS_H

#include <stdint.h>

{sizes}
/* number and name of every opcode used */
#define VECTORS_OPCODES(X){"".join(f" X({number}, {name})" for number, name in opcodes)}

{"".join(_strings(name, vectors[name]) for name in names)}
{"".join(_array(name, vectors[name]) for name in ARRAYS)}
#endif
"""


def _strings(name, values):
    quoted = ", ".join(f'"{value}"' for value in values.tolist())
    return f"static const char *const vectors_{name}[] = {{{quoted}}};\n"


def _array(name, values):
    """A definition; an empty array has one element, which is not part of it."""
    bits = values.view(np.uint32) if values.dtype == np.float32 else values
    hexadecimal = name in HEXADECIMAL or values.dtype == np.float32
    items = (f"0x{value:x}" if hexadecimal else str(value) for value in bits.reshape(-1).tolist())
    comment = f" /* {values.size} */"
    return f"static const {TYPES[str(bits.dtype)]} vectors_{name}[] = {{{comment}\n{lines(items)}}};\n\n"


def _readme(vectors):
    """README.txt."""
    about = "".join(f"    {name:<10} {value}\n" for name, value in json.loads(str(vectors["about"])).items())
    arrays = "".join(f"  {name:<11} {text}\n" for name, text in ARRAYS.items())
    return f"""Golden vectors
==============
{about}
A program, samples, and the bits of everything that training on them computes. vectors.h is for C99 (prefix vectors_,
sizes as VECTORS_...), vectors.npz the same for Python (numpy.load, no pickle). In the .h floats are bits, uint32_t.

{arrays}  row_opcodes, row_layers, row_buffers    of each row: the kernel, its layer, the buffers of its spans

The arena is [SRAM | flash]: an offset from SRAM_BYTES on is in the flash part; the table lies there too, TABLE bytes
from its beginning. `mcuref export RUN --c FOLDER` writes the C sources that compute all this. How to check a port:
  1. SRAM to 0; copy the start images; that is what training starts from.
  2. For each sample, with its answer, rate, index and epoch: run the rows of the table from 0 on; a rest, a decision or
     a batch counter may jump to the end. After each row hash its spans and compare with the next of `hashes`: the first
     that differs is the kernel at fault. For sample 0 `written` says which byte. Then compare the status and the bits of
     the loss.
  3. Run rows 0 .. FORWARD_ROWS - 1 for the first INFERENCES samples; the outputs are at offset OUTPUT. Compare.
  4. Compare the first STATE_BYTES of the arena with `state`.
No tolerance: float32, each operation rounded once (no fused multiply-add, no fast-math, subnormal numbers kept), sums
in the order that mcuref's C sources (mcuref/export/c/kernels) define.
"""
