"""A checkpoint is whole or is not used: whatever byte is wrong, and wherever its writer was killed."""

import hashlib
import io
import os
import pickle
import signal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import InputError
from mcuref.files import WriteError
from mcuref.runs import checkpoints

HEADER = {"phase": "training", "history": [{"loss": 0.1}], "nothing": None}
ARRAYS = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "counts": np.array([1 << 40]), "none": np.zeros(0, bool)}


def equal(one, other):
    """Whether two (header, arrays) are the same, to the bit."""
    arrays = [{n: (a.dtype, a.shape, a.tobytes()) for n, a in content[1].items()} for content in (one, other)]
    return one[0] == other[0] and arrays[0] == arrays[1]


def never(sentence):
    """For load(warn=): nothing is damaged."""
    raise AssertionError(sentence)


@pytest.fixture
def saved(tmp_path):
    """A folder with one checkpoint."""
    checkpoints.save(tmp_path, HEADER, ARRAYS)
    return tmp_path


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The bytes of a checkpoint, and a path to try others of."""
    folder = tmp_path_factory.mktemp("bytes")
    checkpoints.save(folder, HEADER, ARRAYS)
    return (folder / "checkpoint").read_bytes(), folder / "checkpoint"


def forged(payload):
    """A file whose checksum is right, whatever it holds."""
    return checkpoints.MAGIC + hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload


def archive(**arrays):
    """Bytes of a .npz archive."""
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def text(value):
    """Text as save() stores it."""
    return np.frombuffer(value, np.uint8)


# what is written is what is read


def test_round_trip(saved):
    assert equal(checkpoints.load(saved, never), (HEADER, ARRAYS))
    assert os.listdir(saved) == ["checkpoint"]
    assert (saved / "checkpoint").read_bytes().startswith(b"mcuref checkpoint 1\n")


def test_the_same_twice_is_the_same_bytes(saved, tmp_path):
    first = (saved / "checkpoint").read_bytes()
    checkpoints.save(tmp_path, HEADER, ARRAYS)
    assert (tmp_path / "checkpoint").read_bytes() == first == (tmp_path / "checkpoint.previous").read_bytes()


def test_numbers_that_are_not(tmp_path):
    """A loss may overflow; a checkpoint of it can be written all the same."""
    checkpoints.save(tmp_path, {"loss": float("inf")}, {})
    assert checkpoints.load(tmp_path, never) == ({"loss": float("inf")}, {})


def test_the_one_before_stays(saved):
    for i in range(3):
        checkpoints.save(saved, {"i": i}, ARRAYS)
    assert sorted(os.listdir(saved)) == ["checkpoint", "checkpoint.previous"]
    assert checkpoints.read(saved / "checkpoint")[0] == {"i": 2}
    assert checkpoints.read(saved / "checkpoint.previous")[0] == {"i": 1}
    checkpoints.drop_previous(saved), checkpoints.drop_previous(saved)
    assert os.listdir(saved) == ["checkpoint"]


def test_no_checkpoint(tmp_path):
    assert checkpoints.load(tmp_path, never) is None and not checkpoints.exist(tmp_path)


# damage


def refused(path, content):
    """The sentence about a file with that content."""
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        checkpoints.read(path)
    sentence = str(error.value)
    assert str(path) in sentence and "\n" not in sentence
    return sentence


def test_every_flipped_bit_is_refused(file):
    content, path = file
    for i in range(len(content)):
        changed = bytearray(content)
        changed[i] ^= 1 << i % 8
        assert "is damaged" in refused(path, changed)


def test_every_length_is_refused_but_the_whole(file):
    content, path = file
    for length in range(len(content)):
        assert "is damaged" in refused(path, content[:length])
    path.write_bytes(content)
    assert equal(checkpoints.read(path), (HEADER, ARRAYS))


@settings(max_examples=500, deadline=None, database=None)
@given(st.data())
def test_every_other_change_is_refused(file, data):
    """A byte replaced by any other, bytes inserted, removed, exchanged."""
    content, path = file
    i, j = (data.draw(st.integers(0, len(content) - 1)) for _ in "ij")
    piece = data.draw(st.binary(max_size=3))
    changed = content[:i] + piece + content[max(i, j) if data.draw(st.booleans()) else i + len(piece) :]
    if changed != content:
        refused(path, changed)


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "is damaged or of another version"),
        (b"mcuref checkpoint 2\n" + b"0" * 64 + b"\n", "it does not begin with 'mcuref checkpoint 1'"),
        (checkpoints.MAGIC, "its checksum does not match"),
        (forged(b""), "is not one that mcuref wrote"),
        (forged(b"no archive"), "is not one that mcuref wrote"),
        (forged(archive(header=text(b"{}"))[:-30]), "is not one that mcuref wrote"),
        (forged(archive(a=np.zeros(3))), "is not one that mcuref wrote: 'header is not a file in the archive'"),
        (forged(archive(header=text(b"{"))), "is not one that mcuref wrote"),
        (forged(archive(header=text(b"\xff"))), "is not one that mcuref wrote"),
        (forged(archive(header=text(b"[" * 100_000))), "is not one that mcuref wrote"),
        (forged(archive(header=text(b"{}"), **{"array.a": np.array([{}])})), "Object arrays cannot be loaded"),
        (forged(archive(header=text(b"{}"), **{"array.a": np.zeros(9)}).replace(b"NUMPY", b"NUMPX")), "mcuref wrote"),
        (forged(np.lib.format.magic(1, 0)), "is not one that mcuref wrote"),
    ],
    ids=range(13),
)
def test_other_contents(tmp_path, content, words):
    assert words in refused(tmp_path / "checkpoint", content)


def test_a_folder_of_that_name(tmp_path):
    (tmp_path / "checkpoint").mkdir()
    with pytest.raises(InputError, match="cannot be read: is a directory"):
        checkpoints.load(tmp_path, never)
    checkpoints.save(saved := tmp_path / "checkpoint", HEADER, ARRAYS)
    (saved / "checkpoint").rename(tmp_path / "checkpoint.previous")
    with pytest.raises(InputError, match="cannot be read: is a directory"):
        checkpoints.load(tmp_path, never)


@pytest.mark.parametrize("name", ["checkpoint", "checkpoint.previous"])
def test_what_may_not_be_read_is_not_replaced(saved, monkeypatch, name):
    """Permission is permission: it may be a good one, and nobody is told to remove it."""
    checkpoints.save(saved, HEADER, ARRAYS)
    if name == "checkpoint.previous":
        (saved / "checkpoint").write_bytes(b"half")
    before = {path.name: path.read_bytes() for path in saved.iterdir()}

    def read_bytes(path, original=Path.read_bytes):
        if path.name == name:
            raise PermissionError(13, "Permission denied")
        return original(path)

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.read_bytes", read_bytes)
        with pytest.raises(InputError, match=f"{name}' cannot be read: permission denied$"):
            checkpoints.load(saved, never)
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before


def test_a_pipe_of_that_name(tmp_path):
    os.mkfifo(tmp_path / "checkpoint")
    with pytest.raises(InputError, match="cannot be read: it is a pipe$"):
        checkpoints.load(tmp_path, never)


def test_a_damaged_one_that_cannot_be_replaced(saved, monkeypatch):
    checkpoints.save(saved, HEADER, ARRAYS)
    (saved / "checkpoint").write_bytes(b"half")

    def fails(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(WriteError, match="cannot be replaced: read-only file system"):
        checkpoints.load(saved, never)


def test_nothing_is_loaded_unsafely(tmp_path):
    """NumPy would advise it."""
    sentence = refused(tmp_path / "checkpoint", forged(pickle.dumps({"w": 1})))
    assert sentence.endswith("is not one that mcuref wrote: it holds no archive")


def test_the_one_before_is_used(saved):
    """It takes the name of the damaged one, so that the next save does not put that in its place."""
    checkpoints.save(saved, {"i": 1}, ARRAYS)
    (saved / "checkpoint").write_bytes((saved / "checkpoint").read_bytes()[:-1])
    warnings = []
    assert equal(checkpoints.load(saved, warnings.append), (HEADER, ARRAYS))
    (sentence,) = warnings
    assert "checksum does not match" in sentence and sentence.endswith("the one before it is used")
    assert os.listdir(saved) == ["checkpoint"] and equal(checkpoints.load(saved, never), (HEADER, ARRAYS))
    checkpoints.save(saved, {"i": 2}, ARRAYS)
    assert equal(checkpoints.read(saved / "checkpoint.previous"), (HEADER, ARRAYS))


@pytest.mark.parametrize("names, words", [
    (("checkpoint",), "remove checkpoint to begin"), (("checkpoint.previous",), "remove checkpoint.previous to begin"),
    (("checkpoint", "checkpoint.previous"), "remove checkpoint and checkpoint.previous to begin"),
])  # fmt: skip
def test_none_is_whole(tmp_path, names, words):
    for name in names:
        (tmp_path / name).write_bytes(b"half")
    with pytest.raises(InputError, match=words) as error:
        checkpoints.load(tmp_path, never)
    assert repr(str(tmp_path / names[0])) in str(error.value), "the newest is named"
    assert sorted(os.listdir(tmp_path)) == sorted(names) and checkpoints.exist(tmp_path)


# killed, or no room


STEPS = ("write", "fsync", "replace", "rename", "unlink")


def watched(monkeypatch, act):
    """Have ``act(step)`` called before every system call of save() that changes something on the disk."""

    def wrap(name, original):
        return lambda *arguments, **keywords: (act(name), original(*arguments, **keywords))[1]

    for name in ("fsync", "replace", "rename", "unlink"):
        monkeypatch.setattr(os, name, wrap(name, getattr(os, name)))

    def write(path, content):
        with open(path, "wb") as target:
            for part in (content[:100], content[100:]):
                act("write")
                target.write(part)
                target.flush()

    monkeypatch.setattr("pathlib.Path.write_bytes", write)


def test_flushed_before_anything_is_replaced(saved, monkeypatch):
    steps = []
    watched(monkeypatch, steps.append)
    checkpoints.save(saved, {}, ARRAYS)
    assert steps.index("write") < steps.index("fsync") < steps.index("replace") and steps.count("replace") >= 1


@pytest.mark.parametrize("before", [0, 1, 2])
def test_killed_at_every_step(tmp_path, monkeypatch, before):
    """A process saves and is killed before its n-th system call: the old one or the new one is there, whole."""
    outcomes = []
    for step in range(100):
        folder = tmp_path / str(step)
        folder.mkdir()
        for i in range(before):
            checkpoints.save(folder, {"i": i}, ARRAYS)
        child = os.fork()
        if child == 0:
            left = iter(range(step))
            watched(monkeypatch, lambda _: next(left, None) is None and os.kill(os.getpid(), signal.SIGKILL))
            checkpoints.save(folder, {"i": before}, ARRAYS)
            os._exit(0)
        killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
        found = checkpoints.load(folder, never)
        outcomes.append(found[0]["i"] if found else None)
        assert found is None or equal(found, (found[0], ARRAYS))
        if not killed:
            break
    assert not killed and step >= 4
    old = before - 1 if before else None
    assert set(outcomes) == {old, before} and outcomes == sorted(outcomes, key=lambda i: -1 if i is None else i)


@pytest.mark.parametrize("step", ["write", "fsync"])
def test_full_disk(saved, monkeypatch, step):
    def full(name):
        if name == step:
            raise OSError(28, "No space left on device")

    watched(monkeypatch, full)
    with pytest.raises(WriteError, match="checkpoint' cannot be written: no space left on device"):
        checkpoints.save(saved, {"i": 1}, ARRAYS)
    assert os.listdir(saved) == ["checkpoint"] and equal(checkpoints.load(saved, never), (HEADER, ARRAYS))


def test_folder_that_is_gone(tmp_path):
    with pytest.raises(WriteError, match="no such file or directory"):
        checkpoints.save(tmp_path / "gone", HEADER, ARRAYS)
