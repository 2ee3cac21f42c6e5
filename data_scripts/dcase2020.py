"""Bring a machine of DCASE 2020 task 2: download the development archive, check it, compute log-mel energies, to .npz.

The features are those of MLPerf Tiny (mlcommons/tiny, anomaly_detection/common.py), which are computed with librosa:
128 mel bands of power spectra of 1024 samples, 512 apart, 20/power * log10, the central frames 50 to 249 of a clip.
With --subset it is the 248 clips of ToyCar that our figures are of. Their features may differ by a step of 1/16 dB
here and there: those came from MLPerf Tiny's own files, which have been withdrawn.
"""

import re
import sys

import numpy as np
from archives import members
from audio import mel_librosa, read_wav, spectrum
from common import InputError, announce, parser, publish, run, watched, work_folder
from download import Archive, obtain

from mcuref.datasets.registry import data_folder

TITLE = "DCASE 2020 task 2, development set, sounds of normal and broken machines: {}; https://zenodo.org/record/3678171"
LICENCE = "CC BY-NC-SA 4.0: non-commercial, share alike"
CITATION = (
    'Y. Koizumi et al., "ToyADMOS: A Dataset of Miniature-Machine Operating Sounds for Anomalous Sound Detection", '
    'WASPAA 2019 (toys); H. Purohit et al., "MIMII Dataset: Sound Dataset for Malfunctioning Industrial Machine '
    'Investigation and Inspection", DCASE 2019 (others); Y. Koizumi et al., "Description and Discussion on DCASE2020 '
    'Challenge Task2", DCASE 2020'
)


def _archive(machine, size, md5):
    name = f"dev_data_{machine}.zip"
    return Archive(name, (f"https://zenodo.org/record/3678171/files/{name}?download=1",), size, md5=md5)


ARCHIVES = {
    "fan": _archive("fan", 1354774772, "649bdfc06263ae7a838963f43b6641e6"),
    "pump": _archive("pump", 1031279015, "90e7091ef722b7238a7f1009365779cd"),
    "slider": _archive("slider", 1002998966, "da24a757719f0d94d5aa2d646bbfdc86"),
    "ToyCar": _archive("ToyCar", 1816443231, "4dec75ca8d9f666aa9e4c1894a740501"),
    "ToyConveyor": _archive("ToyConveyor", None, "03b6aa1bfd09a39d53af0ba39f71fa91"),
    "valve": _archive("valve", None, "34d2672f55bb041589ef79c10dc89934"),
}

CLASS_NAMES = ("normal", "anomaly")
NAME = re.compile(r"(?:^|/)(train|test)/(normal|anomaly)_id_(\d\d)_0{4}(\d{4})\.wav$")

RATE, LENGTH, STEP, BANDS = 16000, 1024, 512, 128
FIRST, FRAMES = 50, 200
# librosa centres frame t on sample STEP * t, so the samples that these frames cover need no padding at the ends.
START = FIRST * STEP - LENGTH // 2
STOP = START + (FRAMES - 1) * STEP + LENGTH
SCALE_LOG2 = 4
MEL = mel_librosa(BANDS, RATE, LENGTH)


SUBSET = (
    "only the 248 clips of ToyCar's test side that MLPerf Tiny uses; the first 25 normal ones of each machine become "
    "train.npz"
)
LAST = {0: 343, 1: 263}  # clip of each label in the subset, which has every tenth from 3 on
LAST_TRAINED = 243


def features(samples, name):
    """Log-mel energies of a clip (int16 samples): int16 [200, 128] in 1/16 dB; name is for the sentence."""
    if len(samples) < STOP:
        raise InputError(f"{name} holds {len(samples)} samples; at least {STOP} are needed")
    power = spectrum(samples[START:STOP] / 32768, LENGTH, STEP, LENGTH) ** 2
    decibels = 10 * np.log10(power @ MEL + np.finfo(np.float64).eps)
    return np.round(decibels * 2**SCALE_LOG2).astype(np.int16)


def placed(path, subset=False):
    """{member name: (file name, machine number, label, clip number)} of the clips in path, in the order of the arrays."""
    found = {}
    for name, _ in members(path):
        if match := NAME.search(name):
            side, class_name, machine, clip = match.groups()
            found[name] = f"{side}.npz", int(machine), CLASS_NAMES.index(class_name), int(clip)
    if not subset:
        return dict(sorted(found.items(), key=lambda item: (item[1], item[0])))
    chosen = {name: place for name, place in found.items() if place[0] == "test.npz" and _in_subset(*place[2:])}
    trained = {
        name: ("test.npz" if label or clip > LAST_TRAINED else "train.npz", machine, label, clip)
        for name, (_, machine, label, clip) in chosen.items()
    }
    return dict(sorted(trained.items(), key=lambda item: (-item[1][2], item[1][1:])))  # the anomalous ones first


def _in_subset(label, clip):
    return clip % 10 == 3 and clip <= LAST[label]


def convert(path, subset=False):
    """{file name: {array name: array}}: x int16 (N, 200, 128) by machine, label and clip, these as y, machine_id, clip.

    Raises
    ------
    InputError : the archive or a clip is damaged, or a side has no clips.
    """
    clips = placed(path, subset)
    result, row = {}, {}
    for side in ("train.npz", "test.npz"):
        names = [name for name in clips if clips[name][0] == side]
        if not names:
            raise InputError(f"{path} has no clips for {side}; it is not the expected archive")
        row.update({name: i for i, name in enumerate(names)})
        result[side] = {
            "x": np.empty((len(names), FRAMES, BANDS), np.int16),
            "y": np.array([clips[name][2] for name in names], np.uint8),
            "machine_id": np.array([clips[name][1] for name in names], np.uint8),
            "clip": np.array([clips[name][3] for name in names], np.uint16),
            "scale_log2": np.int8(SCALE_LOG2),
            "class_names": np.array(CLASS_NAMES),
        }
    for name, read in watched(members(path), "computing features", len(clips)):
        if name in clips:
            where = f"{name} in {path}"
            result[clips[name][0]]["x"][row[name]] = features(read_wav(read(), RATE, where), where)
    return result


def main(arguments=None, archives=ARCHIVES):
    """The command; archives is an argument so that its tests need no network."""
    command = parser(__doc__, "dcase2020_<machine>", SUBSET)
    command.add_argument("--machine", choices=ARCHIVES, default="ToyCar", help="which machine (default: ToyCar)")
    command.set_defaults(out=None)
    options = command.parse_args(arguments)
    if options.subset and options.machine != "ToyCar":
        raise InputError(f"--subset is of ToyCar; it is not known which clips of {options.machine} would be like it")
    out = options.out or data_folder() / f"dcase2020_{options.machine.lower()}"
    archive = archives[options.machine]
    announce(TITLE.format(options.machine), [archive], LICENCE, CITATION)
    with work_folder(out) as work:
        files = convert(obtain([archive], options.source, out)[archive.name], options.subset)
        publish(files, work, out, "dcase2020_toycar" if options.subset else None)


if __name__ == "__main__":
    sys.exit(run(main))
