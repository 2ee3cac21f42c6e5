"""The conformance list: small programs that between them run every instruction and every option of every rule.

Each row of a table is one program. Samples come from mcuref's own generator, so that the list is the same everywhere; its
place in the list seeds a row.
"""

from collections.abc import Sequence

from mcuref.export.cores import find_core
from mcuref.export.image import SAVED_HEAD, Image
from mcuref.export.material import Material
from mcuref.firmware.cases import float32, int8
from mcuref.firmware.cases.rows import materials
from mcuref.firmware.conformance import SMALL_POOL, check
from mcuref.firmware.difference import Difference
from mcuref.firmware.toolchain import SECONDS

POINTER = 4  # bytes, on every core that has little memory
DTYPES = {"float32": float32, "int8": int8}


def cases(dtypes: Sequence[str] = tuple(DTYPES)) -> list[tuple[str, Material]]:
    """The list, [(name, Material)]: kept indices of 16 bits, each small enough for 3 MB and a few milliseconds."""
    return [case for dtype in dtypes for case in materials(DTYPES[dtype].rows())]


def wide_cases(dtypes: Sequence[str] = tuple(DTYPES)) -> list[tuple[str, Material]]:
    """Programs with kept indices of 32 bits, which need a build of their own."""
    return [case for dtype in dtypes for case in materials(DTYPES[dtype].wide_rows())]


def small_cases() -> list[tuple[str, Material]]:
    """Those of the list that fit the micro:bit, which has 16 KiB of RAM."""
    return [(name, material) for name, material in cases() if pool_bytes(material) <= SMALL_POOL]


def run_conformance(core: str, seconds: float = SECONDS) -> list[tuple[str, Difference | None]]:
    """Run the list on the core of that name, each part for ``seconds`` at most; [(name, Difference or None)].

    The small list where there is little memory; elsewhere the wide one too. ToolError if tools are missing.
    """
    core = find_core(core)
    lists = [small_cases()] if core.name == "microbit" else [cases(), wide_cases()]
    return [
        (name, difference)
        for part in lists
        for (name, _), difference in zip(part, check(core, [material for _, material in part], seconds=seconds))
    ]


def pool_bytes(material: Material) -> int:
    """Bytes of memory that the conformance firmware needs for a program on a 32-bit core."""
    image, plan = Image(material.program), material.program.plan
    rows = len(material.program.instructions)
    parts = (
        image.images.nbytes,
        image.spans.nbytes,
        image.flash.nbytes,
        rows * POINTER,
        plan.sram,
        plan.state + SAVED_HEAD,
        material.samples[:1].nbytes,
        material.answers[:1].nbytes + 4,
    )
    return sum(-(-part // 4) * 4 for part in parts)
