"""What was meant by a name that is not known: found through case, separators and slips, nothing where nothing is near."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcuref.export.cores import CORES
from mcuref.memory.targets import CORE_NAMES
from mcuref.names import MOST, hint, near, near_files, near_paths

NAMES = ("mnist", "cifar10", "cifar100", "food101_32", "uci_har", "mlp-784-32-10", "TinyProp", "tinypropv2", "k-center")


@pytest.mark.parametrize("name, meant", [
    ("MNIST", ["mnist"]), ("m-n_i s.t", ["mnist"]), ("mnit", ["mnist"]), ("mnsit", ["mnist"]), ("mnist2", ["mnist"]),
    ("cifar", ["cifar10", "cifar100"]), ("cifar100_", ["cifar100"]), ("har", ["uci_har"]), ("uh", ["uci_har"]),
    ("mlp_784_32_10", ["mlp-784-32-10"]), ("MLP 784 32 10", ["mlp-784-32-10"]), ("784-32-10", ["mlp-784-32-10"]),
    ("tinyprop", ["TinyProp"]), ("tinyprop2", ["tinypropv2", "TinyProp"]), ("kc", ["k-center"]), ("reentck", ["k-center"]),
])  # fmt: skip
def test_near(name, meant):
    assert near(name, NAMES) == meant


@pytest.mark.parametrize(
    "name", ["", "-", "x", "u", "ha", "banana", "toaster", "1", "\x1b[31m", "\ud800", "mnist" * 30, None, 3, ["mnist"]]
)
def test_nothing_is_near(name):
    assert near(name, NAMES) == [] == near("mnist", ()) == near("mnist", ("", "_"))


def test_at_most_three_and_those_only_that_are_as_near_as_the_nearest():
    assert near("stm32", [f"stm32f{i}" for i in range(9)]) == ["stm32f0", "stm32f1", "stm32f2"] and MOST == 3
    assert near("nrf52841", ("nrf51822", "nrf52840", "nrf52832")) == ["nrf52840"]


def test_further_spellings():
    for name, core in [
        ("Cortex-M4F", "m4f"),
        ("cortex m4", "m4f"),
        ("CORTEX-M0+", "m0"),
        ("m4", "m4f"),
        ("Cortex-M33", "m33"),
    ]:
        assert near(name, CORES, CORE_NAMES) == [core]


@given(st.text(), st.lists(st.text()))
def test_whatever_names_are_there_is_an_answer(name, known):
    found = near(name, known)
    assert len(found) <= MOST and set(found) <= set(known) and len(set(found)) == len(found)


def test_how_the_sentence_ends():
    assert hint([], "it may be x") == "; it may be x" and hint(["a"], "it may be x") == "; did you mean a? it may be x"
    assert (
        hint(["a", "b"], "y") == "; did you mean a or b? y" and hint(["a", "b", "c"], "y") == "; did you mean a, b or c? y"
    )


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A folder with some, to be in."""
    for name in ("runs/one", "runs/two", "old.runs/one", "my_data", "my_data.bak"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "runs/onne").write_text("no folder")
    (tmp_path / "net.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path, meant", [
    ("runs/oen", ["'runs/one'"]), ("runs/ONE/", ["'runs/one'"]), ("./runs//ones", ["'runs/one'"]),
    ("run/one", ["'runs/one'"]),
    ("runs/three", []), ("rnus/three", []), ("runs/one/x", []), ("nowhere/at/all", []), ("", []), (".", []), ("/", []),
    ("my_dta", ["'my_data'", "'my_data.bak'"]), ("a\0/b", []), ("x" * 300, []), ("net", []), ("..", []),
])  # fmt: skip
def test_paths(runs, path, meant):
    assert near_paths(path, os.path.isdir) == meant


def test_absolute_paths_stay_so(runs):
    assert near_paths(runs / "runs/oen", os.path.isdir) == [repr(str(runs / "runs/one"))]


@pytest.mark.parametrize("path, meant", [
    ("nte.toml", ["'net.toml'"]), ("net", ["'net.toml'"]), ("net.tml", ["'net.toml'"]), ("box.toml", []), ("toml", []),
])  # fmt: skip
def test_files_are_compared_without_their_ending(runs, path, meant):
    (runs / "nt.toml").mkdir()
    assert near_files(path, ".toml") == meant


def test_names_of_files_are_shown_as_escapes(runs):
    (runs / "bad\x1bname.toml").write_text("")
    assert near_files("badname.toml", ".toml") == ["'bad\\x1bname.toml'"]


def test_a_folder_that_may_not_be_read_has_nothing_near(runs, monkeypatch):
    def forbidden(*_):  # chmod would not stop the administrator, who may be running this
        raise PermissionError

    monkeypatch.setattr(os, "scandir", forbidden)
    assert near_paths("runs/oen", os.path.isdir) == []
