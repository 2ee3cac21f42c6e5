"""The cores that firmware is built for: compilers and their flags, and the emulated board that runs it."""

from dataclasses import dataclass, replace
from typing import Any

from mcuref.arguments import one_of
from mcuref.memory.targets import CORE_NAMES

# What every bit depends on: no fused multiply-add. And what makes code small and its size additive: a section a
# function, of which the linker keeps what is called. The arena holds values of all types, one after another: no guessing
# from types which of them may be the same bytes.
FLAGS = (
    "-std=c99", "-O2", "-ffp-contract=off", "-fno-math-errno", "-ffunction-sections", "-fdata-sections",
    "-fno-strict-aliasing",
)  # fmt: skip
WARNINGS = (
    "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror=implicit-function-declaration",
)  # fmt: skip
LINKED = ("-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments", "-lgcc")
SEMIHOSTED = (
    "-display", "none", "-monitor", "none", "-serial", "none", "-chardev", "stdio,id=console",
    "-semihosting-config", "enable=on,target=native,chardev=console",
)  # fmt: skip


@dataclass(frozen=True)
class Toolchain:
    """What builds and runs firmware, the same for all cores of a kind.

    Parameters
    ----------
    compiler : str, its program.
    dialect : tuple of str, flags that this compiler needs and the linker does not know.
    flags : tuple of str, of compiler and linker.
    linker : str, the compiler that links; "" for the same one.
    linked : tuple of str, at the end of a link.
    prefix : str, of the names of nm and objdump.
    board : tuple of str, C files in export/c/board.
    emulator : tuple of str, the program that runs others, with what all boards need; empty if they run by themselves.
    """

    compiler: str
    dialect: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    linker: str = ""
    linked: tuple[str, ...] = ()
    prefix: str = ""
    board: tuple[str, ...] = ("host",)
    emulator: tuple[str, ...] = ()


@dataclass(frozen=True)
class Core:
    """A core, and the board of the emulator that has it.

    Parameters
    ----------
    name : str, on the command line.
    title : str, as data sheets write it.
    toolchain : Toolchain.
    flags : tuple of str, of compiler and linker, beside the toolchain's.
    machine : tuple of str, QEMU's name of the board and options; empty where there is an operating system.
    flash, ram : (first address, bytes) of the board's memories that a firmware is linked for.
    stack : bytes of RAM for the stack there.
    vectors : address of the vector table, or of the first instructions; 64 bytes.
    """

    name: str
    title: str
    toolchain: Toolchain
    flags: tuple[str, ...] = ()
    machine: tuple[str, ...] = ()
    flash: tuple[int, int] = (0, 0)
    ram: tuple[int, int] = (0, 0)
    stack: int = 4096
    vectors: int = 0

    @property
    def is_board(self) -> bool:
        """Whether it has neither operating system nor C library: start-up code and memories are the firmware's own."""
        return bool(self.machine)

    @property
    def compiler(self) -> str:
        """Name of the compiler's program."""
        return self.toolchain.compiler

    @property
    def linker(self) -> str:
        """Name of the program that links."""
        return self.toolchain.linker or self.compiler

    @property
    def compiling(self) -> tuple[str, ...]:
        """Flags of the compiler that this core needs; `FLAGS`, which all have, come behind them."""
        return (*self.toolchain.dialect, *self.linking)

    @property
    def linking(self) -> tuple[str, ...]:
        """The same of the linker."""
        return (*self.flags, *self.toolchain.flags)

    @property
    def emulator(self) -> tuple[str, ...]:
        """The command that runs a program, which is its last word; empty if programs run by themselves."""
        return (*self.toolchain.emulator, *(("-M", *self.machine, "-kernel") if self.is_board else ()))


GCC = ("-fno-tree-loop-distribute-patterns",)  # no loops turned into calls of the C library, which is not linked
HOST = Toolchain("gcc", GCC)
CLANG = Toolchain("clang")
ARM64 = Toolchain("aarch64-linux-gnu-gcc", GCC, linked=("-static",), prefix="aarch64-linux-gnu-", emulator=("qemu-aarch64",))
ARM = Toolchain(
    "arm-none-eabi-gcc",
    GCC,
    flags=("-mthumb", "-nostdlib", "-fno-asynchronous-unwind-tables"),
    linked=LINKED,
    prefix="arm-none-eabi-",
    board=("startup", "semihosting", "cortex_m"),
    emulator=("qemu-system-arm", *SEMIHOSTED),
)
ARM_CLANG = replace(ARM, compiler="clang", dialect=("--target=thumbv7em-none-eabihf", "-ffreestanding"), linker=ARM.compiler)
RISCV = Toolchain(
    "riscv64-unknown-elf-gcc",
    GCC,
    # what the linker would make shorter stays, and there is no global pointer: so sizes of functions add up
    flags=("-ffreestanding", "-nostdlib", "-fno-asynchronous-unwind-tables", "-mno-relax", "-msmall-data-limit=0"),
    linked=("-Wl,--no-relax", *LINKED),
    prefix="riscv64-unknown-elf-",
    board=("startup", "semihosting", "riscv"),
    emulator=("qemu-system-riscv32", *SEMIHOSTED, "-bios", "none"),
)  # fmt: skip

_MPS2: dict[str, Any] = {"flash": (0x40, 0x3FFFC0), "ram": (0x21000000, 0x1000000)}  # 4 MB of code memory, 16 MB of PSRAM
_AN386: dict[str, Any] = {"machine": ("mps2-an386",), "flags": ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")}
_VIRT: dict[str, Any] = {"vectors": 0x80000000, "flash": (0x80000040, 0x3FFFC0), "ram": (0x81000000, 0x1000000)}  # all RAM

CORES = {
    core.name: core
    for core in (
        Core("host", "this computer", HOST),
        Core("m0", "Cortex-M0", ARM, ("-mcpu=cortex-m0",), ("mps2-an385",), **_MPS2),  # its code is a part of the M3's
        Core("m3", "Cortex-M3", ARM, ("-mcpu=cortex-m3",), ("mps2-an385",), **_MPS2),
        Core("m4f", "Cortex-M4F", ARM, **_AN386, **_MPS2),
        Core("m7", "Cortex-M7", ARM, ("-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard"), ("mps2-an500",),
             (0x40, 0x3FFFC0), (0x60000000, 0x1000000)),
        Core(
            "m33", "Cortex-M33", ARM, ("-mcpu=cortex-m33", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"), ("mps2-an505",),
            flash=(0x10000040, 0x3FFFC0), ram=(0x80000000, 0x1000000), vectors=0x10000000,
        ),
        Core(
            # vector instructions (MVE) flush subnormal numbers to zero, whatever FPSCR says: none of them
            "m55", "Cortex-M55", ARM, ("-mcpu=cortex-m55", "-mfloat-abi=hard", "-fno-tree-vectorize"), ("mps3-an547",),
            flash=(0x11000000, 0x200000), ram=(0x60000000, 0x1000000), vectors=0x10000000,
        ),
        Core(
            "microbit", "Cortex-M0 with 16 KiB", ARM, ("-mcpu=cortex-m0",), ("microbit",),
            (0x40, 0x3FFC0), (0x20000000, 0x4000), 0x800,
        ),
        Core("rv32imac", "RV32IMAC", RISCV, ("-march=rv32imac", "-mabi=ilp32"),
             ("virt", "-cpu", "rv32,f=off,d=off"), **_VIRT),
        Core("rv32imafc", "RV32IMAFC", RISCV, ("-march=rv32imafc", "-mabi=ilp32f"),
             ("virt", "-cpu", "rv32,d=off"), **_VIRT),
        Core("arm64", "Arm64 Linux", ARM64),
        Core("clang", "this computer, clang", CLANG),
        Core("m4f-clang", "Cortex-M4F, clang", ARM_CLANG, **_AN386, **_MPS2),
    )
}  # fmt: skip

# By gcc; a board of its own costs a core nothing
MEASURED_CORES = ("m0", "m3", "m4f", "m7", "m33", "m55", "rv32imac", "rv32imafc")


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


def linked(core: Core, script: str) -> list[str]:
    """What ends the command of a core's linker; ``script`` : path of board.ld."""
    return [*(("-T", script, *places(core)) if core.is_board else ()), *core.toolchain.linked]
