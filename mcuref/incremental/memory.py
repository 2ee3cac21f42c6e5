"""Where everything lies while a model learns incrementally: one plan and one arena for all stages of the cycle."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mcuref.cost.needs import program_needs
from mcuref.errors import InputError
from mcuref.incremental.embedding import Embedding
from mcuref.incremental.layout import STAGES, Layout
from mcuref.memory.accountant import BudgetExceeded, Needs, Plan, excess
from mcuref.memory.arena import Arena, Part
from mcuref.memory.buffers import Buffer, aligned
from mcuref.memory.targets import Budget
from mcuref.network import Network
from mcuref.program.compiler import compile
from mcuref.program.program import Program

FIRST, LAST = 0, len(STAGES) - 1
EMBEDDED = STAGES.index("record"), STAGES.index("distil")  # the stages in which embeddings run
AT_WORK = STAGES.index("train"), STAGES.index("verify")  # those in which the model does


def _body_groups(body):
    """Groups of the frozen layers, None: none: their parameters, and room to work when samples pass by and are verified.

    The host runs them in an arena of their own, which decides no bit.
    """
    if body is None:
        return []
    plan = body.program.plan
    kept = [replace(p.buffer, name=f"body.{p.buffer.name}") for p in plan.placements if p.buffer.persistent]
    groups = [[(buffer, FIRST, LAST)] for buffer in kept]
    for stage in ("record", "verify"):
        work = Buffer(f"body.{stage}", "uint8", (plan.shared("sram"),), "activations")
        groups.append([(work, STAGES.index(stage), STAGES.index(stage))])
    return groups


class PlacedProgram:
    """A program's place in an arena that others share: its groups for the plan, and where its buffers are once it is made.

    Parameters
    ----------
    program : a compiled program; it is not run, but copies of it in an arena are.
    work : Buffer that stands for the area in which its buffers share; several programs may have the same one.
    life : (first, last), stages in which it runs.
    generated : bool: whether its weights are drawn from a seed into SRAM, where they live in those stages alone; else
        its state in SRAM is kept through all stages.
    prefix : str, before the names of its buffers.
    """

    def __init__(
        self, program: Program, work: Buffer, life: tuple[int, int], generated: bool = False, prefix: str = ""
    ) -> None:
        self.program, self.work, self.life = program, work, life
        self.proxies, self.drawn, size = {}, {}, 0
        for p in program.plan.placements:
            if not p.buffer.persistent:
                continue
            if generated and (p.buffer.region == "sram" or p.buffer.category == "weights"):
                self.drawn[p.buffer], size = size, size + aligned(p.buffer.size)
            else:
                self.proxies[p.buffer] = replace(p.buffer, name=prefix + p.buffer.name)
        self.block = Buffer(f"{prefix}weights", "uint8", (size,), "weights") if self.drawn else None

    def groups(self) -> list[list[tuple[Buffer, int, int]]]:
        """Groups for a plan: what persists, each buffer with its own; not the work area, which programs share.

        Weights that are drawn, and the error that goes with them, are one block: they come and go together.
        """
        groups = [[(proxy, FIRST, LAST)] for proxy in self.proxies.values()]
        return groups + ([[(self.block, *self.life)]] if self.block else [])

    def part(self, arena: Arena) -> Part:
        """The program's :class:`Part` of an arena."""
        plan, offsets = self.program.plan, {}
        for buffer, offset in plan.offsets.items():
            if buffer in self.proxies:
                offsets[buffer] = arena.offsets[self.proxies[buffer]]
            elif self.block and buffer in self.drawn:
                offsets[buffer] = arena.offsets[self.block] + self.drawn[buffer]
            else:
                offsets[buffer] = arena.offsets[self.work] + offset - plan.state
        return Part(arena, offsets)


class LearnerMemory:
    """One version of the model with everything that shares its memory: planned, checked, and allocated.

    Parameters
    ----------
    network : :class:`mcuref.Network`, with the parameters to begin with.
    layout : :class:`mcuref.incremental.layout.Layout`.
    budget : :class:`mcuref.Budget` or None.
    seed : int, of the embeddings.
    replaces : LearnerMemory of the model that this one is to replace, which goes on lying in the same arena until the new
        one is accepted; or None.

    Attributes
    ----------
    plan : :class:`mcuref.memory.accountant.Plan` whose rows are `STAGES`.
    """

    def __init__(
        self, network: Network, layout: Layout, budget: Budget | None, seed: int, replaces: "LearnerMemory | None" = None
    ) -> None:
        self.network, self.layout, self.budget, self.seed, self.replaces = network, layout, budget, seed, replaces
        program = compile(network, layout.rule, layout.recipe.optimiser())
        work = Buffer("model.work", "uint8", (program.plan.shared("sram"),), "activations")
        self.placed_model = PlacedProgram(program, work, AT_WORK)
        self.exponents = _exponent_images(program)
        self.placed_embeddings = self._embeddings() if layout.capacity and replaces is None else []
        self.stored = layout.stored()
        self.working = layout.working(self.placed_embeddings[0].program.network.outputs if self.placed_embeddings else 0)
        if replaces is not None:  # it is verified before it is accepted, and trained afterwards
            self.working = {b: life for b, life in self.working.items() if b.name == "replay.sample"}
        self.plan = Plan(self._groups())

    def _embeddings(self):
        """Places of the random embeddings; learned features are those of the model itself."""
        recipe, network = self.layout.recipe.distillation, self.layout.embedding
        if not recipe.needs_embeddings:
            return []
        count = recipe.embeddings if recipe.iterations and network is not None else 1
        programs = self.layout.embedding_programs(network or self.network, self.seed, count)
        size = max(program.plan.shared("sram") for program in programs)
        work = Buffer("embedding.work", "uint8", (size,), "activations")
        return [
            PlacedProgram(program, work, EMBEDDED, generated=True, prefix=f"embedding{r}.")
            for r, program in enumerate(programs, 1)
        ]

    def _groups(self):
        programs = self.placed_model, *self.placed_embeddings
        groups = [group for placed in programs for group in placed.groups()]
        groups += _body_groups(self.layout.body)
        works = {placed.work: placed.life for placed in programs}
        groups += [[(work, *life)] for work, life in works.items() if work.size]
        groups += [[(buffer, *life)] for buffer, life in self.working.items()]
        groups += [[(buffer, FIRST, LAST)] for buffer in (*self.exponents.values(), *self.stored.values())]
        if self.replaces is not None:
            groups += self.replaces.placed_model.groups()  # old weights next to new ones
            tables = [group for placed in self.replaces.placed_embeddings for group in placed.groups()]
            groups += [group for group in tables if group[0][0].region == "flash"]  # they do not leave it meanwhile
        return groups

    @property
    def needs(self) -> Needs:
        """:class:`Needs` of the plan and of the model's firmware around it, where the budget's core was measured."""
        if self.budget is None:
            return Needs(self.plan.sram, self.plan.flash)
        program = self.placed_model.program
        programs = [program] if self.layout.body is None else [program, self.layout.body.program]
        around = [(program_needs(each.listing, self.budget), each.plan) for each in programs]  # shared code counts twice
        return Needs(
            self.plan.sram + max(needs.sram - plan.sram for needs, plan in around),
            self.plan.flash + sum(needs.flash - plan.flash for needs, plan in around),
            sum(needs.code for needs, _ in around),
        )

    @property
    def fits(self) -> bool:
        """Whether the budget holds it."""
        return self.budget is None or excess(self.needs, self.budget) is None

    def require(self, suggestions: Callable[[], list[dict[str, Any]]] = list) -> None:
        """BudgetExceeded unless the budget holds it; ``suggestions`` : callable() -> changes that would fit."""
        if self.budget is not None and not self.fits:
            raise BudgetExceeded("incremental learning", self.plan, self.needs, self.budget, suggestions())

    def allocate(self) -> Self:
        """Make the arena and put the programs into it; the model begins with its network's parameters."""
        self.arena = Arena(self.plan)
        self.program = self.placed_model.program.fresh(self.placed_model.part(self.arena))
        self.program.allocate()
        for name, codec in (("memory.levels", self.layout.codec), ("validation.levels", self.layout.check_codec)):
            if name in self.stored:
                self.view(name)[:] = codec.low, codec.step
        self.embeddings = []
        for placed in self.placed_embeddings:
            self.embeddings.append(Embedding(placed.program.network, placed.part(self.arena), placed.program))
            self.embeddings[-1].program.allocate()
        self._counted = [(np.zeros_like(counts), 0) for _, counts, _ in self._work()]
        return self

    def generate_embeddings(self) -> None:
        """Write the weights of the embeddings into their place, which other stages have used; they end at 0 MACs."""
        for placed, embedding in zip(self.placed_embeddings, self.embeddings):
            embedding.program.fill(placed.part(self.arena))
            if self.layout.embedding is None:
                embedding.adopt(self.program.parameters())

    def view(self, name: str) -> NDArray[Any]:
        """A buffer of what is stored or worked on, by name: a view of the arena."""
        if name in self.stored:
            return self.arena.view(self.stored[name])
        return next(self.arena.view(buffer) for buffer in self.working if buffer.name == name)

    @property
    def classes(self) -> NDArray[np.int32]:
        """The table of classes, int32[most_classes, 4]: a row a class, columns as in `CLASS_COLUMNS` of the layout."""
        return self.view("classes")

    def workspace(self) -> dict[str, NDArray[np.float32]] | None:
        """{name: array} of the buffers that :func:`mcuref.incremental.distillation.distil_class` works in; None if it only
        chooses at random, for which a device needs none.
        """
        if not self.layout.distils:
            return None
        return {b.name: self.arena.view(b) for b in self.working if b.name.startswith(("record.", "distil."))}

    def take_over(self, other: "LearnerMemory") -> None:
        """Copy what is stored from another memory of the same layout."""
        for name, buffer in self.stored.items():
            self.arena.view(buffer)[:] = other.arena.view(other.stored[name])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of all that decides how a learner goes on, by name: the program's state, and what is stored."""
        arrays = {f"program.{name}": value for name, value in self.program.state().items()}
        return arrays | {f"stored.{name}": self.view(name).copy() for name in self.stored}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put back what :meth:`arrays` returned of a memory of the same layout and layers; InputError if it is another's."""
        program = {name: value for name, value in arrays.items() if name.startswith("program.")}
        self.program.restore({name.removeprefix("program."): value for name, value in program.items()})
        for name in self.stored:
            view, value = self.view(name), np.asarray(arrays[f"stored.{name}"])
            if value.shape != view.shape or value.dtype != view.dtype:
                raise InputError(f"{name} is {value.dtype}{value.shape}; it must be {view.dtype}{view.shape}")
            view[:] = value
        if odd := arrays.keys() - program.keys() - {f"stored.{name}" for name in self.stored}:
            raise InputError(f"it has an unknown entry {sorted(odd)[0]!r}")

    def record(self) -> None:
        """Write the model's parameters, of int8 also its exponents, into their image in flash: what a reset begins with."""
        part = self.program.arena
        for buffer, image in self.program.listing.images.items():
            part.view(image)[:] = part.view(buffer)
        for buffer, image in self.exponents.items():
            self.arena.view(image)[:] = part.view(buffer)

    def new_work(self) -> Iterator[tuple[Program, NDArray[np.int64], int]]:
        """What was done since this was last asked: the model's program first, which has trained, then the embeddings'.

        Yields (program, int64[rows, 5] of what it did, multiply-accumulates of distances between its features).
        """
        work, before = self._work(), self._counted
        self._counted = [(counts.copy(), distances) for _, counts, distances in work]
        for (program, counts, distances), (counted, measured) in zip(work, before):
            yield program, counts - counted, distances - measured

    def _work(self):
        """(program, its counts, MACs of distances between its features) of all that are in here."""
        return [(self.program, self.program.counts, 0), *((e.program, e.counts, e.distances) for e in self.embeddings)]

    def where(self) -> list[dict[str, Any]]:
        """The plan as plain data: a row a buffer, with region, offset, bytes, category and stages."""
        rows = []
        for p in self.plan.placements:
            rows.append(
                {
                    "name": p.buffer.name,
                    "region": p.buffer.region,
                    "offset": p.offset,
                    "bytes": p.buffer.size,
                    "category": p.buffer.category,
                    "stages": f"{STAGES[p.first]} to {STAGES[p.last]}",
                }
            )
        return rows

    def stages(self) -> list[dict[str, Any]]:
        """What is alive in SRAM stage by stage: [{"stage", "sram": bytes, "buffers": {name: bytes}, the largest first}]."""
        rows = []
        for i, stage in enumerate(STAGES):
            alive = {p.buffer.name: p.buffer.size for p in self.plan.alive("sram", i)}
            largest = dict(sorted(alive.items(), key=lambda entry: -entry[1]))
            rows.append({"stage": stage, "sram": sum(alive.values()), "buffers": largest})
        return rows

    @property
    def stored_bytes(self) -> int:
        """Bytes of all that is stored for the sake of learning: data, labels, levels, validation data."""
        return sum(buffer.size for buffer in self.stored.values())


def _exponent_images(program):
    """{buffer of int8 exponents: its image in flash}: what values stand for goes on after a reset where it was."""
    if program.network.dtype != "int8":
        return {}
    from mcuref.program.arithmetic.int8_exponents import EXPONENTS

    return {b: replace(b, name=f"{b.name}.image", region="flash") for b in program.state_buffers if b.name == EXPONENTS}
