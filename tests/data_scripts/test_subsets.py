"""--subset: originals that hold the images at hand at their places give the arrays at hand, or as much as can be."""

import io
import random

import cifar10
import cifar100
import common
import core50
import dcase2020
import flowers102
import food101
import numpy as np
import pytest
import uci_har

from mcuref.datasets.registry import data_folder

RNG = np.random.default_rng(9)
SIDES = ("train.npz", "test.npz")


def at_hand(name):
    """{file name: {array name: array}} of a data set, or the test is skipped."""
    result = {}
    for side in SIDES:
        path = data_folder() / name / side
        if not path.is_file():
            pytest.skip(f"data set {name} is absent")
        with np.load(path) as arrays:
            result[side] = dict(arrays)
    return result


def assert_same(found, wanted):
    """The same arrays in every file: names, types and values."""
    for side in SIDES:
        assert sorted(found[side]) == sorted(wanted[side])
        for name, array in wanted[side].items():
            assert found[side][name].dtype == array.dtype and np.array_equal(found[side][name], array), (side, name)


def png(array, factor=1):
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed: pip install '.[data]'")
    packed = io.BytesIO()
    pillow.fromarray(array.repeat(factor, axis=0).repeat(factor, axis=1)).save(packed, "PNG", compress_level=1)
    return packed.getvalue()


MEASURED = (
    "mnist", "cifar10", "cifar100", "flowers102_32", "food101_32", "coil100_32", "core50_tiny", "uci_har",
    "dcase2020_toycar",
)  # fmt: skip


@pytest.mark.parametrize("name", MEASURED)
def test_sums_of_what_figures_are_of(name):
    """And of nothing else: another value, type, shape or order is another sum."""
    for side, arrays in at_hand(name).items():
        assert [common.digest(arrays)] == common.lists("sums")[f"{name} {side}"]
        part = {array: arrays[array][:50] for array in ("x", "y")}
        flipped = part["x"].copy()
        flipped.flat[-1] ^= 1
        others = (
            {"x": flipped},
            {"x": part["x"][::-1]},
            {"y": part["y"].astype(np.int64)},
            {"x": part["x"].reshape(len(part["x"]), -1)},
        )
        assert len({common.digest(part | other) for other in ({}, *others)}) == 5


def test_every_sum_is_of_such_a_data_set():
    assert common.lists("sums").keys() == {f"{name} {side}" for name in MEASURED for side in SIDES}


def test_whether_they_are_those_arrays_is_said(monkeypatch, tmp_path, capsys):
    files = {side: {"x": np.zeros((2, 3), np.uint8), "y": np.arange(2)} for side in SIDES}
    sums = {f"some {side}": [common.digest(arrays)] for side, arrays in files.items()}
    monkeypatch.setattr(common, "lists", lambda name: {"sums": sums}[name])
    for change, said in (
        ({}, "these are the arrays that"),
        ({"y": np.zeros(2, int)}, "these are not quite the arrays that"),
    ):
        (tmp_path / "work").mkdir(exist_ok=True)
        common.publish(files | {"test.npz": files["test.npz"] | change}, tmp_path / "work", tmp_path, "some")
        assert said in capsys.readouterr().out


def test_by_turns():
    assert common.by_turns([[1, 2, 3], [], [None, 5]]) == [1, None, 2, 5, 3]


def test_listed():
    absent = common.listed("cifar10-absent")
    assert absent["train.npz 4"] == (124, 533) and sum(map(len, absent.values())) == 253
    flowers = common.listed("flowers102")
    assert flowers["train.npz 2"][:3] == (5087, 5088, 5089) and {len(n) for n in flowers.values()} == {5, 15}


def test_cifar10():
    """Among noise at the ranks that are absent, in any order of the classes."""
    wanted, files = at_hand("cifar10"), {}
    for side, arrays in wanted.items():
        ranks, y = arrays["index_in_class"], arrays["y"]
        counts = [int(ranks[y == c].max()) + 1 + c for c in range(10)]  # and some behind the last one
        files[side] = {"y": RNG.permutation(np.repeat(np.arange(10, dtype=np.uint8), counts))}
        files[side]["x"] = RNG.integers(0, 256, (sum(counts), 32, 32, 3), np.uint8)
        files[side]["index_in_class"] = cifar10.rank_in_class(files[side]["y"])
        files[side]["class_names"] = arrays["class_names"]
        place = {(c, r): i for i, (c, r) in enumerate(zip(files[side]["y"], files[side]["index_in_class"], strict=True))}
        files[side]["x"][[place[c, r] for c, r in zip(y, ranks, strict=True)]] = arrays["x"]
    assert_same(cifar10.subset(files), wanted)


def test_cifar100():
    """In any order on any side, among images that occur twice."""
    wanted = at_hand("cifar100")
    x, y, coarse = (np.concatenate([wanted[side][n] for side in SIDES]) for n in ("x", "y", "y_coarse"))
    copies = np.arange(40) % 20
    x = np.concatenate([x, RNG.integers(0, 256, (20, 32, 32, 3), np.uint8)[copies]])
    y, coarse = np.concatenate([y, y[copies]]), np.concatenate([coarse, coarse[copies]])
    order, files = RNG.permutation(len(x)), {}
    for side, part in zip(SIDES, (order[:5000], order[5000:]), strict=True):
        names = {n: wanted[side][n] for n in ("class_names", "coarse_names")}
        files[side] = {"x": x[part], "y": y[part], "y_coarse": coarse[part]} | names
    assert_same(cifar100.subset(files), wanted)


def test_uci_har():
    """From any order, such as the original one; of other windows there is no such order."""
    wanted, files = at_hand("uci_har"), {}
    for side, arrays in wanted.items():
        order = RNG.permutation(len(arrays["x"]))
        files[side] = arrays | {name: arrays[name][order] for name in ("x", "y", "subject")}
    assert_same(uci_har.subset(files), wanted)
    files["test.npz"]["x"][7, 0, 0] ^= 1
    with pytest.raises(common.InputError, match="test.npz would not hold the windows of subsets/uci_har.txt"):
        uci_har.subset(files)


@pytest.mark.parametrize("script", [cifar10, cifar100])
def test_the_option_of_cifar(script, monkeypatch, tmp_path):
    files = {side: {"x": np.zeros(1), "y": np.zeros(1)} for side in SIDES}
    monkeypatch.setattr(script, "obtain", lambda archives, *_: {archives[0].name: None})
    monkeypatch.setattr(script, "convert", lambda _: files)
    monkeypatch.setattr(script, "subset", lambda found: found | {"test.npz": {"x": np.ones(2), "y": np.ones(2)}})
    for options, size in (([], 1), (["--subset"], 2)):
        assert common.run(lambda options=options: script.main(["--out", str(tmp_path), *options])) == 0
        with np.load(tmp_path / "test.npz") as found:
            assert found["x"].size == size


def test_flowers102(server, tar_of, tmp_path):
    scipy_io = pytest.importorskip("scipy.io", reason="SciPy is not installed: pip install '.[data]'")
    wanted, labels = at_hand("flowers102_32"), np.ones(8189, np.uint8)
    members = {"jpg/image_08189.jpg": b"one that is not needed"}
    for arrays in wanted.values():
        labels[arrays["image_id"] - 1] = arrays["original_label"]
        members |= {f"jpg/image_{i:05}.jpg": png(x) for i, x in zip(arrays["image_id"], arrays["x"], strict=True)}
    made = {"102flowers.tgz": tar_of(members)}
    split = {"trnid": np.arange(1, 8000), "valid": [8000], "tstid": np.arange(8001, 8190)}
    for name, content in (("imagelabels.mat", {"labels": labels}), ("setid.mat", split)):
        packed = io.BytesIO()
        scipy_io.savemat(packed, content)
        made[name] = packed.getvalue()
    archives = [server.archive(content, name=name) for name, content in made.items()]
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    arguments = ["--subset", "--from", str(tmp_path), "--out", str(tmp_path / "out")]
    assert common.run(lambda: flowers102.main(arguments, archives)) == 0
    assert_same({side: dict(np.load(tmp_path / "out" / side)) for side in SIDES}, wanted)


def test_food101(server, tar_of, tmp_path):
    wanted = at_hand("food101_32")
    names = wanted["train.npz"]["class_names"].tolist()
    lists = {"classes": names, "train": ["x/1"], "test": ["x/2"]}
    members = {f"food-101/meta/{name}.txt": "\n".join(lines).encode() for name, lines in lists.items()}
    members["food-101/images/apple_pie/1.jpg"] = b"one that is not needed"
    for arrays in wanted.values():
        for x, y, number in zip(arrays["x"], arrays["y"], arrays["image_id"], strict=True):
            members[f"food-101/images/{names[y]}/{number}.jpg"] = png(x)
    archive = server.archive(tar_of(members), name="food-101.tar.gz")
    (tmp_path / archive.name).write_bytes(server.contents[archive.name])
    arguments = ["--subset", "--from", str(tmp_path), "--out", str(tmp_path / "out")]
    assert common.run(lambda: food101.main(arguments, archive)) == 0
    assert_same({side: dict(np.load(tmp_path / "out" / side)) for side in SIDES}, wanted)


def test_core50_tiny(server, zip_of, tmp_path, monkeypatch):
    monkeypatch.setenv("MCUREF_DATA", str(data_folder()))
    wanted, members = at_hand("core50_tiny"), {"a/C_01_01_299.png": b"one that is not needed"}
    for arrays in wanted.values():
        for x, *place in zip(*(arrays[name] for name in ("x", "session", "object", "frame")), strict=True):
            members["a/C_{:02}_{:02}_{:03}.png".format(*place)] = png(x, 2)
    archive = server.archive(zip_of(members), name=core50.ARCHIVE.name)
    (tmp_path / archive.name).write_bytes(server.contents[archive.name])
    monkeypatch.setenv("MCUREF_DATA", str(tmp_path / "data"))
    assert common.run(lambda: core50.main(["--subset", "--from", str(tmp_path)], archive)) == 0
    assert_same({side: dict(np.load(tmp_path / "data/core50_tiny" / side)) for side in SIDES}, wanted)


def test_dcase2020(server, zip_of, tmp_path, monkeypatch):
    """The clips: their features are computed from sound, which is not at hand."""
    wanted = at_hand("dcase2020_toycar")
    clips = [
        ("train", "normal", 1, 3),
        *(("test", kind, m, n) for m in range(1, 5) for kind in ("normal", "anomaly") for n in range(400)),
    ]
    random.Random(2).shuffle(clips)
    members = {f"ToyCar/{side}/{kind}_id_{m:02}_{n:08}.wav": f"{m} {n}".encode() for side, kind, m, n in clips}
    monkeypatch.setattr(dcase2020, "read_wav", lambda content, *_: content)
    monkeypatch.setattr(dcase2020, "features", lambda content, _: int(content.split()[1]))
    archives = {"ToyCar": server.archive(zip_of(members), name="dev_data_ToyCar.zip")}
    (tmp_path / "dev_data_ToyCar.zip").write_bytes(server.contents["dev_data_ToyCar.zip"])
    arguments = ["--subset", "--from", str(tmp_path), "--out", str(tmp_path / "out")]
    assert common.run(lambda: dcase2020.main(arguments, archives)) == 0
    for side, arrays in wanted.items():
        arrays["x"] = np.broadcast_to(arrays["clip"].astype(np.int16)[:, None, None], arrays["x"].shape)
    assert_same({side: dict(np.load(tmp_path / "out" / side)) for side in SIDES}, wanted)


def test_dcase2020_of_another_machine(refused):
    arguments = ["--subset", "--machine", "fan"]
    refused(common.run(lambda: dcase2020.main(arguments)), "--subset is of ToyCar")
