import io
import os
import struct
import tracemalloc
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
    refused(path, "no array 'y'", "'x', 'labels'")


def test_an_archive_without_arrays(path):
    zipfile.ZipFile(path, "w").close()
    refused(path, "no array 'x'", "nothing")


def test_pickled_objects_are_never_loaded(path):
    np.savez(path, x=np.array([print, "a"], dtype=object), y=np.zeros(2))
    refused(path, "array 'x' holds pickled Python objects, which are not loaded")


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


def npz(path, name="x.npy", header=None, values=b"", method=zipfile.ZIP_STORED, version=1):
    """Write an archive of one member: a header, a dict or bytes, and values (bytes)."""
    content = io.BytesIO()
    if isinstance(header, dict):
        write = np.lib.format.write_array_header_1_0 if version == 1 else np.lib.format.write_array_header_2_0
        write(content, {"descr": "|u1", "fortran_order": False} | header)
    else:
        content.write(header or b"")
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr(name, content.getvalue() + values)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(0),
        np.array(3),
        np.arange(12.0).reshape(3, 4).T,
        np.arange(6, dtype=">i2"),
        np.array(["ä", "bcd"]),
        np.ones((2, 3, 1), bool),
        pytest.param(np.arange(3_000_000), marks=pytest.mark.slow),
    ],
    ids=str,
)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_writes_comes_back_as_it_was(path, array, save):
    save(path, x=array)
    found = read_npz(path, ("x",))["x"]
    assert found.dtype == array.dtype and found.shape == array.shape and (found == array).all()
    assert found.flags.f_contiguous == array.flags.f_contiguous


@pytest.mark.parametrize("shape, words", [((4,), "shorter"), ((2,), "longer"), ((-3,), "longer"), ((3, 0), "longer")])
def test_a_header_that_does_not_agree_with_the_length(path, shape, words):
    npz(path, header={"shape": shape}, values=b"abc")
    refused(path, f"array 'x' is {words} than its header says")


def test_a_long_header_is_not_read(path):
    npz(path, header=np.lib.format.magic(2, 0) + struct.pack("<I", 50 << 20), values=b" " * (50 << 20))
    tracemalloc.start()
    refused(path, "array 'x' has a header of 52,428,800 bytes")
    assert tracemalloc.get_traced_memory()[1] < 10 << 20
    tracemalloc.stop()


def test_a_header_that_python_2_wrote_is_read_without_a_warning(path, recwarn):
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (3L,), }".ljust(117) + b"\n"
    npz(path, header=np.lib.format.magic(1, 0) + struct.pack("<H", len(header)) + header, values=b"abc")
    assert read_npz(path, ("x",))["x"].tolist() == [97, 98, 99] and not recwarn.list


@pytest.mark.parametrize("descr", [[("a", "<f4"), ("b", "<i4")], "|V1", "<U0"])
def test_values_of_no_plain_kind(path, descr):
    npz(path, header={"descr": descr, "shape": (0,)})
    refused(path, "array 'x' holds neither numbers nor texts")


def test_zeros_that_inflate_a_thousandfold_are_refused_before_they_do(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, {"descr": "|u1", "fortran_order": False, "shape": (257 << 20,)})
        for _ in range(257):
            member.write(bytes(1 << 20))
    tracemalloc.start()
    refused(path, "269,484,160 bytes, more than 100 times the file's")
    assert tracemalloc.get_traced_memory()[1] < 10 << 20
    tracemalloc.stop()


def test_what_is_not_asked_for_may_inflate(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("x.npy", "w") as member:
            np.lib.format.write_array(member, np.zeros(3))
        with archive.open("unused", "w") as member:
            for _ in range(300):
                member.write(bytes(1 << 20))
    assert read_npz(path, ("x",))["x"].tolist() == [0, 0, 0]


def test_a_declared_gigabyte_takes_none(path):
    """The list of members and the header say the same; the file is small."""
    npz(path, header={"shape": (200 << 20,)}, values=b"abc", method=zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\1\2") + 24
    content[at : at + 4] = struct.pack("<I", 128 + (200 << 20))
    path.write_bytes(content)
    refused(path, "array 'x' ends early")


@pytest.mark.parametrize("method, words", [
    (zipfile.ZIP_LZMA, "compressed by a method that NumPy does not use"),
    (zipfile.ZIP_BZIP2, "compressed by a method that NumPy does not use"),
])  # fmt: skip
def test_other_methods_of_compression(path, method, words):
    npz(path, header={"shape": (3,)}, values=b"abc", method=method)
    refused(path, "array 'x'", words)


def test_encrypted(path):
    npz(path, header={"shape": (3,)}, values=b"abc")
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    refused(path, "array 'x' is encrypted")


def test_two_arrays_of_one_name(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"")
        archive.writestr("x", b"")
    refused(path, "holds two arrays 'x'")


def test_names_are_shown_as_escapes_and_not_by_the_thousand(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("\x1b[31mred\n" + "d" * 1000, b"")
        for i in range(1000):
            archive.writestr(f"{i}.npy", b"")
    refused(path, "no array 'x' (it holds '\\x1b[31mred\\nddd", "ddd...', '0', '1', ", "'8' and 991 more)")


def test_a_list_of_members_of_any_length_is_not_read(path):
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(25_000):
            archive.writestr(f"{i}", b"")
    refused(path, "its list of members is too long")


def test_a_pipe_and_a_device(tmp_path):
    os.mkfifo(tmp_path / "x.npz")
    refused(tmp_path / "x.npz", "is a named pipe; a NumPy .npz file is needed there")
    with pytest.raises(InputError, match="is a device"):
        shapes("/dev/zero")


def test_missing_file(tmp_path):
    refused(tmp_path / "none.npz", "does not exist")


def test_a_folder_of_that_name(tmp_path):
    refused(tmp_path, "is a folder")


def test_no_permission(path, monkeypatch):
    def forbidden(*_, **__):  # chmod would not stop the administrator, who may be running this
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
