"""The first steps of an executor: what they cover, that plain Python takes them too, and what becomes of one that fails."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import mcuref
from mcuref import McurefError, NonFiniteError, compile
from mcuref.layers import LOSSES
from mcuref.operators import OPCODES
from mcuref.operators.columns import SATURATED
from mcuref.operators.int8 import OPERATORS
from mcuref.program import executor, first_steps
from mcuref.program.arithmetic.int8 import INT8, SCALES, UPDATES
from mcuref.program.compiler import prepare_executor
from mcuref.program.program import Program

PLAIN = f"""if True:
    from mcuref import compile
    from mcuref.program import first_steps
    print({{t: first_steps.computed(compile, t) for t in {tuple(first_steps.KNOWN)}}})"""


def test_plain_python_takes_them():
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(Path(mcuref.__file__).parents[1])}
    run = subprocess.run([sys.executable, "-c", PLAIN], env=environment, capture_output=True, text=True)
    assert run.stdout == f"{first_steps.KNOWN}\n", run.stderr


@pytest.mark.parametrize("kind", ["uint16", "int8"])
def test_the_executor_takes_them(kind):
    assert first_steps.fault(compile, kind) is None


@pytest.fixture
def trained(monkeypatch):
    """The programs that were trained, with what they were shown; and behind them those that only gave outputs."""
    found, train, outputs = ([], []), Program.train, Program.outputs

    def watched(program, x, y=None):
        shown = train(program, x, y)
        found[0].append((program, shown))
        return shown

    def inferred(program, x):
        found[1].append(program)
        return outputs(program, x, counts=program.counts)

    monkeypatch.setattr(Program, "train", watched)
    monkeypatch.setattr(Program, "outputs", inferred)
    return found


def instructions_run(programs):
    """Names of the instructions that ran."""
    return {i.name for p in programs for i, runs in zip(p.instructions, p.counts[:, 0]) if runs}


def test_they_run_every_instruction(trained):
    first_steps.computed(compile, "uint16")
    shown, programs = trained[0], [program for program, _ in trained[0]] + trained[1]
    assert instructions_run(programs) == set(OPCODES)
    assert 0 < shown[0][1].trained.sum() < shown[0][1].trained.size  # a decision skips some samples and not others
    assert all(np.isfinite(result.losses).all() and (result.losses[~result.rested] > 0).all() for _, result in shown)


def test_they_run_every_instruction_of_int8(trained):
    """Every way in which weights are trained among them; exponents move, and values come to the ends of their range."""
    prepare_executor(arithmetic=INT8)  # which takes them, too
    for found in trained:
        found.clear()
    first_steps.computed(compile, "int8")
    shown, programs = trained[0], [program for program, _ in trained[0]] + trained[1]
    assert instructions_run(programs) == {operator.name for operator in OPERATORS}
    assert 0 < shown[0][1].trained.sum() < shown[0][1].trained.size
    assert {program.arithmetic.update for program, _ in shown} == set(UPDATES) - {"master"}
    assert {program.arithmetic.scales for program, _ in shown} == set(SCALES)
    assert {program.loss for program, _ in shown} == set(LOSSES)
    assert shown[0][0].state()["exponents"].any()
    assert sum(program.counts[:, SATURATED].any() for program, _ in shown) == 4
    for program, _ in shown:  # each layer is trained
        for name, values in program.parameters().items():
            frozen = program.rule.method == "biases" and name.endswith(".weights")
            assert (values != program.network.parameters[name]).any() != frozen


@pytest.mark.parametrize("field, number", [("losses", 0), ("losses", 3), ("state", 1), ("state", 2)])
def test_a_wrong_bit_is_seen(monkeypatch, field, number):
    """Of a loss, as of a weight or a rule's state: each case says which it is."""
    calls, train = Counter(), Program.train

    def miscalculating(program, x, y=None):
        shown = train(program, x, y)
        if calls["train"] == number:
            first = shown.losses if field == "losses" else program.arena.view(program.state_buffers[0])
            first.reshape(-1).view(np.uint32)[0] ^= 1
        calls["train"] += 1
        return shown

    monkeypatch.setattr(Program, "train", miscalculating)
    sentence = first_steps.fault(compile, "uint16")
    assert (
        f"wrong in case {number} of" in sentence
        and f"plain Python has {first_steps.KNOWN['uint16'][number]:08x};" in sentence
    )


def test_an_error_that_is_not_finite_is_wrong(monkeypatch):
    def explode(*_):
        raise NonFiniteError("dense1", 0)

    monkeypatch.setattr(Program, "train", explode)
    assert "00000000, where" in first_steps.fault(compile, "uint16")


@pytest.fixture
def compile_executor(monkeypatch):
    """Compile an executor that is loaded or not, of whose first steps these are the opinions; returns what happened."""

    def run(loaded, *opinions):
        happened, opinions = [], iter(opinions)
        hits = Counter({executor._signature("uint16"): int(loaded)})
        compiled = SimpleNamespace(
            signatures=[], stats=SimpleNamespace(cache_hits=hits), compile=lambda _: happened.append("compile")
        )
        monkeypatch.setattr(executor, "execute", compiled)
        monkeypatch.setattr(executor, "compile_anew", lambda: happened.append("anew"))
        monkeypatch.setattr(executor, "forget", lambda what: happened.append("forget"))
        try:
            executor.compile_executor("uint16", lambda _: next(opinions))
        except McurefError as error:
            happened.append(str(error))
        assert next(opinions, "none left") == "none left"
        return happened

    return run


def test_what_becomes_of_an_executor(compile_executor):
    for loaded in (True, False):
        assert compile_executor(loaded, None) == ["compile"]
    assert compile_executor(True, "wrong", None) == ["compile", "anew"]
    assert compile_executor(True, "wrong", "still wrong") == ["compile", "anew", "forget", "still wrong"]
    assert compile_executor(False, "wrong") == ["compile", "forget", "wrong"]
