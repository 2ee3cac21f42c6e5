import subprocess
import sys
from pathlib import Path

import pytest

from mcuref.datasets import available, load
from mcuref.datasets.registry import data_folder
from mcuref.errors import InputError, MissingData


def test_available_lists_what_is_absent_too(tmp_path, monkeypatch):
    monkeypatch.setenv("MCUREF_DATA", str(tmp_path))
    infos = {info.name: info for info in available()}
    assert list(infos) == ["digits", "mnist", "uci_har"]
    assert [info.present for info in infos.values()] == [True, False, False]
    assert infos["mnist"].where == tmp_path / "mnist"
    assert infos["mnist"].command == "python data_scripts/mnist.py"
    assert (Path(__file__).parents[2] / "data_scripts" / "mnist.py").is_file()
    assert infos["digits"].command == ""


def test_present_when_both_files_are_there(tmp_path, monkeypatch):
    monkeypatch.setenv("MCUREF_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    found = []
    for name in ("train.npz", "test.npz"):
        (tmp_path / "mnist" / name).touch()
        found.append({info.name: info.present for info in available()}["mnist"])
    assert found == [False, True]


@pytest.mark.parametrize("name", ["digits", "mnist", "uci_har"])
def test_the_listing_tells_the_truth(loaded, name):
    data = loaded(name)
    info = {info.name: info for info in available()}[name]
    assert (len(data.x_train), len(data.x_test), data.input_shape) == (info.train, info.test, info.sample_shape)
    assert (str(data.x_train.dtype), data.classes, data.name) == (info.dtype, info.classes, info.name)


def test_data_folder(monkeypatch):
    for variable in ("MCUREF_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", "/home/ada")
    assert data_folder() == Path("/home/ada/.cache/mcuref/data")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert data_folder() == Path("/cache/mcuref/data")
    monkeypatch.setenv("MCUREF_DATA", "~/sets")
    assert data_folder() == Path("/home/ada/sets")
    monkeypatch.setenv("MCUREF_DATA", "")
    assert data_folder() == Path("/cache/mcuref/data")


def test_a_registered_name_wins_over_a_folder(tmp_path, monkeypatch):
    (tmp_path / "mnist").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MCUREF_DATA", str(tmp_path / "data"))
    with pytest.raises(MissingData):
        load("mnist")
    with pytest.raises(InputError, match="has no train.npz"):
        load("./mnist")


@pytest.mark.parametrize(
    "name, fragments",
    [
        ("mnits", ["'mnits'", "did you mean mnist?", "digits, mnist, uci_har"]),
        ("zzz", ["'zzz'", "digits, mnist, uci_har", "train.npz and test.npz"]),
        ("", ["''", "digits, mnist, uci_har"]),
        ("some/where", ["some/where", "does not exist"]),
        ("bad\0/name", ["does not exist"]),
        (3, ["is 3", "a name or a folder"]),
        (None, ["is None", "a name or a folder"]),
        (["digits"], ["['digits']", "a name or a folder"]),
    ],
)
def test_what_is_neither_a_name_nor_a_folder(tmp_path, monkeypatch, name, fragments):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        load(name)
    for fragment in fragments:
        assert fragment in str(caught.value)
    if name == "zzz":
        assert "did you mean" not in str(caught.value)


def test_imports_stay_light():
    code = (
        "import sys, mcuref.datasets as d; print('mcuref.datasets.digits' in sys.modules)\n"
        "d.load('digits').validation_split(); print('numba' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert result.stdout.split() == ["False", "False"]
