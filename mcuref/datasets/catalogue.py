"""The table of the data sets that lie in a folder of their name, each with what sets it apart."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from mcuref.datasets import anomaly, semantics


@dataclass(frozen=True)
class Entry:
    """A data set with a folder of its name, as the listing shows it and the loader must know it.

    Parameters
    ----------
    name, what, kind, licence, note : str, as in DatasetInfo.
    shape, dtype : of a sample.
    train, test, classes : numbers of the complete original: of samples, so of windows in anomaly detection.
    script : str, the data script that brings it, with the option that it needs; empty if there is none.
    x : str, the array of the samples in both files.
    stored : (shape, dtype) of a sample in that array, of a clip in anomaly detection; None if as above.
    convert : callable on that array, before anything else; None if it is right as it is.
    arrays : names of further arrays that must be there; in train.npz, in anomaly detection in test.npz.
    of_test : names of further arrays that must be there in test.npz, in anomaly detection in train.npz.
    fields : callable({name: array} of that file) -> further arguments of Data; None if there are none. With ``of_test``
        callable(arrays of train.npz, arrays of test.npz).
    """

    name: str
    what: str
    kind: str
    shape: tuple[int, ...]
    dtype: str
    train: int
    test: int
    classes: int
    licence: str
    script: str = ""
    note: str = ""
    x: str = "x"
    stored: tuple[tuple[int, ...], str] | None = None
    convert: Callable[[NDArray[Any]], NDArray[Any]] | None = None
    arrays: tuple[str, ...] = ()
    of_test: tuple[str, ...] = ()
    fields: Callable[..., dict[str, Any]] | None = None


_CIFAR_LICENCE = "none stated by the author; research use, cite the technical report"
_SPEECH_LICENCE = "CC BY 4.0"
_SOUND_LICENCE = "CC BY-NC-SA 4.0: non-commercial, share alike"

_ENTRIES = (
    Entry(
        "mnist", "handwritten digits", "image", (28, 28, 1), "uint8", 60000, 10000, 10,
        licence="none stated by the authors; commonly listed as CC BY-SA 3.0",
        script="mnist",
    ),
    Entry(
        "cifar10", "small photographs", "image", (32, 32, 3), "uint8", 50000, 10000, 10,
        licence=_CIFAR_LICENCE,
        script="cifar10",
        note="our figures: its 12,000 images that --subset selects",
    ),
    Entry(
        "cifar100", "small photographs, fine labels", "image", (32, 32, 3), "uint8", 50000, 10000, 100,
        licence=_CIFAR_LICENCE,
        script="cifar100",
        note="our figures: its 8,000 images that --subset selects, on sides of their own",
    ),
    Entry(
        "flowers102_32", "Oxford flowers", "image", (32, 32, 3), "uint8", 2040, 6149, 102,
        licence="none stated; research use, cite the paper",
        script="flowers102",
        note="our figures: its 1,780 images of 89 classes that --subset selects, on sides of their own",
    ),
    Entry(
        "food101_32", "photographs of dishes", "image", (32, 32, 3), "uint8", 75750, 25250, 101,
        licence="images not the authors' own; scientific fair use",
        script="food101",
        note="our figures: its 2,323 images that --subset selects, squeezed and compressed once more",
    ),
    Entry(
        "coil100_32", "objects on a turntable", "image", (32, 32, 3), "uint8", 2400, 1200, 100,
        licence="non-commercial research",
        script="coil100",
        note="test views lie between training views, so it is easy; sessions are ranges of views; our figures: --subset, 16 "
        "views fewer, object 1 reduced by another method",
        arrays=("session",),
        of_test=("session",),
        fields=semantics.coil100,
    ),
    Entry(
        "core50_32", "hand-held objects (CORe50)", "image", (32, 32, 3), "uint8", 119894, 44972, 10,
        licence="CC BY 4.0",
        script="core50",
        note="figures of learning in sessions are of COIL-100 (coil100_32), which stands in for it",
        arrays=("session",),
        fields=semantics.core50,
    ),
    Entry(
        "core50_tiny", "90 images of CORe50", "image", (64, 64, 3), "uint8", 70, 20, 10,
        licence="CC BY 4.0",
        script="core50 --subset",
        note="for trying code, far too small for results",
        arrays=("session",),
        fields=semantics.core50,
    ),
    Entry(
        "uci_har", "activity, 9 inertial channels", "signal", (128, 9), "int16", 7352, 2947, 6,
        licence="the archive's README: no commercial use, cite the paper; the UCI page: CC BY 4.0",
        script="uci_har",
        note="our figures: all windows in the order that --subset brings",
        arrays=("subject", "scale_log2"),
        fields=semantics.uci_har,
    ),
    Entry(
        "speech_commands_mfcc10", "ten spoken words (v0.01)", "mfcc", (11, 20), "int16", 19343, 2249, 10,
        licence=_SPEECH_LICENCE,
        note="speakers of seven of its words can be on both sides",
        stored=((20, 11), "int16"),
        convert=semantics.frames_first,
    ),
    Entry(
        "speech_commands_kws12", "keywords, MLPerf Tiny's clips", "mfcc", (49, 10), "int8", 752, 247, 12,
        licence=_SPEECH_LICENCE,
        note="all its clips are test clips of speech_commands_mfcc49x10: never train on one and test on the other",
        x="x_mfcc",
        fields=semantics.mlperf_mfcc,
    ),
    Entry(
        "speech_commands_mfcc49x10", "keywords (v0.02)", "mfcc", (49, 10), "int8", 38800, 4890, 12,
        licence=_SPEECH_LICENCE,
        script="speech_commands",
        note="our figures: a training side made from spectrogram images, which no script gives; its silence differs "
        "from the test set's in level: expect errors in that class",
        arrays=("speaker", "validation", "scale", "zero_point"),
        fields=semantics.speech_commands,
    ),
    Entry(
        "dcase2020_toycar", "toy car sound (DCASE 2020)", "anomaly", (5, 128), "int16",
        784000, 481964, 2,
        licence=_SOUND_LICENCE,
        script="dcase2020",
        note="our figures: its 248 clips that --subset selects, features to a step of 1/16 dB",
        stored=((200, 128), "int16"),
        arrays=("machine_id",),
        of_test=("machine_id",),
        fields=semantics.machines,
    ),
    Entry(
        "mimii_slider_tiny", "slide rail sound (MIMII)", "anomaly", (5, 33), "float32", 4650, 4500, 2,
        licence=_SOUND_LICENCE,
        note="180 clips of one machine, and linear reconstruction detects nothing (AUC 0.5): for trying code",
        stored=((79, 33), "int16"),
        convert=anomaly.log_magnitudes,
    ),
)  # fmt: skip
CATALOGUE = {entry.name: entry for entry in _ENTRIES}
