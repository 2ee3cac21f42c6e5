"""What the instructions of an architecture say of a function: whom it calls, where it ends, how deep its stack is."""

import re
from abc import ABC, abstractmethod
from pathlib import Path

from mcuref.export.cores import ARM, RISCV, Toolchain
from mcuref.firmware.toolchain import ToolError, call, find_tool

CALL, TAIL = "call", "tail"  # ways to another function: back here, or for good


class InstructionSet(ABC):
    """How objdump writes the instructions of an architecture, and how its ELF supplement numbers relocations.

    toolchain : whose objdump it is; padding : (mnemonic, operands) of what fills gaps behind functions.
    """

    toolchain: Toolchain
    padding: tuple[tuple[str, str], ...] = ()
    comment = "@"  # what objdump puts behind operands begins with it

    def disassembled(self, path: Path) -> str:
        """What objdump says of a relocatable file."""
        return call([find_tool(f"{self.toolchain.prefix}objdump"), "-d", path], what="objdump")

    @abstractmethod
    def way(self, kind: int, name: str, operands: str) -> str | None:
        """`CALL`, `TAIL` or None: what a relocation of this kind at an instruction is."""

    @abstractmethod
    def leaves(self, name: str, operands: str) -> bool:
        """Whether an instruction never goes on to the next one."""

    @abstractmethod
    def is_indirect(self, name: str, operands: str) -> bool:
        """Whether an instruction calls what a register names."""

    @abstractmethod
    def lowered(self, name: str, operands: str) -> int:
        """Bytes by which an instruction lowers the stack pointer; ToolError if it changes it in an unknown way."""

    def unknown(self, name: str, operands: str) -> ToolError:
        """The error of an instruction that changes the stack pointer in an unknown way."""
        return ToolError(f"the stack of a function of libgcc cannot be told: {name} {operands}")


class Thumb(InstructionSet):
    """Thumb and Thumb-2."""

    toolchain = ARM
    padding = (("nop", ""), ("mov", "r8, r8"), ("movs", "r0, r0"))
    _register = re.compile(r"\b(?:r\d+|lr|ip|fp|sl)\b")
    _ends = re.compile(r"(b(\.n|\.w)?|bx|udf)$")  # nothing falls through these
    _raising = ("pop", "ldm", "ldr", "add")  # of the stack pointer

    def way(self, kind: int, name: str, operands: str) -> str | None:
        """R_ARM_THM_CALL; R_ARM_THM_JUMP24, JUMP19, JUMP11."""
        return CALL if kind == 10 else TAIL if kind in (30, 51, 102) else None

    def leaves(self, name: str, operands: str) -> bool:
        """A branch, or whatever loads pc."""
        return self._ends.match(name) is not None or (name.startswith(("pop", "ldr", "ldm", "mov")) and "pc" in operands)

    def is_indirect(self, name: str, operands: str) -> bool:
        """blx of a register."""
        return name == "blx" and operands.startswith("r")

    def lowered(self, name: str, operands: str) -> int:
        """Of push, stmdb, sub, and of a store that moves sp before."""
        if name.startswith("push") or (name.startswith("stmdb") and "sp!" in operands):
            return 4 * len(self._register.findall(operands))
        lowered = re.search(r"\[sp, #-(\d+)\]!", operands)
        if lowered is None and name.startswith("sub"):
            lowered = re.match(r"sp, (?:sp, )?#(\d+)", operands)
        changes = re.match(r"sp\b", operands) or "sp!" in operands
        if lowered is None and changes and not name.startswith(("cmp", *self._raising)):
            raise self.unknown(name, operands)
        return int(lowered[1]) if lowered else 0


class RiscV(InstructionSet):
    """RV32 with compressed instructions. Calls are auipc and jalr, for which one relocation stands."""

    toolchain = RISCV
    padding = (("nop", ""), ("unimp", ""))
    comment = "# "

    def disassembled(self, path: Path) -> str:
        """Of a copy without symbols: objdump takes libgcc's labels for those of other sections that have the same name."""
        bare = path.with_suffix(".bare")
        call([find_tool(f"{self.toolchain.prefix}objcopy"), "--strip-all", path, bare], what="objcopy")
        return super().disassembled(bare)

    def way(self, kind: int, name: str, operands: str) -> str | None:
        """R_RISCV_CALL, CALL_PLT and JAL, which keep the way back in ra or do not; BRANCH, RVC_BRANCH, RVC_JUMP."""
        if kind in (17, 18, 19):
            return CALL if name == "jal" or operands.startswith("ra,") else TAIL
        return TAIL if kind in (16, 44, 45) else None

    def leaves(self, name: str, operands: str) -> bool:
        """A jump that keeps no way back."""
        return name in ("j", "jr", "ret", "ebreak", "unimp")

    def is_indirect(self, name: str, operands: str) -> bool:
        """jalr of a register: that of a call of a name stands behind its auipc, in ra."""
        return name == "jalr" and operands.partition(",")[0] not in ("ra", "t1")

    def lowered(self, name: str, operands: str) -> int:
        """Of addi, which objdump writes as add."""
        if not operands.startswith("sp,"):
            return 0
        moved = re.fullmatch(r"sp,sp,(-?\d+)", operands)
        if moved is None or name not in ("add", "addi"):
            raise self.unknown(name, operands)
        return max(-int(moved[1]), 0)


INSTRUCTION_SETS: dict[str, InstructionSet] = {kind.toolchain.prefix: kind for kind in (Thumb(), RiscV())}
