import io
import sys

import common
import core50
import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")


def pixels(session, number, frame):
    """A 128x128 image made of 32x32 uniform blocks, and those blocks."""
    blocks = np.random.default_rng((session, number, frame)).integers(0, 256, (32, 32, 3), np.uint8)
    return blocks.repeat(4, axis=0).repeat(4, axis=1), blocks


def png(array):
    packed = io.BytesIO()
    Image.fromarray(array).save(packed, "PNG")
    return packed.getvalue()


def member(session, number, frame):
    return f"core50_128x128/s{session}/o{number}/C_{session:02}_{number:02}_{frame:03}.png"


class Made:
    """A small archive in the true layout, {member name: bytes}, and (session, object, frame) of its sides."""

    def __init__(self):
        self.sides = {
            "train.npz": [(1, 1, 0), (1, 1, 299), (1, 50, 7), (2, 5, 1), (11, 6, 0)],
            "test.npz": [(3, 10, 2), (7, 11, 0), (10, 50, 300)],
        }
        images = [image for side in self.sides.values() for image in reversed(side)]
        self.members = {member(*image): png(pixels(*image)[0]) for image in images}
        self.members["core50_128x128/readme.txt"] = b"none of it"


@pytest.fixture
def made():
    return Made()


@pytest.fixture
def command(made, server, zip_of, tmp_path):
    """Exit status of the script with the archive of made: on the server, or as a file for --from."""

    def call(*folders, change=lambda content: content):
        archive = server.archive(change(zip_of(made.members)), *folders, name=core50.ARCHIVE.name)
        arguments = ["--out", str(tmp_path / "out")]
        if not folders:
            (tmp_path / archive.name).write_bytes(server.contents[archive.name])
            arguments += ["--from", str(tmp_path / archive.name)]
        return common.run(lambda: core50.main(arguments, archive))

    return call


@pytest.mark.parametrize("folders", [(), ("good",)])
def test_result(made, command, tmp_path, folders, capsys):
    assert command(*folders) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["test.npz", "train.npz"]
    for side, images in made.sides.items():
        with np.load(tmp_path / "out" / side) as found:
            assert sorted(found) == ["class_names", "frame", "object", "session", "x", "y"]
            for name, dtype, column in (("session", np.uint8, 0), ("object", np.uint8, 1), ("frame", np.uint16, 2)):
                assert found[name].dtype == dtype and found[name].tolist() == [image[column] for image in images]
            assert found["y"].dtype == np.uint8 and found["y"].tolist() == [(n - 1) // 5 for _, n, _ in images]
            assert found["x"].dtype == np.uint8
            assert np.array_equal(found["x"], np.stack([pixels(*image)[1] for image in images]))
            assert len(found["class_names"]) == 10 and found["class_names"][2] == "scissors"
    printed = capsys.readouterr().out
    assert printed.index("core50_128x128.zip") < printed.index("CC BY 4.0") < printed.index("wrote")


def test_an_average_over_boxes(made, command, tmp_path):
    checks = np.zeros((128, 128, 3), np.uint8)
    checks[::2, ::2] = 200
    made.members[member(1, 1, 0)] = png(checks)
    assert command() == 0
    with np.load(tmp_path / "out" / "train.npz") as found:
        assert (found["x"][0] == 50).all()


@pytest.mark.parametrize(
    "name, content, fragments",
    [
        (member(1, 2, 3), b"not a picture", [member(1, 2, 3), "not an image"]),
        (member(1, 2, 3), png(pixels(0, 0, 0)[0])[:-200], [member(1, 2, 3), "not an image"]),
        (member(1, 51, 3), b"", [member(1, 51, 3), "from 1 to 50"]),
        (member(1, 0, 3), b"", [member(1, 0, 3), "from 1 to 50"]),
        ("core50_128x128/../../C_01_01_000.png", b"", ["leads outside"]),
        ("/etc/C_01_01_000.png", b"", ["leads outside"]),
    ],
)
def test_wrong_images(made, command, refused, tmp_path, name, content, fragments):
    made.members[name] = content
    refused(command(), "core50_128x128.zip", *fragments)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("side, sessions", [("train.npz", (3, 7, 10)), ("test.npz", (1, 2, 11))])
def test_a_side_without_images(made, command, refused, side, sessions):
    kept = [image for images in made.sides.values() for image in images if image[0] in sessions]
    made.members = {member(*image): png(pixels(*image)[0]) for image in kept}
    refused(command(), f"has no images for {side}")


@pytest.mark.parametrize("change", [lambda c: c[:-30], lambda c: c[:3000] + bytes(99) + c[3099:], lambda c: b""])
def test_a_damaged_archive(command, refused, tmp_path, change):
    refused(command(change=change), "core50_128x128.zip", "not a complete archive")
    assert not (tmp_path / "out").exists()


def test_without_pillow_nothing_is_downloaded(command, server, refused, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    refused(command("good"), "PIL.Image", "pip install '.[data]' in the clone")
    assert not server.asked and not (tmp_path / "out").exists()
