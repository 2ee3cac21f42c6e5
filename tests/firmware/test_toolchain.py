"""Programs that are called: stopped in time with all they have started, and nothing of theirs left behind."""

import os
import time

import pytest

from mcuref.firmware.toolchain import ToolError, call, compile_all


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


def test_the_tests_compile_the_same_once_and_what_has_changed_again(need, tmp_path):
    """It is in a header that they differ; files that are copied keep their time."""
    (tmp_path / "number.c").write_text('#include "number.h"\nint number(void);\nint number(void) { return NUMBER; }\n')
    core, found = need("host"), []
    for number, place in enumerate("abca"):
        (tmp_path / "number.h").write_text(f"#define NUMBER {number // 3 + 0x1234}")
        (tmp_path / place).mkdir(exist_ok=True)
        (built,) = compile_all(core, [tmp_path / "number.c"], tmp_path / place)
        found.append((built.read_bytes(), built.stat().st_mtime_ns))
    first, second, third, changed = found
    assert second == third and first[0] == second[0] != changed[0]
