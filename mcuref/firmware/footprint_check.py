"""Estimated footprints against linked firmware and its painted stack."""

import re
from dataclasses import dataclass

import numpy as np

from mcuref.export.cores import find_core
from mcuref.firmware.elf import read_sections
from mcuref.firmware.toolchain import call, execute, find_tool, workspace
from mcuref.memory.footprint import WORD, footprint

TOLERANCE = 1.02
SECONDS = 900  # that a network may run in the emulator
SAMPLES, SMALL = 8, 30_000  # the example has so many, or one for a network of more parameters: it is emulated
DATA = ("samples", "answers", "rates")  # symbols of the example's data, which is the user's


@dataclass(frozen=True)
class Comparison:
    """A network's firmware on a core: what was estimated and what was linked and run. Bytes.

    Attributes
    ----------
    model, method, core : str.
    arena, stack, sram, flash : (estimated, measured).
    """

    model: str
    method: str
    core: str
    arena: tuple
    stack: tuple
    sram: tuple
    flash: tuple

    @property
    def holds(self):
        """Whether the arena is exact and neither total is below what was measured, nor more than 2 % above."""
        totals = (self.sram, self.flash)
        return self.arena[0] == self.arena[1] and all(m <= e <= TOLERANCE * m for e, m in totals)

    def line(self):
        """One line of a table."""
        pairs = "".join(f"{e:>11,}{m:>11,}{e / m:>8.4f}" for e, m in (self.sram, self.flash))
        stack = f"{self.stack[0]:>7,}{self.stack[1]:>7,}"
        same = "" if self.arena[0] == self.arena[1] else f"  arena {self.arena[1]:,}"
        return f"{self.model:<20}{self.method:<16}{self.core:<9}{self.arena[0]:>11,}{stack}{pairs}{same}"


HEAD = (
    f"{'network':<20}{'method':<16}{'core':<9}{'arena':>11}{'stack':>7}{'paint':>7}"
    f"{'SRAM':>11}{'measured':>11}{'ratio':>8}{'flash':>11}{'measured':>11}{'ratio':>8}"
)


def compare_footprints(material, method, cores, folder):
    """A :class:`Comparison` for each core whose board holds the program; the project is exported into ``folder``.

    ToolError if a tool is missing or fails.
    """
    from mcuref.export.project import write_project

    write_project(material, folder)
    program, comparisons = material.program, []
    for core in cores:
        estimate = footprint(program.listing, "m0" if core.name == "microbit" else core.name)
        sram, flash = program.plan.sram + estimate.stack, program.plan.flash + estimate.flash
        if sram > core.ram[1] or flash + _data_bytes(material) > core.flash[1]:
            continue
        arena, stack, measured = measure_firmware(core, folder)
        pairs = (program.plan.sram, arena), (estimate.stack, stack), (sram, arena + stack), (flash, measured)
        comparisons.append(Comparison(program.network.name, method, core.name, *pairs))
    return comparisons


def _data_bytes(material):
    return material.x.nbytes + material.answers.nbytes + material.rates.nbytes


def measure_firmware(core, project):
    """(arena, painted stack, flash without the samples) of the example of an exported project, built and run: bytes."""
    program = project / "build" / core.name / "example"
    call([find_tool("make"), "-s", f"CORE={core.name}", program.relative_to(project)], project, what="make")
    sections = read_sections(program)
    sizes = {symbol.name: symbol.bytes for section in sections for symbol in section.symbols}
    data = sum(-(-sizes[name] // WORD) * WORD for name in DATA if name in sizes)
    flash = sum(section.bytes for section in sections if section.in_flash) - data
    printed = execute(core, program, project, SECONDS)
    return sizes["arena"], int(re.search(r"stack: (\d+)", printed)[1]), flash


def sample_material(name, rule, optimiser=None):
    """The Material of a network of the zoo on random float32 samples."""
    from mcuref.export.material import Material
    from mcuref.models import build, find_model
    from mcuref.program.compiler import compile

    program = compile(build(name), rule, optimiser, loss=find_model(name).loss)
    network, random = program.network, np.random.default_rng(0)
    count = SAMPLES if sum(map(np.size, network.parameters.values())) < SMALL else 1
    x = random.standard_normal((count, *network.input.shape)).astype(np.float32)
    labelled = program.loss == "softmax_cross_entropy"
    return Material(program, x, np.arange(count) % network.outputs if labelled else None)


def check_footprints(core_names, models=None):
    """Print a table of the zoo's networks, by two methods, on these cores; returns whether all hold."""
    from mcuref import rules
    from mcuref.models import ZOO
    from mcuref.optimisers import SGD

    cores = [find_core(name) for name in core_names]
    cores += [find_core("microbit")] if "m0" in core_names else []
    methods = {
        "tinyprop": (rules.make("tinyprop"), SGD()),
        "tinypropv2+m+b": (rules.make("tinypropv2"), SGD(momentum=0.9, batch=2)),
    }
    print(HEAD, flush=True)
    hold = True
    for name in models or ZOO:
        for method, (rule, optimiser) in methods.items():
            with workspace() as folder:
                material = sample_material(name, rule, optimiser)
                for comparison in compare_footprints(material, method, cores, folder / "project"):
                    print(comparison.line() + ("" if comparison.holds else "  <-- does not hold"), flush=True)
                    hold &= comparison.holds
    return hold
