"""Code and stack: what the linker keeps, and the deepest path of calls, from the checked-in tables."""

import pytest

from mcuref import Int8, TinyProp, build, compile, find_target
from mcuref.cost.footprint import GENERAL, UPDATE, closure, deepest, footprint, read_table
from mcuref.export.cores import MEASURED_CORES
from mcuref.export.sources import in_c
from mcuref.quantization.nominal import nominal


def entry(size=0, align=4, needs=(), stack=0, calls=(), tails=(), indirect=False):
    return {
        "bytes": size,
        "align": align,
        "needs": list(needs),
        "stack": stack,
        "calls": list(calls),
        "tails": list(tails),
        "indirect": indirect,
    }


def test_closure_keeps_what_is_reachable_and_rounds_up():
    table = {
        "vectors": entry(64, needs=["reset"]),
        "reset": entry(10, needs=["main"]),
        "main": entry(6, needs=["reset"]),
        "run_a": entry(8, align=8, needs=["kernel"]),
        "kernel": entry(1),
        "run_b": entry(100),
    }
    assert closure(table, {"run_a"}) == {"vectors": 64, "reset": 12, "main": 8, "run_a": 12, "kernel": 4}


def test_deepest_follows_indirect_calls_and_drops_the_frame_of_tail_calls():
    table = {
        "reset_handler": entry(stack=8, calls=["row", "leaf"]),
        "row": entry(stack=16, indirect=True),
        "leaf": entry(stack=20),
        "run_a": entry(stack=30, tails=["kernel"]),
        "kernel": entry(stack=70),
        "run_b": entry(stack=40, calls=["leaf"]),
        "run_c": entry(stack=1000),
    }
    assert deepest(table, {"run_a"}) == (94, {"reset_handler": 8, "row": 16, "kernel": 70})
    assert deepest(table, {"run_b"}) == (84, {"reset_handler": 8, "row": 16, "run_b": 40, "leaf": 20})
    assert deepest(table, ()) == (28, {"reset_handler": 8, "leaf": 20})


def test_recursion_has_no_bound():
    table = {"reset_handler": entry(calls=["a"]), "a": entry(calls=["b"]), "b": entry(tails=["a"])}
    with pytest.raises(ValueError, match="calls itself"):
        deepest(table, ())


def test_unknown_core_has_no_footprint():
    assert footprint(compile(build("mlp-64-32-10")).listing, "m85") is None


@pytest.mark.parametrize("core", MEASURED_CORES)
def test_more_operations_never_cost_less(core):
    names = sorted(name for name in read_table(core)["table"] if name.startswith("mcuref_run_") and name != "mcuref_run_row")
    table, code, stack = read_table(core)["table"], 0, 0
    for count in range(len(names) + 1):
        larger_code = sum(closure(table, names[:count]).values())
        larger_stack, _ = deepest(table, names[:count])
        assert larger_code >= code and larger_stack >= stack
        code, stack = larger_code, larger_stack


@pytest.mark.parametrize("core", MEASURED_CORES)
def test_training_costs_more_code_than_inference(core):
    network = build("cnn-8")
    whole = footprint(compile(network, TinyProp()).listing, core)
    inference = footprint(compile(network, TinyProp(), trainable=0).listing, core)
    assert inference.flash < whole.flash
    assert sum(whole.functions.values()) == whole.code and sum(whole.path.values()) == whole.stack
    assert len(whole.as_dict()["functions"]) == 10


@pytest.mark.parametrize("core", MEASURED_CORES)
def test_every_opcode_has_been_measured(core):
    assert {f"mcuref_run_{name}" for name in in_c()} <= set(read_table(core)["table"])


@pytest.mark.parametrize("core", MEASURED_CORES)
def test_int8_that_trains_reaches_what_is_for_other_weights_only_with_these(core):
    """The way that is left out is there; with residuals of 8 bits no stack is counted for it, with others it is."""
    entry = read_table(core)["table"][UPDATE]
    assert GENERAL.intersection(entry["calls"] + entry["tails"])
    network = nominal(build("mlp-64-32-10"))
    plain, other = (
        footprint(compile(network, arithmetic=Int8(update)).listing, core) for update in ("residual", "truncated")
    )
    assert not GENERAL & plain.path.keys() and plain.stack <= other.stack
    assert GENERAL & plain.functions.keys(), "the linker keeps it"


@pytest.mark.parametrize("core", MEASURED_CORES)
def test_an_example_calls_what_runs_its_arithmetic(core):
    network = build("mlp-64-32-10")
    float32, int8 = (footprint(compile(own, TinyProp()).listing, core) for own in (network, nominal(network)))
    assert "mcuref_train" in float32.functions and "mcuref_train_s8" not in float32.functions
    assert "mcuref_train_s8" in int8.functions and "mcuref_train" not in int8.functions
    assert not any(name.startswith("__aeabi_f") or name.endswith("sf3") for name in int8.functions), "integers alone"


def test_float32_masters_are_not_measured():
    program = compile(nominal(build("mlp-64-32-10")), arithmetic=Int8("master"), budget=find_target("nrf52840").budget())
    report = program.report()
    assert report["firmware"] is None and "nobody measured dense_update_master" in report["not_included"][0]
