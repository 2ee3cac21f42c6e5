import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mcuref.datasets import available, find, load, load_part
from mcuref.datasets.catalogue import CATALOGUE
from mcuref.datasets.registry import NAMES, data_folder
from mcuref.errors import InputError, MissingData


def test_available_lists_what_is_absent_too(tmp_path, monkeypatch):
    monkeypatch.setenv("MCUREF_DATA", str(tmp_path))
    infos = {info.name: info for info in available()}
    assert tuple(infos) == NAMES
    assert [name for name, info in infos.items() if info.present] == ["digits"]
    assert infos["mnist"].where == tmp_path / "mnist"
    assert infos["digits"].command == ""
    for entry in CATALOGUE.values():
        info = infos[entry.name]
        assert (info.train, info.test, info.classes) == (entry.train, entry.test, entry.classes)


def test_find_knows_the_names_that_are_listed():
    assert [find(name).name for name in NAMES] == list(NAMES)
    with pytest.raises(InputError, match="there is no data set 'mnsit'; did you mean mnist. `mcuref datasets` lists them"):
        find("mnsit")


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_entry_says_what_brings_it(tmp_path, monkeypatch, name):
    monkeypatch.setenv("MCUREF_DATA", str(tmp_path))
    command, entry = find(name).command, CATALOGUE[name]
    if entry.script:
        script, *option = entry.script.split()
        assert command.split() == ["python", f"data_scripts/{script}.py", *option]
        content = (Path(__file__).parents[2] / "data_scripts" / f"{script}.py").read_text()
        assert "--subset" not in entry.script + entry.note or "SUBSET)" in content
    else:
        for fragment in (name, "train.npz and test.npz", f"{entry.x} ", "(N, ", "y", *entry.arrays):
            assert fragment in command
    with pytest.raises(MissingData) as caught:
        load(name)
    for fragment in (repr(name), str(tmp_path / name), "train.npz and test.npz", command):
        assert fragment in str(caught.value)


def test_present_when_both_files_are_there(tmp_path, monkeypatch):
    monkeypatch.setenv("MCUREF_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    found = []
    for name in ("train.npz", "test.npz"):
        (tmp_path / "mnist" / name).touch()
        found.append(find("mnist").present)
    assert found == [False, True]


def test_what_is_here_and_may_not_be_read_is_not_brought_again(place, monkeypatch):
    def forbidden(*_, **__):  # chmod would not stop the administrator, who may be running this
        raise PermissionError(13, "Permission denied")

    place("mnist", {}, {})
    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", forbidden)
        info = find("mnist")
        with pytest.raises(InputError, match="mnist/train.npz may not be read by this user") as caught:
            load("mnist")
    assert not isinstance(caught.value, MissingData)
    assert not info.present and info.command == str(caught.value)


def test_what_is_here_is_counted(place):
    x = np.zeros((3, 32, 32, 3), np.uint8)
    place("cifar10", dict(x=x, y=np.arange(3), class_names=np.array(["a", "b", "c"])), dict(x=x[:2], y=np.arange(2)))
    assert (find("cifar10").train, find("cifar10").test, find("cifar10").classes) == (3, 2, 3)


@pytest.mark.parametrize("side", ["train.npz", "test.npz"])
@pytest.mark.parametrize("name", ["cifar10", "mimii_slider_tiny"])
@pytest.mark.parametrize("content", [b"", b"junk", b"PK\5\6" + bytes(18)])
def test_a_listing_survives_damaged_files(place, name, side, content):
    x = np.zeros((3, 79, 33), np.int16)
    folder = place(name, dict(x=x, y=np.arange(3)), dict(x=x, y=np.arange(3)))
    (folder / side).write_bytes(content)
    assert (find(name).train, find(name).test) == (CATALOGUE[name].train, CATALOGUE[name].test)
    assert find(name).present


@pytest.mark.parametrize("name", NAMES)
def test_the_listing_tells_the_truth(loaded, name):
    data, info = loaded(name), find(name)
    assert (len(data.x_train), len(data.x_test), data.input_shape) == (info.train, info.test, info.sample_shape)
    assert (str(data.x_train.dtype), data.classes, data.name) == (info.dtype, info.classes, info.name)
    assert data.kind == info.kind


def test_the_listing_is_quick():
    times = []
    for _ in range(3):
        start = time.perf_counter()
        available()
        times.append(time.perf_counter() - start)
    assert min(times) < 0.5  # seconds; 0.03 on two busy cores


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
        ("mnits", ["'mnits'; did you mean mnist? `mcuref datasets` lists"]),
        ("UCI-HAR", ["'UCI-HAR'; did you mean uci_har?"]),
        ("cifar", ["'cifar'; did you mean cifar10 or cifar100?"]),
        ("zzz", ["'zzz'; `mcuref datasets` lists", "train.npz and test.npz"]),
        ("", ["''; `mcuref datasets` lists"]),
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


def test_the_part_to_judge_by_is_one_of_two():
    with pytest.raises(
        InputError, match="evaluate 'valid' is not known; did you mean validation\\? it may be test, validation"
    ):
        load_part("digits", "valid")


def test_imports_stay_light():
    code = (
        "import sys, mcuref.datasets as d, mcuref.metrics\n"
        "from mcuref.datasets.shift import shift\n"
        "d.available(), shift(d.load('digits')).validation_split(); print('numba' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert result.stdout.split() == ["False"]
