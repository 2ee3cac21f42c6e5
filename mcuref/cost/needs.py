"""What a program needs, code and stack included, and its report as plain data; the map of which bytes are alive when."""

from typing import Any

from mcuref.cost.compiled import Compiled, Listing, Zeros
from mcuref.cost.footprint import footprint
from mcuref.cost.instructions import CHOOSING, inference_instructions, measured, most_kept, step_instructions
from mcuref.memory.accountant import OUTSIDE, UNMEASURED, Needs, allowance
from mcuref.memory.buffers import REGIONS, aligned
from mcuref.memory.targets import Budget

EVERYWHERE = "m4f"  # a core: what was measured there was measured on all


def program_needs(listing: Listing, budget: Budget) -> Needs:
    """The :class:`Needs` of a program under a budget: its plan and, if the budget's core was measured, code and stack."""
    plan = listing.plan
    around = footprint(listing, budget.core)
    if around is None:
        return Needs(plan.sram, plan.flash)
    return Needs(plan.sram + max(around.stack - budget.stack, 0), plan.flash + around.flash, around.flash)


def policy_words(program: Compiled) -> str:
    """When weights are updated, in words."""
    momentum, batch = program.optimiser.momentum, program.optimiser.batch
    if program.policy == "accumulate":
        where = "velocities" if momentum else "buffers"
        return f"accumulate: batch {batch}, gradients summed in {where}, rows updated at its end"
    if momentum:
        return "immediate: batch 1, each row updated from its velocity"
    return "immediate: batch 1, each weight updated on the spot, no gradient buffer"


def memory_report(program: Compiled, zeros: Zeros | None = None) -> dict[str, Any]:
    """Bytes and MACs of a program: {"regions", "firmware", "categories", "layers", "peak", "policy", "not_included"}.

    Bytes are integers. ``planned`` is what is allocated; ``requested`` what is alive at the peak before alignment;
    ``lower_bound`` what no plan can do without; ``needed`` the plan with code, and with the stack beyond the budget's
    reserve, which is held to ``budget``: what is left of it after that reserve (null: no limit). ``firmware`` is the
    whole of it on the budget's core, null where that was not measured; ``zeros`` are shares of zeros in activations
    (:mod:`mcuref.program.zeros`) where they were counted.
    """
    plan, budget = program.plan, program.budget
    needs = program_needs(program.listing, Budget(None, None) if budget is None else budget)
    firmware = _firmware(program, zeros)
    return {
        "regions": {
            region: {
                "planned": getattr(plan, region),
                "requested": plan.requested(region),
                "lower_bound": plan.lower_bound(region),
                "needed": getattr(needs, region),
                "budget": None if budget is None else allowance(budget, region),
            }
            for region in REGIONS
        },
        "firmware": firmware,
        "categories": plan.categories(),
        "layers": layer_rows(program),
        "peak": _peak(program),
        "policy": policy_words(program),
        "not_included": [*_unmeasured(program, firmware), *OUTSIDE],
    }


def _unmeasured(program, firmware):
    """What is not counted because nobody measured it, in words."""
    if firmware is not None:
        return ()
    core = "" if program.budget is None else program.budget.core
    known = (measured(core) or measured(EVERYWHERE))["formulas"]
    unknown = sorted({i.name for i in program.instructions} - known.keys())
    if unknown:
        return (f"code: unknown, and instructions: nobody measured {', '.join(unknown)}", *UNMEASURED[1:])
    return UNMEASURED


def _firmware(program, zeros):
    """What a firmware with this program alone takes, in bytes and executed instructions; None if not measured.

    ``sram`` = arena + stack (the deepest), ``flash`` = plan + code (of mcuref's example, without samples); instructions
    from fitted formulas (:mod:`mcuref.cost.instructions`); those of a training step are the most that one can take.
    """
    core = "" if program.budget is None else program.budget.core
    around, step = footprint(program.listing, core), step_instructions(program, core, zeros=zeros)
    if around is None or step is None:
        return None
    return {
        "core": core,
        "compiler": around.compiler,
        "arena": program.plan.sram,
        "stack": around.stack,
        "sram": program.plan.sram + around.stack,
        "code": around.flash,
        "flash": program.plan.flash + around.flash,
        "instructions": {
            "inference": inference_instructions(program, core, zeros),
            "zeros_counted": zeros is not None,
            "training_step": round(step),
        },
    }


def layer_rows(program: Compiled) -> list[dict[str, Any]]:
    """Per layer: shape, bytes by category in each region (aligned; bytes shared in place count once), MACs.

    ``macs_backward`` is the most that a training step can cost: weight gradient and propagation of k_max entries.
    """
    rows = []
    network = program.network
    for i, name in enumerate(network.names):
        row = {
            "layer": name,
            "shape": list(network.shapes[i]),
            "trainable": i in program.trainable,
            "sram": {},
            "flash": {},
            "macs_forward": network.parametric_layer(i).macs(network.input_shape(i)) if i in network.parametric else 0,
            "macs_backward": _backward_macs(program, i),
        }
        for p in program.plan.placements:
            if p.buffer.layer == name and not p.shares:
                bytes_of = row[p.buffer.region]
                bytes_of[p.buffer.category] = bytes_of.get(p.buffer.category, 0) + aligned(p.buffer.size)
        rows.append(row)
    return rows


def _backward_macs(program, index):
    """Most MACs of a layer's way back: of as many entries as a selection keeps at most."""
    total, most = 0, {}
    for instruction in program.instructions:
        entries_in = instruction["kept" if "kept" in instruction else "count"] if instruction.phase in CHOOSING else None
        if instruction.phase == "selection":
            most[entries_in] = most_kept(instruction)
        elif instruction.phase == "restriction":
            most[entries_in] = most[entries_in] * instruction["k"] // instruction["O"]
        if instruction.layer_index == index and instruction.phase in ("update", "propagate"):
            entries = sum(most.get(buffer, 0) for buffer in instruction.inputs)
            if entries and instruction.operator.macs != "0":  # a sum of two errors has no entries, biases no products
                total += entries * program.network.parametric_layer(index).macs_of_entry(program.network.input_shape(index))
    return total


def _peak(program):
    plan, row = program.plan, program.plan.peak
    instruction = program.instructions[row]
    return {
        "instruction": row,
        "phase": instruction.phase,
        "opcode": instruction.name,
        "layer": instruction.layer,
        "buffers": [{"name": p.buffer.name, "bytes": p.buffer.size} for p in plan.alive("sram", row)],
    }


def memory_map(program: Compiled) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Rows of memory.csv: every buffer's region, offset, bytes and lifetime, by offset.

    Offsets count from the start of the arena [sram | flash]; lifetimes are instruction rows, both inclusive.
    """
    header = ("buffer", "layer", "category", "region", "dtype", "offset", "bytes", "first", "last", "shares")
    rows = [
        (
            p.buffer.name,
            p.buffer.layer,
            p.buffer.category,
            p.buffer.region,
            p.buffer.dtype,
            p.offset,
            p.buffer.size,
            p.first,
            p.last,
            p.shares,
        )
        for p in sorted(program.plan.placements, key=lambda p: (p.offset, p.first))
    ]
    return header, rows
