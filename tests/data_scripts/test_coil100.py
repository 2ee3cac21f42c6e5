import io

import coil100
import common
import numpy as np
import pytest

from mcuref.datasets.registry import data_folder

pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed: pip install '.[data]'")


def view(number, angle):
    """A 128x128 image of random pixels."""
    return np.random.default_rng((number, angle)).integers(0, 256, (128, 128, 3), np.uint8)


def png(array):
    packed = io.BytesIO()
    pillow.fromarray(array).save(packed, "PNG")
    return packed.getvalue()


def member(number, angle):
    return f"coil-100/obj{number}__{angle}.png"


class Made:
    """A small archive in the true layout, {member name: bytes}, and (object, angle) of its sides without --subset."""

    def __init__(self):
        self.sides = {"train": [(2, 0), (11, 0), (100, 0), (2, 30), (11, 30)], "test": [(2, 20), (28, 50), (7, 350)]}
        views = [*self.sides["test"], *reversed(self.sides["train"]), (3, 5), (3, 355)]
        self.members = {member(*place): png(view(*place)) for place in views}
        self.members["coil-100/convertGroupppm2png.pl"] = b"none of it"


@pytest.fixture
def made():
    return Made()


@pytest.fixture
def command(made, server, zip_of, tmp_path):
    """Exit status of the script with the archive of made and these options."""

    def call(*options):
        archive = server.archive(zip_of(made.members), name=coil100.ARCHIVE.name)
        (tmp_path / archive.name).write_bytes(server.contents[archive.name])
        arguments = ["--out", str(tmp_path / "out"), "--from", str(tmp_path / archive.name), *options]
        return common.run(lambda: coil100.main(arguments, archive))

    return call


@pytest.mark.parametrize("options", [(), ("--subset",)])
def test_result(made, command, tmp_path, options, capsys):
    assert command(*options) == 0
    for side, places in made.sides.items():
        if options:
            places = [place for place in places if place not in [(11, 30), (28, 50)]]
        with np.load(tmp_path / "out" / f"{side}.npz") as found:
            assert found["y"].tolist() == [number - 1 for number, _ in places] and found["y"].dtype == np.uint8
            assert found["angle"].tolist() == [angle for _, angle in places] and found["angle"].dtype == np.uint16
            assert found["session"].tolist() == [angle // 45 for _, angle in places]
            exact = np.stack([view(*place).reshape(32, 4, 32, 4, 3).mean(axis=(1, 3)) for place in places])
            assert found["x"].dtype == np.uint8 and np.array_equal(found["x"], np.floor(exact + 0.5))
            assert found["class_names"][99] == "obj100" and len(found["class_names"]) == 100
    printed = capsys.readouterr().out
    assert printed.index("coil-100.zip") < printed.index("non-commercial") < printed.index("wrote")


@pytest.mark.parametrize("name, content, fragments", [
    (member(2, 10), b"no picture", [member(2, 10), "is not an image that can be read"]),
    (member(2, 10), png(view(1, 1)[:64]), [member(2, 10), "is of 128x64 pixels; 128 in both directions are needed"]),
    (member(101, 10), b"", ["objects from 1 to 100"]), (member(0, 10), b"", ["objects from 1 to 100"]),
    (member(1, 360), b"", ["angles below 360"]), ("coil-100/../../obj1__0.png", b"", ["leads outside"]),
    ("\x1b[31m/obj101__0.png", b"", [r"an image \x1b[31m/obj101__0.png"]),
])  # fmt: skip
def test_wrong_images(made, command, refused, tmp_path, name, content, fragments):
    made.members[name] = content
    refused(command(), "coil-100.zip", *fragments)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("side", ["train", "test"])
def test_a_side_without_images(made, command, refused, side):
    for place in made.sides[side]:
        del made.members[member(*place)]
    refused(command(), f"has no images for {side}.npz")


def test_the_views_of_the_subset_are_those_at_hand():
    for side in ("train", "test"):
        if not (data_folder() / "coil100_32" / f"{side}.npz").is_file():
            pytest.skip("data set coil100_32 is absent")
        with np.load(data_folder() / "coil100_32" / f"{side}.npz") as real:
            there = {(angle, number + 1) for angle, number in zip(real["angle"].tolist(), real["y"].tolist(), strict=True)}
        every = {(a, n) for a in range(0, 360, 10) for n in range(1, 101) if (a % 30 == 20) == (side == "test")}
        assert every - coil100.ABSENT == there


def test_the_arrays_of_the_subset_are_those_at_hand(made, command, tmp_path):
    """An original with the images at hand, four times as large, gives them back."""
    some = (20, 30)  # degrees
    for side in ("train", "test"):
        if not (data_folder() / "coil100_32" / f"{side}.npz").is_file():
            pytest.skip("data set coil100_32 is absent")
        with np.load(data_folder() / "coil100_32" / f"{side}.npz") as real:
            of_these = np.isin(real["angle"], some)
            made.sides[side] = {n: real[n] if n == "class_names" else real[n][of_these] for n in real}
    sides = made.sides.values()
    made.members = {
        member(number + 1, angle): png(x.repeat(4, axis=0).repeat(4, axis=1))
        for arrays in sides
        for x, number, angle in zip(arrays["x"], arrays["y"], arrays["angle"], strict=True)
    }
    made.members[member(11, 30)] = png(view(11, 30))  # one that is left out
    assert command("--subset") == 0
    for side, arrays in made.sides.items():
        with np.load(tmp_path / "out" / f"{side}.npz") as found:
            assert sorted(found) == sorted(arrays)
            assert all(found[n].dtype == arrays[n].dtype and np.array_equal(found[n], arrays[n]) for n in arrays)
