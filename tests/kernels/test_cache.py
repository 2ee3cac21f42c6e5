"""The kernel cache: what it loads is whole, its own and this user's; what it cannot keep is compiled at every start."""

import os
import pickle
import resource
import stat
import subprocess
import sys
import time
from pathlib import Path

import numba
import pytest

import mcuref
from mcuref.kernels.cache import LEFT, MAGIC, Overloads, Store

CONTENT = b"compiled"
posix = pytest.mark.skipif(os.name != "posix", reason="owners and permissions are those of POSIX")
root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def store(tmp_path):
    """A store with one file, x, of identity b"x"."""
    made = Store(tmp_path / "kernels")
    made.write("x", b"x", CONTENT)
    assert made.failure is None and made.read("x", b"x") == CONTENT
    return made


def test_every_flipped_bit_and_every_cut_is_refused(store):
    path = store.folder / "x"
    good = path.read_bytes()
    for damaged in [
        *(good[:i] + bytes([good[i] ^ 1 << bit]) + good[i + 1 :] for i in range(len(good)) for bit in range(8)),
        *(good[:length] for length in range(len(good))),
        good + b"\0",
        good + good,
    ]:
        path.write_bytes(damaged)
        assert store.read("x", b"x") is None
    path.write_bytes(good)
    assert store.read("x", b"x") == CONTENT


def test_a_file_is_not_taken_for_another(store):
    store.write("y", b"y", CONTENT)
    os.replace(store.folder / "y", store.folder / "x")
    assert store.read("x", b"x") is None and store.read("x", b"y") == CONTENT
    assert store.read("missing", b"x") is None


def test_what_has_no_checksum_is_not_unpickled(store):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(store.folder / "unpickled"),)

    for data in (pickle.dumps(Evil()), MAGIC + bytes(32) + pickle.dumps(Evil())):
        for name in (overloads(store)._names((), Codegen)[0], "x"):
            (store.folder / name).write_bytes(data)
        assert overloads(store).load_overload((), Context) is None and not overloads(store).has((), Context)
    assert not (store.folder / "unpickled").exists()
    store.write(*overloads(store)._names((), Codegen), pickle.dumps(Evil()))  # it can: the test above would see it
    overloads(store).load_overload((), Context)
    assert (store.folder / "unpickled").exists()


class Codegen:
    """What Numba compiles for."""

    magic_tuple = staticmethod(lambda: ("this machine",))


class Context:
    """Numba's context of it."""

    refresh = staticmethod(lambda: None)
    codegen = staticmethod(lambda: Codegen)


def overloads(store):
    """Those of a function that is not compiled here."""
    return Overloads(overloads, store, "sources")


@posix
def test_made_for_this_user_alone(tmp_path):
    before = os.umask(0)
    try:
        made = Store(tmp_path / "a" / "kernels")
        made.write("x", b"x", CONTENT)
    finally:
        os.umask(before)
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((made.folder / "x").stat().st_mode) == 0o600


@posix
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_what_others_may_write_is_refused_and_replaced(store, mode):
    for path, added in ((store.folder / "x", 0), (store.folder, 0o100)):
        path.chmod(mode | added)
        assert store.read("x", b"x") is None
        store.write("x", b"x", CONTENT)
        assert store.failure is None and store.read("x", b"x") == CONTENT


@posix
def test_what_is_no_ordinary_file_is_refused_and_replaced(store, tmp_path):
    path = store.folder / "x"
    kept = path.rename(tmp_path / "elsewhere")
    for make in (lambda: path.symlink_to(kept), lambda: os.mkfifo(path)):  # a FIFO is not waited for
        make()
        assert store.read("x", b"x") is None
        store.write("x", b"x", CONTENT)
        assert store.failure is None and path.is_file() and not path.is_symlink() and store.read("x", b"x") == CONTENT
        path.unlink()
    assert kept.read_bytes().endswith(CONTENT)
    path.mkdir()
    assert store.read("x", b"x") is None
    store.write("x", b"x", CONTENT)
    assert store.failure == "cannot be written: is a directory" and os.listdir(store.folder) == ["x"]


@posix
def test_a_folder_that_is_a_link_is_not_used(store, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(store.folder)
    other = Store(link)
    assert other.read("x", b"x") is None
    other.write("y", b"y", CONTENT)
    assert other.failure == "cannot be written: it is a link, or belongs to another user"
    assert os.listdir(store.folder) == ["x"]


@root
@pytest.mark.parametrize("what", ["x", "."])
def test_what_belongs_to_another_user_is_refused(store, what):
    os.chown(store.folder / what, 65534, 65534)
    assert store.read("x", b"x") is None
    store.write("x", b"x", CONTENT)
    assert (store.failure is None) == (what == "x") == (store.read("x", b"x") == CONTENT)


def test_full_disk(store):
    """A limit on the size of files is met as a full disk is: in the middle of writing."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60, limits[1]))
    try:
        store.write("x", b"x", bytes(10_000))
        store.write("y", b"y", bytes(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert store.failure == "cannot be written: file too large"
    assert os.listdir(store.folder) == ["x"] and store.read("x", b"x") == CONTENT


@pytest.mark.parametrize("error", [OSError(122, "Disk quota exceeded"), OSError(30, "Read-only file system")])
def test_disks_that_refuse(store, monkeypatch, error):
    def refuse(*_):
        raise error

    monkeypatch.setattr("os.replace", refuse)
    store.write("x", b"x", b"new")
    assert store.failure == f"cannot be written: {error.strerror.lower()}"
    assert os.listdir(store.folder) == ["x"] and store.read("x", b"x") == CONTENT


def test_a_folder_that_vanishes_or_cannot_be_made(store, tmp_path):
    (store.folder / "x").unlink(), store.folder.rmdir()
    assert store.read("x", b"x") is None
    store.write("x", b"x", CONTENT)
    assert store.read("x", b"x") == CONTENT
    (tmp_path / "file").write_text("mine")
    impossible = Store(tmp_path / "file" / "kernels")
    assert impossible.failure.startswith("cannot be written: ") and impossible.read("x", b"x") is None
    impossible.write("x", b"x", CONTENT)


def test_unfinished_files_are_not_left(store, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("os.replace", interrupt)
        store.write("x", b"x", b"new")
    assert os.listdir(store.folder) == ["x"]
    for name, age in (("killed.part", LEFT + 60), ("being-written.part", LEFT - 60)):
        (store.folder / name).touch()
        os.utime(store.folder / name, 2 * (time.time() - age,))
    store.write("y", b"y", CONTENT)
    assert sorted(os.listdir(store.folder)) == ["being-written.part", "x", "y"]


# A kernel that multiplies, kept in a store, with another factor in each process: what is loaded has the factor of yesterday
SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from mcuref.kernels import jit
from mcuref.kernels.cache import Overloads, Store

FACTOR = np.float32(sys.argv[2])
jit.STORE = Store(Path(sys.argv[1]))

def kept(function):
    compiled = jit.kernel(function)
    assert type(compiled._cache) is not Overloads, "what others compile is not kept"
    compiled._cache = Overloads(function, jit.STORE, "sources")
    return compiled

@kept
def scaled(x):
    return x * FACTOR

@kept
def twice(x):
    return scaled(x) + scaled(x)

print(twice(np.float32(1)), twice.stats.cache_hits.total())
if sys.argv[3:]:
    jit.compile_anew()
    print(twice(np.float32(1)))
"""


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_what_is_kept_is_loaded_and_compiled_anew_when_it_is_wrong(tmp_path):
    def run(*arguments):
        environment = os.environ | {"PYTHONPATH": str(Path(mcuref.__file__).parents[1])}
        command = [sys.executable, "-c", SCRIPT, str(tmp_path / "kernels"), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()

    assert run("3") == ["6.0", "0"]
    assert run("5", "anew") == ["6.0", "1", "10.0"]
    assert run("7") == ["10.0", "1"]
    for path in (tmp_path / "kernels").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    assert run("7") == ["14.0", "0"]
