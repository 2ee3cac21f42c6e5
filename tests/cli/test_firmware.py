"""mcuref export and mcuref verify: a run becomes firmware that is compared with it."""

import json

import numpy as np
import pytest

from mcuref.export.cores import CORES
from mcuref.firmware.toolchain import missing


@pytest.fixture
def run(mcuref, here):
    """A finished run of the embedded digits."""
    arguments = ("--epochs", 1, "--samples", 100, "--model", "mlp-64-8-10", "--out", "run")
    assert mcuref("train", *arguments).status == 0
    return here / "run"


@pytest.fixture
def project(mcuref, run):
    """Its C99 project, with eight samples."""
    assert mcuref("export", "run", "--c", "firmware", "--samples", 8).status == 0
    return run.parent / "firmware"


def test_a_run_becomes_firmware_that_is_equal(mcuref, project):
    done = mcuref("verify", "firmware", "--core", "host", "--json", "result.json")
    assert done.status == 0 and "equal:" in done.out and "8 training samples" in done.out
    result = json.loads((project.parent / "result.json").read_text())
    assert result["schema"] == "mcuref.verify/1" and result["equal"] is True
    (core,) = result["cores"]
    assert core["core"] == "host" and core["samples"] == 8 and core["difference"] is None
    assert core["arena"]["planned"] == core["arena"]["elf"] > 0


def test_it_starts_with_what_the_run_learned(run, project):
    learned, start = np.load(run / "weights.npz"), np.load(project / "reference" / "arrays.npz")
    for name in learned.files:
        assert (learned[name] == start[f"parameters/{name}"]).all()


def test_a_difference_is_status_1_with_its_report(mcuref, project):
    source = project / "kernels" / "relu.c"
    text = source.read_text()
    assert "v <= 0.0f ? 0.0f" in text
    source.write_text(text.replace("v <= 0.0f ? 0.0f", "v <= 0.0f ? 0.125f"))
    done = mcuref("verify", "firmware", "--json", "result.json")
    assert done.status == 1 and done.err == "" and "relu_forward_f32 of relu1" in done.out
    (core,) = json.loads((project.parent / "result.json").read_text())["cores"]
    assert core["equal"] is False and core["difference"]["kernel"] == "relu_forward_f32"
    assert core["difference"]["mcuref"].startswith("0.0 ") and core["difference"]["firmware"].startswith("0.125 ")


def test_profile(mcuref, project):
    if missing(CORES["m4f"]):
        pytest.skip(missing(CORES["m4f"]))
    done = mcuref("verify", "firmware", "--core", "m4f", "--profile", "--json", "result.json")
    assert done.status == 0 and "dense_forward_f32" in done.out and "not cycles" in done.out
    (core,) = json.loads((project.parent / "result.json").read_text())["cores"]
    assert core["profile"]["training_step"] > core["profile"]["inference"] > 0


def test_vectors(mcuref, run):
    done = mcuref("export", "run", "--vectors", "vectors", "--samples", 4)
    assert done.status == 0 and {"vectors.npz", "vectors.h", "README.txt"} <= {
        path.name for path in (run.parent / "vectors").iterdir()
    }


def test_bad_input(refused, run, project):
    refused("nothing to export", "export", "run")
    refused("no run folder", "export", "firmware", "--c", "other")
    refused("exists already", "export", "run", "--c", "firmware")
    refused("--samples 101 is more than the 100", "export", "run", "--c", "other", "--samples", 101)
    refused("is no exported project", "verify", "run")
    refused("name an exported project", "verify")
    refused("one of the two", "verify", "firmware", "--conformance")
    refused("core 'm9' is not known", "verify", "firmware", "--core", "m9")
    refused("name a Cortex-M", "verify", "firmware", "--profile")
    refused("the conformance list has none", "verify", "--conformance", "--profile", "--core", "m4f")
    refused("there is no folder 'nowhere'", "verify", "nowhere")
    refused("named for two results", "export", "run", "--c", "other", "--vectors", "other")
    refused("named for two results", "export", "run", "--c", "other", "--vectors", "other/vectors")
    refused("named for two results", "export", "run", "--c", "run/firmware")
    refused("name '2nd' is no name", "export", "run", "--c", "other", "--name", "2nd")
    refused("name 'int' is no name", "export", "run", "--c", "other", "--name", "int")
    assert not (run.parent / "other").exists()


@pytest.mark.parametrize("damage", ["unfinished", "no weights", "truncated weights", "another network"])
def test_a_run_without_a_program(refused, run, damage):
    weights = run / "weights.npz"
    if damage == "unfinished":
        (run / "report.json").unlink()
    elif damage == "no weights":
        weights.unlink()
    elif damage == "truncated weights":
        weights.write_bytes(weights.read_bytes()[:100])
    else:
        np.savez(weights, **{"dense1.weights": np.zeros((2, 2), np.float32)})
    fragment = "unfinished; go on with" if damage == "unfinished" else "has no program to export"
    refused(fragment, "export", "run", "--c", "firmware")
    assert not (run.parent / "firmware").exists()


def test_a_missing_compiler_is_named_with_its_package(refused, project, monkeypatch):
    monkeypatch.setenv("PATH", "")
    refused("gcc is not installed; Debian and Ubuntu have it in: apt-get install gcc", "verify", "firmware")
    refused("apt-get install gcc-arm-none-eabi", "verify", "firmware", "--core", "m4f")
