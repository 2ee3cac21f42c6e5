"""mcuref targets, datasets, doctor: what they print, and the same as JSON."""

import json

import numpy as np
import pytest

from mcuref import TARGETS, selfcheck
from mcuref.cli import doctor
from mcuref.datasets import available


@pytest.fixture
def listed(mcuref, here):
    """Run with ``--json``; returns the outcome and the JSON."""

    def run(*arguments):
        outcome = mcuref(*arguments, "--json", "x.json")
        assert outcome.err == ""
        return outcome, json.loads((here / "x.json").read_text())

    return run


def test_targets(listed):
    outcome, result = listed("targets")
    assert outcome.status == 0 and result["schema"] == "mcuref.targets/1"
    assert [row["name"] for row in result["targets"]] == list(TARGETS)
    assert all(name in outcome.out for name in TARGETS)
    assert all(type(row["sram_bytes"]) is type(row["flash_bytes"]) is int for row in result["targets"])


def test_one_target_with_its_banks(listed):
    outcome, result = listed("targets", "STM32H743")
    (row,) = result["targets"]
    assert outcome.status == 0 and row["name"] == "stm32h743"
    assert all(f"0x{bank['address']:08x}" in outcome.out for bank in row["banks"])


def test_datasets(listed, monkeypatch, tmp_path):
    monkeypatch.setenv("MCUREF_DATA", str(tmp_path / "[red] :smile: [/]"))  # text, whatever rich makes of such marks
    outcome, result = listed("datasets")
    assert outcome.status == 0 and result["schema"] == "mcuref.datasets/1"
    present = {row["name"]: row["present"] for row in result["datasets"]}
    assert present == {row.name: row.name == "digits" for row in available()}
    assert "mcuref datasets NAME" in outcome.out
    together = "".join(outcome.out.split())  # long lines are wrapped
    assert "[red]:smile:[/]" in together and "data_scripts/mnist.py" in outcome.out
    for row in result["datasets"]:
        assert row["name"] in outcome.out and "".join(row["command"].split()) in together
        assert all(type(row[count]) is int for count in ("train", "test", "classes"))


def test_one_dataset_with_its_licence(listed, refused):
    outcome, result = listed("datasets", "coil100_32")
    (row,) = result["datasets"]
    together = " ".join(outcome.out.split())
    assert outcome.status == 0 and row["name"] == "coil100_32" and "objects on a turntable" in together
    assert f"licence: {row['licence']}" in together and f"note: {row['note']}" in together and row["note"]
    refused("there is no data set 'coil'; did you mean coil100_32? `mcuref datasets` lists them", "datasets", "coil")


def test_a_data_set_of_sounds_is_listed_as_json(listed, sounds):
    """Its windows are counted by NumPy, whose numbers are not JSON's."""
    (row,) = (row for row in listed("datasets")[1]["datasets"] if row["name"] == sounds)
    assert row["present"] and type(row["train"]) is int and row["train"] == 6 * 75


def test_datasets_that_are_here(listed, monkeypatch, tmp_path):
    monkeypatch.setenv("MCUREF_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    for side, count in (("train", 3), ("test", 2)):
        np.savez(tmp_path / "mnist" / f"{side}.npz", x=np.zeros((count, 28, 28, 1), np.uint8), y=np.zeros(count))
    outcome, result = listed("datasets")
    (row,) = (row for row in result["datasets"] if row["name"] == "mnist")
    assert (row["present"], row["train"], row["test"], row["where"]) == (True, 3, 2, str(tmp_path / "mnist"))
    assert "mnist is not there" not in outcome.out and "cifar10 is not there" in outcome.out


def test_doctor(listed):
    outcome, result = listed("doctor")
    together = "".join(outcome.out.split())
    assert all("".join(row["found"].split()) in together for row in result["checks"]), "what is long stands below"
    assert result["schema"] == "mcuref.doctor/1"
    checks = {row["check"]: row for row in result["checks"]}
    bits = {f"{what} of {method}" for method in selfcheck.GOLDEN for what in ("bits", "losses")}
    assert {"Python", "mcuref", "numba", "data folder"} | bits <= checks.keys()
    assert outcome.status == (0 if all(row["ok"] is not False for row in checks.values()) else 1)


@pytest.mark.parametrize("table, what", [("GOLDEN", "bits"), ("LOSSES", "losses")])
def test_doctor_says_no(listed, monkeypatch, table, what):
    monkeypatch.setitem(getattr(selfcheck, table), "full", 1)
    outcome, result = listed("doctor")
    wrong = [row["check"] for row in result["checks"] if row["ok"] is False]
    assert outcome.status == 1 and wrong == [f"{what} of full"]
    assert "NO" in outcome.out and "not 00000001" in outcome.out


def test_doctor_marks_what_is_there_and_what_is_not(listed, monkeypatch):
    """Both optional: a compiler that was found is no "-"."""
    here = {"host": None, "cortex-m4": "arm-none-eabi-gcc is not installed"}
    monkeypatch.setattr("mcuref.firmware.toolchain.missing", lambda core: here["cortex-m4" if core.is_board else "host"])
    monkeypatch.setattr("mcuref.firmware.toolchain.version", lambda core: "gcc 0")
    monkeypatch.setattr(doctor, "_version", lambda package: doctor.MISSING if package == "torch" else "1.0")
    outcome, result = listed("doctor")
    rows = {row["check"]: (row["ok"], row["found"]) for row in result["checks"]}
    assert rows["matplotlib (optional)"] == (True, "1.0") and rows["torch (optional)"] == (None, "not installed")
    assert rows["firmware for this computer (optional)"] == (True, "gcc 0")
    assert rows["firmware for Cortex-M4F (optional)"] == (None, here["cortex-m4"])
    marks = {
        line.split("(optional)")[0].strip(): line.split("(optional)")[1].split()[0]
        for line in outcome.out.splitlines()
        if "(optional)" in line
    }
    assert marks == {
        "tflite": "yes",
        "ai-edge-litert": "yes",
        "hypothesis": "yes",
        "matplotlib": "yes",
        "torch": "-",
        "firmware for this computer": "yes",
        "firmware for this computer, clang": "yes",
        "firmware for Arm64 Linux": "yes",
        "firmware for Cortex-M4F": "-",
        "firmware for Cortex-M4F, clang": "-",
        "firmware for RV32IMAC": "-",
    }


def test_doctor_goes_on_when_a_compiler_fails(listed, monkeypatch, tmp_path):
    """It is what doctor is asked about: one row says it, and the rows behind it are there."""
    compiler = tmp_path / "gcc"
    compiler.write_text("#!/bin/sh\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    outcome, result = listed("doctor")
    rows = {row["check"]: (row["ok"], row["found"]) for row in result["checks"]}
    ok, found = rows["firmware for this computer (optional)"]
    assert outcome.status == 1 and ok is False and "gcc failed with status 1" in found and "bits of full" in rows
