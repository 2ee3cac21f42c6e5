"""Where everything lies while a model learns incrementally: one plan and one arena for all stages of the cycle.

The rows of this plan are stages, not instructions. What is needed in one stage alone shares its bytes with what is
needed in others: the embeddings of the distillation with the working memory of training, say. Buffers for one sample on
its way (record.sample, record.features, distil.gradient, replay.*) are the device's: the host hands over many samples at
once, outside of the arena, which decides no bit.

    record   real samples of a class pass by; sums of their features, and a choice among them
    distil   the chosen samples are optimised, rounded, and stored
    train    the model trains on the stored samples
    verify   the model is judged
    grow     another model of another size stands beside the one that runs
"""

from dataclasses import dataclass, field, replace

from mcuref.cost.needs import program_needs
from mcuref.incremental.embedding import Embedding, embedding_network, embedding_seeds
from mcuref.incremental.storage import Storage
from mcuref.memory.accountant import BudgetExceeded, Needs, Plan, excess
from mcuref.memory.arena import Arena, Part
from mcuref.memory.buffers import Buffer, aligned
from mcuref.program.compiler import compile

STAGES = ("record", "distil", "train", "verify", "grow")
FIRST, LAST = 0, len(STAGES) - 1
EMBEDDED = STAGES.index("record"), STAGES.index("distil")  # the stages in which embeddings run
AT_WORK = STAGES.index("train"), STAGES.index("verify")  # those in which the model does
# Of a class: its number outside, stored samples, times it was seen, samples to verify on
CLASS_COLUMNS = ("label", "stored", "seen", "checks")


@dataclass(frozen=True)
class Layout:
    """What shares the memory with the model: how much of it there is.

    Parameters
    ----------
    codec : of the stored samples.
    check_codec : of the stored validation samples, 8 bits.
    recipe : :class:`mcuref.incremental.recipe.Recipe`.
    capacity : int, stored samples; 0 for a learner that stores none.
    checks : int, stored validation samples.
    most_classes : int.
    embedding : :class:`mcuref.Network` whose layers the random embeddings have; None for the features that the model
        has learned.
    programs : compiled embeddings, which are the same in all plans.
    """

    codec: object
    check_codec: object
    recipe: object
    capacity: int
    checks: int
    most_classes: int
    embedding: object = None
    programs: dict = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, recipe, layer, most_classes, *, stores=True, judged=True, embedding=None):
        """The Layout of a recipe for an Input layer; whether it ``stores`` samples, and is ``judged`` by stored ones."""
        checks = recipe.verification.per_class if judged and recipe.verification.source == "stored" else 0
        return cls(
            recipe.storage.codec(layer),
            Storage().codec(layer),
            recipe,
            recipe.per_class * most_classes * stores,
            checks * most_classes,
            most_classes,
            embedding,
        )

    def embedding_programs(self, network, seed, count):
        """Compiled embeddings with the layers of a network, list of Program."""
        key = repr(network.written[1:]), seed, count
        if key not in self.programs:
            networks = [embedding_network(network, seed=s) for s in embedding_seeds(seed, count)]
            self.programs[key] = [Embedding(each).program for each in networks]
        return self.programs[key]

    def stored(self):
        """Buffers of what is stored: samples, labels, classes, quantisation; validation samples and their labels."""
        label = "uint8" if self.most_classes <= 256 else "uint16"
        shapes = {}
        if self.capacity:
            shapes["memory.samples"] = ("uint8", (self.capacity, self.codec.bytes), "distilled data")
            shapes["memory.labels"] = (label, (self.capacity,), "distilled data")
        if self.codec.scale_bytes and (self.capacity or self.checks):
            shapes["memory.levels"] = ("float32", (2, self.codec.shape[2]), "distilled data")
        if self.checks:
            shapes["validation.samples"] = ("uint8", (self.checks, self.check_codec.bytes), "validation data")
            shapes["validation.labels"] = (label, (self.checks,), "validation data")
        shapes["classes"] = ("int32", (self.most_classes, len(CLASS_COLUMNS)), "distilled data")
        region = self.recipe.region
        return {n: Buffer(n, dtype, shape, kind, "", region, True) for n, (dtype, shape, kind) in shapes.items()}

    def working(self, features):
        """{Buffer: (first stage, last stage)} of what is needed in some stages alone."""
        layer, recipe, lives = self.codec.layer, self.recipe, {}
        if self.capacity:
            for name, (shape, first, last) in recipe.distillation.buffers(layer.size, features).items():
                lives[Buffer(name, "float32", shape, "scratch")] = first, last
            order = "uint16" if self.capacity <= 1 << 16 else "uint32"
            lives[Buffer("replay.order", order, (self.capacity,), "scratch")] = "train", "train"
        if self.capacity or self.checks:
            lives[Buffer("replay.sample", layer.dtype, (layer.size,), "input")] = "train", "verify"
        if recipe.augmentation.active:
            lives[Buffer("replay.augmented", layer.dtype, (layer.size,), "input")] = "train", "train"
        return {buffer: tuple(map(STAGES.index, life)) for buffer, life in lives.items()}


class Tenant:
    """A program that lies in the arena of a cycle: its groups for the plan, and where its buffers are once it is made.

    Parameters
    ----------
    program : a compiled program; it is not run, but copies of it in an arena are.
    work : Buffer that stands for the area in which its buffers share; several tenants may have the same one.
    life : (first, last), stages in which it runs.
    generated : bool: whether its weights are drawn from a seed into SRAM, where they live in those stages alone; else
        its state in SRAM is kept through all stages.
    prefix : str, before the names of its buffers.
    """

    def __init__(self, program, work, life, generated=False, prefix=""):
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

    def groups(self):
        """Groups for a plan: what persists, each buffer with its own; not the work area, which tenants share.

        Weights that are drawn, and the error that goes with them, are one block: they come and go together.
        """
        groups = [[(proxy, FIRST, LAST)] for proxy in self.proxies.values()]
        return groups + ([[(self.block, *self.life)]] if self.block else [])

    def part(self, arena):
        """The program's :class:`Part` of an arena."""
        plan, offsets = self.program.plan, {}
        for buffer, offset in plan.offsets.items():
            if buffer in self.proxies:
                offsets[buffer] = arena.offsets[self.proxies[buffer]]
            elif buffer in self.drawn:
                offsets[buffer] = arena.offsets[self.block] + self.drawn[buffer]
            else:
                offsets[buffer] = arena.offsets[self.work] + offset - plan.state
        return Part(arena, offsets)


class Cycle:
    """One version of the model with everything that shares its memory: planned, checked, and allocated.

    Parameters
    ----------
    network : :class:`mcuref.Network`, with the parameters to begin with.
    layout : :class:`Layout`.
    budget : :class:`mcuref.Budget` or None.
    beside : Cycle that goes on lying in the same arena until the new one is accepted, or None.

    Attributes
    ----------
    plan : :class:`mcuref.memory.accountant.Plan` whose rows are `STAGES`.
    """

    def __init__(self, network, layout, budget, seed, beside=None):
        self.network, self.layout, self.budget, self.seed, self.beside = network, layout, budget, seed, beside
        recipe = layout.recipe
        program = compile(network, recipe.rule, recipe.optimiser())
        work = Buffer("model.work", "uint8", (program.plan.shared("sram"),), "activations")
        self.model = Tenant(program, work, AT_WORK)
        self.embedded = self._embedded() if layout.capacity and beside is None else []
        self.stored = layout.stored()
        self.working = layout.working(self.embedded[0].program.network.outputs if self.embedded else 0)
        if beside is not None:  # it is verified before it is accepted, and trained afterwards
            self.working = {b: life for b, life in self.working.items() if b.name == "replay.sample"}
        self.plan = Plan(self._groups())

    def _embedded(self):
        """Tenants of the random embeddings; learned features are those of the model itself."""
        recipe, network = self.layout.recipe.distillation, self.layout.embedding
        if not recipe.needs_embeddings:
            return []
        count = recipe.embeddings if recipe.iterations and network is not None else 1
        programs = self.layout.embedding_programs(network or self.network, self.seed, count)
        size = max(program.plan.shared("sram") for program in programs)
        work = Buffer("embedding.work", "uint8", (size,), "activations")
        return [
            Tenant(program, work, EMBEDDED, generated=True, prefix=f"embedding{r}.") for r, program in enumerate(programs, 1)
        ]

    def _groups(self):
        groups = [group for tenant in (self.model, *self.embedded) for group in tenant.groups()]
        works = {tenant.work: tenant.life for tenant in (self.model, *self.embedded)}
        groups += [[(work, *life)] for work, life in works.items() if work.size]
        groups += [[(buffer, *life)] for buffer, life in self.working.items()]
        groups += [[(buffer, FIRST, LAST)] for buffer in self.stored.values()]
        if self.beside is not None:
            groups += self.beside.model.groups()  # old weights beside new ones
            tables = [group for tenant in self.beside.embedded for group in tenant.groups()]
            groups += [group for group in tables if group[0][0].region == "flash"]  # they do not leave it meanwhile
        return groups

    @property
    def needs(self):
        """:class:`Needs` of the plan and of the model's firmware around it, where the budget's core was measured."""
        if self.budget is None:
            return Needs(self.plan.sram, self.plan.flash)
        program = self.model.program
        around = program_needs(program.listing, self.budget)
        return Needs(
            self.plan.sram + around.sram - program.plan.sram,
            self.plan.flash + around.flash - program.plan.flash,
            around.code,
        )

    @property
    def fits(self):
        """Whether the budget holds it."""
        return self.budget is None or excess(self.needs, self.budget) is None

    def require(self, suggestions=list):
        """BudgetExceeded unless the budget holds it; ``suggestions`` : callable() -> changes that would fit."""
        if not self.fits:
            raise BudgetExceeded("incremental learning", self.plan, self.needs, self.budget, suggestions())

    def allocate(self):
        """Make the arena and put the programs into it; the model begins with its network's parameters."""
        self.arena = Arena(self.plan)
        self.program = self.model.program.fresh(self.model.part(self.arena))
        self.program.allocate()
        if "memory.levels" in self.stored:
            self.view("memory.levels")[:] = self.layout.codec.low, self.layout.codec.step
        self.embeddings = []
        for tenant in self.embedded:
            self.embeddings.append(Embedding(tenant.program.network, tenant.part(self.arena), tenant.program))
            self.embeddings[-1].program.allocate()
        return self

    def generate_embeddings(self):
        """Write the weights of the embeddings into their place, which other stages have used; they end at 0 MACs."""
        for tenant, embedding in zip(self.embedded, self.embeddings):
            embedding.program.fill(tenant.part(self.arena))
            if self.layout.embedding is None:
                embedding.adopt(self.program.parameters())

    def view(self, name):
        """A buffer of what is stored or worked on, by name: a view of the arena."""
        if name in self.stored:
            return self.arena.view(self.stored[name])
        return next(self.arena.view(buffer) for buffer in self.working if buffer.name == name)

    def workspace(self):
        """{name: array} of the buffers that :func:`mcuref.incremental.distillation.distil_class` works in."""
        return {b.name: self.arena.view(b) for b in self.working if b.name.startswith(("record.", "distil."))}

    def take_over(self, other):
        """Copy what is stored from another cycle of the same layout."""
        for name, buffer in self.stored.items():
            self.arena.view(buffer)[:] = other.arena.view(other.stored[name])

    def record(self):
        """Write the model's parameters into their image in flash: what a reset begins with."""
        part = self.program.arena
        for buffer, image in self.program.listing.images.items():
            part.view(image)[:] = part.view(buffer)

    def where(self):
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

    def stages(self):
        """What is alive in SRAM stage by stage: [{"stage", "sram": bytes, "buffers": {name: bytes}, the largest first}]."""
        rows = []
        for i, stage in enumerate(STAGES):
            alive = {p.buffer.name: p.buffer.size for p in self.plan.alive("sram", i)}
            largest = dict(sorted(alive.items(), key=lambda entry: -entry[1]))
            rows.append({"stage": stage, "sram": sum(alive.values()), "buffers": largest})
        return rows

    @property
    def stored_bytes(self):
        """Bytes of all that is stored for the sake of learning: data, labels, levels, validation data."""
        return sum(buffer.size for buffer in self.stored.values())


def inference_macs(network):
    """Multiply-accumulates of one forward pass."""
    return sum(network.layers[i].macs(network.input_shape(i)) for i in network.parametric)
