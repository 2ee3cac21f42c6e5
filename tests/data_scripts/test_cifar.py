import cifar10
import cifar100
import common
import numpy as np
import pytest

from mcuref.datasets.registry import data_folder

RNG = np.random.default_rng(3)


def planes(images):
    """The pixel bytes of images [n, 32, 32, 3] as in the binary files, [n, 3072]."""
    return images.transpose(0, 3, 1, 2).reshape(len(images), -1)


class Made:
    """A small archive in the true layout: `members` by name, and what should come out of it."""

    def __init__(self, script):
        self.script, self.arrays = script, {}
        self.count = 10 if script is cifar10 else 100
        self.members = self.cifar10() if script is cifar10 else self.cifar100()

    def side(self, file_name, length, coarse):
        x = RNG.integers(0, 256, (length, 32, 32, 3), np.uint8)
        y = RNG.integers(0, self.count, length, np.uint8)
        self.arrays[file_name] = {"x": x, "y": y}
        labels = [y[:, None]]
        if coarse:
            self.arrays[file_name]["y_coarse"] = y // 5
            labels.insert(0, y[:, None] // 5)
        return np.concatenate([*labels, planes(x)], axis=1)

    def cifar10(self):
        train, test = self.side("train.npz", 30, False), self.side("test.npz", 4, False)
        files = {f"data_batch_{i + 1}.bin": train[6 * i : 6 * i + 6].tobytes() for i in range(5)}
        names = "".join(f"class {i}\n" for i in range(10)) + "\n"
        files |= {"test_batch.bin": test.tobytes(), "batches.meta.txt": names.encode(), "readme.html": b"<html>"}
        return {f"cifar-10-batches-bin/{name}": content for name, content in files.items()}

    def cifar100(self):
        files = {f"{side}.bin": self.side(f"{side}.npz", n, True).tobytes() for side, n in (("train", 9), ("test", 5))}
        files["fine_label_names.txt"] = "".join(f"fine {i}\n" for i in range(100)).encode()
        files["coarse_label_names.txt"] = "".join(f"coarse {i}\n" for i in range(20)).encode()
        return {f"cifar-100-binary/{name}": content for name, content in files.items()}


@pytest.fixture(params=[cifar10, cifar100], ids=["cifar10", "cifar100"])
def made(request):
    return Made(request.param)


@pytest.fixture
def command(made, server, tar_of, tmp_path):
    """Exit status of the script with the members of made in an archive: on the server, or in a folder for --from."""

    def call(*folders, change=lambda content: content):
        archive = server.archive(tar_of(made.members), *folders, name=made.script.ARCHIVE.name)
        arguments = ["--out", str(tmp_path / "out")]
        if not folders:
            (tmp_path / "have").mkdir()
            (tmp_path / "have" / archive.name).write_bytes(change(server.contents[archive.name]))
            arguments += ["--from", str(tmp_path / "have")]
        return common.run(lambda: made.script.main(arguments, archive))

    return call


@pytest.mark.parametrize("folders", [(), ("good",)])
def test_result(made, command, tmp_path, folders, capsys):
    assert command(*folders) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["test.npz", "train.npz"]
    for file_name, arrays in made.arrays.items():
        with np.load(tmp_path / "out" / file_name) as found:
            for name, array in arrays.items():
                assert found[name].dtype == np.uint8 and np.array_equal(found[name], array)
            assert len(found["class_names"]) == made.count and found["class_names"][3].endswith(" 3")
    printed = capsys.readouterr().out
    assert printed.index("Download") < printed.index("Licence") < printed.index("wrote")


def test_rank_in_class():
    ranks = cifar10.rank_in_class(np.array([3, 1, 3, 3, 1, 0], np.uint8))
    assert ranks.tolist() == [0, 0, 1, 2, 1, 0] and ranks.dtype == np.uint16


def test_wrong_archive(command, refused, tmp_path):
    refused(command(change=lambda content: content[:-1] + b"?"), "is not the expected file: sha256")
    assert not (tmp_path / "out").exists()


def test_wrong_download(made, command, refused, tmp_path):
    refused(command("wrong"), "could not be downloaded", "sha256")
    assert not list(tmp_path.iterdir())


def names(made):
    return [name for name in made.members if not name.endswith("html")]


@pytest.mark.parametrize("which", range(4))
def test_missing_member(made, command, refused, tmp_path, which):
    missing = names(made)[which]
    del made.members[missing]
    refused(command(), "has no member", missing.split("/")[1])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("change", [lambda content: content[:-1], lambda content: content + b"x", lambda content: b""])
def test_wrong_number_of_bytes(made, command, refused, tmp_path, change):
    name = names(made)[0]
    made.members[name] = change(made.members[name])
    refused(command(), name.split("/")[1], "bytes; a multiple of 307")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("position", [0, -1])
def test_impossible_label(made, command, refused, position):
    name = names(made)[0]
    labels = made.count == 100 and position == -1
    content = bytearray(made.members[name])
    content[1 if labels else 0] = 200
    made.members[name] = bytes(content)
    refused(command(), "has the label 200")


def test_too_few_names(made, command, refused):
    name = next(name for name in made.members if name.endswith(("meta.txt", "fine_label_names.txt")))
    made.members[name] = b"one\ntwo\n"
    refused(command(), "holds 2 names")


def test_a_name_that_leads_outside(made, command, refused, tmp_path):
    made.members["../../evil"] = b"x"
    refused(command(), "leads outside")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["have"]


def test_the_layout_is_that_of_the_data_at_hand(made, command, tmp_path):
    name = made.script.__name__
    for file_name in ("train.npz", "test.npz"):
        path = data_folder() / name / file_name
        if not path.is_file():
            pytest.skip(f"data set {name} is absent")
        with np.load(path) as real:
            made.members |= real_members(name, real) if file_name == "train.npz" else {}
            kinds = {key: (real[key].dtype, real[key].shape[1:]) for key in real}
            names_of_classes = real["class_names"]
        status = command() if file_name == "train.npz" else 0
        with np.load(tmp_path / "out" / file_name) as found:
            assert status == 0
            assert {key: (found[key].dtype, found[key].shape[1:]) for key in found} == kinds
            assert np.array_equal(found["class_names"], names_of_classes)


def real_members(name, real):
    """The text files of the archive, from the names in the data at hand."""
    files = {"cifar10": {"cifar-10-batches-bin/batches.meta.txt": "class_names"}}.get(name) or {
        "cifar-100-binary/fine_label_names.txt": "class_names",
        "cifar-100-binary/coarse_label_names.txt": "coarse_names",
    }
    return {path: "\n".join([*real[key], ""]).encode() for path, key in files.items()}


def test_real_images_come_back_as_they_are(made, command, tmp_path):
    """Through the binary format: the data at hand, the first few images of each side."""
    name = made.script.__name__
    if not (data_folder() / name / "test.npz").is_file():
        pytest.skip(f"data set {name} is absent")
    for file_name, part in (("train.npz", "train.bin"), ("test.npz", "test.bin")):
        with np.load(data_folder() / name / file_name) as real:
            labels = [real[key][:50, None] for key in ("y_coarse", "y") if key in real]
            table = np.concatenate([*labels, planes(real["x"][:50])], axis=1)
            made.arrays[file_name] = {key: real[key][:50] for key in ("x", "y", "y_coarse") if key in real}
        if name == "cifar100":
            made.members[f"cifar-100-binary/{part}"] = table.tobytes()
        elif part == "test.bin":
            made.members["cifar-10-batches-bin/test_batch.bin"] = table.tobytes()
        else:
            for i in range(5):
                made.members[f"cifar-10-batches-bin/data_batch_{i + 1}.bin"] = table[10 * i : 10 * i + 10].tobytes()
    assert command() == 0
    for file_name, arrays in made.arrays.items():
        with np.load(tmp_path / "out" / file_name) as found:
            assert all(np.array_equal(found[key], array) for key, array in arrays.items())
