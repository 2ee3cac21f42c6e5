"""mcuref export and mcuref verify: a run becomes firmware that is compared with it."""

import hashlib
import json
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from mcuref import build, compile
from mcuref.cli import verify
from mcuref.export.cores import CORES
from mcuref.export.material import Material
from mcuref.export.project import write_project
from mcuref.firmware.toolchain import DoesNotFit, ToolError, missing
from mcuref.runs.request import read_request, write_request
from mcuref.runs.results import complete


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
    assert core["watched"] is True and "depends on nothing else" in done.out


def test_several_cores_are_compared_each_once(mcuref, project):
    for core in ("clang", "rv32imac"):
        if missing(CORES[core]):
            pytest.skip(missing(CORES[core]))
    done = mcuref("verify", "firmware", "--core", "clang,rv32imac,clang", "--json", "result.json")
    result = json.loads((project.parent / "result.json").read_text())
    assert done.status == 0 and [core["core"] for core in result["cores"]] == ["clang", "rv32imac"]
    assert all(core["equal"] and core["samples"] == 8 and core["watched"] for core in result["cores"])
    assert [core["compiler"].split()[0] for core in result["cores"]] == ["clang", "riscv64-unknown-elf-gcc"]


def test_it_starts_with_what_the_run_learned(run, project):
    learned, start = np.load(run / "weights.npz"), np.load(project / "reference" / "arrays.npz")
    for name in learned.files:
        assert (learned[name] == start[f"parameters/{name}"]).all()


def test_a_difference_is_status_1_with_its_report(mcuref, project):
    source = project / "kernels" / "relu.c"
    text = source.read_text()
    zero, eighth = "bits <= NEGATIVE_INFINITY ? 0 :", "bits <= NEGATIVE_INFINITY ? 0x3E000000 :"
    assert zero in text
    source.write_text(text.replace(zero, eighth))
    done = mcuref("verify", "firmware", "--json", "result.json")
    assert done.status == 1 and done.err == "" and "relu_forward_f32 of relu1" in done.out
    (core,) = json.loads((project.parent / "result.json").read_text())["cores"]
    assert core["equal"] is False and core["difference"]["kernel"] == "relu_forward_f32"
    assert core["difference"]["mcuref"].startswith("0.0 ") and core["difference"]["firmware"].startswith("0.125 ")


def test_a_project_has_the_checksums_of_its_files_and_of_its_run(run, project):
    content = json.loads((project / "reference" / "program.json").read_text())
    files = {path.relative_to(project).as_posix(): path for path in project.rglob("*") if path.is_file()}
    assert set(content["files"]) == files.keys() - {"reference/program.json"}
    for name, digest in (*content["files"].items(), *((f"../run/{name}", d) for name, d in content["run"].items())):
        assert hashlib.sha256((project / name).read_bytes()).hexdigest() == digest
    assert content["run"] == read_request(run).files and "weights.npz" in content["run"]


def test_files_that_were_changed_since_the_export_are_named(mcuref, project):
    shutil.copy(project / "kernels" / "relu.c", project / "kernels" / "mine.h")
    (project / "README.txt").unlink()
    with open(project / "Makefile", "a") as file:
        file.write("# mine\n")
    done = mcuref("verify", "firmware", "--json", "result.json")
    assert done.status == 0 and "changed since the export: Makefile, README.txt, kernels/mine.h" in done.out
    assert json.loads((project.parent / "result.json").read_text())["changed_files"] == [
        "Makefile",
        "README.txt",
        "kernels/mine.h",
    ]


def test_nothing_is_said_of_a_project_as_it_was_exported(mcuref, project):
    """What is built in it is not part of it."""
    assert subprocess.run(["make", "-s", "-C", project], capture_output=True).returncode == 0
    done = mcuref("verify", "firmware", "--json", "result.json")
    assert done.status == 0 and "changed" not in done.out
    assert json.loads((project.parent / "result.json").read_text())["changed_files"] == []


@pytest.mark.parametrize("file", ["program.json", "arrays.npz"])
def test_a_changed_reference_is_refused(refused, project, file):
    """Weights, samples or settings that Python would compare with: as good as the right ones, but not those of the run."""
    path = project / "reference" / file
    if file == "arrays.npz":
        np.savez(path, **{name: np.ones_like(values) for name, values in np.load(path).items()})
        words = "file 'reference/arrays.npz' of exported project 'firmware' differs from what was written"
    else:
        path.write_text(path.read_text().replace('"method": "tinypropv2"', '"method": "full"'))
        words = "program.json was changed or damaged; export the project again"
    refused(words, "verify", "firmware")


def test_weights_of_another_run_are_not_exported(mcuref, refused, run):
    """All ones are as good an array as any, and as consistent: they would be verified as equal."""
    ones = {name: np.ones_like(values) for name, values in np.load(run / "weights.npz").items()}
    np.savez(run / "weights.npz", **ones)
    refused("file 'weights.npz' of run folder 'run' differs from what was written", "export", "run", "--c", "firmware")
    refused("file 'weights.npz' of run folder 'run' differs from what was written", "report", "run")
    refused("file 'weights.npz' of run folder 'run' differs from what was written", "train", "--resume", "run")


@pytest.mark.parametrize(
    "wrong, said, sample",
    [
        ("if (n == 8) __builtin_trap();", "the firmware was stopped by SIG", 0),
        ("if (x[n] > 1e20f) limit = 0.0f;", "it depends on bytes that are no operand of it", 3),  # that sees the 4th pattern
    ],
)
def test_a_crash_and_a_read_beside_the_operands_are_status_1(mcuref, project, wrong, said, sample):
    source = project / "kernels" / "relu.c"
    head = "void relu_forward_f32(float *out, const float *x, float limit, int32_t n) {\n"
    text = source.read_text()
    assert text.count(head) == 1
    source.write_text(text.replace(head, f"{head}  {wrong}\n"))
    done = mcuref("verify", "firmware", "--json", "result.json")
    words = " ".join(done.out.split())
    assert done.status == 1 and done.err == "" and "relu_forward_f32 of relu1" in words and said in words
    (core,) = json.loads((project.parent / "result.json").read_text())["cores"]
    assert core["equal"] is False and core["difference"]["sample"] == sample and said in core["difference"]["sentence"]


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
    refused("core 'm9' is not known; it may be host, m0,", "verify", "firmware", "--core", "m9")
    refused("core 'Cortex-M4F' is not known; did you mean m4f?", "verify", "firmware", "--core", "Cortex-M4F")
    refused("core '' is not known; it may be host, m0,", "verify", "firmware", "--core", "host,")
    refused("core 'ALL' is not known; did you mean all?", "verify", "--conformance", "--core", "ALL")
    refused("core 'host' is none", "verify", "firmware", "--profile")
    refused("core 'arm64' is none", "verify", "firmware", "--profile", "--core", "m4f,arm64")
    refused("the conformance list has none", "verify", "--conformance", "--profile", "--core", "m4f")
    refused("there is no folder 'nowhere'", "verify", "nowhere")
    refused("named for two results", "export", "run", "--c", "other", "--vectors", "other")
    refused("named for two results", "export", "run", "--c", "other", "--vectors", "other/vectors")
    refused("named for two results", "export", "run", "--c", "run/firmware")
    refused("name '2nd' is no name", "export", "run", "--c", "other", "--name", "2nd")
    refused("name 'int' is no name", "export", "run", "--c", "other", "--name", "int")
    assert not (run.parent / "other").exists()


@pytest.mark.parametrize("file", ["run/weights.npz", "firmware/reference/arrays.npz"])
def test_a_changed_byte_is_a_sentence(mcuref, run, project, file):
    """Every byte of the first header and every 31st of the rest: NumPy and zipfile raise much, and all is told."""
    path, command = run.parent / file, ("export", "run", "--c", "other")
    if file.startswith("firmware"):
        (project / "Makefile").write_text("all:\n")  # where the change does no harm it goes no further
        command = ("verify", "firmware")
    content = path.read_bytes()
    for place in (*range(30, 130), *range(131, len(content), 997)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        done = mcuref(*command)
        assert done.status in (0, 2) and done.err.count("\n") <= 1 and "Traceback" not in done.err, done
        shutil.rmtree(run.parent / "other", ignore_errors=True)


def resealed(run):
    """The run again with checksums that are right, whatever its files hold."""
    complete(run, "history.csv", "memory.csv", "weights.npz")


def test_a_model_that_is_no_name(refused, run):
    report = json.loads((run / "report.json").read_text())
    (run / "report.json").write_text(json.dumps(report | {"model": 5}))
    refused("file 'report.json' of run folder 'run' differs from what was written", "export", "run", "--c", "firmware")
    resealed(run)
    refused("its model is 5; it must be a name", "export", "run", "--c", "firmware")


def test_other_data_than_the_run_was_trained_on(mcuref, refused, here):
    x, y = np.arange(80, dtype=np.uint8).reshape(20, 4), np.arange(20) % 2
    (here / "mine").mkdir()
    for side in ("train", "test"):
        np.savez(here / "mine" / f"{side}.npz", x=x, y=y)
    assert mcuref("train", "--data", "mine", "--model", "mlp-4-3-2", "--epochs", 1, "--out", "run").status == 0
    np.savez(here / "mine" / "train.npz", x=x[::-1], y=y)
    refused("has changed since", "export", "run", "--c", "firmware")


@pytest.mark.slow
def test_inference_alone_has_a_profile(mcuref, here):
    if missing(CORES["m4f"]):
        pytest.skip(missing(CORES["m4f"]))
    program = compile(build("mlp-4-3-2"), trainable=0)
    write_project(Material(program, np.ones((2, 4), np.float32), np.array([0, 1]), inferences=2), here / "firmware")
    done = mcuref("verify", "firmware", "--core", "m4f", "--profile")
    assert done.status == 0 and "inference" in done.out


def test_too_small_boards_are_left_out_of_all_and_missing_tools_are_not(mcuref, project, monkeypatch):
    cores = {name: CORES[name] for name in ("host", "microbit")}
    monkeypatch.setattr("mcuref.cli.verify.CORES", cores)

    def fails(error):
        def verify(asked, core):
            if core.name == "microbit":
                raise error
            return real(asked, core)

        return verify

    real = verify._project
    for error, status in ((DoesNotFit("too small"), 0), (ToolError("no emulator"), 2)):
        monkeypatch.setattr("mcuref.cli.verify._project", fails(error))
        done = mcuref("verify", "firmware", "--core", "all", "--json", "result.json")
        result = json.loads((project.parent / "result.json").read_text())
        assert done.status == status and f"not compared: {error}" in done.out
        assert result["equal"] is (status == 0) and [core["equal"] for core in result["cores"]] == [True, None]


@pytest.mark.parametrize("damage", ["unfinished", "no weights", "truncated weights", "another network"])
def test_a_run_without_a_program(refused, run, damage):
    weights = run / "weights.npz"
    if damage == "unfinished":
        write_request(run, replace(read_request(run), files=None))
    elif damage == "no weights":
        weights.unlink()
    elif damage == "truncated weights":
        weights.write_bytes(weights.read_bytes()[:100])
    else:
        np.savez(weights, **{"dense1.weights": np.zeros((2, 2), np.float32)})
    if damage == "unfinished":
        refused("unfinished; go on with", "export", "run", "--c", "firmware")
    else:
        changed = "is missing" if damage == "no weights" else "differs from what was written"
        refused(f"file 'weights.npz' of run folder 'run' {changed}", "export", "run", "--c", "firmware")
        resealed(run)
        last = "file 'weights.npz' of run" if damage == "no weights" else "has no program to export"
        refused(last, "export", "run", "--c", "firmware")
    assert not (run.parent / "firmware").exists()


def test_a_missing_compiler_is_named_with_its_package(refused, project, monkeypatch):
    monkeypatch.setenv("PATH", "")
    refused("gcc is not installed; Debian and Ubuntu have it in: apt-get install gcc", "verify", "firmware")
    refused("apt-get install gcc-arm-none-eabi", "verify", "firmware", "--core", "m4f")
