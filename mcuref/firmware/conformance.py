"""The conformance firmware: one build a core, whose programs come as data; and the programs that go through it."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.export.cores import Core
from mcuref.export.image import Image
from mcuref.export.material import Material
from mcuref.export.sources import board_sources, in_c, library_sources, verify_sources
from mcuref.firmware.answer import STEPS, WATCHED, read_answer
from mcuref.firmware.difference import Difference, trace_difference
from mcuref.firmware.examination import examine, patterns
from mcuref.firmware.toolchain import SECONDS, FirmwareStopped, compile_all, link, run_firmware, workspace

MAGIC = 0x4655434D
SMALL_POOL = 0x2600  # bytes for a case where there are 16 KiB of RAM


def build_conformance(core: Core, folder: Path, flags: Sequence[str] = (), wide: bool = False) -> Path:
    """Compile and link the conformance firmware into ``folder``; returns its path. ``wide``: uint32 kept indices."""
    opcodes = (f"OPERATION({operator.number}, {operator.name})\n" for operator in in_c().values())
    (folder / "opcodes.h").write_text("".join(opcodes), encoding="utf-8")
    small = ("-DPOOL_BYTES=" + hex(SMALL_POOL),) if core.name == "microbit" else ()
    sources = library_sources() + verify_sources("conformance", "float32", "int8") + board_sources(core)
    indices = ("-DMCUREF_INDEX=uint32_t",) if wide else ()
    objects = compile_all(core, sources, folder, (*flags, *small, *indices), [folder])
    return link(core, objects, folder / "conformance", flags)


def words(data: NDArray[Any] | np.generic) -> bytes:
    """Bytes of an array, padded to whole words."""
    content = np.ascontiguousarray(data).tobytes()
    return content + bytes(-len(content) % 4)


def encode_case(material: Material, watched: bool = False) -> bytes:
    """A case as the firmware reads it: see export/c/verify/conformance.c. ``watched``: with what that takes."""
    program, x, answers = material.program, material.samples, material.answers
    image, plan = Image(program), program.plan
    spans = image.spans
    header = np.array(
        [
            MAGIC,
            len(program.instructions),
            program.listing.forward_rows,
            len(image.images),
            plan.sram,
            plan.state,
            plan.flash,
            image.table,
            image.output,
            program.network.outputs,
            material.steps,
            material.inferences,
            x[:1].nbytes,
            answers[:1].nbytes,
            program.listing.output.size,
            material.labelled,
            watched,
            spans.shape[1],
            program.network.dtype == "int8",
            material.slots,
            image.identity,
        ],
        np.int64,
    ).astype(np.uint32)
    operands = [words(image.operands)] if watched else []
    parts = [words(header), words(image.images), words(spans), *operands, words(image.flash)]
    for sample, answer, rate in zip(x, answers, material.rates):
        parts += [words(sample), words(answer), words(rate)]
    for sample, answer in zip(x[: material.inferences], answers):
        parts += [words(sample), words(answer)]
    return b"".join(parts)


def check(
    core: Core, materials: Sequence[Material], flags: Sequence[str] = (), seconds: float = SECONDS
) -> list[Difference | None]:
    """Run programs on a core and compare; returns a list of :class:`Difference` or None, one a program."""
    if not materials:
        return []
    with workspace() as folder:
        wide = {m.program.listing.index_type == "uint32" for m in materials}
        if len(wide) > 1:
            raise ValueError("one build has one type of indices")
        firmware = build_conformance(core, folder, flags, wide.pop())
        watched = core.name != "microbit"  # it has no memory for that

        def run(some, mode, *place, pattern=0):
            (folder / "cases.bin").write_bytes(b"".join(encode_case(material, watched) for material in some))
            return run_firmware(core, firmware, folder, mode, *place, pattern=pattern, seconds=seconds)

        return [
            None if equal else examine(material, partial(run, [material]), core)[0]
            for material, equal in zip(materials, _equal(core, materials, run))
        ]


def _equal(core, materials, run):
    """Whether each of some programs is equal, from runs of all of them; False also where it has to be examined alone."""
    try:
        contents = [run(materials, WATCHED, pattern=pattern)[0] for pattern in patterns(core)]
        whole = read_answer(run(materials, STEPS)[0], materials, STEPS)
    except FirmwareStopped:
        return [False] * len(materials)
    if len(set(contents)) > 1:
        return [False] * len(materials)
    return [
        trace_difference(m, trace, steps, lambda *place, m=m: run([m], WATCHED, *place)[1]) is None
        for m, trace, steps in zip(materials, read_answer(contents[0], materials, WATCHED), whole)
    ]
