"""mcuref export --library: a run becomes a library of a build system."""

import pytest

from mcuref.export.libraries.layouts import LAYOUTS


@pytest.fixture
def run(mcuref, here):
    """A finished run of the embedded digits."""
    arguments = ("--epochs", 1, "--samples", 100, "--model", "mlp-64-8-10", "--out", "run")
    assert mcuref("train", *arguments).status == 0
    return here / "run"


def test_a_run_becomes_a_library_called_as_its_folder(mcuref, run):
    done = mcuref("export", "run", "--library", "esp-idf", "--c", "lib/spotter/", "--name", "kws", "--samples", 4)
    assert done.status == 0 and "library for ESP-IDF in lib/spotter/: kws.h, arena 3,008 B of SRAM" in done.out
    assert "compote component pack --name spotter;" in done.out
    folder = run.parent / "lib" / "spotter"
    assert (folder / "src" / "kws.h").is_file() and "PRIV_REQUIRES spotter" in "".join(
        path.read_text() for path in folder.rglob("CMakeLists.txt")
    )
    assert "sample_count = 4;" in (folder / "examples" / "selfcheck" / "main" / "samples.c").read_text()


def test_vectors_and_a_library_at_once(mcuref, run):
    assert mcuref("export", "run", "--library", "cmake", "--c", "kws", "--vectors", "vectors", "--samples", 2).status == 0
    assert (run.parent / "kws" / "CMakeLists.txt").is_file() and (run.parent / "vectors" / "vectors.h").is_file()
    assert not (run.parent / "kws" / "Makefile").exists()


def test_help_names_every_build_system(mcuref):
    assert ", ".join(LAYOUTS) in " ".join(mcuref("export", "--help").out.split())


def test_bad_input(refused, run):
    refused("--library says what is written into the folder of --c", "export", "run", "--library", "arduino")
    refused("did you mean arduino?", "export", "run", "--library", "ardiuno", "--c", "kws")
    refused("folder '_kws' cannot be a library for Arduino", "export", "run", "--library", "arduino", "--c", "lib/_kws")
    refused("folder 'run' exists already", "export", "run", "--library", "arduino", "--c", "run")
    refused("name '2nd' is no name", "export", "run", "--library", "arduino", "--c", "kws", "--name", "2nd")
    assert [path.name for path in run.parent.iterdir()] == ["run"]
