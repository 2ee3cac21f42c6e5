"""Which cores the conformance list runs on: pytest tests/firmware --cores m0,m3,m4f,m7,m55,microbit (or all)."""

import pytest

from mcuref.export.cores import CORES, find_core
from mcuref.firmware.toolchain import missing

QUICK = "host,m0,m4f"


def pytest_addoption(parser):
    """--cores."""
    parser.addoption("--cores", default=QUICK, help=f"cores that the conformance list runs on, or all; default {QUICK}")


def pytest_generate_tests(metafunc):
    """A test with the argument ``core_of_list`` runs on each of them."""
    if "core_of_list" in metafunc.fixturenames:
        names = metafunc.config.getoption("--cores", QUICK)
        metafunc.parametrize("core_of_list", list(CORES) if names == "all" else names.split(","))


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
