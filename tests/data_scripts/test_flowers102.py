import io
import sys

import common
import flowers102
import numpy as np
import pytest

from mcuref.datasets.registry import data_folder

pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed: pip install '.[data]'")
scipy_io = pytest.importorskip("scipy.io", reason="SciPy is not installed: pip install '.[data]'")

LABELS = [5, 102, 1, 77, 5, 1]
SPLIT = {"trnid": [6, 2], "valid": [3], "tstid": [1, 5, 4]}  # numbers of images, from 1 on


def jpeg(colour, size=(70, 50), mode="RGB"):
    content = io.BytesIO()
    pillow.new(mode, size, colour).save(content, "jpeg", quality=95)
    return content.getvalue()


def mat(**arrays):
    content = io.BytesIO()
    kinds = {"labels": np.uint8}
    scipy_io.savemat(content, {name: np.array([values], kinds.get(name, np.uint16)) for name, values in arrays.items()})
    return content.getvalue()


class Made:
    """Small originals in the true layout: `files` by name, those of the images in `members`."""

    def __init__(self):
        self.colours = [(40 * i, 20 * i, 255 - 40 * i) for i in range(len(LABELS))]
        self.members = {f"jpg/image_{i:05}.jpg": jpeg(colour) for i, colour in enumerate(self.colours, 1)}
        self.members |= {"jpg/._image_00001.jpg": b"not an image"}
        self.files = {"imagelabels.mat": mat(labels=LABELS), "setid.mat": mat(**SPLIT)}


@pytest.fixture
def made():
    return Made()


@pytest.fixture
def command(made, server, tar_of, tmp_path):
    """Exit status of the script on what is made: on the server in these folders, or in a folder for --from."""

    def call(*folders):
        files = {"102flowers.tgz": tar_of(made.members)} | made.files
        archives = [server.archive(content, *folders, name=name) for name, content in files.items()]
        arguments = ["--out", str(tmp_path / "out")]
        if not folders:
            (tmp_path / "have").mkdir()
            for name, content in files.items():
                (tmp_path / "have" / name).write_bytes(content)
            arguments += ["--from", str(tmp_path / "have")]
        return common.run(lambda: flowers102.main(arguments, archives))

    return call


@pytest.mark.parametrize("folders", [(), ("good",)])
def test_result(made, command, tmp_path, folders, capsys):
    assert command(*folders) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["test.npz", "train.npz"]
    for file_name, numbers in (("train.npz", [6, 2, 3]), ("test.npz", [1, 5, 4])):
        with np.load(tmp_path / "out" / file_name) as found:
            labels = [LABELS[number - 1] for number in numbers]
            assert found["image_id"].tolist() == numbers and found["image_id"].dtype == np.uint16
            assert found["original_label"].tolist() == labels and found["original_label"].dtype == np.uint8
            assert found["y"].tolist() == [label - 1 for label in labels] and found["y"].dtype == np.uint8
            assert found["x"].shape == (3, 32, 32, 3) and found["x"].dtype == np.uint8
            colours = np.array([made.colours[number - 1] for number in numbers])
            assert np.abs(found["x"] - colours[:, None, None].astype(int)).max() <= 3  # JPEG
            assert found["class_names"].shape == (102,)
    printed = capsys.readouterr().out
    assert printed.index("Download") < printed.index("Licence") < printed.index("wrote")


@pytest.mark.parametrize(
    "name, content, fragments",
    [
        ("jpg/image_00004.jpg", jpeg((1, 2, 3))[:-300], ["image_00004.jpg", "is not an image that can be read"]),
        ("jpg/image_00004.jpg", b"", ["image_00004.jpg", "is not an image that can be read"]),
        ("../../evil", b"x", ["leads outside"]),
    ],
)
def test_wrong_images(made, command, refused, tmp_path, name, content, fragments):
    made.members[name] = content
    refused(command(), *fragments)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["have"]


def test_missing_images(made, command, refused, tmp_path):
    del made.members["jpg/image_00002.jpg"], made.members["jpg/image_00005.jpg"]
    refused(command(), "lacks 2 of 6 images, the first is image_00002.jpg")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "name, content, fragment",
    [
        ("imagelabels.mat", b"", "not a .mat file with labels"),
        # with a name of its own: those bytes have the time in them, and all processes must give the test one name
        pytest.param("imagelabels.mat", mat(labels=LABELS)[:100], "not a .mat file with labels", id="cut"),
        ("imagelabels.mat", mat(other=[1]), "not a .mat file with labels"),
        ("imagelabels.mat", mat(labels=[]), "needs labels from 1 to 102"),
        ("imagelabels.mat", mat(labels=[0] * 6), "needs labels from 1 to 102"),
        ("imagelabels.mat", mat(labels=[103] * 6), "needs labels from 1 to 102"),
        ("imagelabels.mat", mat(labels=LABELS[:5]), "does not put each of the 5 images on exactly one side"),
        ("setid.mat", b"x" * 200, "not a .mat file with trnid and valid and tstid"),
        ("setid.mat", mat(trnid=[1], tstid=[2]), "not a .mat file with trnid and valid and tstid"),
        ("setid.mat", mat(**SPLIT | {"valid": [6]}), "does not put each of the 6 images on exactly one side"),
        ("setid.mat", mat(**SPLIT | {"valid": []}), "does not put each of the 6 images on exactly one side"),
        ("setid.mat", mat(**SPLIT | {"valid": [7]}), "does not put each of the 6 images on exactly one side"),
    ],
)
def test_wrong_matrices(made, command, refused, tmp_path, name, content, fragment):
    made.files[name] = content
    refused(command(), ".mat", fragment)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("module", ["PIL", "scipy"])
def test_a_missing_package_is_said_before_the_download(command, server, refused, tmp_path, monkeypatch, module):
    for name in [name for name in sys.modules if name == module or name.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    refused(command("good"), f"lacks the module {module}.", "pip install '.[data]' in the clone")
    assert not server.asked and not list(tmp_path.iterdir())


def test_from_a_folder_that_lacks_a_file(command, made, refused, tmp_path):
    (tmp_path / "have").mkdir()
    arguments = ["--from", str(tmp_path / "have"), "--out", str(tmp_path / "out")]
    refused(common.run(lambda: flowers102.main(arguments)), "102flowers.tgz is not there")


def test_the_layout_and_the_names_are_those_of_the_data_at_hand(command, tmp_path):
    for file_name in ("train.npz", "test.npz"):
        if not (data_folder() / "flowers102_32" / file_name).is_file():
            pytest.skip("data set flowers102_32 is absent")
    assert command() == 0
    for file_name in ("train.npz", "test.npz"):
        with np.load(data_folder() / "flowers102_32" / file_name) as real, np.load(tmp_path / "out" / file_name) as new:
            assert {key: real[key].dtype for key in real} == {key: new[key].dtype for key in new}
            assert real["x"].shape[1:] == new["x"].shape[1:]
            of_label = dict(zip(real["original_label"], real["class_names"][real["y"]], strict=True))
            assert all(new["class_names"][label - 1] == name for label, name in of_label.items())
