"""Which cores the conformance list runs on: pytest tests/firmware -m slow --cores m0,m3,rv32imac,microbit (or all).

Object files are compiled once in a session, for all tests and processes.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path

import pytest

from mcuref.export.cores import CORES, find_core
from mcuref.firmware import toolchain
from mcuref.firmware.toolchain import missing

QUICK = "host,m0,m4f,rv32imac,rv32imafc,arm64,clang,m4f-clang"


def pytest_addoption(parser):
    """--cores."""
    parser.addoption("--cores", default=QUICK, help=f"cores that the conformance list runs on, or all; default {QUICK}")


def pytest_generate_tests(metafunc):
    """A test with the argument ``core_of_list`` runs on each of them."""
    if "core_of_list" in metafunc.fixturenames:
        names = metafunc.config.getoption("--cores", QUICK)
        metafunc.parametrize("core_of_list", list(CORES) if names == "all" else names.split(","))


@pytest.fixture(scope="session", autouse=True)
def shared_objects(shared):
    """A C file with the same text, headers and flags is compiled once in a session, whatever process needs it."""
    kept, call = shared / "objects", toolchain.call
    kept.mkdir(exist_ok=True)

    def call_or_copy(command, folder=None, seconds=toolchain.SECONDS, what="command"):
        if what != "compiler":
            return call(command, folder, seconds, what)
        *flags, source, _, target = command
        place = kept / _digest([target.name, *flags], source)
        if not place.is_dir():
            call(command, folder, seconds, what)
            made = Path(tempfile.mkdtemp(dir=kept))
            for path in target.parent.glob(f"{target.stem}.*"):  # with what the compiler reports of it
                shutil.copy(path, made)
            try:
                made.rename(place)
            except OSError:  # another process was quicker
                shutil.rmtree(made)
        else:
            shutil.copytree(place, target.parent, dirs_exist_ok=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toolchain, "call", call_or_copy)
        yield


def _digest(words, source):
    """Of all that decides an object file: words of the command, texts of the source and of headers in reach."""
    folders = [Path(word[2:]) for word in words if word.startswith("-I")]
    digest = hashlib.sha256(repr([word for word in words if not word.startswith("-I")]).encode())
    for path in [source, *(header for folder in (source.parent, *folders) for header in sorted(folder.glob("*.h")))]:
        digest.update(f"{path.name} ".encode() + path.read_bytes())
    return digest.hexdigest()


@pytest.fixture
def need():
    """Skip, with the sentence that says what to install, unless there is all that a core needs."""

    def check(name):
        sentence = missing(find_core(name))
        if sentence:
            pytest.skip(sentence)
        return find_core(name)

    return check


@pytest.fixture
def patched_sources(tmp_path, monkeypatch):
    """Put changed C sources in the place of mcuref's: (file, old text, new text); the old text must be there once."""
    import shutil

    from mcuref.export import sources

    def patch(file, old, new):
        copy = tmp_path / "sources"
        if not copy.exists():
            shutil.copytree(sources.SOURCES, copy)
        text = (copy / file).read_text(encoding="utf-8")
        assert text.count(old) == 1
        (copy / file).write_text(text.replace(old, new), encoding="utf-8")
        monkeypatch.setattr(sources, "SOURCES", copy)
        return copy

    return patch
