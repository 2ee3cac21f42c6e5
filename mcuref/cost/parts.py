"""Every microcontroller beside a program: whether it holds it, or how many bytes it is short of, and instructions."""

from functools import cache
from typing import Any

from mcuref.cost.compiled import Compiled, Zeros
from mcuref.cost.instructions import inference_instructions, step_instructions
from mcuref.cost.needs import program_needs
from mcuref.memory.buffers import REGIONS
from mcuref.memory.targets import CORE_NAMES, DEFAULT_STACK, TARGETS, Budget


def part_rows(program: Compiled, stack: int = DEFAULT_STACK, zeros: Zeros | None = None) -> list[dict[str, Any]]:
    """A row for each target, as plain data: those that hold the program, the smallest first, then those that lack least.

    {"target", "core", "fits", "regions": {region: {"needed", "budget", "over_by"}}, "code_counted", "instructions":
    {"inference", "training_step"}}: bytes as in :func:`mcuref.cost.needs.memory_report`, ``stack`` of them kept back. Of a
    core that was not measured the plan alone is needed, and instructions are None; a training step is the most that one
    can take, and None where nothing is trained. ``zeros`` are shares of zeros in activations, where they were counted.
    """

    @cache
    def instructions(core):
        step = step_instructions(program, core, zeros=zeros) if program.trainable else None
        return {
            "inference": inference_instructions(program, core, zeros),
            "training_step": None if step is None else round(step),
        }

    @cache
    def needs(core):
        return program_needs(program.listing, Budget(None, None, stack, core=core))

    rows = []
    for part in TARGETS.values():
        core = CORE_NAMES.get(part.core, "")
        budgets = {"sram": max(part.sram - stack, 0), "flash": part.flash}
        regions = {region: _region(getattr(needs(core), region), budgets[region]) for region in REGIONS}
        rows.append(
            {
                "target": part.name,
                "core": part.core,
                "fits": not any(row["over_by"] for row in regions.values()),
                "regions": regions,
                "code_counted": needs(core).code > 0,
                "instructions": instructions(core),
            }
        )
    return sorted(rows, key=_order)


def _region(needed, budget):
    return {"needed": needed, "budget": budget, "over_by": max(needed - budget, 0)}


def _order(row):
    """What rows are sorted by: bytes that are missing, then those that there are."""
    regions = [row["regions"][region] for region in REGIONS]
    return sum(region["over_by"] for region in regions), *(region["budget"] for region in regions), row["target"]
