"""The cores that firmware is built for: compiler flags, and the emulated board that runs it."""

from dataclasses import dataclass
from typing import Any

from mcuref.arguments import one_of
from mcuref.memory.targets import CORE_NAMES

# What every bit depends on: no fused multiply-add. And what makes code small and its size additive: a section a
# function, of which the linker keeps what is called; no loops turned into calls of the C library, which is not linked.
# The arena holds values of all types, one after another: no guessing from types which of them may be the same bytes.
FLAGS = (
    "-std=c99", "-O2", "-ffp-contract=off", "-fno-math-errno", "-ffunction-sections", "-fdata-sections",
    "-fno-tree-loop-distribute-patterns", "-fno-strict-aliasing",
)  # fmt: skip
WARNINGS = (
    "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror=implicit-function-declaration",
)  # fmt: skip
BARE = ("-mthumb", "-nostdlib", "-fno-asynchronous-unwind-tables")
LINKED = ("-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments", "-lgcc")
EMULATOR = (
    "qemu-system-arm", "-display", "none", "-monitor", "none", "-serial", "none", "-chardev", "stdio,id=console",
    "-semihosting-config", "enable=on,target=native,chardev=console",
)  # fmt: skip


@dataclass(frozen=True)
class Core:
    """A core, and the board of the emulator that has it.

    Parameters
    ----------
    name : str, on the command line.
    title : str, as data sheets write it.
    flags : tuple of str, of the compiler.
    machine : str, QEMU's name of the board; "" for the host.
    flash, ram : (first address, bytes) of the board's memories that a firmware is linked for.
    stack : bytes of RAM for the stack there.
    vectors : address of the vector table, 64 bytes.
    """

    name: str
    title: str
    flags: tuple[str, ...] = ()
    machine: str = ""
    flash: tuple[int, int] = (0, 0)
    ram: tuple[int, int] = (0, 0)
    stack: int = 4096
    vectors: int = 0

    @property
    def is_host(self) -> bool:
        """Whether this is the computer at hand."""
        return not self.machine

    @property
    def compiler(self) -> str:
        """Name of the compiler's program."""
        return "gcc" if self.is_host else "arm-none-eabi-gcc"


_MPS2: dict[str, Any] = {"flash": (0x40, 0x3FFFC0), "ram": (0x21000000, 0x1000000)}  # 4 MB of code memory, 16 MB of PSRAM

CORES = {
    core.name: core
    for core in (
        Core("host", "this computer"),
        Core("m0", "Cortex-M0", ("-mcpu=cortex-m0",), "mps2-an385", **_MPS2),  # its code is a part of the M3's
        Core("m3", "Cortex-M3", ("-mcpu=cortex-m3",), "mps2-an385", **_MPS2),
        Core("m4f", "Cortex-M4F", ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"), "mps2-an386", **_MPS2),
        Core("m7", "Cortex-M7", ("-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard"), "mps2-an500",
             (0x40, 0x3FFFC0), (0x60000000, 0x1000000)),
        Core(
            "m33", "Cortex-M33", ("-mcpu=cortex-m33", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"), "mps2-an505",
            flash=(0x10000040, 0x3FFFC0), ram=(0x80000000, 0x1000000), vectors=0x10000000,
        ),
        Core(
            # vector instructions (MVE) flush subnormal numbers to zero, whatever FPSCR says: none of them
            "m55", "Cortex-M55", ("-mcpu=cortex-m55", "-mfloat-abi=hard", "-fno-tree-vectorize"), "mps3-an547",
            flash=(0x11000000, 0x200000), ram=(0x60000000, 0x1000000), vectors=0x10000000,
        ),
        Core(
            "microbit", "Cortex-M0 with 16 KiB", ("-mcpu=cortex-m0",), "microbit",
            (0x40, 0x3FFC0), (0x20000000, 0x4000), 0x800,
        ),
    )
}  # fmt: skip

MEASURED_CORES = tuple(name for name in CORES if name not in ("host", "microbit"))  # a board of its own costs a core nothing


def find_core(name: str) -> Core:
    """The core called ``name``; InputError for an unknown one."""
    return CORES[one_of("core", name, CORES, also=CORE_NAMES)]


def places(core: Core) -> list[str]:
    """Linker flags that say where a board has its memories."""
    values = {
        "VECTORS_ORG": core.vectors,
        "FLASH_ORG": core.flash[0],
        "FLASH_LEN": core.flash[1],
        "RAM_ORG": core.ram[0],
        "RAM_LEN": core.ram[1],
        "STACK_LEN": core.stack,
    }
    return [f"-Wl,--defsym={name}={value:#x}" for name, value in values.items()]
