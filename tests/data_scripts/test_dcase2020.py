import common
import dcase2020
import numpy as np
import pytest

from .conftest import wav

COUNT = dcase2020.STOP + 100  # samples of a clip


def noise(seed, count=COUNT):
    return np.random.default_rng(seed).integers(-500, 500, count)


class Made:
    """A small archive in the true layout, {member name: bytes}, and (machine, label, clip, seed) of its sides."""

    def __init__(self):
        self.sides = {
            "train": [(1, 0, 0, 1), (1, 0, 7, 2), (2, 0, 3, 3)],
            "test": [(1, 0, 12, 4), (1, 1, 0, 5), (2, 0, 1, 6), (4, 1, 999, 7)],
        }
        self.members = {"ToyCar/readme.txt": b"none of it"}
        for side, clips in self.sides.items():
            for machine, label, clip, seed in reversed(clips):
                kind = ("normal", "anomaly")[label]
                self.members[f"ToyCar/{side}/{kind}_id_{machine:02}_{clip:08}.wav"] = wav(noise(seed))


@pytest.fixture
def made():
    return Made()


@pytest.fixture
def command(made, server, zip_of, tmp_path):
    """Exit status of the script with the archive of made: on the server, or in a folder for --from."""

    def call(*folders, change=lambda content: content, machine="ToyCar", out=True):
        name = f"dev_data_{machine}.zip"
        archives = {machine: server.archive(change(zip_of(made.members)), *folders, name=name)}
        arguments = ["--out", str(tmp_path / "out")] if out else []
        arguments += [] if machine == "ToyCar" else ["--machine", machine]
        if not folders:
            (tmp_path / "have").mkdir(exist_ok=True)
            (tmp_path / "have" / name).write_bytes(server.contents[name])
            arguments += ["--from", str(tmp_path / "have")]
        return common.run(lambda: dcase2020.main(arguments, archives))

    return call


def assert_right(made, folder):
    assert sorted(path.name for path in folder.iterdir()) == ["test.npz", "train.npz"]
    for side, clips in made.sides.items():
        with np.load(folder / f"{side}.npz") as found:
            assert sorted(found) == ["class_names", "clip", "machine_id", "scale_log2", "x", "y"]
            for name, dtype, column in (("machine_id", np.uint8, 0), ("y", np.uint8, 1), ("clip", np.uint16, 2)):
                assert found[name].dtype == dtype and found[name].tolist() == [row[column] for row in clips]
            assert found["x"].dtype == np.int16 and found["x"].shape == (len(clips), 200, 128)
            for x, (*_, seed) in zip(found["x"], clips, strict=True):
                assert np.array_equal(x, dcase2020.features(noise(seed).astype(np.int16), ""))
            assert found["scale_log2"].dtype == np.int8 and found["scale_log2"] == 4
            assert found["class_names"].tolist() == ["normal", "anomaly"]


@pytest.mark.parametrize("folders", [(), ("good",)])
def test_result(made, command, tmp_path, folders, capsys):
    assert command(*folders) == 0
    assert_right(made, tmp_path / "out")
    printed = capsys.readouterr().out
    assert printed.index("dev_data_ToyCar.zip") < printed.index("non-commercial") < printed.index("wrote")


def test_another_machine_has_another_folder(made, command, tmp_path, monkeypatch):
    monkeypatch.setenv("MCUREF_DATA", str(tmp_path / "data"))
    assert command(machine="ToyConveyor", out=False) == 0
    assert_right(made, tmp_path / "data" / "dcase2020_toyconveyor")
    assert command(out=False) == 0
    assert_right(made, tmp_path / "data" / "dcase2020_toycar")


def test_unknown_machine(capsys):
    with pytest.raises(SystemExit) as caught:
        dcase2020.main(["--machine", "toaster"])
    assert caught.value.code == 2
    assert "toaster" in capsys.readouterr().err


NAME = "ToyCar/train/normal_id_01_00000001.wav"


@pytest.mark.parametrize(
    "name, content, fragments",
    [
        (NAME, wav(noise(0), rate=44100), [NAME, "at 44100 Hz"]),
        (NAME, wav(noise(0))[:-2], [NAME, f"{COUNT - 1} of the {COUNT} samples"]),
        (NAME, wav(noise(0, 127999)), [NAME, "127999 samples; at least 128000"]),
        (NAME, b"", [NAME, "not a PCM .wav file"]),
        ("../" + NAME, wav(noise(0)), ["leads outside"]),
        ("ToyCar\\..\\x.wav", wav(noise(0)), ["leads outside"]),
    ],
)
def test_wrong_clips(made, command, refused, tmp_path, name, content, fragments):
    made.members[name] = content
    refused(command(), "dev_data_ToyCar.zip", *fragments)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("side", ["train", "test"])
def test_a_side_without_clips(made, command, refused, side):
    made.members = {name: content for name, content in made.members.items() if f"/{side}/" not in name}
    refused(command(), f"has no clips for {side}.npz")


@pytest.mark.parametrize("change", [lambda c: c[:-30], lambda c: c[:3000] + bytes(99) + c[3099:], lambda c: b""])
def test_a_damaged_archive(command, refused, tmp_path, change):
    refused(command(change=change), "dev_data_ToyCar.zip", "not a complete archive")
    assert not (tmp_path / "out").exists()


def test_the_frames_are_librosas_50_to_249():
    """A click is in those frames whose centre, sample 512 t, is less than half a window away."""
    samples = np.zeros(COUNT, np.int16)
    samples[512 * 60 + 100] = 20000
    loud = np.flatnonzero(dcase2020.features(samples, "").max(1) > -2504) + 50
    assert loud.tolist() == [60, 61]


def test_silence_is_the_smallest_positive_step():
    """10 log10 of the float64 epsilon, in 1/16 dB."""
    assert (dcase2020.features(np.zeros(COUNT, np.int16), "") == round(16 * 10 * np.log10(2.0**-52))).all()


def test_a_frame_by_hand():
    """Frame 60 is centred on sample 512 * 60; all values are rounded to the nearest 1/16 dB."""
    samples = noise(8).astype(np.int16)
    n = np.arange(1024)
    frame = samples[512 * 59 : 512 * 61] / 32768 * (0.5 - 0.5 * np.cos(2 * np.pi * n / 1024))
    power = np.array([abs(np.sum(frame * np.exp(-2j * np.pi * k * n / 1024))) ** 2 for k in range(513)])
    steps = 160 * np.log10(power @ dcase2020.MEL + 2.0**-52)
    assert np.abs(dcase2020.features(samples, "")[10] - steps).max() <= 0.5


def test_decibels():
    """Twice the amplitude is 6.02 dB more; a full-scale sine in the middle of a band has a known power."""
    samples = noise(9).astype(np.int16)
    difference = dcase2020.features(2 * samples, "") - dcase2020.features(samples, "")
    assert np.abs(difference / 16 - 20 * np.log10(2)).max() <= 1 / 16
    tone = np.round(32767 * np.sin(2 * np.pi * 1000 * np.arange(COUNT) / 16000)).astype(np.int16)
    x = dcase2020.features(tone, "") / 16
    # 1000 Hz is bin 64; Hann spreads it over bins 63 to 65 with amplitudes 1/2, 1, 1/2 of 1024 / 4.
    power = np.array([0.25, 1, 0.25]) * 256**2
    expected = 10 * np.log10(np.max(power @ dcase2020.MEL[63:66]))
    assert np.abs(x.max(axis=1) - expected).max() < 0.1
