"""The compiler: network, rule and optimiser become instructions over named buffers, a plan, and a checked budget.

It never loads Numba and never allocates the arena: an estimate is a compiled program that nobody runs.
"""

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from mcuref.arguments import instance, one_of, whole
from mcuref.errors import InputError
from mcuref.layers import find_loss
from mcuref.memory.accountant import BudgetExceeded, Plan, excess
from mcuref.memory.buffers import Buffer
from mcuref.memory.targets import Budget
from mcuref.network import Network
from mcuref.optimisers import SGD
from mcuref.program.instructions import COLUMNS, Instruction
from mcuref.program.program import Program
from mcuref.program.suggestions import Needs, suggestions
from mcuref.rules import METHODS, Full

POLICIES = ("immediate",)
RULES = tuple(METHODS.values())
WRT = ("parameters", "input")


@dataclass(frozen=True)
class Listing:
    """What the compiler makes: instructions, their plan, and where things are.

    Attributes
    ----------
    instructions : tuple of Instruction, one training step (or one input gradient) of one sample.
    forward_rows : int, the first rows, which are the forward pass.
    plan : Plan.
    output : Buffer, the network's outputs z after the forward rows.
    input_error : Buffer or None, dLoss/d(normalised input), if compiled with wrt="input".
    constants : {Buffer: array} contents of flash constants.
    table : Buffer of the program table.
    images : {Buffer in sram: Buffer in flash} start images of trainable parameters.
    parameters : {name: Buffer} where the program reads each parameter.
    """

    instructions: tuple
    forward_rows: int
    plan: Plan
    output: Buffer
    input_error: Buffer | None
    constants: dict
    table: Buffer
    images: dict
    parameters: dict


def compile(  # noqa: A001  the public name is mcuref.compile
    network, rule=None, optimiser=None, *, loss="softmax_cross_entropy", policy="immediate", trainable=None, budget=None,
    wrt="parameters",
):  # fmt: skip
    """Compile a network into a program that fits a budget, or refuse.

    Parameters
    ----------
    network : :class:`mcuref.Network`.
    rule : update rule, :class:`mcuref.Full` if None.
    optimiser : :class:`mcuref.SGD`, the default one if None.
    loss : "softmax_cross_entropy", "mean_squared_error" or "reconstruction".
    policy : "immediate": batch 1, weights are updated on the spot, w -= (rate delta) x, without a gradient buffer.
    trainable : int or None, how many of the last layers with parameters are trained (None: all; 0: inference only).
        The others are frozen: they lie in flash and no error is propagated below the lowest trained layer.
    budget : :class:`mcuref.Budget`, or None for no limit.
    wrt : "parameters", or "input" for gradients with respect to the input; then no parameter is changed.

    Returns
    -------
    :class:`mcuref.program.program.Program`.

    Raises
    ------
    BudgetExceeded : the plan needs more than the budget leaves; with changes that would fit. Nothing was allocated.
    InputError : anything else that is wrong.
    """
    instance("network", network, Network, "a mcuref.Network, such as mcuref.build('mlp-64-32-10')")
    rule = instance("rule", Full() if rule is None else rule, RULES, "an update rule, such as mcuref.TinyProp()")
    optimiser = instance("optimiser", SGD() if optimiser is None else optimiser, SGD, "a mcuref.SGD(rate)")
    if budget is not None:
        instance("budget", budget, Budget, "a mcuref.Budget, such as mcuref.find_target('nrf52840').budget()")
        require(network, [rule], budget, loss=loss, policy=policy, trainable=trainable, wrt=wrt)
    listing = lower(network, rule, loss, policy, trainable, wrt)
    layers = trainable_layers(network, trainable) if wrt == "parameters" else ()
    return Program(network, rule, optimiser, loss, policy, wrt, layers, budget, listing)


def require(
    network, rules, budget, *, loss="softmax_cross_entropy", policy="immediate", trainable=None, wrt="parameters"
):
    """Refuse, with BudgetExceeded, unless the programs of all ``rules`` fit; suggested changes then fit all of them.

    Parameters are those of :func:`compile`; nothing is allocated.
    """

    def plans(network, trainable):
        return [lower(network, rule, loss, policy, trainable, wrt).plan for rule in rules]

    def needs(network, trainable):
        every = plans(network, trainable)
        return Needs(max(plan.sram for plan in every), max(plan.flash for plan in every))

    refused = [(plan, rule) for plan, rule in zip(plans(network, trainable), rules) if excess(plan, budget)]
    if refused:
        plan, rule = max(refused, key=lambda pair: pair[0].sram)
        changes = suggestions(network, trainable, wrt, budget, needs)
        raise BudgetExceeded(rule.method, plan, budget, changes)


class Emitter:
    """What layers and rules write a program with: buffers and instructions of the layer at hand."""

    def __init__(self, network, trainable, wrt):
        self.network, self.trainable, self.wrt = network, trainable, wrt
        self.instructions, self.constants, self.images = [], {}, {}
        self._named = {}
        self.index = 0

    @contextmanager
    def layer(self, index):
        """Everything emitted inside belongs to this layer."""
        previous, self.index = self.index, index
        yield
        self.index = previous

    @property
    def name(self):
        """Name of the layer at hand."""
        return self.network.names[self.index]

    @property
    def propagates(self):
        """Whether an error will pass back through the layer at hand."""
        return self.reached(self.index - 1)

    @property
    def output_is_kept(self):
        """Whether the weight gradient of the next layer with parameters reads the output of the layer at hand."""
        following = [i for i in self.network.parametric if i > self.index]
        return bool(following) and following[0] in self.trainable

    def reached(self, index):
        """Whether an error must reach the output of layer ``index``: something at or below it wants a gradient."""
        return self.wrt == "input" or any(i <= index for i in self.trainable)

    def __call__(self, name, outputs, inputs, dimensions=(), constants=(), in_place=None):
        """Append an instruction."""
        self.instructions.append(
            Instruction(name, self.name, self.index, outputs, inputs, tuple(dimensions), tuple(constants), in_place)
        )

    def buffer(self, kind, shape, category, dtype="float32"):
        """A new buffer in SRAM that lives while instructions need it."""
        return Buffer(f"{self.name}.{kind}", dtype, tuple(shape), category, self.name)

    def _once(self, kind, make):
        name = f"{self.name}.{kind}"
        if name not in self._named:
            self._named[name] = make(name)
        return self._named[name]

    def constant(self, kind, values):
        """A constant in flash, float32."""
        values = np.asarray(values, np.float32)

        def make(name):
            buffer = Buffer(name, "float32", values.shape, "constants", self.name, "flash", True)
            self.constants[buffer] = values
            return buffer

        return self._once(kind, make)

    def state(self, kind):
        """One float32 of rule state in SRAM, 0 at the start."""
        return self._once(kind, lambda name: Buffer(name, "float32", (1,), "rule state", self.name, persistent=True))

    def parameter(self, kind):
        """A parameter of the layer at hand: in SRAM with its start image in flash if trainable, else in flash only."""
        shape = self.network.parameter_shapes(self.index)[kind]

        def make(name):
            flash = Buffer(name, "float32", shape, "weights", self.name, "flash", True)
            if self.index not in self.trainable:
                return flash
            buffer = Buffer(name, "float32", shape, "weights", self.name, persistent=True)
            self.images[buffer] = Buffer(f"{name}.image", "float32", shape, "weights", self.name, "flash", True)
            return buffer

        return self._once(kind, make)

    @property
    def parameters(self):
        """{name: buffer} of all parameters emitted so far."""
        return {name: b for name, b in self._named.items() if b.category == "weights"}


def trainable_layers(network, trainable):
    """Indices of the last ``trainable`` layers with parameters (all if None)."""
    count = len(network.parametric)
    if trainable is None:
        return network.parametric
    trainable = whole("trainable", trainable, 0, count)
    return network.parametric[count - trainable :]


def lower(network, rule, loss, policy, trainable, wrt):
    """Emit, in order: forward, loss, decision, then backward layer by layer; then plan. Returns a :class:`Listing`."""
    one_of("policy", policy, POLICIES)
    one_of("wrt", wrt, WRT)
    if len(network.shapes[-1]) != 1:
        raise InputError(f"network {network.name!r} ends with shape {network.shapes[-1]}; losses need a flat output")
    loss = find_loss(loss)
    emit = Emitter(network, trainable_layers(network, trainable) if wrt == "parameters" else (), wrt)
    values, saved = _forward(emit)
    forward_rows = len(emit.instructions)
    input_error = None
    if emit.reached(len(network.layers) - 1):
        delta = _loss(emit, rule, loss, values)
        input_error = _backward(emit, rule, loss, delta, values, saved)
    for instruction in emit.instructions:
        if instruction.phase == "decision":
            instruction.jump = len(emit.instructions)
    table = Buffer("program", "int32", (len(emit.instructions), len(COLUMNS)), "constants", "", "flash", True)
    groups = _storage(emit.instructions)
    groups += [[(b, 0, len(emit.instructions))] for b in (*emit.images.values(), table)]
    return Listing(
        tuple(emit.instructions), forward_rows, Plan(groups), values[-1], input_error if wrt == "input" else None,
        emit.constants, table, emit.images, emit.parameters,
    )  # fmt: skip


def _forward(emit):
    """Emit the forward pass; returns the output buffer of every layer and what each saved for the way back."""
    values, saved = [], []
    for i, layer in enumerate(emit.network.layers):
        with emit.layer(i):
            out, keep = layer.forward(emit, values[-1] if values else None)
        values.append(out)
        saved.append(keep)
    return values, saved


def _loss(emit, rule, loss, values):
    """Emit the output error and the decision; both belong to the last layer with parameters."""
    with emit.layer(emit.network.parametric[-1]):
        if emit.network.parametric[-1] == len(emit.network.layers) - 1:
            delta = loss.error(emit, values[-1], values[0])
            if emit.trainable:  # a decision is about training: an input gradient is wanted for every sample
                rule.decide(emit, delta)
            return delta
    raise InputError(
        f"network {emit.network.name!r} ends with a {emit.network.layers[-1].kind} layer; the last layer must have "
        "parameters, because the loss hands its error to it"
    )


def _backward(emit, rule, loss, delta, values, saved):
    """Emit the way back, as far down as something wants a gradient; returns the error that got furthest."""
    position = 0
    for i in range(len(emit.network.layers) - 1, 0, -1):
        if not emit.reached(i):
            break
        layer = emit.network.layers[i]
        with emit.layer(i):
            if not emit.network.parameter_shapes(i):
                delta = layer.backward(emit, delta, saved[i])
                continue
            dense = position == 0 and _dense_output(rule, loss)
            kept = rule.select(emit, delta, position, dense)
            below = layer.propagate(emit, delta, kept) if emit.reached(i - 1) else None
            if i in emit.trainable:  # after the propagation, which needs the old weights
                layer.update(emit, delta, kept, values[i - 1], rule.bias == "dense")
            delta, position = below, position + 1
    return delta


def _dense_output(rule, loss):
    """Whether the output layer is trained densely whatever the rule."""
    output = getattr(rule, "output", "rule")
    return output == "dense" or (output == "auto" and loss.dense_output)


def _storage(instructions):
    """Groups of (buffer, first, last) for the plan: lifetimes, and in-place chains merged where the maths allows.

    What is read from outside, the outputs and an input gradient, is read right after the row that wrote it.
    """
    lives = {}
    for row, instruction in enumerate(instructions):
        for buffer in instruction.buffers:
            first, _ = lives.get(buffer, (row, row))
            lives[buffer] = (first, row)
    groups = {}
    for row, instruction in enumerate(instructions):
        if instruction.in_place:
            output, source = instruction.in_place
            dies_here = lives[source][1] == row and not source.persistent
            if dies_here and output.size == source.size:
                groups[output] = groups.setdefault(source, [source])
                groups[output].append(output)
    unique = {id(groups.get(b, b)): groups.get(b, [b]) for b in lives}
    whole = (0, len(instructions))
    return [[(b, *(whole if b.persistent else lives[b])) for b in chain] for chain in unique.values()]
