"""Rests in C: kernels beside Python's, and what a firmware calls for stored samples."""

import ctypes

import numpy as np
import pytest

import mcuref
from mcuref.calibration import quantise_to_train
from mcuref.export.cores import CORES
from mcuref.export.material import Material
from mcuref.export.project import write_project
from mcuref.export.sources import SOURCES
from mcuref.export.trace import RESTED, SKIPPED, TRAINED, python_trace
from mcuref.firmware.cases import cases
from mcuref.firmware.conformance import check
from mcuref.firmware.toolchain import compile_all, link
from mcuref.kernels.rests import rests, set_streak
from mcuref.optimisers import SGD
from mcuref.rules import TinyPropR
from mcuref.testing.buffers import Guarded, call_c

HOST = CORES["host"]
MOST = {1: (1,), 2: (2, 3), 4: (4, 7, 15)}  # of a streak, by its bits
STORED, EPOCHS = 7, 6


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    """The kernels as a shared library."""
    folder = tmp_path_factory.mktemp("kernels")
    objects = compile_all(HOST, [SOURCES / "kernels" / "rests.c"], folder, ("-fPIC",))
    return ctypes.CDLL(str(link(HOST, objects, folder / "library.so", ("-shared",))))


def call(kernels, name, streaks, *numbers):
    return call_c(kernels[f"mcuref_{name}"], ctypes.c_int32, [ctypes.c_int32] * len(numbers), streaks, *numbers)


@pytest.mark.parametrize("bits, most", [(bits, most) for bits, limits in MOST.items() for most in limits])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 9, 17, 33])
def test_any_history_has_the_streaks_of_python(kernels, count, bits, most):
    random = np.random.default_rng(count + most)
    mine = random.integers(0, 256, (count * bits + 7) // 8).astype(np.uint8)
    theirs = Guarded(mine, 0xA5)
    for index in range(count):
        set_streak(mine, index, bits, index % (most + 1))
        call(kernels, "set_streak", theirs.values, index, bits, index % (most + 1))
    for epoch in (*range(20), (1 << 30) - 1):
        for index in random.permutation(count).tolist():
            hidden = call(kernels, "is_hidden", theirs.values, index, epoch, bits)
            assert theirs.values.tobytes() == mine.tobytes()
            assert call(kernels, "rests", theirs.values, index, epoch, most, bits) == hidden
            assert rests(mine, index, epoch, most, bits) == bool(hidden)
            if not hidden and random.random() < 0.4:
                set_streak(mine, index, bits, 0)
                call(kernels, "set_streak", theirs.values, index, bits, 0)
            assert theirs.values.tobytes() == mine.tobytes() and not theirs.outside


def test_numbers_that_do_not_fit_an_int_of_16_bits_and_sums_that_do_not_fit_one_of_32(kernels):
    streaks = Guarded(np.zeros(70_000, np.uint8), 0xA5)
    call(kernels, "set_streak", streaks.values, 139_999, 4, 9)
    assert streaks.values[-1] == 0x90 and not streaks.values[:-1].any() and not streaks.outside
    for epoch in (2**31 - 1, 2**31 - 1 - 31):
        hidden = (epoch + 139_999) % 2**9 != 0
        assert call(kernels, "is_hidden", streaks.values, 139_999, epoch, 4) == hidden


class Model:
    """An exported model in a shared library, with an arena of its own between guards."""

    def __init__(self, library, program):
        self.library = library
        self.model = ctypes.byref(ctypes.c_char.in_dll(library, "model"))
        self.arena = Guarded(np.zeros(program.plan.sram // 4, np.uint32), 0xA5A5A5A5)
        self.state = slice(0, program.plan.state)
        self.ending, self.loss = ("_s8", ctypes.c_int32) if program.network.dtype == "int8" else ("", ctypes.c_float)
        library.mcuref_init(self.model, self.pointer)

    @property
    def pointer(self):
        return self.arena.values.ctypes.data_as(ctypes.c_void_p)

    @property
    def bytes(self):
        """The state, as bytes."""
        return self.arena.values.view(np.uint8)[self.state].tobytes()

    def resting(self, index, epoch):
        return self.library.mcuref_resting(self.model, self.pointer, index, epoch)

    def train(self, sample, label, rate, *stored):
        """(status, loss); as a stored sample if its index and the epoch are given."""
        function = self.library[f"mcuref_train{'_stored' if stored else ''}{self.ending}"]
        loss, rate = self.loss(7), self.loss(rate)
        place = None if sample is None else np.ascontiguousarray(sample).ctypes.data_as(ctypes.c_void_p)
        answer = None if label is None else ctypes.byref(ctypes.c_int32(label))
        return function(self.model, self.pointer, place, answer, rate, *stored, ctypes.byref(loss)), loss.value


def stored_samples(dtype, effort):
    """A material of seven samples in six epochs, with an effort or 0."""
    random = np.random.default_rng(3)
    x = (random.normal(size=(STORED, 9)) + np.arange(9) / 9).astype(np.float32)
    network = mcuref.Network([mcuref.Input((9,)), mcuref.Dense(5), mcuref.layers.ReLU(), mcuref.Dense(3)], seed=2)
    if dtype == "int8":
        network = quantise_to_train(network, x)
    rule = TinyPropR(output="rule", threshold=0.8, stored=STORED, effort=effort, epochs=EPOCHS)
    program = mcuref.compile(network, rule, SGD(0.25))
    return Material(program, x, random.integers(0, 3, STORED).astype(np.int32))


@pytest.fixture(scope="module", params=[("float32", 0), ("int8", 0), ("float32", 0.5), ("int8", 0.5)], ids=str)
def exported(request, tmp_path_factory):
    """(Material, its exported model as a shared library)."""
    material, folder = stored_samples(*request.param), tmp_path_factory.mktemp(request.param[0])
    write_project(material, folder / "project")
    names = ("model.c", "kernels/**/*.c", "operations/**/*.c", "program/*.c")
    sources = [path for name in names for path in sorted((folder / "project").glob(name))]
    objects = compile_all(HOST, sources, folder, ("-fPIC",), [folder / "project"])
    return material, ctypes.CDLL(str(link(HOST, objects, folder / "model.so", ("-shared",))))


@pytest.fixture
def model(exported):
    """(Material, :class:`Model`)."""
    material, library = exported
    return material, Model(library, material.program)


def test_epochs_over_stored_samples_are_those_of_python(model):
    """What rests is asked for before the sample is there, and is not looked at: no sample is given then."""
    material, firmware = model
    program, rates, seen = material.program.fresh(), material.rates, []
    for epoch in range(EPOCHS):
        for index in range(STORED):
            shown = program.train(material.x, material.y, [index], first=index, total=STORED, epoch=epoch)
            before = firmware.bytes
            hidden = firmware.resting(index, epoch)
            assert firmware.bytes == before and hidden == shown.rested[0]
            given = (None, None) if hidden else (material.samples[index], int(material.y[index]))
            status, loss = firmware.train(*given, rates[index], index, epoch)
            assert status == (RESTED if hidden else TRAINED if shown.trained[0] else SKIPPED)
            assert loss == (-1 if hidden else shown.losses[0])
            assert firmware.bytes == program.arena.bytes[: program.plan.state].tobytes()
            seen.append(status)
    assert {TRAINED, SKIPPED, RESTED} == set(seen) and not firmware.arena.outside


@pytest.mark.parametrize("index", [-1, -(2**31), STORED, STORED + 1, 2**28, 2**31 - 1])
def test_a_number_that_is_none_of_the_stored_ones_is_a_sample_that_is_not_stored(model, index):
    material, firmware = model
    program, own = material.program.fresh(), {}
    for epoch in range(3):
        for i, (sample, label) in enumerate(zip(material.samples, material.y.tolist())):
            shown = program.train(material.x, material.y, [i], first=i, total=STORED, index=-1)
            assert not firmware.resting(index, epoch)
            how = (index, epoch) if i % 2 else ()  # mcuref_train does the same
            status, own[i] = firmware.train(sample, label, material.rates[i], *how)
            assert (status, own[i]) == (TRAINED if shown.trained[0] else SKIPPED, shown.losses[0])
            assert firmware.bytes == program.arena.bytes[: program.plan.state].tobytes()
    assert not firmware.arena.outside


WRONG = {  # in C: (file, old text, new text)
    "neighbour": ("kernels/rests.c", "~(mask << shift)", "~(mask << (shift & 6u))"),
    "epoch": ("program/float32.c", "MCUREF_TRAINED, index, epoch}", "MCUREF_TRAINED, index, epoch + 1}"),
    "most": ("kernels/rests.c", "skipped < most ?", "skipped <= most ?"),
    "turn": ("kernels/rests.c", "(uint32_t)epoch + (uint32_t)index", "(uint32_t)epoch"),
    "status": ("operations/rests.c", "MCUREF_GO_ON;\n  run->status = MCUREF_RESTED;", "MCUREF_GO_ON;"),
    "earned": ("kernels/governor.c", "(epochs - 1 - 2 * epoch)", "(epochs - 2 * epoch)"),
    "spent": ("operations/rests.c", "change_balance(balance, -(int64_t)d[6]);", ""),
}
QUICK = ("neighbour", "epoch", "earned")


@pytest.mark.parametrize("what", [*QUICK, *(pytest.param(w, marks=pytest.mark.slow) for w in WRONG if w not in QUICK)])
def test_what_is_wrong_is_seen(need, patched_sources, what):
    patched_sources(*WRONG[what])
    few = [material for name, material in cases(["float32"]) if name.startswith(("rests", "effort"))]
    found = [difference for difference in check(need("host"), few) if difference]
    assert found
    if WRONG[what][0].startswith("kernels"):  # or too few or too many instructions were run
        kernels = {difference.kernel for difference in found} - {""}
        assert kernels and kernels <= {"rest_u8", "wake_u8", "govern_i32"}


def test_the_steps_of_a_material_come_round_to_every_stored_sample():
    material = next(material for name, material in cases(["float32"]) if name == "rests 2 of 3")
    assert material.slots == 3 and material.shown.tolist() == [[i % 3, i // 3] for i in range(20)]
    assert RESTED in [status for _, status, _ in python_trace(material).steps]
