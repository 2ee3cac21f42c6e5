"""Programs that are called: stopped in time with all they have started, and nothing of theirs left behind."""

import os
import time

import pytest

from mcuref.firmware.toolchain import ToolError, call


def test_what_a_program_printed_is_returned_and_its_failure_told():
    assert call(["sh", "-c", "echo one; echo two >&2"]) == "one\ntwo\n"
    with pytest.raises(ToolError, match="tool sh failed with status 3: it is broken"):
        call(["sh", "-c", "echo it is; echo broken; exit 3"], what="tool")


def test_a_program_that_leaves_another_behind_is_stopped_with_it():
    began = time.monotonic()
    with pytest.raises(ToolError, match="did not end within 1 seconds"):
        call(["sh", "-c", "sleep 60 & exit 0"], seconds=1)
    assert time.monotonic() - began < 30  # and not 60


def test_temporary_files_of_a_program_that_is_stopped_go(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ToolError, match="did not end"):
        call(["sh", "-c", 'echo > "$TMPDIR/left"; sleep 60'], seconds=1)
    assert os.listdir(tmp_path) == []


def test_flags_for_another_make_are_not_passed_on(monkeypatch):
    monkeypatch.setenv("MAKEFLAGS", "-n")
    assert call(["sh", "-c", 'echo "$MAKEFLAGS"']) == "\n"
