"""Rules and operators from outside: taken wherever a rule is, run by Python where nothing is compiled, never exported."""

import importlib
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest

from mcuref import (
    SGD,
    Dense,
    Full,
    Input,
    InputError,
    Network,
    NonFiniteError,
    ReLU6,
    TopK,
    build,
    compile,
    find_target,
    operators,
)
from mcuref.export.material import Material
from mcuref.export.project import write_project
from mcuref.kernels.selection import keep_nonzero
from mcuref.models import describe
from mcuref.models.description import make_network_layers
from mcuref.operations.views import END, GO_ON, JUMP, indices, words
from mcuref.operators import OPERATORS, register
from mcuref.operators.columns import CHOSEN, IN, KEPT, OUT, D
from mcuref.operators.operator import declare
from mcuref.rules import Selection, checked, find, make, method_of
from mcuref.runs.description import described_program, program_description

MINE = declare(
    "select_mine_f32", 1000, "selection", "index kept[n], i32 count[1]", "delta[n]", "n", module="mine", features="nothing"
)
JUMPING = declare("decide_mine_f32", 1001, "decision", "y_max[1]", "delta[n]", "n", module="mine", features="nothing")


def select(row, f, memory, host, sample, counts):
    """As select_full_f32."""
    n = int(row[D])
    count = keep_nonzero(indices(memory, row[OUT], n), words(memory, row[IN], n))
    words(memory, row[OUT + 1], 1)[0] = count
    counts[CHOSEN] += n
    counts[KEPT] += count
    return GO_ON


def decide(row, f, memory, host, sample, counts):
    """Every second sample is trained."""
    if sample.number % 2 == 0:
        return GO_ON
    host.trained[sample.position] = 0
    return JUMP


@pytest.fixture(autouse=True)
def registry(monkeypatch):
    monkeypatch.setattr(operators, "_OUTSIDE", {})
    register(MINE, select)
    register(JUMPING, decide)


@dataclass(frozen=True)
class Mine:
    """Full training by a selection of its own."""

    skips: bool = False
    method = "mine"
    bias = "masked"

    def decide(self, emit, delta):
        if self.skips:
            emit("decide_mine", y_max=emit.state("y_max"), delta=delta, n=delta.shape[0])

    def select(self, emit, delta, position, dense):
        n = delta.shape[0]
        kept = emit.buffer("kept", (n,), "selection", emit.index_type)
        count = emit.buffer("kept_count", (1,), "selection", "int32")
        emit("select_mine", kept=kept, count=count, delta=delta, n=n)
        return Selection(kept, count)


X = np.linspace(-1, 1, 7 * 9, dtype=np.float32).reshape(7, 9)
Y = np.arange(7) % 3


def program(rule, **options):
    return compile(build("mlp-9-8-3"), rule, SGD(0.1, **options))


@pytest.mark.parametrize("options", [{}, {"momentum": 0.5}, {"batch": 2}])
def test_an_operator_that_python_runs_gives_the_bits_of_the_one_that_is_compiled(options):
    mine, full = program(Mine(), **options), program(Full(), **options)
    order = [3, 0, 6, 6, 1, 2, 4, 5, 0]
    first, second = mine.train(X, Y, order), full.train(X, Y, order)
    assert first.losses.tobytes() == second.losses.tobytes() and (mine.counts == full.counts).all()
    for name, value in full.state().items():
        assert mine.state()[name].tobytes() == value.tobytes(), name
    assert mine.outputs(X).tobytes() == full.outputs(X).tobytes()


def test_row_by_row_and_watched_it_is_the_same():
    mine, full = program(Mine()), program(Full())
    traced, wanted = mine.trace(X, Y, watched=True), full.trace(X, Y)
    assert [record[4] for record in traced] == [record[4] for record in wanted]
    assert "select_mine_f32" in {record[2] for record in traced}


def test_an_operator_may_jump():
    mine, full = program(Mine(skips=True)), program(Full())
    assert mine.train(X, Y).trained.tolist() == [True, False] * 3 + [True]
    for position, sample in enumerate(X):
        rates = {"first": position, "total": len(X)}
        if position % 2 == 0:
            full.train(sample[None], Y[position : position + 1], **rates)
    for name, value in full.parameters().items():
        assert mine.parameters()[name].tobytes() == value.tobytes(), name


def test_an_operator_may_end_the_training(monkeypatch):
    monkeypatch.setattr(operators, "_OUTSIDE", {1000: (MINE, lambda *arguments: END)})
    with pytest.raises(NonFiniteError) as error:
        program(Mine()).train(X, Y)
    assert (error.value.layer, error.value.sample) == ("dense2", 0)


def test_what_nobody_measured_is_said_to_be_unknown():
    mine = compile(build("mlp-9-8-3"), Mine(), budget=find_target("nrf52840").budget())
    report = mine.report()
    assert report["firmware"] is None
    assert report["not_included"][0] == "code: unknown, and instructions: nobody measured select_mine_f32"


def test_what_has_no_c_is_not_exported(tmp_path):
    with pytest.raises(InputError) as error:
        write_project(Material(program(Mine()), X, Y), tmp_path / "c")
    assert "operator 'select_mine_f32' of layer 'dense2' has no C" in str(error.value) and not (tmp_path / "c").exists()


@pytest.mark.parametrize("changed, sentence", [
    ({"number": 999}, "operator 'select_mine_f32' has number 999; those from outside begin at 1,000"),
    ({"number": 1001}, "operator 'select_mine_f32', number 1,001, has the"),
    ({"name": "dense_forward_f32", "number": 1002}, "has the name of 'dense_forward_f32', number 10"),
    ({"name": "other_f32"}, "operator 'other_f32', number 1,000, has the number of 'select_mine_f32', number 1,000"),
])  # fmt: skip
def test_names_and_numbers_of_others_are_refused(changed, sentence):
    with pytest.raises(InputError) as error:
        register(replace(MINE, **changed), select)
    assert sentence in str(error.value)


def test_registering_once_more_replaces_it():
    register(MINE, decide)
    assert operators.run_of(1000) is decide and operators.registered("select_mine") is MINE and len(OPERATORS) < 1000


# -- rules -------------------------------------------------------------------------------------------------------------


class Bare:
    """A rule that is no dataclass and has no settings."""

    method = "bare"
    bias = "masked"

    def decide(self, emit, delta):
        """Every sample."""

    def select(self, emit, delta, position, dense):
        return TopK(0.5).select(emit, delta, position, dense)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A function that writes a module to where modules are looked for."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(text, name=f"rule_{id(tmp_path)}"):
        (tmp_path / f"{name}.py").write_text(text)
        return name

    return write


RULE = """
from dataclasses import dataclass
from mcuref.rules import TopK

@dataclass(frozen=True)
class Half:
    ratio: float = 0.5
    method = "half"
    bias = "masked"
    def decide(self, emit, delta): pass
    def select(self, emit, delta, position, dense): return TopK(self.ratio).select(emit, delta, position, dense)

class Strange:
    method = "strange"
"""


def test_a_class_by_module_and_name_is_a_method(module):
    name = f"{module(RULE)}:Half"
    rule = make(name, "paper", ratio=0.25)
    assert type(rule).__name__ == "Half" and rule.ratio == 0.25 and method_of(rule) == name
    mine, topk = program(rule), program(TopK(0.25, output="rule"))
    mine.train(X, Y), topk.train(X, Y)
    for key, value in topk.parameters().items():
        assert mine.parameters()[key].tobytes() == value.tobytes()


def test_a_rule_without_settings_is_taken():
    assert program(Bare()).train(X, Y).trained.all() and method_of(Bare()).endswith(":Bare")


@pytest.mark.parametrize("method, sentence", [
    ("{}:Strange", "has no 'bias'; mcuref.rules.Rule says what it needs"), ("subprocess:Popen", "has no 'method'"),
    ("{}:Nothing", "is not there; it must be package.module:Class"), ("{}:", "is not written as package.module:Class"),
    ("no_such_module:Rule", "cannot be imported: No module named 'no_such_module'"), ("{}:RULE", "is not there"),
    ("{}:TopK.select", "is not written as package.module:Class"), ("{}:dataclass", "is not a class"),
    (":Half", "is not written as"), ("a:b:c", "is not written as"),
    ("{}:Hlaf", "is not there; did you mean Half?"),
])  # fmt: skip
def test_what_is_no_rule_is_refused_in_one_sentence(module, method, sentence):
    with pytest.raises(InputError) as error:
        make(method.format(module(RULE)))
    assert sentence in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("text, sentence", [
    ("1 / 0", "cannot be imported: ZeroDivisionError: division by zero"), ("def", "cannot be imported: SyntaxError"),
    ("import nothing_like_it", "No module named 'nothing_like_it'"),
    ("raise ValueError('x')", "cannot be imported: ValueError: x"), ("raise SystemExit", "cannot be imported: SystemExit"),
])  # fmt: skip
def test_a_module_that_fails_is_told(module, text, sentence):
    name = module(text, f"failing_{abs(hash(text))}")
    with pytest.raises(InputError, match=sentence):
        find(f"{name}:Rule")


def test_settings_of_a_rule_from_outside(module):
    name = f"{module(RULE)}:Half"
    with pytest.raises(InputError, match="has no setting 'ration'; did you mean ratio?"):
        make(name, ration=1)


@pytest.mark.parametrize("rule", [3, "full", TopK, None, Mine])
def test_what_is_no_instance_of_a_rule_is_refused(rule):
    with pytest.raises(InputError, match="is not an update rule, such as mcuref.TinyProp"):
        checked(rule)


def test_what_is_no_rule_is_not_called(module):
    """A reference may stand in a file of others: what has not all that a rule has is never made."""
    name = module(
        "class Loud:\n    method = bias = 'x'\n    def __init__(self, **given): raise SystemExit(9)\n", "loud_rule"
    )
    with pytest.raises(InputError, match="has no 'decide'"):
        make(f"{name}:Loud")


FAULTY = """
from dataclasses import dataclass
from mcuref.rules import TopK

@dataclass(frozen=True)
class Faulty:
    what: str = ""
    ratio: float = 0.5
    method = "faulty"
    bias = "masked"
    def __post_init__(self):
        if self.what == "made": raise KeyError("oops")
        for name in ("bias", "output", "method"):
            if self.what.startswith(name): object.__setattr__(self, name, self.what)
    def decide(self, emit, delta):
        if self.what == "decide": raise KeyError("oops")
    def select(self, emit, delta, position, dense):
        if self.what == "select": return {}["oops"]
        selection = TopK(self.ratio).select(emit, delta, position, dense)
        return {"none": None, "pair": tuple(selection)}.get(self.what, selection)
"""


@pytest.mark.parametrize("what, sentence", [
    ("made", "method 'faulty_rule:Faulty' cannot be made: KeyError: 'oops'"),
    ("decide", "decide of rule 'Faulty' fails: KeyError: 'oops'"), ("select", "select of rule 'Faulty' fails: KeyError"),
    ("none", "select of rule 'Faulty' returns None, not a mcuref.rules.Selection"), ("pair", "not a mcuref.rules.Selection"),
    ("bias strange", "bias of rule 'Faulty': 'bias strange' is not known"),
    ("output strange", "output of rule 'Faulty': 'output strange' is not known"),
    ("method\nx", "method 'method\\nx' of rule 'Faulty' must be a name in one line"),
])  # fmt: skip
def test_faults_of_a_rule_end_in_one_sentence(module, what, sentence):
    name = module(FAULTY, "faulty_rule")
    with pytest.raises(InputError) as error:
        program(make(f"{name}:Faulty", what=what))
    assert sentence in str(error.value) and "\n" not in str(error.value)


def test_a_setting_that_is_no_number_is_refused(module):
    name = module(FAULTY, "faulty_rule")
    with pytest.raises(InputError, match="setting ratio of method 'faulty_rule:Faulty' is 'abc'; it must be a number"):
        make(f"{name}:Faulty", ratio="abc")


def test_a_program_is_not_read_again_with_another_rule_of_that_name(module):
    name = module(RULE, "kept_rule")
    before = program(make(f"{name}:Half"))
    content = program_description(before) | {"seed": before.network.seed}
    assert described_program(content, before.parameters()).table.tobytes() == before.table.tobytes()
    sys.modules.pop(name)
    module(RULE.replace("TopK(self.ratio)", "TopK(0.9)"), name)
    importlib.invalidate_caches()
    with pytest.raises(ValueError, match="its rule, or a layer, which are not mcuref's, are not what they were"):
        described_program(content, before.parameters())


# -- layers ------------------------------------------------------------------------------------------------------------

LAYER = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Clipped:
    limit: float = 1.0
    kind = "clipped"
    def output_shape(self, shape): return shape
    def parameter_shapes(self, shape): return {}
    def forward(self, emit, x):
        out = emit.buffer("activation", x.shape, "activations")
        emit("relu_forward", y=out, x=x, n=x.shape[0], limit=self.limit)
        return out, out
    def backward(self, emit, dy, saved):
        dx = emit.buffer("input_error", dy.shape, "errors")
        emit("relu_backward", dx=dx, dy=dy, y=saved, n=dy.shape[0], limit=self.limit)
        return dx

class Strange:
    kind = "strange"
    def output_shape(self, shape): return shape
"""


def test_a_layer_from_outside_is_trained_and_described(module):
    name = f"{module(LAYER, 'clipped_layer')}:Clipped"
    described = [{"kind": "dense", "outputs": 8}, {"kind": name, "limit": 6.0}, {"kind": "dense", "outputs": 3}]
    layers = make_network_layers(described)
    mine, known = (Network([Input((9,)), *some], seed=3) for some in (layers, [Dense(8), ReLU6(), Dense(3)]))
    assert describe(mine.written[1:]) == described and mine.names[2] == "clipped1"
    first, second = (compile(network, Full(), SGD(0.1)) for network in (mine, known))
    assert first.train(X, Y).losses.tobytes() == second.train(X, Y).losses.tobytes()
    for key, value in second.parameters().items():
        assert first.parameters()[key].tobytes() == value.tobytes()


def test_a_layer_from_outside_in_a_residual_block_is_known_to_be_one(module):
    name = f"{module(LAYER, 'inner_layer')}:Clipped"
    block = {"kind": "residual", "body": [{"kind": "dense", "outputs": 9}, {"kind": name}]}
    layers = make_network_layers([block, {"kind": "dense", "outputs": 3}])
    assert "program" in program_description(compile(Network([Input((9,)), *layers])))
    assert "program" not in program_description(program(Full()))


@pytest.mark.parametrize("kind, sentence", [
    ("strange_layer:Strange", "layer 1: layer 'strange_layer:Strange' has no 'parameter_shapes'; mcuref.layers.Layer says"),
    ("strange_layer:Nothing", "layer 1: layer 'strange_layer:Nothing' is not there; it must be package.module:Class"),
    ("subprocess:Popen", "layer 1: layer 'subprocess:Popen' has no 'kind'"),
])  # fmt: skip
def test_what_is_no_layer_is_refused(module, kind, sentence):
    module(LAYER, "strange_layer")
    with pytest.raises(InputError) as error:
        make_network_layers([{"kind": kind}])
    assert sentence in str(error.value)


def test_an_object_that_lacks_something_of_a_layer_is_refused():
    class Half:
        kind = "half"

    with pytest.raises(InputError, match="layer of class 'Half' has no 'output_shape'; mcuref.layers.Layer says what"):
        Network([Input((9,)), Half(), Dense(3)])
