"""Bring Speech Commands v0.02: download the two original archives, check them, compute MFCC, convert to .npz.

The 12 classes and the features are those of keyword spotting in MLPerf Tiny (mlcommons/tiny, get_dataset.py), without
its random background noise. The archives are streamed once and never unpacked on disk.

There is no subset that gives our figures again: they are of a training side that was made from spectrogram images,
because the recordings were not at hand. What this script makes is the same task, its test side the same clips.
"""

import hashlib
import re
import sys
from dataclasses import dataclass

import numpy as np
from archives import members
from audio import dct, mel_tensorflow, read_wav, spectrum
from common import InputError, announce, parser, publish, run, watched, work_folder
from download import Archive, obtain

TITLE = (
    "Speech Commands v0.02, spoken words of one second: ten words, silence and unknown, as MFCC 49x10; "
    "https://arxiv.org/abs/1804.03209"
)
LICENCE = "CC BY 4.0"
CITATION = 'P. Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition", arXiv:1804.03209, 2018'

MIRRORS = ("https://storage.googleapis.com/download.tensorflow.org/data/", "http://download.tensorflow.org/data/")


def _archive(name, size, sha256):
    return Archive(name, tuple(mirror + name for mirror in MIRRORS), size, sha256)


TRAIN = _archive(
    "speech_commands_v0.02.tar.gz", 2428923189, "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58"
)
TEST = _archive(
    "speech_commands_test_set_v0.02.tar.gz", 112563277, "cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df"
)
TOTALS = {TRAIN.name: 105835, TEST.name: 4890}  # recordings, for the progress bar

CLASS_NAMES = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes", "silence", "unknown")
WORDS, SILENCE, UNKNOWN = CLASS_NAMES[:10], 10, 11
OTHER_WORDS = """
backward bed bird cat dog eight five follow forward four happy house learn marvin nine one seven sheila six three tree
two visual wow zero
""".split()
NOISE = "_background_noise_"  # folder of the training archive, and what is "spoken" in silence
SPOKEN_NAMES = [NOISE, *sorted([*WORDS, *OTHER_WORDS])]
VALIDATION, TESTING = "validation_list.txt", "testing_list.txt"
# TensorFlow Datasets' choice: the official lists name no silence, so this recording is for validation.
VALIDATION_NOISE = f"{NOISE}/running_tap.wav"
ONE_IN = 17  # of the 25 other words: as many clips as the ten words have on average
NAME = re.compile(r"(?:([a-z]+)_)?([0-9a-f]+)_nohash_(\d{1,2})(?:\.wav)+")  # word (test set only), speaker, take

RATE = CLIP = 16000  # samples a second, and of a clip
LENGTH, STEP, FFT = 480, 320, 512  # samples: 30 ms, 20 ms
MEL = mel_tensorflow(40, 20, 4000, RATE, FFT)
DCT = dct(40, 10)
SCALE, ZERO_POINT = np.float32(0.5847029), np.int8(83)  # of the benchmark's model: value = (x - ZERO_POINT) * SCALE


@dataclass(frozen=True)
class Clip:
    """One second: its name in the archive, features int8 [49, 10], class, word, speaker ("": none) and take."""

    name: str
    x: np.ndarray
    y: int
    spoken: str
    speaker: str = ""
    take: int = 0


def features(samples):
    """The MFCC, int8 [49, 10], of a clip (int16 samples, shorter ones are followed by silence)."""
    audio = samples[:CLIP].astype(np.float64)
    peak = audio.max()  # as the benchmark has it, not the largest magnitude
    if peak:
        audio /= peak
    mel = spectrum(np.pad(audio, (0, CLIP - len(audio))), LENGTH, STEP, FFT) @ MEL
    steps = np.log(mel + 1e-6) @ DCT.T / SCALE + ZERO_POINT
    # The benchmark's own values are cut towards 0, not rounded. Beyond int8 (some steps of one clip in a thousand) they
    # wrap around, which is a fault: here they end at the limits.
    return np.clip(np.trunc(steps), -128, 127).astype(np.int8)


def spoken_clip(name, content, path):
    """The Clip of a recording of a word; its folder says which, in the test set's _unknown_ the file name."""
    folder, _, file = name.rpartition("/")
    match = NAME.fullmatch(file)
    word = match and (match[1] if folder == "_unknown_" else folder)
    if word not in SPOKEN_NAMES[1:]:
        raise InputError(f"{path} has a recording {name}, of no known word; it is not the expected archive")
    y = WORDS.index(word) if word in WORDS else UNKNOWN
    return Clip(name, features(read_wav(content, RATE, f"{name} in {path}")), y, word, match[2], int(match[3]))


def noise_clips(name, content, path):
    """Clips of silence from a long recording: a second every half second, as TensorFlow Datasets cuts them."""
    samples = read_wav(content, RATE, f"{name} in {path}")
    starts = range(0, len(samples) - CLIP, CLIP // 2)
    return [Clip(f"{name}@{start}", features(samples[start : start + CLIP]), SILENCE, NOISE) for start in starts]


def digest(name):
    """sha256 of a name, an int: for choices and orders that do not depend on the archive's."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16)


def training_clips(path):
    """The Clips of train.npz and the names of those of them that are for validation.

    Which clips are for testing is known only when the lists have come by, so these are dropped at the end.

    Raises
    ------
    InputError : the archive or a recording is damaged, or a list is missing.
    """
    clips, lists = [], {}
    for name, read in watched(members(path), "computing features", TOTALS[TRAIN.name]):
        name = name.removeprefix("./")
        folder = name.partition("/")[0]
        if name in (VALIDATION, TESTING):
            lists[name] = set(read().decode("ascii", "replace").split())
        elif not name.endswith(".wav"):
            continue
        elif folder == NOISE:
            clips += noise_clips(name, read(), path)
        elif folder in WORDS or digest(name) % ONE_IN == 0:
            clips.append(spoken_clip(name, read(), path))
    for name in (VALIDATION, TESTING):
        if not lists.get(name):
            raise InputError(f"{path} has no member {name}, or it is empty; it is not the expected archive")
    kept = [clip for clip in clips if clip.name not in lists[TESTING]]
    return kept, {clip.name for clip in kept if clip.name in lists[VALIDATION] or clip.name.startswith(VALIDATION_NOISE)}


def testing_clips(path):
    """The Clips of test.npz: everything in the archive of the test set; InputError if it or a recording is damaged."""
    clips = []
    for name, read in watched(members(path), "computing features", TOTALS[TEST.name]):
        name = name.removeprefix("./")
        if name.startswith("_silence_/") and name.endswith(".wav"):
            x = features(read_wav(read(), RATE, f"{name} in {path}"))
            clips.append(Clip(name, x, SILENCE, NOISE))
        elif name.endswith(".wav"):
            clips.append(spoken_clip(name, read(), path))
    return clips


def arrays(clips, speakers):
    """{array name: array} of Clips; speakers is {speaker: number}. The order of clips is kept."""
    return {
        "x": np.stack([clip.x for clip in clips]),
        "y": np.array([clip.y for clip in clips], np.uint8),
        "speaker": np.array([speakers[clip.speaker] for clip in clips], np.uint16),
        "take": np.array([clip.take for clip in clips], np.uint8),
        "spoken": np.array([SPOKEN_NAMES.index(clip.spoken) for clip in clips], np.uint8),
        "spoken_names": np.array(SPOKEN_NAMES),
        "class_names": np.array(CLASS_NAMES),
        "scale": SCALE,
        "zero_point": ZERO_POINT,
    }


def convert(paths):
    """{file name: {array name: array}} of the two archives, {name: Path}: the order is that of digest, classes mixed.

    Raises
    ------
    InputError : an archive is not what it should be.
    """
    train, validation = training_clips(paths[TRAIN.name])
    sides = {"train.npz": train, "test.npz": testing_clips(paths[TEST.name])}
    for side, clips in sides.items():
        if not clips:
            raise InputError(f"the archives hold no recordings for {side}; they are not the expected ones")
        clips.sort(key=lambda clip: digest(clip.name))
    # "" sorts first, so a speaker who is not known has the number 0.
    names = sorted({""} | {clip.speaker for clips in sides.values() for clip in clips})
    speakers = {name: number for number, name in enumerate(names)}
    result = {side: arrays(clips, speakers) for side, clips in sides.items()}
    result["train.npz"]["validation"] = np.array([clip.name in validation for clip in train], np.uint8)
    return result


def main(arguments=None, archives=(TRAIN, TEST)):
    """The command; archives is an argument so that its tests need no network."""
    options = parser(__doc__, "speech_commands_mfcc49x10").parse_args(arguments)
    announce(TITLE, archives, LICENCE, CITATION)
    with work_folder(options.out) as work:
        publish(convert(obtain(archives, options.source, options.out)), work, options.out)


if __name__ == "__main__":
    sys.exit(run(main))
