import subprocess
import sys

import common
import numpy as np
import pytest
import speech_commands

from .conftest import wav

RNG = np.random.default_rng(5)
LISTS = "validation_list.txt", "testing_list.txt"
ARRAYS = {
    "x": (np.int8, (49, 10)),
    "y": (np.uint8, ()),
    "speaker": (np.uint16, ()),
    "take": (np.uint8, ()),
    "spoken": (np.uint8, ()),
}


def recording(seed, count=16000):
    return np.random.default_rng(seed).integers(-3000, 3000, count)


def others(word, count, wanted):
    """Names of recordings of a word that is not among the ten, all of which are chosen for unknown, or all not."""
    names = (f"{word}/{number:08x}_nohash_0.wav" for number in range(10000))
    chosen = [name for name in names if (speech_commands.digest(name) % speech_commands.ONE_IN == 0) == wanted]
    return chosen[:count]


class Made:
    """Two small archives in the true layout, as {member name: bytes}."""

    def __init__(self):
        self.unknown, self.passed_over = others("bed", 2, True), others("bed", 2, False)
        clips = ["yes/0a7c2a8d_nohash_0.wav", "yes/0a7c2a8d_nohash_12.wav", "no/bedbedbe_nohash_1.wav"]
        self.validation, self.testing = ["no/ffffffff_nohash_0.wav"], ["go/00000001_nohash_0.wav"]
        names = [*clips, *self.validation, *self.testing, *self.unknown, *self.passed_over]
        self.train = {f"./{name}": wav(recording(i)) for i, name in enumerate(names)}
        self.train["./validation_list.txt"] = "\n".join(self.validation).encode()
        self.train["./testing_list.txt"] = "\n".join(self.testing).encode()
        self.train["./_background_noise_/README.md"] = b"noise"
        self.train["./_background_noise_/pink_noise.wav"] = wav(recording(90, 40000))
        self.train["./_background_noise_/running_tap.wav"] = wav(recording(91, 16001))
        self.train["./LICENSE"] = b"CC BY 4.0"
        self.test = {
            "./yes/0a7c2a8e_nohash_3.wav": wav(recording(70)),
            "./_unknown_/bed_00000001_nohash_1.wav.wav": wav(recording(71)),
            "./_silence_/1024.wav": wav(np.zeros(16000)),
            "./README.md": b"test set",
        }


@pytest.fixture
def made():
    return Made()


@pytest.fixture
def command(made, server, tar_of, tmp_path):
    """Exit status of the script with the archives of made: on the server, or in a folder for --from."""

    def call(*folders, change=lambda name, content: content):
        sides = ((speech_commands.TRAIN.name, made.train), (speech_commands.TEST.name, made.test))
        contents = {name: change(name, tar_of(members)) for name, members in sides}
        archives = [server.archive(content, *folders, name=name) for name, content in contents.items()]
        arguments = ["--out", str(tmp_path / "out")]
        if not folders:
            have = tmp_path / "have"
            have.mkdir(exist_ok=True)
            for name, content in contents.items():
                (have / name).write_bytes(content)
            arguments += ["--from", str(have)]
        return common.run(lambda: speech_commands.main(arguments, archives))

    return call


def result(tmp_path, side):
    with np.load(tmp_path / "out" / side) as found:
        return {name: found[name] for name in found}


def row_of(arrays, samples):
    """The one row whose x belongs to the samples."""
    (row,) = np.flatnonzero((arrays["x"] == speech_commands.features(samples.astype(np.int16))).all((1, 2)))
    return row


@pytest.mark.parametrize("folders", [(), ("good",)])
def test_result(command, tmp_path, folders, capsys):
    assert command(*folders) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["test.npz", "train.npz"]
    for side, count in (("train.npz", 10), ("test.npz", 3)):
        arrays = result(tmp_path, side)
        extra = {"validation"} if side == "train.npz" else set()
        assert set(arrays) == {*ARRAYS, "spoken_names", "class_names", "scale", "zero_point"} | extra
        for name, (dtype, shape) in ARRAYS.items():
            assert arrays[name].dtype == dtype and arrays[name].shape == (count, *shape)
        assert arrays["scale"].dtype == np.float32 and arrays["scale"] == np.float32(0.5847029)
        assert arrays["zero_point"].dtype == np.int8 and arrays["zero_point"] == 83
        assert arrays["class_names"].tolist() == list(speech_commands.CLASS_NAMES)
        assert arrays["spoken_names"].tolist()[:3] == ["_background_noise_", "backward", "bed"]
        assert len(arrays["spoken_names"]) == 36
    printed = capsys.readouterr().out
    assert "2.4 GB" not in printed  # these are small ones
    assert printed.index("speech_commands_test_set") < printed.index("Licence") < printed.index("wrote")


def test_sides_labels_and_speakers(made, command, tmp_path):
    assert command() == 0
    train, test = result(tmp_path, "train.npz"), result(tmp_path, "test.npz")
    # Three of ten words, one for validation, two unknown; silence: three of pink noise, one of the tap.
    assert np.bincount(train["y"], minlength=12).tolist() == [0, 0, 0, 2, 0, 0, 0, 0, 0, 2, 4, 2]
    assert train["validation"].dtype == np.uint8 and train["validation"].sum() == 2
    assert sorted(test["y"]) == [9, 10, 11]
    first, second, third = (row_of(train, recording(seed)) for seed in (0, 1, 2))
    assert train["take"][[first, second, third]].tolist() == [0, 12, 1]
    assert train["speaker"][first] == train["speaker"][second] != train["speaker"][third]
    assert train["validation"][row_of(train, recording(3))] == 1
    assert train["validation"][row_of(train, recording(91)[:16000])] == 1
    assert [train["spoken_names"][train["spoken"][row]] for row in (first, third)] == ["yes", "no"]
    for arrays in (train, test):
        silent = arrays["y"] == 10
        assert ((arrays["speaker"] == 0) == silent).all() and ((arrays["spoken"] == 0) == silent).all()
    bed = row_of(test, recording(71))
    assert test["y"][bed] == 11 and test["spoken_names"][test["spoken"][bed]] == "bed" and test["take"][bed] == 1
    # The speaker 00000001 of the test set is none of the training set.
    assert not set(train["speaker"][train["y"] != 10]) & set(test["speaker"][test["y"] != 10])


def test_one_speaker_has_one_number_in_both_files(made, command, tmp_path):
    made.test["./yes/0a7c2a8d_nohash_4.wav"] = wav(recording(77))
    assert command() == 0
    train, test = result(tmp_path, "train.npz"), result(tmp_path, "test.npz")
    assert train["speaker"][row_of(train, recording(0))] == test["speaker"][row_of(test, recording(77))]


def test_the_order_does_not_depend_on_the_archive(made, command, tmp_path):
    assert command() == 0
    before = [(tmp_path / "out" / side).read_bytes() for side in ("train.npz", "test.npz")]
    made.train = dict(reversed(made.train.items()))
    made.test = dict(reversed(made.test.items()))
    assert command() == 0
    assert [(tmp_path / "out" / side).read_bytes() for side in ("train.npz", "test.npz")] == before


def test_unknown_is_one_in_seventeen():
    names = [f"{word}/{number:08x}_nohash_0.wav" for word in speech_commands.OTHER_WORDS for number in range(200)]
    share = np.mean([speech_commands.digest(name) % speech_commands.ONE_IN == 0 for name in names])
    assert abs(share - 1 / 17) < 0.01  # three standard deviations
    assert sorted([*speech_commands.OTHER_WORDS, *speech_commands.WORDS]) == speech_commands.SPOKEN_NAMES[1:]


@pytest.mark.parametrize(
    "name, content, fragments",
    [
        ("./yes/0_nohash_0.wav", wav([1] * 16000, rate=8000), ["yes/0_nohash_0.wav in", "at 8000 Hz"]),
        ("./yes/0_nohash_0.wav", wav([1] * 16000)[:-9], ["yes/0_nohash_0.wav in", "of the 16000 samples"]),
        ("./yes/0_nohash_0.wav", b"", ["yes/0_nohash_0.wav in", "not a PCM .wav file"]),
        ("./yes/hello.wav", wav([1]), ["yes/hello.wav, of no known word"]),
        ("./_background_noise_/x.wav", wav([1])[:40], ["_background_noise_/x.wav in", "not a PCM .wav file"]),
        ("../yes/0_nohash_0.wav", wav([1]), ["'../yes/0_nohash_0.wav', which leads outside"]),
        ("/yes/0_nohash_0.wav", wav([1]), ["'/yes/0_nohash_0.wav', which leads outside"]),
    ],
)
def test_wrong_recordings(made, command, refused, tmp_path, name, content, fragments):
    made.train[name] = content
    refused(command(), speech_commands.TRAIN.name, *fragments)
    assert not (tmp_path / "out").exists()


def test_a_word_that_is_not_of_the_data_set(made, command, refused):
    made.test["./maybe/00000001_nohash_0.wav"] = wav([1])
    refused(command(), speech_commands.TEST.name, "maybe/00000001_nohash_0.wav, of no known word")


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("content", [None, b" \n"])
def test_a_missing_list(made, command, refused, tmp_path, name, content):
    del made.train[f"./{name}"]
    if content is not None:
        made.train[f"./{name}"] = content
    refused(command(), f"has no member {name}, or it is empty")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("which", [speech_commands.TRAIN.name, speech_commands.TEST.name])
def test_a_damaged_archive(command, refused, tmp_path, which):
    def cut(name, content):
        return content[: 2 * len(content) // 3] if name == which else content

    refused(command(change=cut), which, "not a complete archive")
    assert not (tmp_path / "out").exists()


def test_an_empty_test_set(made, command, refused):
    made.test = {"./README.md": b"nothing"}
    refused(command(), "no recordings for test.npz")


def test_one_file_is_not_enough(command, refused, tmp_path):
    assert command() == 0
    arguments = ["--from", str(tmp_path / "have" / speech_commands.TRAIN.name), "--out", str(tmp_path / "other")]
    refused(common.run(lambda: speech_commands.main(arguments)), "give the folder")


def test_as_a_command(tmp_path):
    (tmp_path / "have").mkdir()
    command = [sys.executable, speech_commands.__file__, "--from", tmp_path / "have", "--out", tmp_path / "out"]
    finished = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert finished.returncode == 2
    assert "2.4 GB" in finished.stdout and "112.6 MB" in finished.stdout and "CC BY 4.0" in finished.stdout
    assert finished.stderr.count("\n") == 1 and "speech_commands_v0.02.tar.gz" in finished.stderr
    assert not (tmp_path / "out").exists()


def value(x):
    """MFCC of int8 features."""
    return (x.astype(np.float64) - 83) * 0.5847029


def test_digital_silence():
    """ln(1e-6) in all bands: only coefficient 0 is not 0, and beyond int8."""
    x = speech_commands.features(np.zeros(16000, np.int16))
    assert x.shape == (49, 10) and x.dtype == np.int8
    assert (x[:, 0] == -128).all() and (abs(value(x[:, 1:])) < 0.585).all()


def test_a_short_clip_is_followed_by_silence():
    x = speech_commands.features(recording(1, 8000).astype(np.int16))
    assert (x[:25, 0] > 0).all() and (x[25:, 0] == -128).all()
    long = recording(1, 20000).astype(np.int16)
    assert np.array_equal(speech_commands.features(long), speech_commands.features(long[:16000]))


def test_loudness_is_normalised_by_the_largest_sample():
    samples = recording(2).astype(np.int16)
    x = speech_commands.features(samples)
    assert np.abs(speech_commands.features(samples * 4).astype(int) - x).max() <= 1
    # Upside down, the largest sample is half as large: all bands are twice as loud, which adds sqrt(2 / 40) * 40 * ln 2
    # to coefficient 0 and nothing to the others.
    samples //= 100
    samples[:2] = 2000, -1000
    difference = value(speech_commands.features(-samples)) - value(speech_commands.features(samples))
    assert np.abs(difference[:, 0] - np.sqrt(2 * 40) * np.log(2)).max() < 0.6
    assert np.abs(difference[:, 1:]).max() < 0.6


def test_negative_clips_do_not_divide_by_zero():
    for samples in (np.full(16000, -5), np.where(np.arange(16000) % 100, 0, -5)):
        with np.errstate(all="raise"):
            speech_commands.features(samples.astype(np.int16))


def test_a_tone_by_hand():
    """One frame of a sine computed from the definitions, without the script's matrices."""
    samples = np.round(10000 * np.sin(2 * np.pi * 437.5 * np.arange(16000) / 16000)).astype(np.int16)
    frame = samples[320 * 7 : 320 * 7 + 480] / samples.max()
    frame = frame * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(480) / 480))
    n = np.arange(480)
    magnitudes = [abs(np.sum(frame * np.exp(-2j * np.pi * k * n / 512))) for k in range(257)]
    ends = np.linspace(1127 * np.log(1 + 20 / 700), 1127 * np.log(1 + 4000 / 700), 42)
    mel = 1127 * np.log(1 + np.arange(257) * 31.25 / 700)
    bands = [np.dot(magnitudes, np.interp(mel, ends[i : i + 3], [0, 1, 0])) for i in range(40)]
    for k in range(10):
        terms = np.log(np.array(bands) + 1e-6) * np.cos(np.pi * k * (np.arange(40) + 0.5) / 40)
        coefficient = 2 * terms.sum() / np.sqrt(80)
        assert speech_commands.features(samples)[7, k] == np.clip(int(coefficient / 0.5847029 + 83), -128, 127)
