"""What a README says about a model in a firmware, whatever builds it: keeping what was learned, interrupts, memory."""

from mcuref.cost.footprint import footprint
from mcuref.export.cores import CORES
from mcuref.export.material import Material

STACKS = ("m0", "m4f")  # whose stack is told
SLOT_STACK = 256  # bytes, at most, of mcuref_save_slots and mcuref_restore_slots
UNIT = 32  # bytes: MCUREF_SLOT_UNIT of program/slots.h


def slot_bytes(state: int) -> int:
    """MCUREF_SLOT_BYTES of program/slots.h, for a state of so many bytes."""
    return UNIT + -(-state // UNIT) * UNIT


def keeping(slot: int, where: str) -> str:
    """What was learned, through power cuts. slot : bytes of one; where : sentence that says where slots.h is."""
    return f"""\
Keeping what was learned

What training changes is the beginning of the arena, and lost with power. program/slots.h saves it into two slots of flash of
{slot:,} bytes or more, each of whole erase blocks of its own. {where}
It writes the slot that does not hold the newest state: erases it, writes the state, then a head with a sequence number and
a check sum. Power may be cut at any byte of that: after the reset mcuref_restore_slots finds this state or the one before.

  - The driver is yours: three functions, erase, write, read. A unit of 32 bytes is written at once, aligned, and once only
    after an erasure; where flash programs more than 32 at once, compile everything with -DMCUREF_SLOT_UNIT=64 or so.
  - Read has to fail, not to trap, where a cut left bytes that error correction refuses (STM32 with ECC: handle the NMI).
  - Flash bears some 10,000 erasures (its data sheet says), and each slot is erased at every second save: save after so many
    steps that it lasts. While it is erased most parts run nothing from the same bank of flash, interrupts included.
  - A state belongs to this very export: after an update with another one mcuref_restore_slots finds none, and the model
    begins as exported.
"""


INTERRUPTS = """\
Interrupts and tasks

An arena is used by one call at a time: what interrupts a call on it (mcuref_init, _infer, _train, _loss, _save, _restore and
those of slots.h) must not call one on the same arena, and a task must not either: take a lock. Two arenas do not know each
other: the program is constant, and one may be used by several. From an interrupt, collect a sample into a buffer of its own
and set a flag; a sample must not change during a call. Outputs are overwritten by the next call on the arena.
A call may be interrupted at any point and goes on; after a reset in one the arena is lost, and what was saved is not.
"""


def memory(material: Material, slots: bool) -> str:
    """SRAM, stack and flash, in lines; ``slots``: whether what is saved goes into slots."""
    plan = material.program.plan
    lines = [
        f"SRAM: {plan.sram:,} bytes of arena, and the stack.",
        f"Flash: {plan.flash:,} bytes of weights, constants and program, and the code.",
        *_stack(material),
    ]
    if slots:
        lines.append(f"Saving into slots needs at most {SLOT_STACK} bytes of stack, and the driver's.")
    return "\n".join(lines)


def _stack(material):
    """Lines about the stack that is known, from the reset to the deepest kernel."""
    costs = {CORES[core].title: footprint(material.program.listing, core) for core in STACKS}
    return [f"Stack on a {title}: {cost.stack:,} bytes, as {cost.compiler} has it." for title, cost in costs.items() if cost]
