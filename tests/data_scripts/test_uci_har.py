import common
import numpy as np
import pytest
import uci_har

from mcuref.datasets import load
from mcuref.datasets.registry import data_folder

LENGTHS = {"train": 6, "test": 3}
ROOT = "UCI HAR Dataset"


def text(values):
    """Numbers as the original files have them, e.g. `  1.8085150e-004`, bytes; one row a line."""
    mantissas = [[f"{value: .7e}".split("e") for value in row] for row in values]
    return "".join(" " + " ".join(f"{m}e{int(e):+04d}" for m, e in row) + "\n" for row in mantissas).encode()


def members_of(windows, y, subject, side):
    """The files of one side: windows float [n, 128, 9], y from 0 on."""
    files = {
        f"{ROOT}/{side}/Inertial Signals/{channel}_{side}.txt": text(windows[:, :, i])
        for i, channel in enumerate(uci_har.CHANNELS)
    }
    files[f"{ROOT}/{side}/y_{side}.txt"] = "".join(f"{label + 1}\n" for label in y).encode()
    files[f"{ROOT}/{side}/subject_{side}.txt"] = "".join(f"{number}\n" for number in subject).encode()
    return files


class Made:
    """A small archive in the true layout: `members` by name, and what should come out of it."""

    def __init__(self):
        rng = np.random.default_rng(4)
        self.members = {f"{ROOT}/README.txt": b"read me", f"__MACOSX/{ROOT}/._README.txt": b"x"}
        self.arrays = {}
        for side, n in LENGTHS.items():
            windows = rng.uniform(-1.9, 1.9, (n, uci_har.WINDOW, 9))
            y, subject = rng.integers(0, 6, n), rng.integers(1, 31, n)
            self.members |= members_of(windows, y, subject, side)
            self.arrays[side] = windows, y, subject

    def name(self, last):
        return next(name for name in self.members if name.endswith(f"/{last}"))


@pytest.fixture
def made():
    return Made()


@pytest.fixture
def command(made, server, zip_of, tmp_path):
    """Exit status of the script on the archive of made: on the server in these folders, or given with --from."""

    def call(*folders, given="outer", as_file=None):
        inner_content = zip_of(made.members)
        inner = server.archive(inner_content, *folders, name=uci_har.INNER.name)
        outer_content = zip_of({"UCI HAR Dataset.names": b"names", uci_har.INNER.name: inner_content})
        outer = server.archive(outer_content, *folders, name="outer.zip")
        arguments = ["--out", str(tmp_path / "out")]
        if not folders:
            archive = {"outer": outer, "inner": inner}[given]
            path = tmp_path / "have" / (as_file or archive.name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(server.contents[archive.name])
            arguments += ["--from", str(path if as_file else path.parent)]
        return common.run(lambda: uci_har.main(arguments, outer, inner))

    return call


@pytest.mark.parametrize(
    "folders, options",
    [
        ((), {}),
        ((), {"given": "inner"}),
        ((), {"given": "inner", "as_file": "renamed.zip"}),
        ((), {"as_file": "renamed.zip"}),
        (("good",), {}),
    ],
)
def test_result(made, command, tmp_path, folders, options, capsys):
    assert command(*folders, **options) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["test.npz", "train.npz"]
    for side, (windows, y, subject) in made.arrays.items():
        with np.load(tmp_path / "out" / f"{side}.npz") as found:
            assert found["x"].dtype == np.int16 and found["x"].shape == (LENGTHS[side], 128, 9)
            step = 2.0 ** -found["scale_log2"]
            assert np.abs(found["x"] * step - windows).max() <= step.max() * 0.501
            assert found["scale_log2"].tolist() == [14] * 3 + [12] * 3 + [13] * 3
            assert found["channels"].tolist()[::4] == ["body_acc_x", "body_gyro_y", "total_acc_z"]
            assert np.array_equal(found["y"], y) and np.array_equal(found["subject"], subject)
            assert found["y"].dtype == found["subject"].dtype == np.uint8
    printed = capsys.readouterr().out
    assert printed.index("Download") < printed.index("Licence") < printed.index("wrote")


@pytest.mark.parametrize(
    "value, expected",
    [(0.4999 / 16384, 0), (0.5001 / 16384, 1), (-0.5001 / 16384, -1), (32767.4 / 16384, 32767), (-2.0, -32768)],
)
def test_rounding_to_nearest(value, expected):
    assert uci_har.quantised(np.array([value]), 14, "x.txt").tolist() == [expected]


@pytest.mark.parametrize("value", [32767.6 / 16384, -32768.6 / 16384, 1e300, np.inf, np.nan])
def test_what_does_not_fit_is_refused(value):
    with pytest.raises(common.InputError, match=r"x.txt has values that do not fit into int16 in steps of 2\^-14"):
        uci_har.quantised(np.array([0, value]), 14, "x.txt")


def cut_line(content):
    return content.rsplit(b" ", 1)[0] + b"\n"


@pytest.mark.parametrize(
    "last, change, fragment",
    [
        ("body_acc_x_train.txt", cut_line, "line 6: 127 values; 128 are needed"),
        ("body_acc_x_train.txt", lambda c: c.replace(b"\n", b" 1\n", 1), "line 1: 129 values"),
        ("body_gyro_y_test.txt", lambda c: c.replace(b"e", b"?", 1), "not a number"),
        ("total_acc_z_test.txt", lambda c: c.replace(b"e-", b"e+", 1).replace(b"e+000", b"e+009", 1), "do not fit"),
        ("total_acc_z_test.txt", lambda c: c.split(b"\n", 1)[1], "the test files have 2 and 3 lines"),
        ("y_train.txt", lambda c: c + b"1\n", "the train files have 6 and 7 lines"),
        ("y_train.txt", lambda c: b"7\n" * 6, "whole number from 1 to 6"),
        ("y_train.txt", lambda c: b"0\n" * 6, "whole number from 1 to 6"),
        ("y_train.txt", lambda c: b"nan\n" * 6, "whole number from 1 to 6"),
        ("subject_test.txt", lambda c: b"1.5\n" * 3, "whole number from 1 to 30"),
        ("subject_test.txt", lambda c: b"", "the test files have 0 and 3 lines"),
    ],
)
def test_wrong_content(made, command, refused, tmp_path, last, change, fragment):
    name = made.name(last)
    made.members[name] = change(made.members[name])
    refused(command(), fragment)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("last", ["body_acc_y_train.txt", "y_test.txt", "subject_train.txt"])
def test_missing_member(made, command, refused, tmp_path, last):
    del made.members[made.name(last)]
    refused(command(), f"has no member {last}")
    assert not (tmp_path / "out").exists()


def test_the_outer_archive_without_the_inner_one(server, zip_of, tmp_path, refused):
    outer = server.archive(zip_of({"something else": b"x"}), name="outer.zip")
    (tmp_path / "outer.zip").write_bytes(server.contents["outer.zip"])
    arguments = ["--from", str(tmp_path), "--out", str(tmp_path / "out")]
    refused(common.run(lambda: uci_har.main(arguments, outer, uci_har.INNER)), "has no member UCI HAR Dataset.zip")


def test_the_inner_archive_is_damaged(server, zip_of, tmp_path, refused):
    outer = server.archive(zip_of({uci_har.INNER.name: b"PK, but no more"}), name="outer.zip")
    (tmp_path / "outer.zip").write_bytes(server.contents["outer.zip"])
    arguments = ["--from", str(tmp_path), "--out", str(tmp_path / "out")]
    refused(common.run(lambda: uci_har.main(arguments, outer, uci_har.INNER)), "not a complete archive")


def test_a_name_that_leads_outside(made, command, refused, tmp_path):
    made.members["../../evil"] = b"x"
    refused(command(), "leads outside")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["have"]


def test_nothing_at_from(tmp_path, refused):
    arguments = ["--from", str(tmp_path / "none"), "--out", str(tmp_path / "out")]
    refused(common.run(lambda: uci_har.main(arguments)), "none is not there", uci_har.OUTER.name)


def test_the_real_data_come_back_as_they_are(made, command, tmp_path, monkeypatch):
    """Each stored value, printed with the digits of the original files, is quantised to itself."""
    folder = data_folder() / "uci_har"
    if not all((folder / f"{side}.npz").is_file() for side in LENGTHS):
        pytest.skip("data set uci_har is absent")
    wanted = {}
    for side in LENGTHS:
        with np.load(folder / f"{side}.npz") as real:
            wanted[side] = {name: real[name][::80] if name in ("x", "y", "subject") else real[name] for name in real}
        arrays = wanted[side]
        made.members |= members_of(arrays["x"] / 2.0 ** arrays["scale_log2"], arrays["y"], arrays["subject"], side)
    monkeypatch.setenv("MCUREF_DATA", str(tmp_path))
    assert command() == 0
    for side, arrays in wanted.items():
        with np.load(tmp_path / "out" / f"{side}.npz") as found:
            assert list(found) == list(arrays)
            for name, array in arrays.items():
                assert found[name].dtype == array.dtype and np.array_equal(found[name], array), name
    (tmp_path / "out").rename(tmp_path / "uci_har")
    assert load("uci_har").x_train.shape == wanted["train"]["x"].shape
