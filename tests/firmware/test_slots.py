"""Two slots of flash: whatever byte power is cut at, what is found afterwards is the newest state that was whole."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

from mcuref.export.advice import SLOT_STACK
from mcuref.export.cores import CORES, FLAGS, WARNINGS
from mcuref.export.sources import SOURCES

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")
FLASH = Path(__file__).with_name("slots_power.c")
FILES = ("program/slots.c", "program/mcuref.c", "program/program.c", "kernels/hashing.c")
LAYOUTS = {"a unit to spare": (32, 15), "no byte to spare": (32, 16), "one word": (16, 1), "a page": (256, 15)}


def compiled(folder, unit, words, sources=SOURCES):
    """The flash that loses power, and mcuref's slots, for states of so many words."""
    target = folder / "slots.so"
    defines = (f"-DMCUREF_SLOT_UNIT={unit}", f"-DSTATE_WORDS={words}", "-iquote", sources)
    files = [sources / name for name in FILES]
    subprocess.run(
        ["gcc", *FLAGS, *WARNINGS, "-Werror", "-shared", "-fPIC", *defines, FLASH, *files, "-o", target], check=True
    )
    return ctypes.CDLL(str(target))


def first_failure(flash, tails=(0, 0xFFFFFFFF, 0xFFFFFF01)):
    """The first of all cuts after which a wrong state is found, or None."""
    every = flash.bytes_of_a_save() + 1
    for saved in (0, 1, 2, 3):
        for backwards in (0, 1):
            for n in range(every):
                for tail in tails:
                    again = n * 7919 % every  # a second cut, somewhere else
                    for second in (every, again):
                        case = (saved, n, second, backwards, tail, 0x9E3779B9 + n)
                        if flash.cut(*case[:4], ctypes.c_uint32(case[4]), ctypes.c_uint32(case[5])):
                            return case
    return None


@pytest.mark.parametrize("layout", LAYOUTS)
def test_power_may_be_cut_at_every_byte(tmp_path, layout):
    assert first_failure(compiled(tmp_path, *LAYOUTS[layout])) is None


def test_power_may_be_cut_at_every_byte_twice(tmp_path):
    flash = compiled(tmp_path, 16, 3)
    every = range(flash.bytes_of_a_save() + 1)
    assert not any(
        flash.cut(saved, a, b, back, 0, 5) for saved in (0, 1, 2) for back in (0, 1) for a in every for b in every
    )


def test_sequence_numbers_begin_again_and_states_of_others_are_none(tmp_path):
    flash = compiled(tmp_path, 32, 15)
    assert flash.numbers_begin_again() == 1 and flash.others_are_none() == 1


@pytest.mark.parametrize("old, new", [
    ("return found == sum;", "return (found ^ sum) < 0xFFFFFFFFu;"),
    ("newest(program, slots, &sequence) == 0 ? 1 : 0", "newest(program, slots, &sequence) == 0 ? 0 : 1"),
    ("number - *sequence > INT32_MAX", "number - *sequence <= INT32_MAX"),
    ("slots->erase(slots->context, slot)", "(slots->erase(slots->context, 0) | slots->erase(slots->context, 1))"),
], ids=["no check sum", "over the newest", "the older one", "both erased"])  # fmt: skip
def test_it_is_seen_if_slots_are_wrong(tmp_path, old, new):
    shutil.copytree(SOURCES, tmp_path / "c")
    file = tmp_path / "c" / "program" / "slots.c"
    assert file.read_text().count(old) == 1
    file.write_text(file.read_text().replace(old, new))
    assert first_failure(compiled(tmp_path, 32, 15, tmp_path / "c")) is not None


@pytest.mark.parametrize("unit", [16, 32, 512])
@pytest.mark.parametrize("core", ["m0", "m4f"])
def test_no_library_is_called(tmp_path, need, core, unit):
    from mcuref.firmware.toolchain import compile_all

    (made,) = compile_all(need(core), [SOURCES / "program" / "slots.c"], tmp_path, (f"-DMCUREF_SLOT_UNIT={unit}",))
    names = subprocess.run(["arm-none-eabi-nm", "-u", made], capture_output=True, text=True, check=True).stdout.split()
    assert set(names) - {"U"} == {"mcuref_fnv1a", "mcuref_init"}


@pytest.mark.parametrize("core", [name for name, core in CORES.items() if core.is_board and name != "microbit"])
def test_stack_is_less_than_readmes_say(tmp_path, need, core):
    """Even if every function called every other but the one of the two that is not called."""
    from mcuref.firmware.toolchain import compile_all

    files = [SOURCES / name for name in ("program/slots.c", "kernels/hashing.c")]
    compile_all(need(core), files, tmp_path, ("-fstack-usage",))
    lines = [line.split("\t") for file in tmp_path.glob("*.su") for line in file.read_text().splitlines()]
    frames = {place.rpartition(":")[2]: int(size) for place, size, _ in lines}
    other = min(frames["mcuref_save_slots"], frames["mcuref_restore_slots"])
    assert "mcuref_fnv1a" in frames and 0 < sum(frames.values()) - other <= SLOT_STACK
