"""The compiler: network, rule and optimiser become instructions over named buffers, a plan, and a checked budget.

It never loads Numba and never allocates the arena: an estimate is a compiled program that nobody runs.
"""

from collections.abc import Sequence
from functools import cache

from mcuref.arguments import instance, one_of, whole
from mcuref.cost.needs import program_needs
from mcuref.errors import InputError
from mcuref.layers import find_loss
from mcuref.layers.losses import MATCHING
from mcuref.memory.accountant import BudgetExceeded, Needs, Plan, excess
from mcuref.memory.buffers import Buffer
from mcuref.memory.targets import Budget
from mcuref.network import Network
from mcuref.operators.columns import COLUMNS
from mcuref.optimisers import SGD
from mcuref.program import first_steps, governor, rests
from mcuref.program.arithmetic import FLOAT32, Arithmetic, arithmetic_of
from mcuref.program.arithmetic.sample import check_in_place
from mcuref.program.emitter import Emitter
from mcuref.program.listing import Listing
from mcuref.program.program import Program
from mcuref.program.suggestions import suggestions
from mcuref.rules import Full, Rule, checked, emitted

POLICIES = ("immediate", "accumulate")
WRT = ("parameters", "input")
JUMPS = ("rest", "decision", "batch")  # phases of instructions that may jump to the end of what a sample trains


def compile(  # noqa: A001  the public name is mcuref.compile
    network: Network,
    rule: Rule | None = None,
    optimiser: SGD | None = None,
    *,
    loss: str = "softmax_cross_entropy",
    policy: str | None = None,
    trainable: int | None = None,
    budget: Budget | None = None,
    wrt: str = "parameters",
    arithmetic: Arithmetic | None = None,
    input: str = "copy",
) -> Program:
    """Compile a network into a program that fits a budget, or refuse.

    Parameters
    ----------
    network : :class:`mcuref.Network`.
    rule : update rule, :class:`mcuref.Full` if None.
    optimiser : :class:`mcuref.SGD`, the default one if None.
    loss : "softmax_cross_entropy", "mean_squared_error" or "reconstruction"; for wrt="input" also
        "distribution_matching", whose error at the outputs is written into the arena from outside.
    policy : "immediate": weights are updated at every sample, w -= (rate delta) x, without a gradient buffer; or
        "accumulate": gradients are summed in buffers over the optimiser's batch. None: the one that the batch asks for.
    trainable : int or None, how many of the last layers with parameters are trained (None: all, of a mixed network those of
        its head; 0: inference only).
        The others are frozen: they lie in flash and no error is propagated below the lowest trained layer.
    budget : :class:`mcuref.Budget`, or None for no limit.
    wrt : "parameters", or "input" for gradients with respect to the input; then no parameter is changed.
    arithmetic : how an int8 network is trained, :class:`mcuref.Int8`; None: with its defaults, and of float32 always.
    input : "copy": the normalised sample is written into the arena; or "in-place": the first layer, dense, conv or
        depthwise, reads it where it lies outside of the arena, and normalises as it reads. Of float32 networks; all results
        have the same bits.

    Returns
    -------
    :class:`mcuref.program.program.Program`.

    Raises
    ------
    BudgetExceeded : the plan needs more than the budget leaves; with changes that would fit. Nothing was allocated.
    InputError : anything else that is wrong.
    """
    instance("network", network, Network, "a mcuref.Network, such as mcuref.build('mlp-64-32-10')")
    rule = checked(Full() if rule is None else rule)
    optimiser = instance("optimiser", SGD() if optimiser is None else optimiser, SGD, "a mcuref.SGD(rate)")
    policy = _policy(policy, optimiser)
    arithmetic = arithmetic_of(network, arithmetic, input)
    if budget is not None:
        instance("budget", budget, Budget, "a mcuref.Budget, such as mcuref.find_target('nrf52840').budget()")
        require(
            network, [rule], budget, optimiser, loss=loss, policy=policy, trainable=trainable, wrt=wrt, arithmetic=arithmetic
        )
    listing = lower(network, rule, optimiser, loss, policy, trainable, wrt, arithmetic)
    layers = trainable_layers(network, trainable) if wrt == "parameters" else ()
    return Program(network, rule, optimiser, loss, policy, wrt, layers, budget, listing, prepare_executor)


def _policy(policy, optimiser):
    """The gradient policy, checked against the optimiser's batch."""
    if policy is None:
        return "immediate" if optimiser.batch == 1 else "accumulate"
    if one_of("policy", policy, POLICIES) == "immediate" and optimiser.batch > 1:
        raise InputError(f"policy 'immediate' updates at every sample; a batch of {optimiser.batch} needs 'accumulate'")
    return policy


def prepare_executor(index_type: str = "uint16", arithmetic: Arithmetic = FLOAT32) -> None:
    """Compile or load the executor of an arithmetic for kept indices of that type, which must take its first steps right.

    McurefError if it does not.
    """
    from mcuref.program import executor

    def fault(index_type: str) -> str | None:
        return first_steps.fault(compile, index_type if arithmetic is FLOAT32 else arithmetic.executor.rpartition("_")[2])

    executor.compile_executor(index_type, fault, arithmetic)


def require(
    network: Network,
    rules: Sequence[Rule],
    budget: Budget,
    optimiser: SGD | None = None,
    *,
    loss: str = "softmax_cross_entropy",
    policy: str | None = None,
    trainable: int | None = None,
    wrt: str = "parameters",
    arithmetic: Arithmetic | None = None,
) -> None:
    """Refuse, with BudgetExceeded, unless the programs of all ``rules`` fit; suggested changes then fit all of them.

    Parameters are those of :func:`compile`; nothing is allocated.
    """

    optimiser = SGD() if optimiser is None else optimiser
    policy = _policy(policy, optimiser)

    @cache
    def listings(changed, trainable, own=None):
        own = own or (arithmetic if changed.dtype == network.dtype else None)
        return [lower(changed, rule, optimiser, loss, policy, trainable, wrt, own) for rule in rules]

    def needs(network, trainable, budget, own=None):
        every = [program_needs(listing, budget) for listing in listings(network, trainable, own)]
        return Needs(*(max(column) for column in zip(*every)))

    needed = [(listing.plan, program_needs(listing, budget)) for listing in listings(network, trainable)]
    refused = [(*need, rule) for need, rule in zip(needed, rules) if excess(need[1], budget)]
    if refused:
        plan, most, rule = max(refused, key=lambda entry: entry[1].sram)
        in_place = arithmetic_of(network, arithmetic).in_place
        changes = suggestions(network, trainable, wrt, budget, needs, in_place)
        trained = wrt != "parameters" or trainable_layers(network, trainable)
        raise BudgetExceeded(rule.method if trained else None, plan, most, budget, changes)


def trainable_layers(network: Network, trainable: int | None) -> tuple[int, ...]:
    """Indices of the last ``trainable`` layers with parameters (all that can be trained if None)."""
    count = len(network.trainable)
    if trainable is None:
        return network.trainable
    trainable = whole("trainable", trainable, 0, count)
    return network.trainable[count - trainable :]


def lower(
    network: Network,
    rule: Rule,
    optimiser: SGD,
    loss: str,
    policy: str,
    trainable: int | None,
    wrt: str,
    arithmetic: Arithmetic | None = None,
) -> Listing:
    """Emit, in order: forward, loss, decision, then backward layer by layer; then plan. Returns a :class:`Listing`."""
    one_of("wrt", wrt, WRT)
    if len(network.shapes[-1]) != 1:
        raise InputError(f"network {network.name!r} ends with shape {network.shapes[-1]}; losses need a flat output")
    loss = find_loss(loss)
    if loss is MATCHING and wrt != "input":
        raise InputError(f"loss {loss.name!r} is of the samples, not of the weights; compile it with wrt='input'")
    if wrt == "input" and network.dtype != "float32":
        raise InputError(
            f"network {network.name!r} is {network.dtype}; gradients with respect to the input are of float32 networks"
        )
    whole = arithmetic_of(network, arithmetic)
    if whole.in_place:
        check_in_place(network, loss.name, wrt)
    layers = trainable_layers(network, trainable) if wrt == "parameters" else ()
    rate = optimiser.learning_rate / optimiser.batch
    weights = getattr(rule, "weights", True)
    emit = Emitter(network, layers, wrt, whole, loss.name, rate, weights)
    streaks = rests.rest(emit, rule)
    may_rest = bool(emit.instructions)
    values, saved = _forward(emit)
    forward_rows = len(emit.instructions)
    input_error = None
    if emit.trains:
        delta = _loss(emit, rule, loss, values, streaks)
        steps = optimiser.steps(emit, policy, getattr(rule, "bias", "masked"), weights)
        input_error = _backward(emit, rule, loss, steps, delta, values, saved)
        steps.finish()
    _finish(emit)
    table = Buffer("program", "int32", (len(emit.instructions), len(COLUMNS)), "constants", "", "flash", True)
    groups = _storage(emit.instructions)
    groups += [[(b, 0, len(emit.instructions))] for b in (*emit.images.values(), table)]
    return Listing(
        tuple(emit.instructions),
        forward_rows,
        Plan(groups),
        values[-1],
        input_error if wrt == "input" else None,
        emit.constants,
        table,
        emit.images,
        emit.parameters,
        emit.index_type,
        loss.name,
        emit.whole,
        may_rest,
    )


def _finish(emit):
    """Emit what follows every step that was computed, and say where jumps lead: there, or, of a rest, behind it."""
    end = len(emit.instructions)
    emit.whole.finish(emit)
    governor.finish(emit)
    for instruction in emit.instructions:
        if instruction.phase in JUMPS:
            instruction.jump = len(emit.instructions) if instruction.phase == "rest" else end


def _forward(emit):
    """Emit the forward pass; returns the output buffer of every layer and what each saved for the way back."""
    values, saved = [], []
    left_out = _softmax(emit.network) if emit.trains else None
    for i, (layer, sources) in enumerate(zip(emit.network.layers, emit.network.sources)):
        with emit.layer(i):
            taken = [emit.whole.taken(emit, j, values[j]) for j in sources]
            out, keep = (values[-1], None) if i == left_out else layer.forward(emit, *taken)
            emit.arithmetic.computed(emit, out)
        values.append(out)
        saved.append(keep)
    return values, saved


def _softmax(network):
    """The index of a softmax at the end, which the loss has in it: a program with a way back leaves it out; or None."""
    last = len(network.layers) - 1
    return last if network.layers[last].kind == "softmax" else None


def _outputs(network):
    """The index of the layer whose outputs the loss takes: the last one that is no softmax."""
    return len(network.layers) - 1 if _softmax(network) is None else len(network.layers) - 2


def _loss(emit, rule, loss, values, streaks):
    """Emit the output error and the decision; both belong to the last layer with parameters."""
    if _softmax(emit.network) is not None and loss.name != "softmax_cross_entropy":
        raise InputError(
            f"network {emit.network.name!r} ends with a softmax layer, which loss {loss.name!r} has no way back through; "
            "it takes the loss 'softmax_cross_entropy'"
        )
    last = _outputs(emit.network)
    with emit.layer(emit.network.parametric[-1]):
        if emit.network.parametric[-1] == last or loss is MATCHING:
            delta = loss.error(emit, values[-1], values[0])
            if emit.trainable:  # a decision is about training: an input gradient is wanted for every sample
                emitted(rule, "decide", emit, delta)
                rests.wake(emit, rule, streaks)
            return delta
    raise InputError(
        f"network {emit.network.name!r} ends with a {emit.network.layers[last].kind} layer; the last layer must have "
        "parameters, because the loss hands its error to it"
    )


def _backward(emit, rule, loss, steps, delta, values, saved):
    """Emit the way back, as far down as something wants a gradient; returns the error at the input, if it gets there."""
    last = _outputs(emit.network)
    network, errors, position = emit.network, {last: delta}, 0
    for i in range(last, 0, -1):
        if i not in errors:
            continue
        delta, wanted = errors.pop(i), [j for j in network.sources[i] if emit.reached(j)]
        with emit.layer(i):
            if network.parameter_shapes(i):
                dense = position == 0 and _dense_output(rule, loss)
                kept = emitted(rule, "select", emit, delta, position, dense)
                governor.spend(emit, kept.count)
                below = network.layers[i].propagate(emit, delta, kept) if wanted else None
                if i in emit.trainable:  # after the propagation, which needs the old weights
                    kept = emitted(rule, "restrict", emit, kept, dense) if hasattr(rule, "restrict") else kept
                    source = network.sources[i][0]
                    steps.update(network.layers[i], delta, kept, emit.whole.taken(emit, source, values[source]))
                position += 1
            elif wanted:
                below = network.layers[i].backward(emit, delta, saved[i])
        for j in wanted:
            errors[j] = _joined(emit, i, j, errors.get(j), below)
    return errors.get(0)


def _joined(emit, i, j, other, error):
    """The error at the output of layer j when that of layer i has come, beside another or to wait for one."""
    if other is not None:
        return _sum(emit, j, other, error)
    if any(j in emit.network.sources[k] for k in range(j + 1, i)):
        with emit.layer(i):
            return emit.arithmetic.waiting(emit, error)
    return error


def _sum(emit, index, first, second):
    """Emit the sum of two errors at the output of a layer that feeds two others."""
    sums = sum(
        i.operator.family == "add_backward" and i.layer_index == index for i in emit.instructions
    )  # it may feed three
    with emit.layer(index):
        total = emit.buffer(f"output_error{sums + 1}", first.shape, "errors", emit.sums)
        emit("add_backward", dx=total, a=first, b=second, n=first.shape[0])
    return total


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
