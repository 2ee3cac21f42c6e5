import os

import numpy as np
import pytest

from mcuref.datasets import load
from mcuref.datasets.folder import load_folder
from mcuref.errors import InputError


def refused(folder, *fragments):
    with pytest.raises(InputError) as caught:
        load_folder(folder)
    for fragment in fragments:
        assert fragment in str(caught.value)


def save(folder, side, **changes):
    """Write one side again with arrays replaced; None leaves an array out."""
    with np.load(folder / f"{side}.npz") as old:
        arrays = {**old, **changes}
    np.savez(folder / f"{side}.npz", **{name: array for name, array in arrays.items() if array is not None})


def test_a_valid_folder(folder, arrays):
    data = load_folder(folder)
    assert (data.name, data.kind) == (folder.name, "features")
    for field in ("x_train", "y_train", "x_test", "y_test"):
        assert getattr(data, field).tolist() == arrays[field].tolist()
    assert data.class_names == ("0", "1", "2")


@pytest.mark.parametrize("spelling", ["mine", "./mine", "mine/", "../{parent}/mine"])
def test_every_spelling_of_a_folder(folder, monkeypatch, spelling):
    (folder / "mine").mkdir()
    for side in ("train.npz", "test.npz"):
        (folder / side).rename(folder / "mine" / side)
    monkeypatch.chdir(folder)
    assert load(spelling.format(parent=folder.name)).name == "mine"
    assert load(folder / "mine").name == "mine"


def test_the_current_folder_has_a_name(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert load(".").name == folder.name


@pytest.mark.parametrize("shape, kind", [((4,), "features"), ((2, 2), "signal"), ((2, 2, 1), "image")])
def test_the_kind_follows_from_the_dimensions(folder, arrays, shape, kind):
    for side in ("train", "test"):
        save(folder, side, x=arrays[f"x_{side}"].reshape(-1, *shape))
    assert load_folder(folder).kind == kind


def test_class_names_and_normalisation_are_used(folder):
    save(folder, "train", class_names=["a", "b", "c"], mean=np.float32(3), scale=np.array([0.5]))
    data = load_folder(folder)
    assert data.class_names == ("a", "b", "c")
    assert (data.mean.tolist(), data.scale.tolist()) == ([3], [0.5])


def test_integer_class_names(folder):
    save(folder, "train", class_names=np.array([10, 20, 30]))
    assert load_folder(folder).class_names == ("10", "20", "30")


def test_a_scale_without_a_mean_is_not_a_normalisation(folder):
    plain = load_folder(folder)
    save(folder, "train", scale=np.float32(0.58))
    assert load_folder(folder).scale.tolist() == plain.scale.tolist()


def test_a_mean_without_a_scale(folder):
    save(folder, "train", mean=np.zeros(1))
    refused(folder, "mean is given alone")


@pytest.mark.parametrize(
    "names", [np.array([b"a", b"b", b"c"]), np.array([0.5, 1, 2]), np.array([["a", "b", "c"]]), np.array("abc")]
)
def test_class_names_of_another_kind(folder, names):
    save(folder, "train", class_names=names)
    refused(folder, "train.npz", "class_names", str(names.shape), str(names.dtype))


def test_class_names_in_another_order_in_the_test_file(folder):
    save(folder, "train", class_names=["a", "b", "c"])
    save(folder, "test", class_names=["a", "c", "b"])
    refused(folder, "test.npz", "other class_names")


def test_missing_folder(tmp_path):
    refused(tmp_path / "none", str(tmp_path / "none"), "does not exist", "train.npz and test.npz")


def test_a_file_instead_of_a_folder(folder):
    refused(folder / "train.npz", "train.npz is not a folder")


@pytest.mark.parametrize(
    "absent, sentence",
    [
        (["train.npz"], "has no train.npz;"),
        (["test.npz"], "has no test.npz;"),
        (["train.npz", "test.npz"], "has no train.npz and no test.npz;"),
    ],
)
def test_missing_files(folder, absent, sentence):
    for name in absent:
        (folder / name).unlink()
    refused(folder, str(folder), sentence)


@pytest.mark.parametrize("function", ["os.stat", "os.lstat", "builtins.open"])
def test_permission_is_permission(folder, monkeypatch, function):
    def forbidden(*_, **__):  # chmod would not stop the administrator, who may be running this
        raise PermissionError(13, "Permission denied")

    (folder / "train.npz").unlink()  # a folder that may not be entered tells nothing of its files
    with monkeypatch.context() as patch:
        patch.setattr(function, forbidden)
        if function == "os.lstat":
            patch.setattr("mcuref.reading.os.stat", lambda *a, real=os.stat: forbidden() if "npz" in str(a) else real(*a))
        with pytest.raises(InputError, match="may not be read by this user") as caught:
            load_folder(folder)
    assert "has no" not in str(caught.value)


def test_a_link_to_nothing_says_so(folder):
    (folder / "test.npz").unlink()
    (folder / "test.npz").symlink_to("moved.npz")
    refused(folder, "test.npz is a link to 'moved.npz', which does not exist; a NumPy .npz file is needed there")
    (folder / "link").symlink_to("gone")
    refused(folder / "link", "link is a link to 'gone', which does not exist; a folder with train.npz and test.npz")


def test_a_pipe_or_folder_of_that_name(folder):
    (folder / "train.npz").unlink()
    os.mkfifo(folder / "train.npz")
    refused(folder, "train.npz cannot be read: it is a named pipe")
    (folder / "train.npz").unlink()
    (folder / "train.npz").mkdir()
    refused(folder, "train.npz cannot be read: it is a folder")


@pytest.mark.parametrize("name, shown", [
    ("\x1b[31mred", "'\\x1b[31mred'"),
    ("two\nlines", "'two\\nlines'"), ("\ud800", "'\\ud800'"), ("a" * 101, "'" + "a" * 56 + "..."), ("\x9b", "'\\x9b'"),
])  # fmt: skip
def test_a_class_name_that_cannot_be_printed(folder, name, shown):
    save(folder, "train", class_names=np.array(["ä b", "😀 $5_$10", name]))
    refused(folder, f"class_names has {shown} at position 2; at most 100 characters that can be printed are needed")


def test_a_class_name_with_a_character_that_does_not_exist(folder):
    for order in "<>":
        save(folder, "train", class_names=np.full((3, 2), 0x110000, f"{order}u4").view(f"{order}U2")[:, 0])
        refused(folder, "train.npz has class_names with a character that does not exist")


@pytest.mark.parametrize("side", ["train", "test"])
@pytest.mark.parametrize("array", ["x", "y"])
def test_missing_array(folder, side, array):
    save(folder, side, **{array: None})
    refused(folder, f"{side}.npz has no array '{array}'")


@pytest.mark.parametrize("side", ["train", "test"])
def test_damaged_file(folder, side):
    (folder / f"{side}.npz").write_bytes(b"junk")
    refused(folder, f"{side}.npz cannot be read")


def test_a_bad_array_is_refused_by_data(folder):
    save(folder, "test", y=np.array([0, 1, 9]))
    refused(folder, folder.name, "y_test has 9 at sample 2")
