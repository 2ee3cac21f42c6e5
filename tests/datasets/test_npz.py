import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.datasets.folder import load_folder
from mcuref.datasets.npz import read_npz, shapes
from mcuref.errors import InputError


@pytest.fixture
def path(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.arange(1000), y=np.arange(3))
    return tmp_path / "a.npz"


def refused(path, *fragments):
    with pytest.raises(InputError) as caught:
        read_npz(path, ("x", "y"))
    for fragment in (str(path), *fragments):
        assert fragment in str(caught.value)


def test_reads_what_is_asked_for(path):
    arrays = read_npz(path, ("x",), ("y", "z"))
    assert sorted(arrays) == ["x", "y"]
    assert arrays["x"].tolist() == list(range(1000))


def test_shapes_are_those_of_the_headers(path):
    assert shapes(path) == {"x": (1000,), "y": (3,)}
    content = bytearray(path.read_bytes())
    content[200] ^= 255  # among the compressed values, which are not read
    path.write_bytes(content)
    assert shapes(path) == {"x": (1000,), "y": (3,)}
    path.write_bytes(b"junk")
    with pytest.raises(InputError, match="a.npz cannot be read"):
        shapes(path)


def test_missing_array_names_what_is_held(path):
    np.savez(path, x=np.zeros(2), labels=np.zeros(2))
    refused(path, "no array 'y'", "x, labels")


def test_an_archive_without_arrays(path):
    zipfile.ZipFile(path, "w").close()
    refused(path, "no array 'x'", "nothing")


def test_pickled_objects_are_never_loaded(path):
    np.savez(path, x=np.array([print, "a"], dtype=object), y=np.zeros(2))
    refused(path, "pickled", "Object arrays cannot be loaded")


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip file", b"\x93NUMPY\x01\x00"])
def test_not_a_zip_file(path, content):
    path.write_bytes(content)
    refused(path, "not a zip file")


def test_truncated(path):
    path.write_bytes(path.read_bytes()[:-30])
    refused(path, "cannot be read")


def test_changed_values_fail_the_checksum_of_the_archive(path):
    np.savez(path, x=np.full(1000, 7, np.uint8), y=np.zeros(2))
    content = bytearray(path.read_bytes())
    content[content.index(bytes([7] * 1000)) + 999] ^= 1  # the last byte of x
    path.write_bytes(content)
    refused(path, "CRC")


def test_more_data_than_the_header_says(path):
    with zipfile.ZipFile(path, "w") as archive, archive.open("x.npy", "w") as member:
        np.lib.format.write_array(member, np.zeros(3))
        member.write(b"more")
    refused(path, "longer than its header")


def test_a_header_that_announces_more_than_memory(path):
    header = {"descr": "<f8", "fortran_order": False, "shape": (2**55,)}
    with zipfile.ZipFile(path, "w") as archive, archive.open("x.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, header)
    refused(path, "cannot be read")


def test_missing_file(tmp_path):
    refused(tmp_path / "none.npz", "does not exist")


def test_a_folder_of_that_name(tmp_path):
    refused(tmp_path, "is a folder")


def test_no_permission(path, monkeypatch):
    def forbidden(*_):  # chmod would not stop the administrator, who may be running this
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", forbidden)
    refused(path, "may not be read")


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=400))
def test_random_bytes_only_ever_raise_input_error(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("random")
    (folder / "train.npz").write_bytes(content)
    np.savez(folder / "test.npz", x=np.zeros((1, 1)), y=np.zeros(1))
    with pytest.raises(InputError):
        load_folder(folder)


@settings(max_examples=200, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4),
    length=st.integers(0, 10_000),
    compressed=st.booleans(),
)
def test_a_damaged_file_loads_or_raises_input_error(tmp_path_factory, changes, length, compressed):
    folder = tmp_path_factory.mktemp("damaged")
    for side in ("train", "test"):
        save = np.savez_compressed if compressed else np.savez
        save(folder / f"{side}.npz", x=np.eye(3, dtype=np.float32), y=np.arange(3), class_names=["a", "b", "c"])
    content = bytearray((folder / "train.npz").read_bytes())
    for position, value in changes:
        content[position % len(content)] = value
    (folder / "train.npz").write_bytes(content[: max(length, 1)])
    try:
        assert load_folder(folder).classes == 3
    except InputError:
        pass
