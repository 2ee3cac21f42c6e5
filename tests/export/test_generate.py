"""What is written from the declarations of operators is what is committed, and every operation has its twin in C."""

import re
import subprocess
import sys

import pytest

from mcuref.export import generate
from mcuref.export.sources import SOURCES
from mcuref.operators import OPERATORS, sample

FILES = generate.files()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_written_is_there(path):
    """Else: python -m mcuref.export.generate"""
    assert path.read_text(encoding="utf-8") == FILES[path]


def test_a_file_that_differs_is_told_and_written(tmp_path, monkeypatch, capsys):
    path = tmp_path / "docs" / "operators.md"
    path.parent.mkdir()
    monkeypatch.setattr(generate, "PACKAGE", tmp_path / "mcuref")
    monkeypatch.setattr(generate, "files", lambda: {path: "text\n"})
    assert generate.main(["--check"]) == 1 and not path.exists()
    assert generate.main([]) == 0 and path.read_text() == "text\n"
    assert capsys.readouterr().out.split() == ["docs/operators.md"] * 2
    assert generate.main(["--check"]) == 0


def test_the_command_says_what_it_does():
    command = [sys.executable, "-m", "mcuref.export.generate", "--help"]
    assert "--check" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_every_operation_is_defined_once_in_c_and_declared():
    paths = [path for folder in ("", "sample") for path in sorted((SOURCES / "operations" / folder).glob("*.c"))]
    texts = "".join(path.read_text(encoding="utf-8") for path in paths)
    every = OPERATORS | {operator.name: operator for operator in sample.READING}
    defined = re.findall(r"^mcuref_next mcuref_run_(\w+)\(|^RUN_LOAD\((\w+)\)", texts, re.M)
    assert sorted(a or b for a, b in defined if (a or b) != "##name") == sorted(every)
    assert set(re.findall(r"mcuref_run_(\w+)\(", generate.c_prototypes(list(every.values())))) == set(every)


def test_of_two_wrappers_that_do_the_same_the_second_calls_the_first():
    add = [operator for operator in OPERATORS.values() if operator.module == "add"]
    assert "return mcuref_run_add_forward_f32(row, run);" in generate.c_wrappers(add)
    assert "return run_add_forward_f32(row, f, memory, host, sample, counts)" in generate.python_wrappers(add)
