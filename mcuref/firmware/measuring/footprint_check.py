"""Estimated footprints against linked firmware and its painted stack."""

import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from mcuref.calibration import quantise_to_train, quantised_body
from mcuref.cost.footprint import WORD, Footprint, footprint
from mcuref.export.cores import Core, find_core
from mcuref.export.material import Material
from mcuref.firmware.measuring.elf import read_sections
from mcuref.firmware.toolchain import call, execute, find_tool, workspace
from mcuref.optimisers import SGD
from mcuref.program.arithmetic.int8 import Int8
from mcuref.program.effort import dense_macs
from mcuref.rules import Rule

TOLERANCE = 1.02
SECONDS = 900  # that a network may run in the emulator
COUNTS = (1, 14, 16, 17, 32, 33, 64)  # samples that are exported
FEW = (1, 33)
QUICK = 20_000_000  # MACs of all these exports: more than that is emulated once for each main.o that differs
DATA = ("samples", "answers", "rates")  # symbols of the example's data, which is the user's


@dataclass(frozen=True)
class FootprintCheck:
    """A network's firmware on a core: what was estimated and what was linked and run. Bytes.

    Attributes
    ----------
    model, method, core : str.
    samples : tuple of int, the numbers of exported samples with which that was measured.
    arena, stack, sram, flash : (estimated, measured).
    """

    model: str
    method: str
    core: str
    samples: tuple[int, ...]
    arena: tuple[int, int]
    stack: tuple[int, int]
    sram: tuple[int, int]
    flash: tuple[int, int]

    @property
    def holds(self) -> bool:
        """Whether the arena is exact and neither total is below what was measured, nor more than 2 % above."""
        totals = (self.sram, self.flash)
        return self.arena[0] == self.arena[1] and all(m <= e <= TOLERANCE * m for e, m in totals)

    def line(self) -> str:
        """One line of a table."""
        pairs = "".join(f"{e:>11,}{m:>11,}{e / m:>8.4f}" for e, m in (self.sram, self.flash))
        stack = f"{self.stack[0]:>7,}{self.stack[1]:>7,}"
        same = "" if self.arena[0] == self.arena[1] else f"  arena {self.arena[1]:,}"
        samples = f"{self.samples[0]} to {self.samples[-1]}"
        return f"{self.model:<20}{self.method:<16}{self.core:<11}{samples:<9}{self.arena[0]:>11,}{stack}{pairs}{same}"


HEAD = (
    f"{'network':<20}{'method':<16}{'core':<11}{'samples':<9}{'arena':>11}{'stack':>7}{'paint':>7}"
    f"{'SRAM':>11}{'measured':>11}{'ratio':>8}{'flash':>11}{'measured':>11}{'ratio':>8}"
)


def footprint_checks(
    material: Material, method: str, cores: Sequence[Core], folder: Path, counts: Sequence[int] = COUNTS
) -> list[FootprintCheck]:
    """A :class:`FootprintCheck` for each core whose board holds the program; projects of so many samples go into ``folder``.

    More than one where a core's firmware is not the same with every number of samples. ToolError if a tool is missing or
    fails.
    """
    from mcuref.export.project import write_project

    exports = {count: _repeated(material, count) for count in counts}
    for count, export in exports.items():
        write_project(export, folder / str(count))
    program, checks = material.program, []
    for core in cores:
        measured_core = "m0" if core.name == "microbit" else core.name
        estimate = cast(Footprint, footprint(program.listing, measured_core))
        sram, flash = program.plan.sram + estimate.stack, program.plan.flash + estimate.flash
        room = program.plan.sram + max(core.stack, estimate.stack) <= core.ram[1]
        held = [count for count, e in exports.items() if flash + _data_bytes(e) <= core.flash[1] and room]
        for (arena, stack, measured), samples in run_examples(core, folder, held, _quick(program, counts)).items():
            pairs = (program.plan.sram, arena), (estimate.stack, stack), (sram, arena + stack), (flash, measured)
            checks.append(FootprintCheck(program.network.name, method, core.name, tuple(samples), *pairs))
    return checks


def _repeated(material, count):
    """The material with so many samples, its own over and over."""
    order = np.arange(count) % len(material.x)
    y = None if material.y is None else np.asarray(material.y)[order]
    return replace(material, x=material.x[order], y=y)


def _data_bytes(material):
    return material.samples.nbytes + material.answers.nbytes + material.rates.nbytes


def _quick(program, counts):
    """Whether the emulator is done soon with training and inference of so many samples."""
    forward, backward = dense_macs(program)
    return sum(counts) * (2 * forward + backward) < QUICK


def run_examples(core: Core, folder: Path, counts: Sequence[int], always: bool) -> dict[tuple[int, int, int], list[int]]:
    """{(arena, painted stack, flash without the samples): numbers of samples} of the examples in ``folder``, in bytes.

    Each is built and run; unless ``always``, one whose main.o has run is not run again.
    """
    project, found, stacks = folder / "project", {}, {}
    build = project / "build" / core.name
    for count in counts:
        shutil.copytree(folder / str(count), project, copy_function=_copy_changed, dirs_exist_ok=True)
        call([find_tool("make"), "-s", f"CORE={core.name}", f"build/{core.name}/example"], project, what="make")
        sections = read_sections(build / "example")
        sizes = {symbol.name: symbol.bytes for section in sections for symbol in section.symbols}
        data = sum(-(-sizes[name] // WORD) * WORD for name in DATA if name in sizes)
        flash = sum(section.bytes for section in sections if section.in_flash) - data
        main = (build / "main.o").read_bytes()
        if always or main not in stacks:
            printed = execute(core, build / "example", project, SECONDS)
            stacks[main] = int(re.findall(r"stack: (\d+)", printed)[0])
        found.setdefault((sizes["arena"], stacks[main], flash), []).append(count)
    return found


def _copy_changed(source, target):
    """Copy a file unless the target is the same: make builds again what is newer."""
    source, target = Path(source), Path(target)
    if not target.exists() or source.read_bytes() != target.read_bytes():
        shutil.copyfile(source, target)


def sample_material(
    name: str, rule: Rule, optimiser: SGD | None = None, dtype: str = "float32", trainable: int | None = None, **how: Any
) -> Material:
    """The Material of a network of the zoo in some type on eight random float32 samples.

    trainable : as of ``mcuref.compile``; how : of :class:`mcuref.Int8`.
    """
    from mcuref.models import build, find_model
    from mcuref.program.compiler import compile

    network, loss = build(name), find_model(name).loss
    x = np.random.default_rng(0).standard_normal((8, *network.input.shape)).astype(np.float32)
    deployed = _deployed(network, x, dtype, trainable, loss)
    arithmetic = Int8(**how) if how else None
    program = compile(deployed, rule, optimiser, loss=loss, trainable=trainable, arithmetic=arithmetic)
    labelled = program.loss == "softmax_cross_entropy"
    return Material(program, x, np.arange(8) % network.outputs if labelled else None)


def _deployed(network, x, dtype, trainable, loss):
    """A float32 network in another type."""
    if dtype == "mixed":
        return quantised_body(network, x, trainable)
    return network if dtype == "float32" else quantise_to_train(network, x, trainable=trainable, loss=loss)


def check_footprints(core_names: Iterable[str], models: Iterable[str] | None = None) -> bool:
    """Print a table of the zoo's networks, by five methods and types, on these cores; returns whether all hold."""
    from mcuref import rules
    from mcuref.models import ZOO

    cores = [find_core(name) for name in core_names]
    cores += [find_core("microbit")] if "m0" in core_names else []
    methods: dict[str, tuple[Any, ...]] = {
        "tinyprop": (rules.make("tinyprop"), SGD()),
        "tinypropv2+m+b": (rules.make("tinypropv2"), SGD(momentum=0.9, batch=2)),
        "int8": (rules.make("tinyprop"), SGD(), "int8"),
        "int8, v2+m+b": (rules.make("tinypropv2"), SGD(momentum=0.9, batch=2), "int8"),
        "mixed": (rules.make("tinyprop"), SGD(), "mixed", 1),
    }
    print(HEAD, flush=True)
    hold = True
    for name in models or ZOO:
        for method, chosen in methods.items():
            with workspace() as folder:
                material = sample_material(name, *chosen)
                counts = COUNTS if material.program.arithmetic.name == "float32" else FEW  # main.c is as good as the same
                for check in footprint_checks(material, method, cores, folder, counts):
                    print(check.line() + ("" if check.holds else "  <-- does not hold"), flush=True)
                    hold &= check.holds
    return hold
