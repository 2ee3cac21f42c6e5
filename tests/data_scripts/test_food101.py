import io
import sys

import common
import food101
import numpy as np
import pytest

from mcuref.datasets.registry import data_folder

pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed: pip install '.[data]'")

CLASSES = ["apple_pie", "cheesecake", "cheese_plate"]  # the original order, which is not that of sorting
TRAIN = ["apple_pie/1005649", "apple_pie/1014775", "cheesecake/12", "cheese_plate/3000131"]
TEST = ["apple_pie/1011328", "cheese_plate/9", "cheesecake/4"]


def jpeg(colour, size=(48, 96)):
    content = io.BytesIO()
    pillow.new("RGB", size, colour).save(content, "jpeg", quality=95)
    return content.getvalue()


class Made:
    """A small archive in the true layout, images before lists: `members` by name, and the colours of the images."""

    def __init__(self):
        self.colours = {name: (30 * i, 200 - 20 * i, 10 * i) for i, name in enumerate(TRAIN + TEST)}
        self.members = {f"food-101/images/{name}.jpg": jpeg(colour) for name, colour in self.colours.items()}
        self.members["food-101/images/apple_pie/._1005649.jpg"] = b"not an image"
        self.members["food-101/README.txt"] = b"read me"
        for name, lines in (("classes", CLASSES), ("train", TRAIN), ("test", TEST), ("labels", ["Apple pie"])):
            self.members[f"food-101/meta/{name}.txt"] = "\n".join([*lines, ""]).encode()
        self.members["food-101/meta/train.json"] = b"{}"


@pytest.fixture
def made():
    return Made()


@pytest.fixture
def command(made, server, tar_of, tmp_path):
    """Exit status of the script on what is made: on the server in these folders, or as a file for --from."""

    def call(*folders, change=lambda content: content):
        content = change(tar_of(made.members))
        archive = server.archive(content, *folders, name="food-101.tar.gz")
        arguments = ["--out", str(tmp_path / "out")]
        if not folders:
            (tmp_path / "food-101.tar.gz").write_bytes(content)
            arguments += ["--from", str(tmp_path / "food-101.tar.gz")]
        return common.run(lambda: food101.main(arguments, archive))

    return call


def assert_written(made, out):
    assert sorted(path.name for path in out.iterdir()) == ["test.npz", "train.npz"]
    for file_name, entries in (("train.npz", TRAIN), ("test.npz", TEST)):
        with np.load(out / file_name) as found:
            assert found["class_names"].tolist() == CLASSES
            assert found["y"].tolist() == [CLASSES.index(entry.split("/")[0]) for entry in entries]
            assert found["image_id"].tolist() == [int(entry.split("/")[1]) for entry in entries]
            assert found["y"].dtype == np.uint8 and found["image_id"].dtype == np.uint32
            assert found["x"].shape == (len(entries), 32, 32, 3) and found["x"].dtype == np.uint8
            colours = np.array([made.colours[entry] for entry in entries])
            assert np.abs(found["x"] - colours[:, None, None].astype(int)).max() <= 3  # JPEG


@pytest.mark.parametrize("folders", [(), ("good",)])
def test_result(made, command, tmp_path, folders, capsys):
    assert command(*folders) == 0
    assert_written(made, tmp_path / "out")
    printed = capsys.readouterr().out
    assert printed.index("Download") < printed.index("Licence") < printed.index("wrote")


def test_lists_before_images(made, command, tmp_path):
    made.members = dict(sorted(made.members.items(), reverse=True))
    assert next(iter(made.members)).endswith("train.txt")
    assert command() == 0
    assert_written(made, tmp_path / "out")


@pytest.mark.parametrize(
    "name, content, fragments",
    [
        ("images/cheesecake/4.jpg", jpeg((1, 2, 3))[:-300], ["cheesecake/4.jpg", "is not an image that can be read"]),
        ("images/cheesecake/4.jpg", None, ["test.txt lists cheesecake/4, of which there is no image"]),
        ("meta/train.txt", None, ["no member meta/train.txt"]),
        ("meta/test.txt", b"", ["no member meta/test.txt, or it is empty"]),
        ("meta/classes.txt", None, ["no member meta/classes.txt"]),
        ("meta/classes.txt", b"apple_pie\n", ["train.txt lists cheesecake/12"]),
        ("meta/test.txt", b"apple_pie/1005649\n", ["test.txt lists apple_pie/1005649"]),  # in train.txt already
        ("meta/test.txt", b"../../evil\n", ["test.txt lists ../../evil"]),
        ("meta/test.txt", b"\xff\xfe\n", ["test.txt lists"]),
        ("../../evil", b"x", ["leads outside"]),
    ],
)
def test_wrong_content(made, command, refused, tmp_path, name, content, fragments):
    if content is None:
        del made.members[f"food-101/{name}"]
    else:
        made.members[f"food-101/{name}"] = content
    refused(command(), *fragments)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["food-101.tar.gz"]


def test_a_truncated_archive_whose_checksum_is_right(command, refused, tmp_path):
    refused(command(change=lambda content: content[:-800]), "food-101.tar.gz is not a complete archive")
    assert not (tmp_path / "out").exists()


def test_missing_pillow_is_said_before_the_download(command, server, refused, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name == "PIL" or name.startswith("PIL.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "PIL", None)
    refused(command("good"), "lacks the module PIL.Image", "pip install '.[data]' in the clone")
    assert not server.asked and not list(tmp_path.iterdir())


def test_the_layout_and_the_names_are_those_of_the_data_at_hand(made, command, tmp_path):
    for file_name in ("train.npz", "test.npz"):
        if not (data_folder() / "food101_32" / file_name).is_file():
            pytest.skip("data set food101_32 is absent")
    with np.load(data_folder() / "food101_32" / "train.npz") as real:
        names = real["class_names"].tolist()
    made.members["food-101/meta/classes.txt"] = "\n".join(names).encode()
    assert command() == 0
    for file_name in ("train.npz", "test.npz"):
        with np.load(data_folder() / "food101_32" / file_name) as real, np.load(tmp_path / "out" / file_name) as new:
            assert {key: real[key].dtype for key in real} == {key: new[key].dtype for key in new}
            assert real["x"].shape[1:] == new["x"].shape[1:]
            assert np.array_equal(new["class_names"], real["class_names"])
